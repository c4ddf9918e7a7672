/** The ends of the rounds protocol's vectors: what happens to an end, and how it must end. */
import assert from "node:assert/strict";
import { concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { RoundsClient, type RoundsClientEvent } from "../../../lib/rounds/client.ts";
import { type Aggregate, CLOSE_REASONS, type CloseReason } from "../../../lib/rounds/messages.ts";
import { type RoundsServerEvent, RoundsServerSession } from "../../../lib/rounds/server.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { drawing } from "./files.ts";

interface PrintedAggregate {
  readonly server_round: number;
  readonly clients: number;
  readonly sum: string;
  readonly product: string;
}

interface Word {
  readonly data?: string;
  readonly aggregate?: PrintedAggregate;
  readonly close?: number;
}

/** Each has one of these. */
interface Step {
  readonly in?: string;
  readonly gives?: readonly unknown[];
  readonly out?: string;
  readonly say?: Word;
}

interface ClientSetup {
  readonly id: string;
  readonly epoch: number;
  readonly root: string;
  readonly nonce: string;
  readonly ivs: readonly string[];
}

interface ServerSetup {
  readonly clients: readonly { readonly id: string; readonly epoch: number; readonly root: string }[];
  readonly server_round: number;
  readonly challenge: string;
  readonly ivs: readonly string[];
}

/** One end of a session, and what happens to it. */
export type RoundsCase =
  & { readonly steps: readonly Step[]; readonly error?: string | null; readonly epoch_after?: number }
  & ({ readonly end: "client"; readonly setup: ClientSetup } | {
    readonly end: "server";
    readonly setup: ServerSetup;
  });

function aggregateOf({ server_round, clients, sum, product }: PrintedAggregate): Aggregate {
  return { serverRound: server_round, clients, sum, product };
}

function reasonOf(number: number): CloseReason {
  const reason = (Object.keys(CLOSE_REASONS) as CloseReason[]).find((name) => CLOSE_REASONS[name] === number);
  assert.ok(reason !== undefined);
  return reason;
}

/** An event as a vector has it. */
function printed(event: RoundsClientEvent | RoundsServerEvent): unknown {
  switch (event.kind) {
    case "hello":
      return { hello: event.id };
    case "open":
      return { open: event.serverRound };
    case "data":
      return { data: event.text, is_first: event.isFirst };
    case "closed":
      return { close: CLOSE_REASONS[event.reason] };
    case "aggregate": {
      const { serverRound, clients, sum, product } = event.aggregate;
      return { aggregate: { server_round: serverRound, clients, sum, product } };
    }
  }
}

function clientOf({ id, epoch, root, nonce, ivs }: ClientSetup) {
  const random = drawing(nonce, ...ivs);
  const session = RoundsClient.start({ id, epoch, root: fromHex(root), random });
  const say = ({ data, close }: Word) => {
    if (data !== undefined) return session.sendData(data);
    assert.equal(close, 0);
    session.close();
  };
  return { session, random, say, keys: undefined };
}

function serverOf({ clients, server_round, challenge, ivs }: ServerSetup) {
  const keys = new MemoryRoundsKeys();
  for (const { id, epoch, root } of clients) {
    // Nobody is enrolled in a later epoch than 0.
    keys.enroll(id, new Uint8Array(32));
    keys.advance(id, new Uint8Array(32), epoch, fromHex(root));
  }
  const random = drawing(challenge, ...ivs);
  const session = new RoundsServerSession({ keys, random, serverRound: () => server_round });
  const say = ({ aggregate, close }: Word) => {
    if (aggregate !== undefined) session.answer(aggregateOf(aggregate));
    else session.close(reasonOf(close!));
  };
  return { session, random, say, keys };
}

/** Does to an end what a case says, in pieces of this size, and holds what it does against that. */
export function runRoundsCase(each: RoundsCase, pieceSizeBytes = Infinity): void {
  const { session, random, say, keys } = each.end === "client" ? clientOf(each.setup) : serverOf(each.setup);
  let failure: unknown;
  let output = "";
  for (const step of each.steps) {
    assert.equal(failure, undefined, "it has failed too early");
    output += toHex(concat(...session.takeOutput()));
    if (step.out !== undefined) {
      assert.equal(output.slice(0, step.out.length), step.out, "it sends something else");
      output = output.slice(step.out.length);
      continue;
    }
    assert.equal(output, "", "it sends too much");
    if (step.say !== undefined) {
      say(step.say);
      continue;
    }
    const bytes = fromHex(step.in!);
    const events: unknown[] = [];
    try {
      for (let at = 0; at < bytes.length; at += pieceSizeBytes) {
        for (const event of session.receive(bytes.slice(at, at + pieceSizeBytes))) {
          events.push(printed(event));
        }
      }
    } catch (error) {
      failure = error;
    }
    assert.deepEqual(events, step.gives);
  }
  assert.equal(output + toHex(concat(...session.takeOutput())), "", "it sends too much");
  assert.equal(codeOf(failure) ?? null, each.error ?? null, String((failure as Error | undefined)?.stack));
  if (failure !== undefined) assert.equal(session.state, "closed");
  else assert.equal(random.leftCount, 0);
  const [client] = each.end === "server" ? each.setup.clients : [];
  if (client !== undefined) assert.equal(keys!.find(client.id)!.epoch, each.epoch_after);
}

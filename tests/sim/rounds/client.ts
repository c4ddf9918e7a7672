/**
 * A client's process: what `stx rounds join` does with a key file and a connection.
 * @module
 */
import { nextValue } from "../../../cli/rounds_join.ts";
import { takeEpoch } from "../../../cli/rounds_key_files.ts";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { GOODBYE_TIMEOUT_MS } from "../../../lib/limits.ts";
import { joinRounds, OWN_ROUNDS_PARTS, type RoundsMembership } from "../../../lib/net/rounds_client.ts";
import type { Duplex, Random } from "../../../lib/ports.ts";
import type { Chain } from "../../../lib/rounds/chain.ts";
import { RoundsClient, type RoundsClientOptions } from "../../../lib/rounds/client.ts";
import type { Aggregate } from "../../../lib/rounds/messages.ts";
import type { Opcode, PacketHeader } from "../../../lib/rounds/packet.ts";
import type { Process } from "../process.ts";
import type { Value } from "./ledger.ts";
import type { Deviance } from "./plan.ts";

/** Where a client's key file is. */
export const KEY_FOLDER = "/keys";
export const KEY_FILE = `${KEY_FOLDER}/client`;

/** What a client works with. */
export interface ClientOptions {
  readonly process: Process;
  readonly random: Random;
  /** Resolves to the connection and its number. */
  readonly dial: () => Promise<{ readonly duplex: Duplex; readonly onValue: (value: Value) => void }>;
  /** The next value, in its time; `undefined` is the end. */
  readonly next: () => Promise<Value | undefined>;
  readonly onAnswer: (value: Value, aggregate: Aggregate) => void;
  /** How its program is wrong, if it is. */
  readonly deviance: Deviance | undefined;
}

/** Takes part until there are no values; rejects with what ends it before. */
export async function runClient(options: ClientOptions): Promise<void> {
  const { next, onAnswer, process } = options;
  let given: Value | undefined;
  const texts = { next: async () => (given = await next())?.text };
  let membership: RoundsMembership | undefined;
  let onValue: (value: Value) => void = () => {};
  try {
    let text = await texts.next();
    while (text !== undefined) {
      const value = given!;
      if (membership === undefined) ({ membership, onValue } = await join(options));
      onValue(value);
      onAnswer(value, await membership.round(text));
      text = await nextValue(texts, membership, false);
    }
  } finally {
    if (membership !== undefined && process.isAlive) await withinGoodbye(process, membership.close());
  }
}

async function join(
  { process, random, dial, deviance }: ClientOptions,
): Promise<{ membership: RoundsMembership; onValue: (value: Value) => void }> {
  const { duplex, onValue } = await dial();
  let key;
  try {
    key = takeEpoch(`${process.mount}${KEY_FILE}`);
  } catch (error) {
    duplex.close();
    throw error;
  }
  const { id, epoch, root } = key;
  const Client = deviance === undefined ? RoundsClient : deviantClient(deviance);
  const parts = { ...OWN_ROUNDS_PARTS, startSession: (of: RoundsClientOptions) => Client.start(of) };
  const membership = await joinRounds(duplex, { id, epoch, root, random }, process.clock, parts);
  return { membership, onValue };
}

async function withinGoodbye(process: Process, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = process.clock.after(GOODBYE_TIMEOUT_MS, late.resolve);
  await Promise.race([work, late.promise]);
  cancel();
}

/** A client with the right key whose DATA is wrong. */
function deviantClient(deviance: Deviance): typeof RoundsClient {
  return class extends RoundsClient {
    protected override send(chain: Chain, opcode: Opcode, id: string, body: Bytes): Bytes {
      if (opcode !== "data") return super.send(chain, opcode, id, body);
      const changed = body.slice();
      if (deviance === "challenge") changed[0]! ^= 1;
      const seal = (header: PacketHeader, sealed: Bytes, random: Random) => {
        const { round, epoch, direction } = header;
        return chain.seal(
          {
            ...header,
            round: deviance === "round" ? round + 1 : round,
            epoch: deviance === "epoch" ? epoch + 1 : epoch,
            direction: deviance === "direction" ? 1 : direction,
          },
          sealed,
          random,
        );
      };
      return super.send({ seal } as unknown as Chain, opcode, id, changed);
    }
  };
}

/** One changed bit in one message of a handshake, and what must never come of it. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { StxError } from "../../lib/errors.ts";
import type { ClientHandshake } from "../../lib/handshake/client.ts";
import type { ServerHandshake } from "../../lib/handshake/server.ts";
import {
  alertKind,
  CLIENT_IDENTITY,
  outputOf,
  START_MS,
  startClient,
  startServer,
} from "./handshake_ends.ts";
import { flipBit } from "./pieces.ts";

/**
 * An honest handshake up to READY. The client's randomness is fixed, so that it can be brought to the same point
 * again with the same messages; the server's is not, since its runtime encapsulates with its own.
 */
export interface Recording {
  readonly hello: Bytes;
  readonly welcome: Bytes;
  readonly ready: Bytes;
  readonly verify: Bytes;
}

export async function record(): Promise<Recording> {
  const client = await startClient();
  const server = startServer();
  const hello = outputOf(client);
  await server.receive(hello, START_MS);
  const welcome = outputOf(server);
  await client.receive(welcome, START_MS);
  const verify = outputOf(client);
  await server.receive(verify, START_MS);
  return { hello, welcome, verify, ready: outputOf(server) };
}

/** Delivers bytes that must not lead to "open"; returns what the machine then has to say. */
async function deliver(
  machine: ClientHandshake | ServerHandshake,
  bytes: Bytes,
  what: string,
): Promise<Bytes> {
  try {
    for (const event of await machine.receive(bytes, START_MS)) assert.notEqual(event.kind, "open", what);
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
    assert.equal(machine.state, "closed", what);
  }
  assert.notEqual(machine.state, "open", what);
  return outputOf(machine);
}

/** A server that got a HELLO with `bit` changed never opens, nor does the client that sent it. */
export async function flipHello({ hello }: Recording, bit: number): Promise<void> {
  const what = `HELLO, bit ${bit}`;
  const server = startServer();
  const answer = await deliver(server, flipBit(hello, bit), what);
  // Nothing to the answer: the changed size lets the server wait for more than there is.
  if (answer.length === 0) return assert.equal(server.state, "waitHello", what);
  const client = await startClient();
  outputOf(client);
  const reply = await deliver(client, answer, what);
  assert.equal(client.state, "closed", what);
  alertKind(reply);
  if (reply.length > 0 && server.state !== "closed") await deliver(server, reply, what);
  assert.equal(server.state, "closed", what);
}

/** A client that got a WELCOME with `bit` changed never opens and keeps its identity to itself. */
export async function flipWelcome({ welcome }: Recording, bit: number): Promise<void> {
  const what = `WELCOME, bit ${bit}`;
  const client = await startClient();
  outputOf(client);
  const output = await deliver(client, flipBit(welcome, bit), what);
  if (client.state === "waitWelcome") return assert.equal(output.length, 0, what);
  assert.equal(client.state, "closed", what);
  alertKind(output);
  assert.ok(!output.toHex().includes(CLIENT_IDENTITY.publicKey.toHex()), what);
}

/** A server that got a VERIFY with `bit` changed never opens, and its client learns that it failed. */
export async function flipVerify({ hello }: Recording, bit: number): Promise<void> {
  const what = `VERIFY, bit ${bit}`;
  const server = startServer({ authorize: () => assert.fail(`${what}: somebody was let in`) });
  await server.receive(hello, START_MS);
  const client = await startClient();
  outputOf(client);
  await client.receive(outputOf(server), START_MS);
  const output = await deliver(server, flipBit(outputOf(client), bit), what);
  if (server.state === "waitVerify") return assert.equal(output.length, 0, what);
  assert.equal(alertKind(output), "sealedAlert", what);
  assert.equal((await deliver(client, output, what)).length, 0, what);
  assert.equal(client.state, "closed", what);
}

/** A client that got a READY with `bit` changed never opens. */
export async function flipReady({ welcome, ready }: Recording, bit: number): Promise<void> {
  const what = `READY, bit ${bit}`;
  const client = await startClient();
  outputOf(client);
  await client.receive(welcome, START_MS);
  outputOf(client);
  const output = await deliver(client, flipBit(ready, bit), what);
  assert.equal(output.length, 0, what);
  assert.ok(client.state === "closed" || client.state === "waitReady", what);
}

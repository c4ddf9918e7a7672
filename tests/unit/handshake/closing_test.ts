/** Time that runs out, calls that overlap, and what a machine still does once it has failed or is done. */
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import type { ClientHandshake } from "../../../lib/handshake/client.ts";
import type { ServerHandshake } from "../../../lib/handshake/server.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../../lib/limits.ts";
import type { Identity } from "../../../lib/ports.ts";
import {
  alertKind,
  CLIENT_IDENTITY,
  outputOf,
  runHandshake,
  SERVER_IDENTITY,
  START_MS,
  startClient,
  startServer,
} from "../../support/handshake_ends.ts";
import { flipBit } from "../../support/pieces.ts";
import { assertFails, assertRejects } from "../identity/failures.ts";

const DEADLINE_MS = START_MS + HANDSHAKE_TIMEOUT_MS;
type Machine = ClientHandshake | ServerHandshake;

/** Lets the time run out, which throws to whoever watches the clock. */
function timeOut(machine: Machine): void {
  assertFails(() => machine.handleTimeout(DEADLINE_MS), "connection_lost", /within 10 seconds/);
}

/** Asserts that `machine` is closed for good: it says nothing, takes nothing and waits for nothing. */
async function assertDead(machine: Machine): Promise<void> {
  assert.equal(machine.state, "closed");
  assert.equal(outputOf(machine).length, 0);
  assert.equal(machine.nextTimeoutMs(), undefined);
  machine.handleTimeout(DEADLINE_MS + 1_000_000);
  const { sent } = await runHandshake(await startClient(), startServer());
  for (const frame of [...sent.client, ...sent.server, new Uint8Array(0)]) {
    await assert.rejects(machine.receive(frame, START_MS));
    assert.equal(outputOf(machine).length, 0);
  }
  assert.equal(machine.state, "closed");
}

Deno.test("a handshake has 10 seconds, at both ends and in every state", async () => {
  const client = await startClient();
  const server = startServer();
  for (const machine of [client, server]) {
    assert.equal(machine.nextTimeoutMs(), DEADLINE_MS);
    machine.handleTimeout(DEADLINE_MS - 1);
  }
  await server.receive(outputOf(client), START_MS + 5000);
  await client.receive(outputOf(server), START_MS + 5000);
  assert.equal(client.state, "waitReady");
  assert.equal(server.state, "waitVerify");
  for (const machine of [client, server]) {
    // Progress does not buy more time.
    assert.equal(machine.nextTimeoutMs(), DEADLINE_MS);
    machine.handleTimeout(DEADLINE_MS - 1);
    timeOut(machine);
    await assertDead(machine);
  }
});

Deno.test("time that runs out before anything came says nothing, and HELLO is not sent any more", async () => {
  for (const machine of [await startClient(), startServer()]) {
    timeOut(machine);
    await assertDead(machine);
    const error = await assertRejects(() => machine.receive(new Uint8Array(1), START_MS), "connection_lost");
    assert.match(error.message, /within 10 seconds/);
  }
});

Deno.test("time that runs out takes back what was not sent yet", async () => {
  const server = startServer();
  await server.receive(outputOf(await startClient()), START_MS);
  timeOut(server);
  await assertDead(server);

  const client = await startClient();
  const other = startServer();
  await other.receive(outputOf(client), START_MS);
  await client.receive(outputOf(other), START_MS);
  timeOut(client);
  await assertDead(client);
});

Deno.test("an open handshake has no deadline", async () => {
  const { client, server } = await runHandshake(await startClient(), startServer());
  for (const machine of [client, server]) {
    assert.equal(machine.nextTimeoutMs(), undefined);
    machine.handleTimeout(DEADLINE_MS + 1);
    assert.equal(machine.state, "open");
  }
});

/** An identity during whose signature the time runs out, as when an agent asks its user. */
function slowIdentity(identity: Identity, machine: () => Machine): Identity {
  return {
    publicKey: identity.publicKey,
    async sign(message) {
      const signature = await identity.sign(message);
      timeOut(machine());
      return signature;
    },
  };
}

Deno.test("time that runs out while the client signs: VERIFY does not leave, and nothing revives it", async () => {
  const client: ClientHandshake = await startClient({
    identity: slowIdentity(CLIENT_IDENTITY, () => client),
  });
  const server = startServer();
  await server.receive(outputOf(client), START_MS);
  const welcome = outputOf(server);
  await assertRejects(() => client.receive(welcome, START_MS), "connection_lost", /within 10 seconds/);
  await assertDead(client);
});

Deno.test("time that runs out while the server signs: WELCOME does not leave, and nothing revives it", async () => {
  const server: ServerHandshake = startServer({ identity: slowIdentity(SERVER_IDENTITY, () => server) });
  const hello = outputOf(await startClient());
  await assertRejects(() => server.receive(hello, START_MS), "connection_lost", /within 10 seconds/);
  await assertDead(server);
});

Deno.test("time that runs out while the server asks who may come in: READY does not leave", async () => {
  const server: ServerHandshake = startServer({ authorize: () => timeOut(server) });
  const { failures, client } = await runHandshake(await startClient(), server);
  assert.deepEqual(failures.map(({ side, code }) => [side, code]), [["server", "connection_lost"]]);
  assert.equal(client.state, "waitReady");
  await assertDead(server);
});

type Call = (...args: unknown[]) => Promise<unknown>;

/** Steps of waiting code that are looked at after each call of the platform: more than the machines have. */
const TURNS = 30;

/**
 * Runs `body` and calls `action` when the `index`-th call of the platform's cryptography has its result and `turns`
 * more steps of waiting code have run; `everyTurn` is called at each step. Returns how many calls there were.
 */
async function watchCalls(
  index: number,
  turns: number,
  action: () => void,
  everyTurn: () => void,
  body: () => Promise<void>,
): Promise<number> {
  const subtle = crypto.subtle as unknown as Record<string, Call>;
  const names = Object.getOwnPropertyNames(SubtleCrypto.prototype)
    .filter((name) => name !== "constructor" && typeof subtle[name] === "function");
  let calls = 0;
  const step = (turn: number, isLast: boolean): void => {
    if (isLast && turn === turns) action();
    everyTurn();
    if (turn < TURNS) queueMicrotask(() => step(turn + 1, isLast));
  };
  for (const name of names) {
    const original = subtle[name]!;
    subtle[name] = async (...args) => {
      const isLast = calls++ === index;
      const result = await original.apply(crypto.subtle, args);
      step(0, isLast);
      return result;
    };
  }
  try {
    await body();
  } finally {
    for (const name of names) delete subtle[name];
  }
  return calls;
}

/** Brings both ends to where `role` is to receive its first or second message, and returns that message. */
async function beforeMessage(
  role: "client" | "server",
  message: "first" | "second",
): Promise<{ machine: Machine; bytes: Bytes }> {
  const client = await startClient();
  const server = startServer();
  let bytes = outputOf(client);
  // HELLO and VERIFY are what the server receives, WELCOME and READY what the client does.
  const flights: readonly Machine[] = [server, client, server, client];
  const index = (message === "second" ? 2 : 0) + (role === "client" ? 1 : 0);
  for (const each of flights.slice(0, index)) {
    await each.receive(bytes, START_MS);
    bytes = outputOf(each);
  }
  return { machine: flights[index]!, bytes };
}

/** Lets the time run out at one moment of a message; returns how many calls the message takes. */
async function strikeAt(
  role: "client" | "server",
  message: "first" | "second",
  index: number,
  turns: number,
): Promise<number> {
  const { machine, bytes } = await beforeMessage(role, message);
  let hasStruck = false;
  let lateSizeBytes = 0;
  const strike = () => {
    // Once the message is through, there may be no time limit any more.
    if (machine.nextTimeoutMs() === undefined) return;
    hasStruck = true;
    timeOut(machine);
  };
  // A writing loop may take output at any moment: after the time has run out there must be none.
  const look = () => {
    if (hasStruck) lateSizeBytes += outputOf(machine).length;
  };
  const calls = await watchCalls(index, turns, strike, look, async () => {
    const outcome = await machine.receive(bytes, START_MS).then(() => undefined, codeOf);
    if (outcome !== undefined) assert.equal(outcome, "connection_lost");
    else assert.ok(!hasStruck || machine.state === "closed");
  });
  if (hasStruck) await assertDead(machine);
  assert.equal(lateSizeBytes, 0, `${role}, ${message} message, call ${index}, ${turns} turns`);
  return calls;
}

for (const role of ["client", "server"] as const) {
  for (const message of ["first", "second"] as const) {
    Deno.test(`time that runs out at any moment of the ${role}'s ${message} message closes it for good`, async () => {
      const calls = await strikeAt(role, message, Infinity, 0);
      assert.ok(calls >= 1);
      for (let index = 0; index < calls - 1; index++) await strikeAt(role, message, index, 0);
      // The last call has the answer ready: from there on every step counts.
      for (let turns = 0; turns <= TURNS; turns++) await strikeAt(role, message, calls - 1, turns);
    });
  }
}

Deno.test("calls that overlap are refused, and the first goes on as if nothing had been", async () => {
  const client = await startClient();
  const server = startServer();
  const hello = outputOf(client);
  const first = server.receive(hello, START_MS);
  await assert.rejects(server.receive(hello, START_MS), /still being worked on/);
  assert.deepEqual(await first, []);
  const welcome = outputOf(server);
  const answered = client.receive(welcome, START_MS);
  await assert.rejects(client.receive(welcome, START_MS), /still being worked on/);
  assert.deepEqual((await answered).map(({ kind }) => kind), ["verified"]);
  const [open] = await server.receive(outputOf(client), START_MS);
  assert.equal(open?.kind, "open");
  const [ready] = await client.receive(outputOf(server), START_MS);
  assert.equal(ready?.kind, "open");
});

Deno.test("an open handshake takes no more bytes, rather than lose them", async () => {
  const { client, server } = await runHandshake(await startClient(), startServer());
  for (const machine of [client, server]) {
    await assert.rejects(machine.receive(Uint8Array.of(1), START_MS), /the handshake is over/);
    assert.equal(machine.state, "open");
    assert.equal(outputOf(machine).length, 0);
  }
});

Deno.test("after a failure a machine stays closed: the right message comes too late", async () => {
  const client = await startClient();
  const server = startServer();
  await server.receive(outputOf(client), START_MS);
  const welcome = outputOf(server);
  const error = await assertRejects(
    () => client.receive(flipBit(welcome, 8 * welcome.length - 1), START_MS),
    "handshake_failed",
  );
  assert.equal(alertKind(outputOf(client)), "alert");
  assert.equal(await assertRejects(() => client.receive(welcome, START_MS), "handshake_failed"), error);
  await assertDead(client);
});

Deno.test("after a failure the server stays closed: the right VERIFY comes too late", async () => {
  const client = await startClient();
  const server = startServer();
  await server.receive(outputOf(client), START_MS);
  await client.receive(outputOf(server), START_MS);
  const verify = outputOf(client);
  const error = await assertRejects(
    () => server.receive(flipBit(verify, 8 * verify.length - 1), START_MS),
    "handshake_failed",
  );
  assert.equal(alertKind(outputOf(server)), "sealedAlert");
  assert.equal(await assertRejects(() => server.receive(verify, START_MS), "handshake_failed"), error);
  await assertDead(server);
});

Deno.test("output that was not taken before a failure does not leave after it", async () => {
  const client = await startClient();
  const server = startServer();
  await server.receive(outputOf(client), START_MS);
  // WELCOME still waits to be taken when the next bytes end it all.
  await assertRejects(() => server.receive(Uint8Array.of(0xff), START_MS), "malformed");
  assert.equal(alertKind(outputOf(server)), "sealedAlert");

  const other = await startClient();
  await assertRejects(() => other.receive(Uint8Array.of(0xff), START_MS), "malformed");
  assert.equal(alertKind(outputOf(other)), "alert");
});

Deno.test("an alert is said once: a failed machine that is called again adds nothing", async () => {
  const server = startServer();
  await assertRejects(() => server.receive(Uint8Array.of(0xff), START_MS), "malformed");
  await assertRejects(() => server.receive(Uint8Array.of(0xff), START_MS), "malformed");
  assert.equal(outputOf(server).length, 5);
  assert.equal(outputOf(server).length, 0);
});

Deno.test("pieces that come behind a failing frame are not looked at", async () => {
  const server = startServer();
  const hello = outputOf(await startClient());
  await assertRejects(() => server.receive(concat(Uint8Array.of(0xff), hello), START_MS), "malformed");
  assert.equal(server.state, "closed");
  assert.equal(alertKind(outputOf(server)), "alert");
});

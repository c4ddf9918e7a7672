/** Time that runs out, calls that overlap, and what a machine still does once it has failed or is done. */
import assert from "node:assert/strict";
import { concat } from "../../../lib/bytes/bytes.ts";
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

/** Runs `body` and calls `action` when the `index`-th call of the platform's cryptography has its result. */
async function afterCall(index: number, action: () => void, body: () => Promise<void>): Promise<boolean> {
  const subtle = crypto.subtle as unknown as Record<string, Call>;
  const names = Object.getOwnPropertyNames(SubtleCrypto.prototype)
    .filter((name) => name !== "constructor" && typeof subtle[name] === "function");
  let calls = 0;
  for (const name of names) {
    const original = subtle[name]!;
    subtle[name] = async (...args) => {
      const isLast = calls++ === index;
      const result = await original.apply(crypto.subtle, args);
      if (isLast) action();
      return result;
    };
  }
  try {
    await body();
  } finally {
    for (const name of names) delete subtle[name];
  }
  return calls > index;
}

for (const role of ["client", "server"] as const) {
  for (const message of ["first", "second"] as const) {
    Deno.test(`time that runs out at any moment of the ${role}'s ${message} message closes it for good`, async () => {
      let moments = 0;
      for (;; moments++) {
        const client = await startClient();
        const server = startServer();
        let bytes = outputOf(client);
        const flights: Machine[] = [server, client, server, client];
        // HELLO and VERIFY are what the server receives, WELCOME and READY what the client does.
        const before = (message === "second" ? 2 : 0) + (role === "client" ? 1 : 0);
        for (const each of flights.slice(0, before)) {
          await each.receive(bytes, START_MS);
          bytes = outputOf(each);
        }
        const machine = flights[before]!;
        const struck = await afterCall(moments, () => timeOut(machine), async () => {
          const outcome = await machine.receive(bytes, START_MS).then(() => undefined, codeOf);
          assert.equal(outcome, machine.state === "closed" ? "connection_lost" : undefined);
        });
        if (!struck) break;
        assert.equal(machine.state, "closed", `after call ${moments}`);
        assert.equal(outputOf(machine).length, 0);
      }
      assert.ok(moments >= 1);
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

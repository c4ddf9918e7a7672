/** Frames that may not come now, frames that do not exist, and what arrives before, between and behind them. */
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import type { ClientHandshake } from "../../../lib/handshake/client.ts";
import type { ServerHandshake } from "../../../lib/handshake/server.ts";
import { TRANSITIONS } from "../../../lib/handshake/transitions.ts";
import { BEFORE_READY_SIZE_MAX, EARLY_SIZE_MAX } from "../../../lib/limits.ts";
import { encodeFrame, FRAME_TYPES, frameHeader, type FrameType } from "../../../lib/wire/frame.ts";
import {
  alertKind,
  outputOf,
  runHandshake,
  START_MS,
  startClient,
  startServer,
} from "../../support/handshake_ends.ts";
import { withNonceGuard } from "../../support/nonce_guard.ts";
import { assertRejects } from "../identity/failures.ts";

type Machine = ClientHandshake | ServerHandshake;

const TYPES = Object.keys(FRAME_TYPES) as FrameType[];
const recorded = await runHandshake(await startClient({}, "an earlier session"), startServer());
/** A frame of each type as an honest end once sent it: what a replay has at hand. */
const OLD_FRAMES: Readonly<Record<FrameType, Bytes>> = {
  hello: recorded.sent.client[0]!,
  welcome: recorded.sent.server[0]!,
  verify: recorded.sent.client[1]!,
  ready: recorded.sent.server[1]!,
  alert: encodeFrame("alert", Uint8Array.of(1)),
  sealedAlert: encodeFrame("sealedAlert", new Uint8Array(17)),
};

/** Every state in which a machine waits, with a way to get one there. */
const WAITING: readonly {
  role: "client" | "server";
  state: Machine["state"];
  make: () => Promise<Machine>;
}[] = [
  {
    role: "client",
    state: "waitWelcome",
    make: async () => {
      const client = await startClient();
      outputOf(client);
      return client;
    },
  },
  {
    role: "client",
    state: "waitReady",
    make: async () => {
      const client = await startClient();
      const server = startServer();
      await server.receive(outputOf(client), START_MS);
      await client.receive(outputOf(server), START_MS);
      outputOf(client);
      return client;
    },
  },
  { role: "server", state: "waitHello", make: () => Promise.resolve(startServer()) },
  {
    role: "server",
    state: "waitVerify",
    make: async () => {
      const server = startServer();
      await server.receive(outputOf(await startClient()), START_MS);
      outputOf(server);
      return server;
    },
  },
];

for (const { role, state, make } of WAITING) {
  Deno.test(`${role} in ${state}: a frame that may not come now is unexpected_message`, async () => {
    for (const type of TYPES) {
      if (TRANSITIONS[role][state]?.[type] !== undefined) continue;
      for (const frame of [OLD_FRAMES[type], encodeFrame(type, new Uint8Array(0))]) {
        const machine = await make();
        assert.equal(machine.state, state);
        await assertRejects(() => machine.receive(frame, START_MS), "unexpected_message", new RegExp(type));
        assert.equal(machine.state, "closed");
        alertKind(outputOf(machine));
      }
    }
  });

  Deno.test(`${role} in ${state}: a type that does not exist, or a body over the limit, is malformed`, async () => {
    const frames = [0, 7, 8, 22, 127, 128, 255].map((type) => Uint8Array.of(type));
    for (const type of TYPES) frames.push(frameHeader(type, 16_385), frameHeader(type, 0xffffff));
    for (const frame of frames) {
      const machine = await make();
      await assertRejects(() => machine.receive(frame, START_MS), "malformed");
      assert.equal(machine.state, "closed");
      alertKind(outputOf(machine));
    }
  });

  Deno.test(`${role} in ${state}: a frame that has only begun changes nothing`, async () => {
    const type = (Object.keys(TRANSITIONS[role][state]!) as FrameType[])[0]!;
    const frame = OLD_FRAMES[type];
    const machine = await make();
    assert.deepEqual(await machine.receive(new Uint8Array(0), START_MS), []);
    assert.deepEqual(await machine.receive(frame.slice(0, -1), START_MS), []);
    assert.equal(machine.state, state);
    assert.equal(outputOf(machine).length, 0);
  });

  Deno.test(`${role} in ${state}: an old message of the right type is refused`, async () => {
    for (const type of Object.keys(TRANSITIONS[role][state]!) as FrameType[]) {
      // A HELLO is new to every server that has not kept its nonce; see replays.
      if (type === "hello" || type === "alert") continue;
      const machine = await make();
      await withNonceGuard(async () => {
        await assertRejects(() => machine.receive(OLD_FRAMES[type], START_MS), "handshake_failed");
      });
      assert.equal(machine.state, "closed");
    }
  });
}

Deno.test("a second message of a kind, in one piece with the first, is unexpected_message", async () => {
  const client = await startClient();
  const hello = outputOf(client);
  const server = startServer();
  await withNonceGuard(async () => {
    await assertRejects(() => server.receive(concat(hello, hello), START_MS), "unexpected_message", /hello/);
  });
  // WELCOME is taken back: what leaves is the alert alone.
  assert.equal(alertKind(outputOf(server)), "sealedAlert");

  const other = startServer();
  await other.receive(hello, START_MS);
  const welcome = outputOf(other);
  await withNonceGuard(async () => {
    await assertRejects(() => client.receive(concat(welcome, welcome), START_MS), "unexpected_message");
  });
  // VERIFY was sealed under number 0, so an alert under it must not follow; nothing leaves.
  assert.equal(alertKind(outputOf(client)), "none");
});

Deno.test("what follows WELCOME is judged after it: READY too early does not open", async () => {
  const client = await startClient();
  const server = startServer();
  await server.receive(outputOf(client), START_MS);
  const both = concat(outputOf(server), OLD_FRAMES.ready);
  await assertRejects(() => client.receive(both, START_MS), "handshake_failed", /Cannot open READY/);
  assert.equal(alertKind(outputOf(client)), "none");
});

Deno.test("a client that sends without end before READY is cut off", async () => {
  const server = startServer();
  await assertRejects(
    () => server.receive(new Uint8Array(BEFORE_READY_SIZE_MAX + 1), START_MS),
    "malformed",
    /too much before READY/,
  );
  assert.equal(server.state, "closed");

  // Early records behind VERIFY are within what is allowed.
  const client = await startClient();
  const other = startServer();
  await other.receive(outputOf(client), START_MS);
  await client.receive(outputOf(other), START_MS);
  const [open] = await other.receive(concat(outputOf(client), new Uint8Array(EARLY_SIZE_MAX)), START_MS);
  assert.ok(open?.kind === "open");
  assert.equal(open.rest.length, EARLY_SIZE_MAX);
});

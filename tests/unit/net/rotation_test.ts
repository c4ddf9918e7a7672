import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { ClientHandshake } from "../../../lib/handshake/client.ts";
import { ServerHandshake } from "../../../lib/handshake/server.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { type PeerRotation, signRotation } from "../../../lib/identity/rotation.ts";
import type { Channel } from "../../../lib/net/channel.ts";
import { connect } from "../../../lib/net/client.ts";
import { Connection, type Rotations } from "../../../lib/net/connection.ts";
import { accept } from "../../../lib/net/server.ts";
import { memoryLine } from "../../support/memory_duplex.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { assertRejects } from "../identity/failures.ts";
import { assertNothingLeft, CLIENT, quiet, RECEIVER, SENDER, serverOptions } from "./meeting.ts";

const NEXT = await identityFromSeed(new Uint8Array(32).fill(3));
const OTHER = await identityFromSeed(new Uint8Array(32).fill(4));
const TIME_MS = 1_700_000_000_000;
const SENDERS = await signRotation(SENDER, NEXT, TIME_MS);
const RECEIVERS = await signRotation(NEXT, RECEIVER, TIME_MS);

/** Both ends of a session; `body` gets them once all that happens by itself has happened. */
async function meet(
  client: Rotations,
  server: Rotations,
  body: (client: Channel, server: Channel) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock();
  const lines = memoryLine();
  const ends = await Promise.all([
    connect(lines[0], { ...CLIENT, ...client }, clock),
    accept(lines[1], { ...serverOptions(), ...server }, clock),
  ]);
  await quiet(...lines);
  await body(...ends);
  await Promise.all(ends.map((end) => end.close()));
  assertNothingLeft(clock, ...lines);
}

/** Collects what a peer announces. */
function collector(): { seen: PeerRotation[]; onPeerRotation: (rotation: PeerRotation) => void } {
  const seen: PeerRotation[] = [];
  return { seen, onPeerRotation: (rotation) => void seen.push(rotation) };
}

cryptoTest("each end announces its change, and hears of the peer's before any message", async () => {
  const [atClient, atServer] = [collector(), collector()];
  await meet(
    { rotation: SENDERS, onPeerRotation: atClient.onPeerRotation },
    { rotation: RECEIVERS, onPeerRotation: atServer.onPeerRotation },
    async (client, server) => {
      assert.deepEqual(atServer.seen.map(({ statement, shownBy }) => [statement, shownBy]), [[
        SENDERS,
        "old",
      ]]);
      assert.deepEqual(atClient.seen.map(({ statement, shownBy }) => [statement, shownBy]), [[
        RECEIVERS,
        "new",
      ]]);
      client.send("data", utf8("hello"));
      assert.deepEqual(await server.receive(), { type: "data", body: utf8("hello") });
    },
  );
});

cryptoTest("who has no change announces none, and who does not ask is not troubled", async () => {
  const atServer = collector();
  await meet({}, { rotation: RECEIVERS, onPeerRotation: atServer.onPeerRotation }, async (client, server) => {
    server.send("data", utf8("hello"));
    assert.deepEqual(await client.receive(), { type: "data", body: utf8("hello") });
  });
  assert.deepEqual(atServer.seen, []);
});

for (
  const [what, statement, code] of [
    ["about other keys", await signRotation(NEXT, OTHER, TIME_MS), "bad_identity"],
    ["badly signed", SENDERS.with(80, SENDERS[80]! ^ 1), "bad_signature"],
    ["cut short", SENDERS.slice(1), "malformed"],
  ] as const
) {
  for (const isAsked of [true, false]) {
    cryptoTest(
      `a statement ${what} ends the session, ${isAsked ? "and is not given out" : "asked for or not"}`,
      async () => {
        const atServer = collector();
        await meet({ rotation: statement }, isAsked ? atServer : {}, async (client, server) => {
          await assertRejects(() => server.receive(), code);
          await assertRejects(() => client.receive(), "unexpected_message");
        });
        assert.deepEqual(atServer.seen, []);
      },
    );
  }
}

/** A connection whose output is at hand. */
class End {
  readonly connection: Connection;
  #output = Promise.withResolvers<void>();

  constructor(handshake: ClientHandshake | ServerHandshake, rotations: Rotations = {}) {
    this.connection = new Connection(handshake, () => {
      this.#output.resolve();
      this.#output = Promise.withResolvers<void>();
    }, rotations);
  }

  async output(): Promise<Bytes[]> {
    const parts: Bytes[] = [];
    for (;;) {
      const signal = this.#output.promise;
      parts.push(...this.connection.takeOutput());
      if ((this.connection.session?.waitingCount ?? 0) === 0) return parts;
      await signal;
    }
  }

  /** Takes all that the other has to say, in one piece. */
  async hear(other: End): Promise<void> {
    const bytes = new Uint8Array(await new Blob(await other.output()).arrayBuffer());
    await this.connection.receive(bytes, TIME_MS);
  }
}

cryptoTest("a client announces nothing before READY", async () => {
  const atServer = collector();
  const client = new End(await ClientHandshake.start(CLIENT, TIME_MS), { rotation: SENDERS });
  const server = new End(new ServerHandshake(serverOptions(), TIME_MS), atServer);
  await server.hear(client);
  await client.hear(server);
  await server.hear(client);
  assert.ok(server.connection.isOpen);
  assert.deepEqual(atServer.seen, []);
  await client.hear(server);
  await server.hear(client);
  assert.equal(atServer.seen.length, 1);
});

cryptoTest("a server does not take what was announced before READY", async () => {
  const atServer = collector();
  const client = new End(await ClientHandshake.start(CLIENT, TIME_MS));
  const server = new End(new ServerHandshake(serverOptions(), TIME_MS), atServer);
  await server.hear(client);
  await client.hear(server);
  client.connection.session!.send("rotation", SENDERS);
  await assertRejects(() => server.hear(client), "unexpected_message", /not open yet/);
  assert.equal(codeOf(server.connection.session!.failure), "unexpected_message");
  assert.deepEqual(atServer.seen, []);
  await server.output();
});

cryptoTest("a client takes what comes right behind READY", async () => {
  const atClient = collector();
  const client = new End(await ClientHandshake.start(CLIENT, TIME_MS), atClient);
  const server = new End(new ServerHandshake(serverOptions(), TIME_MS), { rotation: RECEIVERS });
  await server.hear(client);
  await client.hear(server);
  await server.hear(client);
  await client.hear(server);
  assert.equal(atClient.seen.length, 1);
});

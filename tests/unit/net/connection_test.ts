import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { ClientHandshake } from "../../../lib/handshake/client.ts";
import { ServerHandshake, type ServerOptions } from "../../../lib/handshake/server.ts";
import { HANDSHAKE_TIMEOUT_MS, PING_AFTER_MS } from "../../../lib/limits.ts";
import { Connection, type ConnectionEvent } from "../../../lib/net/connection.ts";
import { encodeAlert } from "../../../lib/wire/alert.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";
import { byteByByte, piecesOf } from "../../support/pieces.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { assertFails, assertRejects } from "../identity/failures.ts";
import { CLIENT, CLOSED_SERVER, serverOptions } from "./meeting.ts";

const NOW_MS = 1_700_000_000_000;

/** A connection with everything that it reported. */
class End {
  readonly connection: Connection;
  readonly events: ConnectionEvent[] = [];
  #output = Promise.withResolvers<void>();

  constructor(handshake: ClientHandshake | ServerHandshake) {
    this.connection = new Connection(handshake, () => {
      this.#output.resolve();
      this.#output = Promise.withResolvers<void>();
    });
  }

  async output(): Promise<Bytes> {
    const parts: Bytes[] = [];
    for (;;) {
      const signal = this.#output.promise;
      parts.push(...this.connection.takeOutput());
      if ((this.connection.session?.waitingCount ?? 0) === 0) return concat(...parts);
      await signal;
    }
  }

  async receive(...pieces: readonly Bytes[]): Promise<void> {
    for (const piece of pieces) this.events.push(...await this.connection.receive(piece, NOW_MS));
  }

  get kinds(): readonly string[] {
    return this.events.map((event) => event.kind);
  }

  get words(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === "message" ? [new TextDecoder().decode(event.message.body)] : []
    );
  }
}

async function ends(options: ServerOptions = serverOptions()): Promise<[End, End]> {
  return [
    new End(await ClientHandshake.start(CLIENT, NOW_MS)),
    new End(new ServerHandshake(options, NOW_MS)),
  ];
}

cryptoTest(
  "the client may send once VERIFY is out, behind it, and the server once it has accepted that",
  async () => {
    for (const cut of [(bytes: Bytes) => [bytes], byteByByte, (bytes: Bytes) => piecesOf(bytes, [100])]) {
      const [client, server] = await ends();
      assert.equal(client.connection.session, undefined);
      await server.receive(...cut(await client.output()));
      assert.deepEqual(server.kinds, []);
      await client.receive(...cut(await server.output()));
      assert.deepEqual(client.kinds, ["usable"]);
      assert.ok(!client.connection.isOpen);
      client.connection.session!.send("offer", utf8("early"));

      await server.receive(...cut(await client.output()));
      assert.deepEqual(server.kinds, ["usable", "open", "message"]);
      assert.deepEqual(server.words, ["early"]);
      server.connection.session!.send("accept", utf8("at once"));
      await client.receive(...cut(await server.output()));
      assert.deepEqual(client.kinds, ["usable", "open", "message"]);
      assert.deepEqual(client.words, ["at once"]);
      const [one, other] = [client, server].map(({ events }) => events.find(({ kind }) => kind === "open"));
      assert.ok(one?.kind === "open" && other?.kind === "open");
      assert.deepEqual(one.exporter, other.exporter);
    }
  },
);

cryptoTest("records that come with VERIFY are not opened when VERIFY is refused", async () => {
  const [client, server] = await ends(CLOSED_SERVER);
  await server.receive(await client.output());
  await client.receive(await server.output());
  client.connection.session!.send("offer", utf8("early"));
  const bytes = await client.output();
  await assertRejects(() => server.receive(bytes), "unauthorized");
  assert.deepEqual(server.kinds, []);
  assert.equal(server.connection.session, undefined);
});

cryptoTest("a changed READY ends the client's session, and the server reads why", async () => {
  const [client, server] = await ends();
  await server.receive(await client.output());
  await client.receive(await server.output());
  await server.receive(await client.output());
  const ready = await server.output();
  ready[10]! ^= 1;
  await assertRejects(() => client.receive(ready), "handshake_failed");
  assertFails(() => client.connection.session!.send("data"), "handshake_failed");
  await assertRejects(async () => await server.receive(await client.output()), "connection_lost");
});

cryptoTest(
  "a client that a sealed alert stops after VERIFY says nothing; one in clear may be forged",
  async () => {
    const [client, server] = await ends(CLOSED_SERVER);
    await server.receive(await client.output());
    await client.receive(await server.output());
    const verify = await client.output();
    await assertRejects(() => server.receive(verify), "unauthorized");
    const alert = await server.output();
    await assertRejects(() => client.receive(alert), "unauthorized");
    assert.equal((await client.output()).length, 0);
    assertFails(() => client.connection.session!.send("data"), "unauthorized");

    const [another, third] = await ends();
    await third.receive(await another.output());
    await another.receive(await third.output());
    await third.receive(await another.output());
    await assertRejects(() => another.receive(encodeFrame("alert", encodeAlert("busy"))), "busy");
    await assertRejects(async () => await third.receive(await another.output()), "connection_lost");
  },
);

cryptoTest(
  "what came before a failure behind READY is reported, and the failure is the session's",
  async () => {
    const [client, server] = await ends();
    await server.receive(await client.output());
    await client.receive(await server.output());
    client.connection.session!.send("offer", utf8("early"));
    const bytes = await client.output();
    await server.receive(concat(bytes, new Uint8Array(50).fill(0xff)));
    assert.deepEqual(server.words, ["early"]);
    assert.equal(server.connection.session!.failure?.code, "connection_lost");
  },
);

cryptoTest("until it is open the handshake's time counts, then the session's", async () => {
  const [client, server] = await ends();
  for (const { connection } of [client, server]) {
    assert.equal(connection.nextTimeoutMs(), NOW_MS + HANDSHAKE_TIMEOUT_MS);
    connection.handleTimeout(NOW_MS + HANDSHAKE_TIMEOUT_MS - 1);
  }
  await server.receive(await client.output());
  await client.receive(await server.output());
  await server.receive(await client.output());
  assert.equal(client.connection.nextTimeoutMs(), NOW_MS + HANDSHAKE_TIMEOUT_MS);
  assert.equal(server.connection.nextTimeoutMs(), NOW_MS + PING_AFTER_MS);
  server.connection.handleTimeout(NOW_MS + HANDSHAKE_TIMEOUT_MS);
  assertFails(() => client.connection.handleTimeout(NOW_MS + HANDSHAKE_TIMEOUT_MS), "connection_lost");
});

cryptoTest("the end of the stream is for the session to judge, if there is one", async () => {
  const [client, server] = await ends();
  server.connection.receiveEnd();
  await server.receive(await client.output());
  await client.receive(await server.output());
  assertFails(() => client.connection.receiveEnd(), "connection_lost");
});

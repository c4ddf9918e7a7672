import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { codeOf, type StxError } from "../../../lib/errors.ts";
import { ClosedByServer, joinRounds } from "../../../lib/net/rounds_client.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import { ProtocolError, type ProtocolErrorKind } from "../../../lib/rounds/errors.ts";
import { CLOSE_REASONS, type CloseReason } from "../../../lib/rounds/messages.ts";
import { RoundsServerSession } from "../../../lib/rounds/server.ts";
import { type MemoryDuplex, memoryLine } from "../../support/memory_duplex.ts";
import { flipBit } from "../../support/pieces.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { Client, Group, withGroup } from "./rounds_group.ts";

const AGGREGATE = { serverRound: 3, sum: "1", product: "1", clients: 1 };

/** A client and a server's session that a test drives by hand. */
class ByHand {
  readonly clock = new VirtualClock();
  readonly group = new Group();
  readonly line: readonly [MemoryDuplex, MemoryDuplex] = memoryLine();
  readonly session = new RoundsServerSession({
    keys: this.group.keys,
    random: systemRandom,
    serverRound: () => 2,
  });

  /** Begins to join; the server has not answered yet. */
  join(): Promise<Client> {
    const joining = joinRounds(this.line[0], this.group.file("a").next(), this.clock);
    return joining.then((membership) =>
      new Client(membership, { client: this.line[0], server: this.line[1], served: Promise.resolve() })
    );
  }

  /** Reads what the client has sent, at most once. */
  async hear(): Promise<void> {
    const buffer = new Uint8Array(1 << 20);
    const size = await this.line[1].read(buffer);
    for (const _ of this.session.receive(buffer.subarray(0, size ?? 0)));
  }

  /** What the session has to say. */
  words(): Bytes {
    return concat(...this.session.takeOutput());
  }

  async say(bytes = this.words()): Promise<void> {
    await this.line[1].write(bytes);
  }

  /** Joins to the end. */
  async joined(): Promise<Client> {
    const joining = this.join();
    await this.hear();
    await this.say();
    return await joining;
  }

  end(): void {
    for (const end of this.line) end.close();
    assert.equal(this.clock.pendingCount, 0, "a timer was forgotten");
  }
}

const LOST = "connection_lost: The server ended the connection without a word";
const DONE = "rejected: The server has ended the session: it holds no more rounds";

/** Faults of an AGGREGATE to client "a", which anybody on the way can make. */
const FAULTS: Readonly<Record<ProtocolErrorKind, (packet: Bytes) => Bytes>> = {
  round: (packet) => flipBit(packet, 8 * 12),
  mac: (packet) => flipBit(packet, 8 * 40),
  direction: (packet) => flipBit(packet, 8 * 2),
  state: (packet) => flipBit(packet, 8 * 1 + 3),
  limit: (packet) => flipBit(packet, 8 * 16),
};

for (const [kind, fault] of Object.entries(FAULTS)) {
  Deno.test(`a ${kind} error at the client ends its connection at once, and disturbs nobody else`, () =>
    withGroup({ minClients: 3 }, async (group) => {
      const [a, b, c] = await group.openAll("a", "b", "c");
      a!.line.server.tap = fault;
      assert.deepEqual(await Promise.all([a!.send("2"), b!.send("3"), c!.send("5")]), [
        `${kind} error`,
        "1: 3 of 30 by 3",
        "1: 5 of 30 by 3",
      ]);
      assert.ok(a!.line.client.isClosed);
      const written = a!.line.client.writtenSizeBytes;
      assert.equal(await a!.send("2"), `${kind} error`);
      await a!.membership.close();
      assert.equal(a!.line.client.writtenSizeBytes, written, "it has said something more");
      await group.quiet();
      assert.deepEqual(group.told("left").map(({ id, reason }) => [id, reason]), [["a", "cut"]]);
      const again = await group.open("a");
      assert.deepEqual(await Promise.all([again.send("1"), b!.send("2"), c!.send("2")]), [
        "2: 1 of 4 by 3",
        "2: 2 of 4 by 3",
        "2: 2 of 4 by 3",
      ]);
    }));

  Deno.test(`a ${kind} error in CHALLENGE joins nothing`, async () => {
    const byHand = new ByHand();
    const joining = byHand.join();
    await byHand.hear();
    await byHand.say(fault(byHand.words()));
    await assert.rejects(joining, (error) => error instanceof ProtocolError && error.kind === kind);
    assert.ok(byHand.line[0].isClosed);
    byHand.end();
  });
}

Deno.test("each reason of the server's is told in words", async () => {
  const words: Readonly<Record<CloseReason, string>> = {
    done: DONE,
    late: "rejected: The value did not come before the round's deadline",
    superseded: "rejected: A newer session of this client has begun",
    full: "rejected: The server has no room",
  };
  for (const reason of Object.keys(CLOSE_REASONS) as CloseReason[]) {
    const byHand = new ByHand();
    const client = await byHand.joined();
    const sending = client.send("1");
    await byHand.hear();
    byHand.session.close(reason);
    await byHand.say();
    assert.equal(await sending, words[reason]);
    byHand.end();
  }
});

Deno.test("an aggregate and a goodbye in one piece: first the one, then the other", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  const sending = client.send("1");
  await byHand.hear();
  byHand.session.answer(AGGREGATE);
  byHand.session.close("done");
  await byHand.say();
  assert.equal(await sending, "3: 1 of 1 by 1");
  const written = byHand.line[0].writtenSizeBytes;
  assert.equal(await client.send("2"), DONE);
  assert.equal(byHand.line[0].writtenSizeBytes, written, "it has talked to nobody");
  byHand.end();
});

Deno.test("an aggregate and a wrong packet in one piece: first the one, then the other", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  const sending = client.send("1");
  await byHand.hear();
  byHand.session.answer(AGGREGATE);
  await byHand.say(concat(byHand.words(), Uint8Array.of(1, 4, 1, 0)));
  assert.equal(await sending, "3: 1 of 1 by 1");
  assert.equal(await client.send("2"), "limit error");
  assert.ok(byHand.line[0].isClosed);
  byHand.end();
});

Deno.test("a goodbye that waits is heard, though the server takes nothing any more", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  byHand.session.close("done");
  await byHand.say();
  byHand.line[0].failWrites();
  assert.equal(await client.send("1"), DONE);
  byHand.end();
});

Deno.test("a server that goes without a word is a lost connection, whenever it goes", async () => {
  const ways: readonly ((line: MemoryDuplex) => unknown)[] = [
    (line) => line.cut(),
    (line) => line.close(),
    (line) => line.closeWrite(),
  ];
  for (const go of ways) {
    const early = new ByHand();
    const joining = early.join();
    await early.hear();
    await go(early.line[1]);
    await assert.rejects(joining, (error) => codeOf(error) === "connection_lost");
    assert.ok(early.line[0].isClosed);
    early.end();

    const waiting = new ByHand();
    const client = await waiting.joined();
    const sending = client.send("1");
    await waiting.hear();
    await go(waiting.line[1]);
    assert.equal(await sending, LOST);
    waiting.end();

    const between = new ByHand();
    const other = await between.joined();
    await go(between.line[1]);
    assert.equal(await other.send("1"), LOST);
    between.end();
  }
});

Deno.test("a server that does not answer for 10 s is given up", async () => {
  const byHand = new ByHand();
  const joining = byHand.join();
  joining.catch(() => {});
  await byHand.hear();
  byHand.clock.advance(9_999);
  assert.ok(!byHand.line[0].isClosed);
  byHand.clock.advance(1);
  await assert.rejects(joining, (error) => {
    assert.equal(codeOf(error), "connection_lost");
    assert.match(String(error), /did not answer within 10 seconds/);
    return true;
  });
  byHand.end();
});

Deno.test("a client that has joined waits for its round as long as it takes", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  const sending = client.send("1");
  await byHand.hear();
  byHand.clock.advance(3_600_000);
  byHand.session.answer(AGGREGATE);
  await byHand.say();
  assert.equal(await sending, "3: 1 of 1 by 1");
  byHand.end();
});

Deno.test("a value that cannot be sent leaves the session as it was", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  assert.equal(await client.send("x".repeat(131_072)), "limit error");
  const sending = client.send("1");
  assert.equal(await client.send("2"), "state error");
  await byHand.hear();
  byHand.session.answer(AGGREGATE);
  await byHand.say();
  assert.equal(await sending, "3: 1 of 1 by 1");
  byHand.end();
});

Deno.test("leaving says goodbye and hangs up, also where nobody hears it", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  await client.membership.close();
  assert.ok(byHand.line[0].isClosed);
  await byHand.hear();
  assert.equal(byHand.session.state, "closed");
  await client.membership.close();
  byHand.end();

  const gone = new ByHand();
  const other = await gone.joined();
  gone.line[0].cut();
  await other.membership.close();
  assert.ok(gone.line[0].isClosed);
  gone.end();
});

Deno.test("leaving while a round is waited for ends the wait", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  const sending = client.send("1");
  await byHand.hear();
  await client.membership.close();
  assert.equal(await sending, LOST);
  byHand.end();
});

Deno.test("whoever waits for the end hears of it between two rounds, with its reason", async () => {
  const byHand = new ByHand();
  const { membership } = await byHand.joined();
  const ended = membership.ended();
  byHand.session.close("superseded");
  await byHand.say();
  await assert.rejects(ended, (error) => {
    assert.ok(error instanceof ClosedByServer);
    assert.equal(error.reason, "superseded");
    return true;
  });
  // And whoever asks afterwards hears the same.
  await assert.rejects(membership.ended(), ClosedByServer);
  await assert.rejects(membership.round("1"), ClosedByServer);
  byHand.end();
});

Deno.test("waiting for the end takes no round's answer away, and ends with a lost line too", async () => {
  const byHand = new ByHand();
  const client = await byHand.joined();
  for (let round = 0; round < 2; round++) {
    const ended = Promise.race([client.membership.ended(), Promise.resolve("not yet")]);
    assert.equal(await ended, "not yet");
    const sending = client.send("1");
    await byHand.hear();
    byHand.session.answer(AGGREGATE);
    await byHand.say();
    assert.equal(await sending, "3: 1 of 1 by 1");
  }
  const ended = client.membership.ended();
  byHand.line[1].cut();
  await assert.rejects(ended, (error) => codeOf(error) === "connection_lost");
  byHand.end();
});

Deno.test("a packet that comes between two rounds, wrong or not, ends the session", async () => {
  for (const wrong of [true, false]) {
    const byHand = new ByHand();
    const client = await byHand.joined();
    const sending = client.send("1");
    await byHand.hear();
    byHand.session.answer(AGGREGATE);
    const aggregate = byHand.words();
    await byHand.say(aggregate);
    await sending;
    const ended = client.membership.ended();
    await byHand.say(wrong ? Uint8Array.of(1, 4, 1, 0) : aggregate);
    const kind = wrong ? "limit" : "round";
    await assert.rejects(ended, (error) => error instanceof ProtocolError && error.kind === kind);
    assert.equal(await client.send("2"), `${kind} error`);
    assert.ok(byHand.line[0].isClosed);
    byHand.end();
  }
});

Deno.test("who is not let in learns what may be the cause; who was in learns to join again", async () => {
  const early = new ByHand();
  const joining = early.join();
  early.line[1].close();
  await assert.rejects(joining, (error) => {
    assert.match((error as StxError).hint!, /old copy, or a was revoked .* has to be enrolled again/);
    return true;
  });
  early.end();
  const late = new ByHand();
  const { membership } = await late.joined();
  late.line[1].close();
  await assert.rejects(membership.round("1"), (error) => {
    assert.match((error as StxError).hint!, /joins again/);
    return true;
  });
  late.end();
});

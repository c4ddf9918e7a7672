import assert from "node:assert/strict";
import { type Bytes, equal, utf8 } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import {
  DRAIN_SIZE_MAX,
  DRAIN_TIMEOUT_MS,
  GOODBYE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  PING_AFTER_MS,
  WINDOW_CONTROL_RECORDS,
  WINDOW_RECORDS,
} from "../../../lib/limits.ts";
import type { Channel } from "../../../lib/net/channel.ts";
import { Session } from "../../../lib/records/session.ts";
import { cryptoCallCount, cryptoTest } from "../../support/settled_crypto.ts";
import { assertFails, assertRejects } from "../identity/failures.ts";
import { crcMended, flipped } from "../records/records.ts";
import { meet, RECEIVER, SENDER } from "./meeting.ts";

/** Receives `count` messages and returns their bodies. */
async function bodies(channel: Channel, count: number): Promise<readonly Bytes[]> {
  const received: Bytes[] = [];
  while (received.length < count) received.push((await channel.receive()).body);
  return received;
}

/** Sends for as long as there is room, waiting for it; says how many went out. */
class Pump {
  readonly channel: Channel;
  readonly sizeBytes: number;
  readonly ended: Promise<void>;
  sentCount = 0;

  constructor(channel: Channel, sizeBytes: number, count: number) {
    this.channel = channel;
    this.sizeBytes = sizeBytes;
    this.ended = this.#run(count);
    this.ended.catch(() => {});
  }

  async #run(count: number): Promise<void> {
    while (this.sentCount < count) {
      await this.channel.room(this.sizeBytes);
      this.channel.send("data", new Uint8Array(this.sizeBytes).fill(this.sentCount));
      this.sentCount += 1;
    }
  }
}

cryptoTest("both ends know each other and their session, and messages go both ways", async () => {
  const meeting = await meet();
  const { client, server } = meeting;
  assert.deepEqual(client.peerIdentity, RECEIVER.publicKey);
  assert.deepEqual(server.peerIdentity, SENDER.publicKey);
  assert.deepEqual(client.sessionId, server.sessionId);
  for (const [from, to] of [[client, server], [server, client]] as const) {
    for (let i = 0; i < 5; i++) from.send("data", new Uint8Array(i * 30_000).fill(i));
    from.sendInPlace("end", utf8("01234body"));
    for (let i = 0; i < 5; i++) {
      const { type, body } = await to.receive();
      assert.ok(type === "data" && equal(body, new Uint8Array(i * 30_000).fill(i)));
    }
    assert.deepEqual(await to.receive(), { type: "end", body: utf8("body") });
  }
  await meeting.end();
});

cryptoTest("reads of any size give the same messages", async () => {
  for (const readSizeMax of [1, 13, 1000]) {
    const meeting = await meet({ readSizeMax });
    for (let i = 0; i < 5; i++) meeting.client.send("data", new Uint8Array(i * 100).fill(i));
    const received = await bodies(meeting.server, 5);
    assert.deepEqual(received, [0, 1, 2, 3, 4].map((i) => new Uint8Array(i * 100).fill(i)));
    await meeting.end();
  }
});

// ---- Back pressure ----

cryptoTest("a slow reader makes the sender wait; what is kept in between is bounded", async () => {
  const limits = { windowRecords: 64, windowSizeBytes: 1024 * 1024 };
  const meeting = await meet({ limits, capacityBytes: 64 * 1024 });
  const count = 200;
  const pump = new Pump(meeting.client, 64 * 1024, count);
  await meeting.quiet();
  const queueAndWindow = (4 + 1) * 16;
  assert.ok(pump.sentCount >= 60 && pump.sentCount <= queueAndWindow + 10, `${pump.sentCount} went out`);
  const [, line] = meeting.lines;
  assert.ok(line.waitingSizeBytes > 0, "the rest waits on the line");
  const received = await bodies(meeting.server, count);
  await pump.ended;
  received.forEach((body, i) => assert.equal(body[0], i & 0xff));
  await meeting.end();
});

cryptoTest("messages without a body count as well", async () => {
  const meeting = await meet({ capacityBytes: 4096 });
  const count = 20_000;
  const pump = new Pump(meeting.client, 0, count);
  await meeting.quiet();
  assert.ok(pump.sentCount > 15_000 && pump.sentCount < 18_000, `${pump.sentCount} went out`);
  await bodies(meeting.server, count);
  await pump.ended;
  await meeting.end();
});

cryptoTest("a sender that ignores the window does not make us open without end", async () => {
  const meeting = await meet({ readSizeMax: 4096 });
  const count = 5_000;
  for (let i = 0; i < count; i++) meeting.client.send("data");
  const line = meeting.lines[1];
  let most = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      // The sender has sealed everything by the time that all of it has been written.
      if (meeting.lines[0].writtenSizeBytes > count * 33) most = Math.max(most, cryptoCallCount());
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  })();
  line.pause();
  await meeting.quiet();
  line.resume();
  await bodies(meeting.server, count);
  isOver = true;
  await watching;
  const perRead = Math.ceil(4096 / 33);
  assert.ok(most > 0, "there was something to see");
  assert.ok(most <= WINDOW_RECORDS + WINDOW_CONTROL_RECORDS + perRead + 10, `${most} at once`);
  await meeting.end();
});

cryptoTest("large records that nobody can open fast enough wait on the line", async () => {
  const meeting = await meet();
  const decrypt = Object.getOwnPropertyDescriptor(crypto.subtle, "decrypt")!;
  const gate = Promise.withResolvers<void>();
  const slow = async (algorithm: AesGcmParams, key: CryptoKey, sealed: Bytes) => {
    const inputs = structuredClone([algorithm, sealed]);
    await gate.promise;
    return await decrypt.value(inputs[0], key, inputs[1]);
  };
  Object.defineProperty(crypto.subtle, "decrypt", { ...decrypt, value: slow });
  try {
    for (let i = 0; i < 24; i++) meeting.client.send("data", new Uint8Array(1_000_000).fill(i));
    await meeting.quiet();
    assert.ok(meeting.lines[1].waitingSizeBytes > 6_000_000, `${meeting.lines[1].waitingSizeBytes} wait`);
  } finally {
    gate.resolve();
    Object.defineProperty(crypto.subtle, "decrypt", decrypt);
  }
  (await bodies(meeting.server, 24)).forEach((body, i) => assert.equal(body[7], i));
  await meeting.end();
});

cryptoTest("while a slow reader is waited for, the peer is not taken for dead", async () => {
  const meeting = await meet({ capacityBytes: 64 * 1024 });
  const pump = new Pump(meeting.client, 256 * 1024, 100);
  await meeting.quiet();
  assert.ok(pump.sentCount < 100);
  await meeting.pass(10 * IDLE_TIMEOUT_MS);
  await bodies(meeting.server, 100);
  await pump.ended;
  // Nor in the moment in which it reads again, before a byte has come.
  await meeting.pass(IDLE_TIMEOUT_MS);
  await meeting.end();
});

cryptoTest("room is given when acknowledgements come, not before", async () => {
  const meeting = await meet({ limits: { windowRecords: 16, windowSizeBytes: 256 * 1024 } });
  meeting.lines[1].pause();
  const pump = new Pump(meeting.client, 100, 40);
  await meeting.quiet();
  assert.equal(pump.sentCount, 16);
  assert.ok(!meeting.client.hasRoom(0));
  meeting.lines[1].resume();
  await pump.ended;
  await bodies(meeting.server, 40);
  await meeting.end();
});

cryptoTest("who waits for room learns of the end", async () => {
  const meeting = await meet({ limits: { windowRecords: 16, windowSizeBytes: 256 * 1024 } });
  meeting.lines[1].pause();
  const pump = new Pump(meeting.client, 100, 40);
  await meeting.quiet();
  meeting.lines[0].cut();
  await assertRejects(() => pump.ended, "connection_lost");
  assertFails(() => meeting.client.send("data"), "connection_lost");
  assertFails(() => meeting.client.sendInPlace("data", new Uint8Array(5)), "connection_lost");
  await meeting.end();
});

cryptoTest("a session whose numbers run out ends in time to open another", async () => {
  const meeting = await meet();
  const original = Object.getOwnPropertyDescriptor(Session.prototype, "isNearlyUsedUp")!;
  Object.defineProperty(Session.prototype, "isNearlyUsedUp", { ...original, get: () => true });
  try {
    await assertRejects(() => meeting.client.room(0), "connection_lost", /used up/);
  } finally {
    Object.defineProperty(Session.prototype, "isNearlyUsedUp", original);
  }
  await meeting.end();
});

// ---- Ends ----

cryptoTest("a proper end at both ends takes no time and leaves nothing", async () => {
  const meeting = await meet();
  meeting.client.send("data");
  const closing = meeting.client.close();
  assert.equal((await meeting.server.receive()).type, "data");
  await meeting.server.peerClosed();
  await Promise.all([closing, meeting.server.close()]);
  meeting.assertNothingLeft();
  await assertRejects(() => meeting.server.receive(), "connection_lost", /closed the connection before/);
  assertFails(() => meeting.client.send("data"), "unexpected_message");
});

cryptoTest("at the end the keys of both ends are overwritten, proper or not", async () => {
  const { erase } = Session.prototype;
  let erased = 0;
  Session.prototype.erase = function () {
    erased += 1;
    erase.call(this);
  };
  try {
    for (const isProper of [true, false]) {
      const meeting = await meet();
      if (!isProper) meeting.lines[0].cut();
      await meeting.end();
      assert.equal(erased, 2);
      erased = 0;
    }
  } finally {
    Session.prototype.erase = erase;
  }
});

cryptoTest("CLOSE alone ends what the peer says; its end of the line may come later", async () => {
  const meeting = await meet();
  meeting.lines[0].closeWrite = () => Promise.resolve();
  const closing = meeting.client.close();
  await assertRejects(() => meeting.server.receive(), "connection_lost", /closed the connection before/);
  await meeting.server.peerClosed();
  await Promise.all([closing, meeting.server.close()]);
  meeting.assertNothingLeft();
});

cryptoTest("closing twice, or after the peer has gone, is no error", async () => {
  const meeting = await meet();
  await Promise.all([meeting.client.close(), meeting.client.close(), meeting.server.close()]);
  await meeting.client.close();
  await meeting.server.closeFor(new StxError("disk", "too late"));
  await meeting.server.abort("closing");
  meeting.assertNothingLeft();
});

cryptoTest("a peer that does not say goodbye is waited for 2 seconds", async () => {
  const meeting = await meet();
  let isClosed = false;
  const closing = meeting.client.close().then(() => isClosed = true);
  await meeting.pass(DRAIN_TIMEOUT_MS - 1, 500);
  assert.ok(!isClosed);
  meeting.clock.advance(1);
  await closing;
  await meeting.server.close();
  meeting.assertNothingLeft();
});

cryptoTest("a peer that takes nothing any more does not keep us from closing", async () => {
  const meeting = await meet({ capacityBytes: 10_000 });
  meeting.lines[1].pause();
  for (let i = 0; i < 20; i++) meeting.client.send("data", new Uint8Array(10_000));
  await meeting.quiet();
  const closing = meeting.client.close();
  await meeting.quiet();
  meeting.clock.advance(DRAIN_TIMEOUT_MS);
  await meeting.quiet();
  meeting.clock.advance(DRAIN_TIMEOUT_MS);
  await closing;
  meeting.lines[1].resume();
  await meeting.server.close();
  meeting.assertNothingLeft();
});

cryptoTest("an abort tells the peer; here everything that waits ends", async () => {
  const meeting = await meet();
  const waiting = meeting.server.receive();
  waiting.catch(() => {});
  const aborting = meeting.server.abort("closing");
  await assertRejects(() => waiting, "cancelled");
  await assertRejects(() => meeting.client.receive(), "connection_lost", /closing/);
  await Promise.all([aborting, meeting.client.close()]);
  await assertRejects(() => meeting.server.room(0), "cancelled");
  meeting.assertNothingLeft();
});

cryptoTest("a failure of the transfer is told by its alert", async () => {
  const meeting = await meet();
  const closing = meeting.server.closeFor(new StxError("malformed", "no sense in this"));
  await assertRejects(() => meeting.client.receive(), "unexpected_message", /could not make sense/);
  await Promise.all([closing, meeting.client.close()]);
  await assertRejects(() => meeting.server.receive(), "malformed");
  meeting.assertNothingLeft();
});

cryptoTest("what arrived before the end is given out, then the end", async () => {
  const meeting = await meet();
  meeting.lines[0].pause();
  for (let i = 0; i < 3; i++) meeting.server.send("data", Uint8Array.of(i));
  const closing = meeting.server.closeFor(new StxError("exists", "taken"));
  await meeting.quiet();
  meeting.lines[0].resume();
  await meeting.quiet();
  assert.deepEqual((await bodies(meeting.client, 3)).map(([first]) => first), [0, 1, 2]);
  await assertRejects(() => meeting.client.receive(), "connection_lost", /failed at its own end/);
  await Promise.all([closing, meeting.client.close()]);
  meeting.assertNothingLeft();
});

cryptoTest("the end of the stream without CLOSE is a cut", async () => {
  const meeting = await meet();
  meeting.lines[0].close();
  await assertRejects(() => meeting.server.receive(), "connection_lost", /cut/);
  await meeting.server.peerClosed();
  await meeting.end();
});

cryptoTest("a peer that vanishes in the middle of a record is a cut at both ends", async () => {
  const meeting = await meet();
  meeting.client.send("data", new Uint8Array(50_000));
  await bodies(meeting.server, 1);
  meeting.lines[0].tap = (bytes) => bytes.subarray(0, 40_000);
  meeting.client.send("data", new Uint8Array(50_000));
  await meeting.quiet();
  meeting.lines[0].cut();
  for (const end of [meeting.client, meeting.server]) {
    await assertRejects(() => end.receive(), "connection_lost", /cut/);
    await end.closeFor(await end.receive().catch((error) => error));
  }
  meeting.assertNothingLeft();
});

cryptoTest("whoever waits for the peer's goodbye also stops at anything else that it says", async () => {
  const meeting = await meet();
  meeting.client.send("data");
  await meeting.server.peerClosed();
  await meeting.end();
});

cryptoTest("whoever waits for the peer's last word learns whether it came", async () => {
  const heard = await meet();
  const closing = heard.client.close();
  assert.equal(await heard.server.peerClosed(), true);
  await Promise.all([closing, heard.server.close()]);
  heard.assertNothingLeft();

  const cut = await meet();
  const waiting = cut.server.peerClosed();
  cut.lines[0].cut();
  assert.equal(await waiting, false);
  await cut.end();

  const ended = await meet();
  const cutOff = ended.server.peerClosed();
  ended.lines[0].close();
  assert.equal(await cutOff, false, "the end of the line is no last word");
  await ended.end();
});

cryptoTest("a peer that stays is not waited for longer than 5 seconds", async () => {
  const meeting = await meet();
  let wasHeard: boolean | undefined;
  meeting.server.peerClosed().then((heard) => wasHeard = heard);
  await meeting.pass(GOODBYE_TIMEOUT_MS - 1, 1_000);
  assert.equal(wasHeard, undefined);
  await meeting.pass(1);
  assert.equal(wasHeard, true);
  await meeting.end();
});

// ---- Last words ----

cryptoTest("when writing fails, the alert that waits to be read says why", async () => {
  const meeting = await meet({ capacityBytes: 20_000 });
  for (const line of meeting.lines) line.pause();
  const pump = new Pump(meeting.client, 10_000, 100);
  const closing = meeting.server.closeFor(new StxError("malformed", "no sense in this"));
  await meeting.quiet();
  assert.ok(pump.sentCount < 100, "the client is in the middle of writing");
  meeting.lines[0].failWrites();
  await meeting.quiet();
  for (const line of meeting.lines) line.resume();
  await assertRejects(() => pump.ended, "unexpected_message");
  await Promise.all([closing, meeting.client.close()]);
  meeting.assertNothingLeft();
});

cryptoTest("when writing fails and nothing is to be read, it is a cut, after a moment", async () => {
  const meeting = await meet();
  meeting.lines[0].failWrites();
  meeting.client.send("data");
  const receiving = meeting.client.receive();
  receiving.catch(() => {});
  await meeting.quiet();
  meeting.client.send("data");
  meeting.clock.advance(DRAIN_TIMEOUT_MS);
  await assertRejects(() => receiving, "connection_lost", /cut/);
  await meeting.end();
});

cryptoTest("a seal that fails ends the channel", async () => {
  const meeting = await meet();
  const encrypt = Object.getOwnPropertyDescriptor(crypto.subtle, "encrypt")!;
  const broken = () => Promise.reject(new Error("no memory"));
  Object.defineProperty(crypto.subtle, "encrypt", { ...encrypt, value: broken });
  try {
    meeting.client.send("data");
    await meeting.quiet();
  } finally {
    Object.defineProperty(crypto.subtle, "encrypt", encrypt);
  }
  meeting.clock.advance(DRAIN_TIMEOUT_MS);
  await assertRejects(() => meeting.client.receive(), "connection_lost");
  await meeting.end();
});

cryptoTest("after a failure at most 1 MiB is read before the line is closed", async () => {
  for (const isGraceful of [false, true]) {
    const meeting = await meet();
    const before = meeting.lines[0].writtenSizeBytes;
    const closing = isGraceful
      ? meeting.server.close()
      : meeting.server.closeFor(new StxError("disk_full", "no room"));
    await meeting.quiet();
    // The client goes on as if it had heard nothing.
    for (let i = 0; i < 5; i++) meeting.lines[1].inject(new Uint8Array(DRAIN_SIZE_MAX / 4));
    await closing;
    assert.ok(meeting.lines[1].isClosed, "without waiting for the time to pass");
    assert.equal(meeting.lines[0].writtenSizeBytes, before);
    await meeting.client.closeFor(new StxError("connection_lost", "over"));
    meeting.assertNothingLeft();
  }
});

// ---- Attackers on the line ----

cryptoTest("a changed record ends the session at both ends, and nothing of it is delivered", async () => {
  const meeting = await meet();
  const { client, server, lines } = meeting;
  lines[0].tap = (bytes) => crcMended(flipped(bytes, -5));
  client.send("data");
  await assertRejects(() => server.receive(), "bad_record", /tag is wrong/);
  const closing = server.closeFor(new StxError("bad_record", "as the transfer passes it on"));
  await assertRejects(() => client.receive(), "bad_record", /The peer got a record/);
  await Promise.all([closing, client.close()]);
  meeting.assertNothingLeft();
});

cryptoTest("noise on the line costs a repetition, and nobody above notices", async () => {
  const meeting = await meet();
  let noisy = 0;
  meeting.lines[0].tap = (bytes) => {
    if (bytes.length < 5_000 || noisy > 2) return bytes;
    noisy += 1;
    bytes[3_000]! ^= 4;
    return bytes;
  };
  const pump = new Pump(meeting.client, 5_000, 50);
  const received = await bodies(meeting.server, 50);
  await pump.ended;
  received.forEach((body, i) => assert.ok(equal(body, new Uint8Array(5_000).fill(i)), `message ${i}`));
  assert.ok(noisy > 0);
  await meeting.end();
});

// ---- Time ----

cryptoTest("two ends with nothing to say keep each other company for hours", async () => {
  const meeting = await meet();
  await meeting.pass(3_600_000, PING_AFTER_MS);
  meeting.client.send("data");
  await meeting.server.receive();
  await meeting.end();
});

cryptoTest("a peer that is silent for 60 seconds is given up", async () => {
  const meeting = await meet();
  meeting.lines[0].pause();
  await meeting.pass(IDLE_TIMEOUT_MS);
  await assertRejects(() => meeting.client.receive(), "connection_lost", /60 seconds/);
  meeting.lines[0].resume();
  await meeting.end();
});

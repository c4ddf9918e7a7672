import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf, type ErrorCode, StxError } from "../../../lib/errors.ts";
import { EARLY_RECORDS, EARLY_SIZE_MAX, IDLE_TIMEOUT_MS, PING_AFTER_MS } from "../../../lib/limits.ts";
import { EARLY_LIMITS } from "../../../lib/records/record_sender.ts";
import { type Alert, ALERTS } from "../../../lib/wire/alert.ts";
import { encodeNak, MESSAGE_TYPES, type MessageType } from "../../../lib/wire/message.ts";
import { RECORD_OVERHEAD } from "../../../lib/wire/record.ts";
import { piecesOf } from "../../support/pieces.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { assertFails, assertRejects } from "../identity/failures.ts";
import {
  crcMended,
  End,
  flipped,
  joined,
  opened,
  plaintext,
  recordsIn,
  ROOMY,
  sealed,
  secretOf,
  sequenceOf,
  START_MS,
  SUITES,
  typesOf,
  withCrc,
} from "./records.ts";

const GCM = "aes-256-gcm";

/** What a record of the client says: its type's number, its acknowledgement, its body. */
async function said(record: Bytes, secret = "client"): Promise<{ type: number; ack: number; body: Bytes }> {
  const text = await opened(GCM, secretOf(secret), record);
  return { type: text[0]!, ack: new DataView(text.buffer).getUint32(1), body: text.slice(5) };
}

/** The types in what an end has to say. */
async function output(end: End, secret: string): Promise<readonly MessageType[]> {
  const types: MessageType[] = [];
  for (const record of recordsIn(await end.output())) {
    const { type } = await said(record, secret);
    types.push(Object.entries(MESSAGE_TYPES).find(([, number]) => number === type)![0] as MessageType);
  }
  return types;
}

/** Checks that `end`, the server, refused what it got: nothing goes out but this alert, and nothing works any more. */
async function assertEnded(end: End, code: ErrorCode, alert: Alert | undefined): Promise<void> {
  const records = recordsIn(await end.output());
  const words = await Promise.all(records.map((record) => said(record, "server")));
  assert.deepEqual(
    words.map(({ type, body }) => [type, ...body]),
    alert === undefined ? [] : [[MESSAGE_TYPES.alert, ALERTS[alert]]],
  );
  assert.equal(codeOf(end.session.failure), code);
  assertFails(() => end.session.send("data"), code);
  await assertRejects(() => end.receive(new Uint8Array(0)), code);
  assert.equal(end.session.nextTimeoutMs(), undefined);
}

/** Checks that these bytes end the session; waits until the alert is sealed, if there is one. */
async function assertRefused(end: End, bytes: Bytes, code: ErrorCode, words?: RegExp): Promise<void> {
  await assertRejects(() => end.receive(bytes), code, words);
  await end.settle();
}

/** A record of the client as somebody makes it who has its keys. */
function forged(sequence: number, type: MessageType | number, ack = 0, body?: Bytes): Promise<Bytes> {
  return sealed(GCM, secretOf("client"), sequence, plaintext(type, ack, body));
}

for (const suite of SUITES) {
  cryptoTest(`${suite}: messages go both ways, in order, however the bytes are cut`, async () => {
    for (const sizes of [[1], [7], [33, 1], [100_000]]) {
      const [client, server] = joined({ suite });
      const bodies = Array.from({ length: 9 }, (_, i) => new Uint8Array(i * i * 20).fill(i));
      for (const [from, to] of [[client, server], [server, client]] as const) {
        for (const body of bodies) from.session.send("data", body);
        const messages = [];
        for (const piece of piecesOf(await from.output(), sizes)) messages.push(...await to.receive(piece));
        assert.deepEqual(messages, bodies.map((body) => ({ type: "data", body })));
      }
      assert.equal(client.session.failure, undefined);
    }
  });

  cryptoTest(`${suite}: keys change at 2^16 in both directions, and nobody says so`, async () => {
    const firstSequence = 65_530;
    const [client, server] = joined({ suite, firstSequence });
    for (const [from, to, name] of [[client, server, "client"], [server, client, "server"]] as const) {
      for (let i = 0; i < 12; i++) from.session.send("data", Uint8Array.of(i));
      const bytes = await from.output();
      const records = recordsIn(bytes);
      assert.deepEqual(records.map(sequenceOf), records.map((_, i) => firstSequence + i));
      for (const [i, record] of records.entries()) {
        const text = await opened(suite, secretOf(name), record);
        assert.deepEqual(text.slice(5), Uint8Array.of(i));
      }
      const messages = await to.receive(bytes);
      assert.deepEqual(messages.map(({ body }) => body[0]), records.map((_, i) => i));
    }
  });
}

cryptoTest("at a change of keys the old secrets are overwritten at both ends", async () => {
  const [sendSecret, receiveSecret] = [secretOf("client"), secretOf("server")];
  const client = new End("client", "server", { firstSequence: 65_535, sendSecret, receiveSecret });
  const server = new End("server", "client", { firstSequence: 65_535 });
  client.session.send("data");
  await client.output();
  assert.deepEqual(sendSecret, secretOf("client"));
  client.session.send("data");
  assert.deepEqual(sendSecret, new Uint8Array(32));
  await client.output();
  server.session.send("data");
  await client.receive(await server.output());
  assert.deepEqual(receiveSecret, secretOf("server"));
  server.session.send("data");
  await client.receive(await server.output());
  assert.deepEqual(receiveSecret, new Uint8Array(32));
});

cryptoTest("a record under the previous generation's key is an attack", async () => {
  const server = new End("server", "client", { firstSequence: 65_536 });
  const text = plaintext("data", 65_536);
  await assertRefused(server, await sealed(GCM, secretOf("client"), 65_536, text, 0), "bad_record");
  await assertEnded(server, "bad_record", "badRecord");
});

cryptoTest("records acknowledge what came before them", async () => {
  const [client, server] = joined();
  client.session.send("data");
  client.session.send("data");
  await server.receive(await client.output());
  const answer = await server.record("data");
  assert.equal((await said(answer, "server")).ack, 2);
  await client.receive(answer);
  assert.equal((await said(await client.record("data"))).ack, 1);
});

cryptoTest("messages that are opened side by side keep their order over several calls", async () => {
  const [client, server] = joined();
  for (let i = 0; i < 20; i++) client.session.send("data", new Uint8Array(i % 3 === 0 ? 200_000 : 1).fill(i));
  const calls = piecesOf(await client.output(), [70_000]).map((piece) => server.receive(piece));
  const messages = (await Promise.all(calls)).flat();
  assert.deepEqual(messages.map(({ body }) => body[0]), Array.from({ length: 20 }, (_, i) => i));
});

cryptoTest("a quarter of the window in records is acknowledged at the latest", async () => {
  const [client, server] = joined();
  for (let i = 0; i < 63; i++) client.session.send("data");
  await server.receive(await client.output());
  assert.deepEqual(await output(server, "server"), []);
  client.session.send("data");
  await server.receive(await client.output());
  const [ack] = recordsIn(await server.output());
  assert.deepEqual(await said(ack!, "server"), { type: MESSAGE_TYPES.ack, ack: 64, body: new Uint8Array(0) });
});

cryptoTest("a quarter of the window in bytes of whole records is acknowledged at the latest", async () => {
  const quarter = ROOMY.windowSizeBytes / 4;
  for (const [missing, expected] of [[1, []], [0, ["ack"]]] as const) {
    const [client, server] = joined();
    for (let i = 0; i < 8; i++) {
      client.session.send(
        "data",
        new Uint8Array(quarter / 8 - RECORD_OVERHEAD - 5 - (i === 0 ? missing : 0)),
      );
    }
    await server.receive(await client.output());
    assert.deepEqual(await output(server, "server"), expected);
  }
});

cryptoTest("what a record carries along acknowledges as well, and the count begins anew", async () => {
  const [client, server] = joined();
  for (let i = 0; i < 60; i++) client.session.send("data");
  await server.receive(await client.output());
  await server.record("durable", new Uint8Array(8));
  for (let i = 0; i < 60; i++) client.session.send("data");
  await server.receive(await client.output());
  assert.deepEqual(await output(server, "server"), []);
});

cryptoTest("acknowledgements open the peer's window", async () => {
  const limits = { windowRecords: 16, windowSizeBytes: EARLY_SIZE_MAX };
  const [client, server] = joined({ limits });
  for (let i = 0; i < 16; i++) client.session.send("data");
  assert.ok(!client.session.hasRoom(0));
  await server.receive(await client.output());
  await client.receive(await server.output());
  assert.ok(client.session.hasRoom(0));
});

cryptoTest("the early limits hold until READY raises them", async () => {
  const client = new End("client", "server", { limits: EARLY_LIMITS });
  const body = EARLY_SIZE_MAX - 2 * (RECORD_OVERHEAD + 5);
  client.session.send("offer");
  assert.ok(client.session.hasRoom(body));
  assert.ok(!client.session.hasRoom(body + 1), "whole records count");
  for (let i = 1; i < EARLY_RECORDS; i++) client.session.send("manifest");
  assert.ok(!client.session.hasRoom(0));
  client.session.raiseLimits(ROOMY);
  assert.ok(client.session.hasRoom(body + 1));
  await client.output();
});

cryptoTest("after the limits were raised, the new ones tell when to acknowledge", async () => {
  const [client, server] = joined({ limits: EARLY_LIMITS });
  for (const end of [client, server]) end.session.raiseLimits(ROOMY);
  for (let i = 0; i < 63; i++) client.session.send("data");
  await server.receive(await client.output());
  assert.deepEqual(await output(server, "server"), []);
});

// ---- Noise ----

cryptoTest(
  "a flipped bit in the CRC costs one NAK; the same bytes come again and are delivered",
  async () => {
    const [client, server] = joined({ firstSequence: 1 });
    for (let i = 0; i < 3; i++) client.session.send("data", Uint8Array.of(i));
    const first = await client.output();
    const [a, b, c] = recordsIn(first);
    assert.deepEqual(typesOf(await server.receive(concat(a!, flipped(b!, -1), c!))), ["data"]);
    const nak = await server.output();
    const words = await said(nak, "server");
    assert.deepEqual(words, { type: MESSAGE_TYPES.nak, ack: 1, body: encodeNak(2) });
    assert.deepEqual(await client.receive(nak), []);
    const repeated = await client.output();
    assert.deepEqual(repeated, concat(b!, c!));
    assert.deepEqual((await server.receive(repeated)).map(({ body }) => body[0]), [1, 2]);
    assert.deepEqual(await output(server, "server"), []);
  },
);

cryptoTest("a NAK that is damaged itself is asked for in turn", async () => {
  const [client, server] = joined({ firstSequence: 1 });
  const record = await client.record("data", utf8("hello"));
  await server.receive(flipped(record, 20));
  const nak = await server.output();
  await client.receive(flipped(nak, 20));
  await server.receive(await client.output());
  assert.deepEqual(
    await output(server, "server"),
    [],
    "the server searches for its own record and hears nothing else",
  );
  // Both search; the time limit of either ends it, and the transfer is resumed.
  client.nowMs += 5_000;
  assertFails(() => client.session.handleTimeout(client.nowMs), "connection_lost");
});

cryptoTest("noise gives the connection up without a word to the peer", async () => {
  const server = new End("server", "client", {});
  await assertRefused(server, new Uint8Array(100).fill(0xff), "connection_lost");
  await assertEnded(server, "connection_lost", undefined);
});

// ---- Attacks ----

cryptoTest(
  "a flipped tag with the right CRC is an attack: no message, no NAK, nothing but the alert",
  async () => {
    const [client, server] = joined();
    for (let i = 0; i < 3; i++) client.session.send("data", Uint8Array.of(i));
    const [a, b, c] = recordsIn(await client.output());
    await server.receive(a!);
    await assertRefused(server, concat(crcMended(flipped(b!, -5)), c!), "bad_record");
    await assertEnded(server, "bad_record", "badRecord");
    await assertRefused(server, b!, "bad_record");
  },
);

cryptoTest("every flipped bit of ciphertext and tag is noticed, whatever the CRC says", async () => {
  const [client] = joined();
  const record = await client.record("data", utf8("hi"));
  for (let at = 8; at < record.length - 4; at++) {
    const server = new End("server", "client", {});
    await assertRefused(server, crcMended(flipped(record, at, at % 8)), "bad_record");
  }
});

cryptoTest("a size that was changed with the CRC made right is an attack", async () => {
  const [client, server] = joined();
  client.session.send("data", utf8("hi"));
  client.session.send("data", utf8("ho"));
  const [a, b] = recordsIn(await client.output());
  // One byte more: it takes the first byte of the next record along.
  const header = concat(a!.slice(0, 7), Uint8Array.of(a![7]! + 1));
  await assertRefused(server, withCrc(concat(header, a!.slice(8, -4), b!.slice(0, 1))), "bad_record");
  await assertEnded(server, "bad_record", "badRecord");
});

cryptoTest("the next number but one with a good CRC is an attack", async () => {
  const [client, server] = joined();
  client.session.send("data");
  client.session.send("data");
  const [a, b] = recordsIn(await client.output());
  assert.deepEqual(typesOf(await server.receive(a!)), ["data"]);
  await assertRefused(server, crcMended(flipped(flipped(b!, 3, 0), 3, 1)), "bad_sequence");
  await assertEnded(server, "bad_sequence", "badRecord");
});

cryptoTest("a replayed, a reordered and a dropped record are attacks", async () => {
  for (const order of [[0, 0], [1, 0], [0, 2]]) {
    const [client, server] = joined();
    for (let i = 0; i < 3; i++) client.session.send("data");
    const records = recordsIn(await client.output());
    for (const [i, number] of order.entries()) {
      if (number === i) await server.receive(records[number]!);
      else {
        await assertRefused(server, records[number]!, "bad_sequence");
        break;
      }
    }
    await assertEnded(server, "bad_sequence", "badRecord");
  }
});

cryptoTest("a record that is sent back where it came from is an attack", async () => {
  const [client] = joined();
  const record = await client.record("data");
  await assertRefused(client, record, "bad_record");
});

cryptoTest("a record of another session with the same number is an attack", async () => {
  const [, server] = joined();
  const stranger = new End("stranger", "server", {});
  await assertRefused(server, await stranger.record("data"), "bad_record");
  await assertEnded(server, "bad_record", "badRecord");
});

cryptoTest("an authentic record that makes no sense is malformed", async () => {
  for (const type of [0, 7, 15, 27, 255]) {
    const [, server] = joined();
    await assertRefused(server, await forged(0, type), "malformed");
    await assertEnded(server, "malformed", "protocolError");
  }
  for (const type of ["ack", "ping", "close"] as const) {
    const [, server] = joined();
    await assertRefused(server, await forged(0, type, 0, Uint8Array.of(1)), "malformed");
    assert.ok(!server.session.isPeerClosed);
  }
  for (const body of [new Uint8Array(3), new Uint8Array(5)]) {
    const [, server] = joined();
    await assertRefused(server, await forged(0, "nak", 0, body), "malformed");
  }
  for (const body of [new Uint8Array(0), new Uint8Array(2)]) {
    const [, server] = joined();
    await assertRefused(server, await forged(0, "alert", 0, body), "malformed");
  }
});

cryptoTest("an acknowledgement of what was never sent is malformed", async () => {
  const [, server] = joined();
  await assertRefused(server, await forged(0, "ack", 1), "malformed");
  await assertEnded(server, "malformed", "protocolError");
});

cryptoTest("an acknowledgement that falls back is ignored", async () => {
  const [, server] = joined();
  await server.record("data");
  await server.receive(await forged(0, "ack", 1));
  await server.receive(await forged(1, "ack", 0));
  assert.equal(server.session.failure, undefined);
});

cryptoTest("a NAK for what was never sent, or is acknowledged, is malformed", async () => {
  for (const sequence of [0, 3]) {
    const [, server] = joined();
    await server.record("data");
    await server.record("data");
    await assertRefused(server, await forged(0, "nak", 1, encodeNak(sequence)), "malformed");
    await assertEnded(server, "malformed", "protocolError");
  }
});

cryptoTest("the fourth NAK for one record gives the connection up", async () => {
  const [, server] = joined();
  await server.record("data");
  for (let i = 0; i < 3; i++) await server.receive(await forged(i, "nak", 0, encodeNak(0)));
  await server.output();
  await assertRefused(server, await forged(3, "nak", 0, encodeNak(0)), "connection_lost");
});

cryptoTest("what came before an attack, in the same bytes, is delivered all the same", async () => {
  const [client, server] = joined();
  for (let i = 0; i < 4; i++) client.session.send("data", Uint8Array.of(i));
  const [a, b, c, d] = recordsIn(await client.output());
  const messages = await server.receive(concat(a!, b!, crcMended(flipped(c!, -5)), d!));
  assert.deepEqual(messages.map(({ body }) => body[0]), [0, 1]);
  await assertEnded(server, "bad_record", "badRecord");
});

cryptoTest("a forged record before a foul leaves no rejection unhandled", async () => {
  const [client, server] = joined();
  client.session.send("data");
  client.session.send("data");
  const [a, b] = recordsIn(await client.output());
  const bytes = concat(crcMended(flipped(a!, -5)), a!, b!);
  await assertRefused(server, bytes, "bad_record", /record 0/);
  // Whatever was left unheard would end the test's process in this turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
});

cryptoTest("the first failure is the one that stays, whatever is still being opened", async () => {
  const [client, server] = joined();
  for (let i = 0; i < 3; i++) client.session.send("data", new Uint8Array(100_000));
  const [a, b, c] = recordsIn(await client.output());
  const calls = [a!, crcMended(flipped(b!, -5)), c!].map((record) => server.receive(record));
  const results = await Promise.allSettled(calls);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
  const reasons = results.slice(1).map((result) => (result as PromiseRejectedResult).reason);
  assert.equal(codeOf(reasons[0]), "bad_record");
  assert.equal(reasons[1], reasons[0]);
});

// ---- Ends ----

cryptoTest("CLOSE is a proper end", async () => {
  const [client, server] = joined();
  client.session.send("data");
  client.session.close();
  assert.deepEqual(typesOf(await server.receive(await client.output())), ["data"]);
  assert.ok(server.session.isPeerClosed);
  server.session.receiveEnd();
  assert.equal(server.session.failure, undefined);
  // The other direction is open still.
  assert.deepEqual(typesOf(await client.receive(await server.record("done"))), ["done"]);
  assertFails(() => client.session.send("data"), "unexpected_message");
});

cryptoTest("the end of the stream without CLOSE is a cut, at every byte", async () => {
  const [client] = joined();
  client.session.send("data");
  client.session.close();
  const bytes = await client.output();
  for (let size = 0; size < bytes.length; size++) {
    const server = new End("server", "client", {});
    await server.receive(bytes.slice(0, size));
    assertFails(() => server.session.receiveEnd(), "connection_lost");
    await assertEnded(server, "connection_lost", undefined);
  }
});

cryptoTest("nothing may follow CLOSE", async () => {
  for (const type of ["data", "ack", "ping", "close", "alert"] as const) {
    const [, server] = joined();
    await server.receive(await forged(0, "close"));
    const late = await forged(1, type, 0, type === "alert" ? Uint8Array.of(7) : undefined);
    await assertRefused(server, late, "unexpected_message", /closed its direction/);
    await assertEnded(server, "unexpected_message", "protocolError");
  }
});

cryptoTest("a sealed alert ends the session, and is not answered", async () => {
  const meanings = {
    closing: "connection_lost",
    internalError: "connection_lost",
    badRecord: "bad_record",
    protocolError: "unexpected_message",
    accessDenied: "unauthorized",
  } as const;
  for (const [alert, code] of Object.entries(meanings)) {
    const [, server] = joined();
    const body = Uint8Array.of(ALERTS[alert as Alert]);
    await assertRefused(server, await forged(0, "alert", 0, body), code);
    await assertEnded(server, code, undefined);
  }
});

cryptoTest("a refusal and the alert behind it, in the same bytes, are both heard", async () => {
  const [client, server] = joined();
  server.session.send("reject", Uint8Array.of(4, 0, 0));
  server.session.fail(new StxError("exists", "The name is already taken"));
  const messages = await client.receive(await server.output());
  assert.deepEqual(typesOf(messages), ["reject"]);
  assert.equal(codeOf(client.session.failure), "connection_lost");
});

cryptoTest("a failure of this end is told by the alert that fits, a lost line by none", async () => {
  const alerts = {
    disk_full: "internalError",
    rejected: "internalError",
    malformed: "protocolError",
    bad_manifest: "protocolError",
    bad_record: "badRecord",
    cancelled: "closing",
    connection_lost: undefined,
  } as const;
  for (const [code, alert] of Object.entries(alerts)) {
    const server = new End("server", "client", {});
    const error = new StxError(code as ErrorCode, "why");
    assert.equal(server.session.fail(error), error);
    await assertEnded(server, code as ErrorCode, alert);
    assert.equal(server.session.fail(new StxError("disk", "later")), error, "the first one stays");
  }
});

cryptoTest("an error that nobody foresaw is a lost connection, with its cause", async () => {
  const server = new End("server", "client", {});
  const cause = new TypeError("a bug");
  assert.equal(server.session.fail(cause).cause, cause);
  await assertEnded(server, "connection_lost", undefined);
});

cryptoTest("an abort tells the peer and ends everything here", async () => {
  const [client, server] = joined();
  server.session.abort("closing");
  server.session.abort("internalError");
  const bytes = await server.output();
  await assertRefused(client, bytes, "connection_lost", /closing/);
  assertFails(() => server.session.send("data"), "cancelled");
  await assertRefused(server, new Uint8Array(1), "cancelled");
});

cryptoTest("after CLOSE a failure has nothing more to say", async () => {
  const server = new End("server", "client", {});
  server.session.close();
  await server.output();
  server.session.fail(new StxError("disk", "why"));
  assert.deepEqual(recordsIn(await server.output()), []);
});

cryptoTest("after a failure nothing is opened any more", async () => {
  const receiveSecret = secretOf("client");
  const server = new End("server", "client", { receiveSecret });
  server.session.fail(new StxError("disk", "why"));
  assert.deepEqual(receiveSecret, new Uint8Array(32));
  await server.output();
});

cryptoTest("erased, both secrets are overwritten", async () => {
  const [sendSecret, receiveSecret] = [secretOf("server"), secretOf("client")];
  const server = new End("server", "client", { sendSecret, receiveSecret });
  await server.record("data");
  server.session.erase();
  assert.deepEqual(concat(sendSecret, receiveSecret), new Uint8Array(64));
});

// ---- Time ----

cryptoTest("a PING is answered, which frees it", async () => {
  const [client, server] = joined();
  await server.receive(await client.record("ping"));
  const answer = await server.output();
  assert.deepEqual(await said(answer, "server"), {
    type: MESSAGE_TYPES.ack,
    ack: 1,
    body: new Uint8Array(0),
  });
  assert.deepEqual(await client.receive(answer), []);
});

cryptoTest("an end that sent nothing for 20 seconds sends a PING", async () => {
  const client = new End("client", "server", {});
  assert.equal(client.session.nextTimeoutMs(), START_MS + PING_AFTER_MS);
  client.session.handleTimeout(START_MS + PING_AFTER_MS - 1);
  assert.deepEqual(await output(client, "client"), []);
  client.session.handleTimeout(START_MS + PING_AFTER_MS);
  assert.deepEqual(await output(client, "client"), ["ping"]);
  assert.equal(client.session.nextTimeoutMs(), START_MS + 2 * PING_AFTER_MS);
});

cryptoTest("an end that did send something does not", async () => {
  const client = new End("client", "server", {});
  await client.record("data");
  client.session.handleTimeout(START_MS + PING_AFTER_MS);
  assert.deepEqual(await output(client, "client"), []);
  client.session.handleTimeout(START_MS + 2 * PING_AFTER_MS);
  assert.deepEqual(await output(client, "client"), ["ping"]);
});

cryptoTest("60 seconds of silence give the connection up; any byte breaks the silence", async () => {
  const [client, server] = joined();
  server.nowMs += 50_000;
  await server.receive(await client.record("data"));
  server.session.handleTimeout(START_MS + IDLE_TIMEOUT_MS);
  server.session.handleTimeout(server.nowMs + IDLE_TIMEOUT_MS - 1);
  await server.output();
  const endMs = server.nowMs + IDLE_TIMEOUT_MS;
  assertFails(() => server.session.handleTimeout(endMs), "connection_lost", /60 seconds/);
  await assertEnded(server, "connection_lost", undefined);
  server.session.handleTimeout(endMs + 1);
});

cryptoTest("time in which nobody listened is no silence", () => {
  const server = new End("server", "client", {});
  server.session.excuseSilence(START_MS + IDLE_TIMEOUT_MS);
  server.session.handleTimeout(START_MS + IDLE_TIMEOUT_MS);
  assert.equal(server.session.failure, undefined);
});

cryptoTest("a search and a record that is not whole have their own times", async () => {
  const [client, server] = joined({ firstSequence: 1 });
  const record = await client.record("data");
  await server.receive(flipped(record, 10));
  assert.equal(server.session.nextTimeoutMs(), START_MS + 5_000);
  assertFails(() => server.session.handleTimeout(START_MS + 5_000), "connection_lost");
});

cryptoTest("what is being opened is counted until it is delivered", async () => {
  const [client, server] = joined();
  for (let i = 0; i < 5; i++) client.session.send("data");
  const receiving = server.receive(await client.output());
  assert.equal(server.session.openingCount, 5);
  await receiving;
  assert.equal(server.session.openingCount, 0);
});

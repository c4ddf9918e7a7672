import assert from "node:assert/strict";
import { concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { REJECT_TEXT_SIZE_MAX, TIME_MS_MAX } from "../../../lib/limits.ts";
import { u16 } from "../../../lib/wire/fields.ts";
import {
  DATA_HEADER_SIZE,
  decodeData,
  decodeDone,
  decodeMessage,
  decodeOffer,
  decodeReject,
  decodeRotation,
  encodeAccept,
  encodeDone,
  encodeEnd,
  encodeOffer,
  encodeReject,
  encodeRotation,
  expectEmpty,
  isControl,
  type Message,
  MESSAGE_HEADER_SIZE,
  MESSAGE_TYPES,
  type MessageType,
  type Offer,
  REJECT_REASONS,
  ROTATION_SIZE,
  writeDataIndex,
  writeMessageHeader,
} from "../../../lib/wire/message.ts";
import { assertFails } from "../identity/failures.ts";
import { counting } from "./codecs.ts";

const OFFER: Offer = {
  transferId: counting(32),
  sizeBytes: 0x0102030405,
  entryCount: 6,
  blockSizeBytes: 0x4000,
  manifestDigest: counting(32, 40),
  withDigests: false,
  isRepeated: false,
};

Deno.test("a message's header is its type and the acknowledgement", () => {
  const plaintext = new Uint8Array(7).fill(0xee);
  writeMessageHeader(plaintext, "start", 0x01020304);
  assert.equal(toHex(plaintext), "1501020304eeee");
  assert.deepEqual(decodeMessage(plaintext), {
    type: "start",
    acknowledged: 0x01020304,
    body: Uint8Array.of(0xee, 0xee),
  });
  const inside = new Uint8Array(9).subarray(2);
  writeMessageHeader(inside, "ack", 2 ** 32 - 1);
  assert.equal(toHex(inside), "01ffffffff0000");
});

Deno.test("message types have the numbers of the specification, and no others exist", () => {
  assert.deepEqual(MESSAGE_TYPES, {
    ack: 1,
    nak: 2,
    ping: 3,
    alert: 4,
    close: 5,
    rotation: 6,
    offer: 16,
    manifest: 17,
    wantManifest: 18,
    accept: 19,
    reject: 20,
    start: 21,
    data: 22,
    durable: 23,
    digests: 24,
    end: 25,
    done: 26,
  });
  const known = new Set<number>(Object.values(MESSAGE_TYPES));
  for (let number = 0; number < 256; number++) {
    const plaintext = concat(Uint8Array.of(number), new Uint8Array(4));
    if (known.has(number)) assert.equal(MESSAGE_TYPES[decodeMessage(plaintext).type], number);
    else {assertFails(
        () => decodeMessage(plaintext),
        "malformed",
        new RegExp(`type ${number} does not exist`),
      );}
  }
});

Deno.test("control messages are those below 16", () => {
  const control = (Object.keys(MESSAGE_TYPES) as MessageType[]).filter(isControl);
  assert.deepEqual(control, ["ack", "nak", "ping", "alert", "close", "rotation"]);
});

Deno.test("a message without a body is malformed with one", () => {
  for (const type of ["ack", "ping", "close", "wantManifest"] as const) {
    const message = (body: number): Message => ({ type, body: new Uint8Array(body) });
    expectEmpty(message(0));
    assertFails(() => expectEmpty(message(1)), "malformed", /1 bytes follow/);
  }
});

Deno.test("OFFER, ACCEPT, END and DONE have the layouts of the specification", () => {
  assert.equal(
    toHex(encodeOffer(OFFER)),
    toHex(counting(32)) + "00" + "0000000102030405" + "00000006" + "00004000" + toHex(counting(32, 40)),
  );
  assert.equal(
    toHex(encodeOffer({ ...OFFER, sizeBytes: null, withDigests: true })).slice(64, 82),
    "03" + "0000000000000000",
  );
  assert.equal(
    toHex(encodeAccept({ offsetBytes: 5, sha256: counting(32) })),
    "0000000000000005" + toHex(counting(32)),
  );
  assert.equal(
    toHex(encodeEnd({ sizeBytes: 1, blockCount: 2, crc32: 0xcbf43926 })),
    "0000000000000001" + "0000000000000002" + "cbf43926",
  );
  const done = {
    finishedMs: 1,
    sizeBytes: 2,
    sessionId: counting(16),
    withDigests: true,
    signature: utf8("sig"),
  };
  assert.equal(
    toHex(encodeDone(done)),
    "0000000000000001" + "0000000000000002" + toHex(counting(16)) + "01" + "0003736967",
  );
});

Deno.test("OFFER's flags that do not exist are malformed", () => {
  for (let flags = 0; flags < 256; flags++) {
    const body = encodeOffer({ ...OFFER, sizeBytes: 0 });
    body[32] = flags;
    if (flags > 7) assertFails(() => decodeOffer(body), "malformed", /flags/);
    else {
      assert.equal(decodeOffer(body).withDigests, (flags & 2) !== 0);
      assert.equal(decodeOffer(body).isRepeated, (flags & 4) !== 0);
    }
  }
});

Deno.test("OFFER may not give a size and say that none is known", () => {
  const body = encodeOffer({ ...OFFER, sizeBytes: 1 });
  body[32] = 1;
  assertFails(() => decodeOffer(body), "malformed", /none is known/);
});

Deno.test("numbers that are not counted exactly are malformed in every message", () => {
  const offer = encodeOffer(OFFER);
  offer.set(fromHex("0020000000000000"), 33);
  assertFails(() => decodeOffer(offer), "malformed", /2\^53/);
  assertFails(() => decodeData(fromHex("0020000000000000")), "malformed", /2\^53/);
});

Deno.test("DONE's flag for digests is 0 or 1", () => {
  const done = {
    finishedMs: 1,
    sizeBytes: 2,
    sessionId: counting(16),
    withDigests: false,
    signature: new Uint8Array(0),
  };
  const body = encodeDone(done);
  for (const flag of [2, 3, 128, 255]) {
    body[32] = flag;
    assertFails(() => decodeDone(body), "malformed", /flag/);
  }
});

Deno.test("REJECT of a later version counts as policy", () => {
  const numbers = Object.values(REJECT_REASONS);
  for (let number = 0; number < 256; number++) {
    const { reason } = decodeReject(concat(Uint8Array.of(number), u16(0)));
    if ((numbers as number[]).includes(number)) assert.equal(REJECT_REASONS[reason], number);
    else assert.equal(reason, "policy");
  }
});

Deno.test("REJECT's text is cut at a thousand characters when sent", () => {
  const body = encodeReject({ reason: "policy", text: "x".repeat(5000) });
  assert.equal(decodeReject(body).text, "x".repeat(1000));
  // The cut may fall into a pair: what is left of it still is a text.
  const halved = decodeReject(encodeReject({ reason: "policy", text: `x${"\u{1f600}".repeat(600)}` })).text;
  assert.equal(halved, `x${"\u{1f600}".repeat(499)}\ufffd`);
});

Deno.test("REJECT's text beyond what is ever sent is malformed", () => {
  const body = (size: number) => concat(Uint8Array.of(1), u16(size), new Uint8Array(size).fill(0x61));
  assert.equal(decodeReject(body(REJECT_TEXT_SIZE_MAX)).text.length, REJECT_TEXT_SIZE_MAX);
  assertFails(() => decodeReject(body(REJECT_TEXT_SIZE_MAX + 1)), "malformed", /at most 3000/);
  assertFails(
    () => decodeReject(concat(Uint8Array.of(1), u16(1), Uint8Array.of(0xff))),
    "malformed",
    /UTF-8/,
  );
});

Deno.test("ROTATION has the layout of the specification, and a time that is one", () => {
  const rotation = {
    oldKey: counting(32),
    newKey: counting(32, 40),
    timeMs: 0x0102030405,
    oldSignature: counting(64, 80),
    newSignature: counting(64, 150),
  };
  const body = encodeRotation(rotation);
  assert.equal(
    toHex(body),
    [counting(32), counting(32, 40), fromHex("0000000102030405"), counting(64, 80), counting(64, 150)]
      .map(toHex).join(""),
  );
  assert.equal(body.length, ROTATION_SIZE);
  assert.deepEqual(decodeRotation(body), rotation);
  assertFails(() => decodeRotation(body.slice(0, -1)), "malformed");
  assertFails(() => decodeRotation(concat(body, new Uint8Array(1))), "malformed", /1 bytes follow/);
  const late = encodeRotation({ ...rotation, timeMs: TIME_MS_MAX + 2 });
  assertFails(() => decodeRotation(late), "malformed", /time/);
});

Deno.test("a block's index stands behind the message header, its data is not copied", () => {
  assert.equal(DATA_HEADER_SIZE, MESSAGE_HEADER_SIZE + 8);
  const buffer = new Uint8Array(3 + DATA_HEADER_SIZE + 2);
  const plaintext = buffer.subarray(3);
  writeMessageHeader(plaintext, "data", 0);
  writeDataIndex(plaintext, 0x0102030405);
  plaintext.set([7, 8], DATA_HEADER_SIZE);
  assert.equal(toHex(plaintext), "16" + "00000000" + "0000000102030405" + "0708");
  const { body } = decodeMessage(plaintext);
  const block = decodeData(body);
  assert.equal(block.index, 0x0102030405);
  assert.deepEqual(block.data, Uint8Array.of(7, 8));
  assert.equal(block.data.buffer, buffer.buffer);
});

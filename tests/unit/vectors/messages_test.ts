import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { signRotation, verifyRotation } from "../../../lib/identity/rotation.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { ALERTS, decodeAlert } from "../../../lib/wire/alert.ts";
import { decodeManifest, encodeManifest } from "../../../lib/wire/manifest.ts";
import * as message from "../../../lib/wire/message.ts";
import { assertBytes, entryOf, messageTypeOf, type PrintedEntry, readVectors } from "./files.ts";

interface MessageVector {
  readonly name: string;
  readonly type: number;
  readonly value: Readonly<Record<string, string | number | readonly PrintedEntry[]>>;
  readonly body: string;
}

interface MessagesFile {
  readonly messages: readonly MessageVector[];
  readonly unknown: readonly MessageVector[];
  readonly refused: readonly { readonly why: string; readonly type: number; readonly body: string }[];
  readonly alerts: readonly { readonly name: string; readonly number: number }[];
  readonly reject_reasons: readonly { readonly name: string; readonly number: number }[];
}

const FILE = readVectors<MessagesFile>("messages");

/** A field of a vector's value. */
class Fields {
  readonly #value: MessageVector["value"];

  constructor(value: MessageVector["value"]) {
    this.#value = value;
  }

  number(name: string): number {
    return this.#value[name] as number;
  }

  bytes(name: string): Bytes {
    return fromHex(this.#value[name] as string);
  }

  text(name: string): string {
    return this.#value[name] as string;
  }

  entries(): readonly PrintedEntry[] {
    return this.#value["entries"] as readonly PrintedEntry[];
  }
}

/** How a message is written and read. */
interface Codec {
  /** The value as this library has it. */
  readonly value: (fields: Fields) => unknown;
  readonly encode: (value: never) => Bytes | readonly Bytes[];
  readonly decode: (body: Bytes) => unknown;
}

function codec<Value>(
  value: (fields: Fields) => Value,
  encode: (value: Value) => Bytes | readonly Bytes[],
  decode: (body: Bytes) => unknown,
): Codec {
  return { value, encode, decode };
}

function emptyCodec(type: message.MessageType): Codec {
  return codec(() => undefined, () => new Uint8Array(0), (body) => message.expectEmpty({ type, body }));
}

function offsetCodec(type: message.MessageType): Codec {
  return codec(
    (fields) => fields.number("offset"),
    message.encodeOffset,
    (body) => message.decodeOffset({ type, body }),
  );
}

function reasonOf(number: number): message.RejectReason {
  const names = Object.keys(message.REJECT_REASONS) as message.RejectReason[];
  return names.find((name) => message.REJECT_REASONS[name] === number)!;
}

const CODECS: Readonly<Record<message.MessageType, Codec>> = {
  ack: emptyCodec("ack"),
  ping: emptyCodec("ping"),
  close: emptyCodec("close"),
  wantManifest: emptyCodec("wantManifest"),
  start: offsetCodec("start"),
  durable: offsetCodec("durable"),
  nak: codec((fields) => fields.number("sequence"), message.encodeNak, message.decodeNak),
  alert: codec(
    (fields) => decodeAlert(Uint8Array.of(fields.number("alert"))),
    (alert) => Uint8Array.of(ALERTS[alert]),
    decodeAlert,
  ),
  rotation: codec(
    (fields): message.Rotation => ({
      oldKey: fields.bytes("old_key"),
      newKey: fields.bytes("new_key"),
      timeMs: fields.number("time"),
      oldSignature: fields.bytes("old_signature"),
      newSignature: fields.bytes("new_signature"),
    }),
    message.encodeRotation,
    message.decodeRotation,
  ),
  offer: codec(
    (fields): message.Offer => ({
      transferId: fields.bytes("transfer_id"),
      sizeBytes: (fields.number("flags") & 1) !== 0 ? null : fields.number("size"),
      entryCount: fields.number("count"),
      blockSizeBytes: fields.number("block_size"),
      manifestDigest: fields.bytes("manifest_digest"),
      withDigests: (fields.number("flags") & 2) !== 0,
      isRepeated: (fields.number("flags") & 4) !== 0,
    }),
    message.encodeOffer,
    message.decodeOffer,
  ),
  manifest: codec((fields) => fields.entries().map(entryOf), encodeManifest, decodeManifest),
  accept: codec(
    (fields): message.Accept => ({ offsetBytes: fields.number("offset"), sha256: fields.bytes("sha256") }),
    message.encodeAccept,
    message.decodeAccept,
  ),
  reject: codec(
    (fields): message.Reject => ({ reason: reasonOf(fields.number("reason")), text: fields.text("text") }),
    message.encodeReject,
    message.decodeReject,
  ),
  data: codec(
    (fields) => ({ index: fields.number("index"), data: fields.bytes("data") }),
    ({ index, data }) => {
      const plaintext = new Uint8Array(message.DATA_HEADER_SIZE + data.length);
      message.writeDataIndex(plaintext, index);
      plaintext.set(data, message.DATA_HEADER_SIZE);
      return plaintext.slice(message.MESSAGE_HEADER_SIZE);
    },
    message.decodeData,
  ),
  digests: codec((fields) => fields.bytes("digests"), (digests) => digests, (body) => body),
  end: codec(
    (fields): message.End => ({
      sizeBytes: fields.number("size"),
      blockCount: fields.number("blocks"),
      crc32: fields.number("crc32"),
    }),
    message.encodeEnd,
    message.decodeEnd,
  ),
  done: codec(
    (fields): message.Done => ({
      finishedMs: fields.number("time"),
      sizeBytes: fields.number("size"),
      sessionId: fields.bytes("session_id"),
      withDigests: fields.number("with_digests") === 1,
      signature: fields.bytes("signature"),
    }),
    message.encodeDone,
    message.decodeDone,
  ),
};

Deno.test("every message is there, under its number", () => {
  const numbers = new Set(FILE.messages.map(({ type }) => type));
  assert.deepEqual([...numbers].sort((a, b) => a - b), Object.values(message.MESSAGE_TYPES));
  for (const { name, type } of FILE.messages) {
    const spelled = messageTypeOf(type).replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    assert.equal(name, spelled);
  }
});

Deno.test("every message is written and read as the vectors say", () => {
  for (const { name, type, value, body } of FILE.messages) {
    const { value: make, encode, decode } = CODECS[messageTypeOf(type)];
    const made = make(new Fields(value));
    assertBytes([encode(made as never)].flat()[0]!, body, name);
    assert.deepEqual(decode(fromHex(body)), made, name);
  }
});

Deno.test("numbers that are not known count as the vectors say", () => {
  for (const { name, type, value, body } of FILE.unknown) {
    const { value: make, decode } = CODECS[messageTypeOf(type)];
    assert.deepEqual(decode(fromHex(body)), make(new Fields(value)), name);
  }
});

Deno.test("bodies that are none are refused", () => {
  for (const { why, type, body } of FILE.refused) {
    const name = messageTypeOf(type);
    const isRefused = (error: unknown): boolean => codeOf(error) === "malformed";
    assert.throws(() => CODECS[name].decode(fromHex(body)), isRefused, `${name}: ${why}`);
  }
});

Deno.test("alerts and REJECT's reasons have the numbers of the vectors", () => {
  const spelled = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  assert.deepEqual(
    Object.entries(ALERTS).map(([name, number]) => ({ name: spelled(name), number })),
    FILE.alerts,
  );
  assert.deepEqual(
    Object.entries(message.REJECT_REASONS).map(([name, number]) => ({ name, number })),
    FILE.reject_reasons,
  );
});

Deno.test("a change of identity is signed as the vectors say", async () => {
  const { value, body } = FILE.messages.find(({ name }) => name === "ROTATION")!;
  const fields = new Fields(value);
  const [old, next] = [
    await identityFromSeed(fields.bytes("old_seed")),
    await identityFromSeed(fields.bytes("new_seed")),
  ];
  assertBytes(await signRotation(old, next, fields.number("time")), body);
  verifyRotation(fromHex(body));
});

import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import { importAeadKey } from "../../../lib/crypto/suite.ts";
import { RecordReceiver } from "../../../lib/records/record_receiver.ts";
import { plaintextOf, RecordSender } from "../../../lib/records/record_sender.ts";
import { TrafficKeys } from "../../../lib/records/traffic_keys.ts";
import { MESSAGE_TYPES } from "../../../lib/wire/message.ts";
import { cryptoSettled } from "../../support/settled_crypto.ts";
import { assertBytes, messageTypeOf, readVectors, suiteOf } from "./files.ts";

interface RecordVector {
  readonly sequence: number;
  readonly type: number;
  readonly ack: number;
  readonly body: string;
  readonly plaintext: string;
  readonly key: string;
  readonly nonce: string;
  readonly additional_data: string;
  readonly ciphertext: string;
  readonly tag: string;
  readonly crc32: string;
  readonly record: string;
}

interface LargestVector {
  readonly sequence: number;
  readonly type: number;
  readonly ack: number;
  readonly body_byte: string;
  readonly body_size: number;
  readonly record_size: number;
  readonly record_sha256: string;
  readonly record_start: string;
  readonly record_end: string;
}

interface SuiteVectors {
  readonly suite: number;
  readonly secret_0: string;
  readonly records: readonly RecordVector[];
  readonly largest: LargestVector;
}

const { cases } = readVectors<{ cases: readonly SuiteVectors[] }>("records");

/** One record as this library seals it. */
async function sealed(
  { suite, secret_0 }: SuiteVectors,
  { sequence, type, ack }: Pick<RecordVector, "sequence" | "type" | "ack">,
  body: Bytes,
): Promise<Bytes> {
  const keys = new TrafficKeys(suiteOf(suite), fromHex(secret_0));
  const ready = Promise.withResolvers<void>();
  const limits = { windowRecords: 256, windowSizeBytes: 2 ** 24 };
  const sender = new RecordSender(keys, limits, ready.resolve, sequence);
  sender.send(messageTypeOf(type), plaintextOf(body), ack);
  await ready.promise;
  return concat(...sender.takeOutput());
}

/** A receiver that expects this record next. */
function receiverAt({ suite, secret_0 }: SuiteVectors, sequence: number): RecordReceiver {
  return new RecordReceiver(new TrafficKeys(suiteOf(suite), fromHex(secret_0)), sequence);
}

for (const each of cases) {
  const suite = suiteOf(each.suite);
  for (const vector of each.records) {
    Deno.test(`${suite}, record ${vector.sequence}: sealed, opened and taken apart`, async () => {
      assertBytes(await sealed(each, vector, fromHex(vector.body)), vector.record);

      const receiver = receiverAt(each, vector.sequence);
      const { messages, naks, failure } = receiver.receive(fromHex(vector.record), 0);
      assert.deepEqual([messages.length, naks, failure], [1, [], undefined]);
      const { type, acknowledged, sequence, body } = await messages[0]!;
      assert.deepEqual(
        [MESSAGE_TYPES[type], acknowledged, sequence, toHex(body)],
        [vector.type, vector.ack, vector.sequence, vector.body],
      );

      const { additional_data, ciphertext, tag, crc32, record, plaintext } = vector;
      assert.equal(additional_data + ciphertext + tag + crc32, record);
      const key = await importAeadKey(suite, fromHex(vector.key));
      const opened = await key.open(
        fromHex(vector.nonce),
        fromHex(additional_data),
        fromHex(ciphertext + tag),
      );
      assertBytes(opened!, plaintext);
      await cryptoSettled();
    });
  }

  Deno.test(`${suite}: one sender goes on from generation to generation`, async () => {
    const vectors = each.records.filter(({ sequence }) => sequence >= 65_535 && sequence <= 65_537);
    const keys = new TrafficKeys(suite, fromHex(each.secret_0));
    let ready = Promise.withResolvers<void>();
    const limits = { windowRecords: 256, windowSizeBytes: 2 ** 24 };
    const sender = new RecordSender(keys, limits, () => ready.resolve(), 65_535);
    const receiver = receiverAt(each, 65_535);
    for (const vector of vectors) {
      ready = Promise.withResolvers();
      sender.send(messageTypeOf(vector.type), plaintextOf(fromHex(vector.body)), vector.ack);
      await ready.promise;
      assertBytes(concat(...sender.takeOutput()), vector.record);
      const { messages } = receiver.receive(fromHex(vector.record), 0);
      assertBytes((await messages[0]!).body, vector.body);
    }
    await cryptoSettled();
  });

  Deno.test(`${suite}: the largest record, and none larger`, async () => {
    const { largest } = each;
    const body = new Uint8Array(largest.body_size).fill(Number.parseInt(largest.body_byte, 16));
    const record = await sealed(each, largest, body);
    assert.equal(record.length, largest.record_size);
    assertBytes(sha256(record), largest.record_sha256);
    assertBytes(record.slice(0, 32), largest.record_start);
    assertBytes(record.slice(-32), largest.record_end);
    const { messages } = receiverAt(each, largest.sequence).receive(record, 0);
    assert.deepEqual((await messages[0]!).body, body);
    await cryptoSettled();
  });
}

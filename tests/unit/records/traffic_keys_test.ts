import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { recordHeader } from "../../../lib/wire/record.ts";
import { TrafficKeys } from "../../../lib/records/traffic_keys.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { opened, sealed, secretOf, SUITES, withCrc } from "./records.ts";

const HELLO = utf8("hello");

async function seal(keys: TrafficKeys, sequence: number, text: Bytes): Promise<Bytes> {
  const header = recordHeader(sequence, text.length);
  return withCrc(concat(header, await (await keys.at(sequence)).seal(sequence, header, text)));
}

for (const suite of SUITES) {
  cryptoTest(`${suite}: key, IV, nonce and additional data are those of the specification`, async () => {
    for (const sequence of [0, 1, 255, 65_535, 65_536, 65_537, 131_071, 131_072, 3 * 65_536 + 5]) {
      const keys = new TrafficKeys(suite, secretOf("client"));
      const record = await seal(keys, sequence, HELLO);
      assert.deepEqual(record, await sealed(suite, secretOf("client"), sequence, HELLO), `${sequence}`);
      assert.deepEqual(await opened(suite, secretOf("client"), record), HELLO);
    }
  });

  cryptoTest(`${suite}: the header is authenticated`, async () => {
    const keys = new TrafficKeys(suite, secretOf("client"));
    const key = await keys.at(0);
    const box = await key.seal(0, recordHeader(0, 5), HELLO);
    assert.deepEqual(await key.open(0, recordHeader(0, 5), box), HELLO);
    assert.equal(await key.open(0, recordHeader(0, 6), box), undefined);
    assert.equal(await key.open(1, recordHeader(0, 5), box), undefined);
  });

  cryptoTest(`${suite}: the input may be overwritten as soon as a call returns`, async () => {
    const keys = new TrafficKeys(suite, secretOf("client"));
    const key = await keys.at(0);
    const text = utf8("first words");
    const header = recordHeader(0, text.length);
    const sealing = key.seal(0, header, text);
    text.fill(0);
    header.fill(0);
    const box = await sealing;
    const again = recordHeader(0, text.length);
    const copy = box.slice();
    const opening = key.open(0, again, copy);
    copy.fill(0);
    again.fill(0);
    assert.deepEqual(await opening, utf8("first words"));
  });
}

cryptoTest("at a generation's end the secret and the key are gone", async () => {
  const secret = secretOf("client");
  const keys = new TrafficKeys("aes-256-gcm", secret);
  const old = await keys.at(65_535);
  assert.deepEqual(secret, secretOf("client"));
  const next = await keys.at(65_536);
  assert.deepEqual(secret, new Uint8Array(32), "the old secret is overwritten");
  assert.notEqual(next, old);
  // A number of the generation before gets the present key: the old one is not to be had any more.
  assert.equal(await keys.at(65_535), next);
  const header = recordHeader(65_535, 5);
  assert.equal(await next.open(65_535, header, await old.seal(65_535, header, HELLO)), undefined);
});

cryptoTest("a key is at hand without waiting once it is imported", async () => {
  const keys = new TrafficKeys("aes-256-gcm", secretOf("client"));
  const waiting = keys.at(0);
  assert.ok(waiting instanceof Promise);
  const key = await waiting;
  assert.equal(keys.at(1), key);
});

cryptoTest("erased keys overwrite their secret and give out nothing any more", async () => {
  const secret = secretOf("client");
  const keys = new TrafficKeys("aes-256-gcm", secret);
  await keys.at(0);
  keys.erase();
  assert.deepEqual(secret, new Uint8Array(32));
  assert.throws(() => keys.at(0), /erased/);
  assert.throws(() => keys.at(65_536), /erased/);
});

import assert from "node:assert/strict";
import { type Bytes, concat, equal } from "../../../lib/bytes/bytes.ts";
import type { TrafficKey } from "../../../lib/crypto/traffic_key.ts";
import { NAK_SAME_MAX, NAK_SESSION_MAX, SEQUENCE_END, WINDOW_CONTROL_RECORDS } from "../../../lib/limits.ts";
import { plaintextOf, RecordSender } from "../../../lib/records/record_sender.ts";
import { TrafficKeys } from "../../../lib/records/traffic_keys.ts";
import type { SessionLimits } from "../../../lib/wire/handshake_messages.ts";
import type { MessageType } from "../../../lib/wire/message.ts";
import { RECORD_OVERHEAD } from "../../../lib/wire/record.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { assertFails } from "../identity/failures.ts";
import { opened, plaintext, recordsIn, ROOMY, sealed, secretOf, sequenceOf } from "./records.ts";

/** Keys that tell what was sealed, and seal only when they are let. */
class WatchedKeys extends TrafficKeys {
  readonly sealedNumbers: number[] = [];
  /** Asked after each seal, before its result is given out. */
  beforeResult: (sequence: number) => Promise<void> = () => Promise.resolve();

  override at(sequence: number): TrafficKey | Promise<TrafficKey> {
    const key = super.at(sequence);
    return key instanceof Promise ? key.then((ready) => this.#watch(ready)) : this.#watch(key);
  }

  #watch(key: TrafficKey): TrafficKey {
    return {
      seal: async (sequence, header, text) => {
        this.sealedNumbers.push(sequence);
        const sealing = key.seal(sequence, header, text);
        await this.beforeResult(sequence);
        return await sealing;
      },
      open: key.open,
    };
  }
}

/** A sender with its output collected. */
class Outgoing {
  readonly keys: WatchedKeys;
  readonly sender: RecordSender;
  #output = Promise.withResolvers<void>();

  constructor(limits: SessionLimits = ROOMY, firstSequence = 0) {
    this.keys = new WatchedKeys("aes-256-gcm", secretOf("client"));
    const onOutput = () => {
      this.#output.resolve();
      this.#output = Promise.withResolvers<void>();
    };
    this.sender = new RecordSender(this.keys, limits, onOutput, firstSequence);
  }

  send(type: MessageType, sizeBytes = 0, acknowledged = 0): void {
    this.sender.send(type, plaintextOf(new Uint8Array(sizeBytes).fill(7)), acknowledged);
  }

  /** Everything that is to be written, once all of it is sealed, as it was given out. */
  async parts(): Promise<readonly Bytes[]> {
    const parts: Bytes[] = [];
    for (;;) {
      const signal = this.#output.promise;
      parts.push(...this.sender.takeOutput());
      if (this.sender.waitingCount === 0) return parts;
      await signal;
    }
  }

  async output(): Promise<Bytes> {
    return concat(...await this.parts());
  }
}

cryptoTest("records are those of the specification, numbered from 0", async () => {
  const out = new Outgoing();
  out.sender.send("offer", plaintext("offer", 0, Uint8Array.of(1, 2, 3)), 0);
  out.sender.send("data", plaintext("data", 0, Uint8Array.of(4)), 0x01020304);
  const records = recordsIn(await out.output());
  assert.deepEqual(records, [
    await sealed("aes-256-gcm", secretOf("client"), 0, plaintext("offer", 0, Uint8Array.of(1, 2, 3))),
    await sealed("aes-256-gcm", secretOf("client"), 1, plaintext("data", 0x01020304, Uint8Array.of(4))),
  ]);
});

cryptoTest("several seals under way come out in the order in which they were sent", async () => {
  const out = new Outgoing();
  await out.keys.at(0);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  out.keys.beforeResult = (sequence) => gates[sequence]!.promise;
  for (let i = 0; i < 5; i++) out.send("data", i);
  assert.deepEqual(
    out.keys.sealedNumbers,
    [0, 1, 2, 3, 4],
    "each number is claimed before anything is awaited",
  );
  assert.equal(out.sender.waitingCount, 5);

  gates[4]!.resolve();
  gates[2]!.resolve();
  await gates[2]!.promise;
  assert.deepEqual(out.sender.takeOutput(), [], "the first one is not ready");
  for (const gate of gates) gate.resolve();

  assert.deepEqual(recordsIn(await out.output()).map(sequenceOf), [0, 1, 2, 3, 4]);
});

cryptoTest("the buffer that was given may be overwritten at once, also while a key is imported", async () => {
  const out = new Outgoing();
  for (const fill of [1, 2, 3]) {
    const buffer = plaintextOf(new Uint8Array(3).fill(fill));
    out.sender.send("data", buffer, 0);
    buffer.fill(0xee);
    if (fill === 2) await out.keys.at(0);
  }
  const texts = [];
  for (const record of recordsIn(await out.output())) {
    texts.push(await opened("aes-256-gcm", secretOf("client"), record));
  }
  assert.deepEqual(texts, [1, 2, 3].map((fill) => plaintext("data", 0, new Uint8Array(3).fill(fill))));
});

cryptoTest(
  "what is repeated is the same bytes, from the number that was asked for, and nothing is sealed twice",
  async () => {
    const out = new Outgoing();
    for (let i = 0; i < 6; i++) out.send("data", 10 + i);
    const first = await out.output();
    out.sender.repeatFrom(2);
    const repeated = await out.output();
    assert.deepEqual(recordsIn(repeated), recordsIn(first).slice(2));
    out.send("data", 99);
    out.sender.repeatFrom(5);
    const rest = recordsIn(await out.output());
    assert.deepEqual(rest.map(sequenceOf), [5, 6]);
    assert.deepEqual(rest[0], recordsIn(first)[5]);
    assert.deepEqual(out.keys.sealedNumbers, [0, 1, 2, 3, 4, 5, 6]);
  },
);

cryptoTest("the window is full at its number of records, and acknowledgements open it", async () => {
  const out = new Outgoing({ windowRecords: 16, windowSizeBytes: 2 ** 20 });
  for (let i = 0; i < 16; i++) {
    assert.ok(out.sender.hasRoom(5), `${i}`);
    out.send("data");
  }
  assert.ok(!out.sender.hasRoom(5));
  await out.output();
  assert.ok(!out.sender.hasRoom(5));
  out.sender.acknowledge(1);
  assert.ok(out.sender.hasRoom(5));
  out.send("data");
  assert.ok(!out.sender.hasRoom(5));
  out.sender.raiseLimits(ROOMY);
  assert.ok(out.sender.hasRoom(5));
  await out.output();
});

cryptoTest("the window is full at its number of bytes of whole records, exactly", async () => {
  const windowSizeBytes = 2 * (RECORD_OVERHEAD + 1005);
  const out = new Outgoing({ windowRecords: 16, windowSizeBytes });
  out.send("data", 1000);
  assert.ok(out.sender.hasRoom(1005));
  assert.ok(!out.sender.hasRoom(1006));
  out.send("data", 1000);
  assert.ok(!out.sender.hasRoom(5));
  await out.output();
});

cryptoTest("one record always fits into an empty window", async () => {
  const out = new Outgoing({ windowRecords: 16, windowSizeBytes: 1000 });
  assert.ok(out.sender.hasRoom(1_000_000));
  out.send("data", 1_000_000);
  assert.ok(!out.sender.hasRoom(5));
  await out.output();
  out.sender.acknowledge(1);
  assert.ok(out.sender.hasRoom(1_000_000));
});

cryptoTest("acknowledgements and pings go 16 records beyond a full window, then are left out", async () => {
  const out = new Outgoing({ windowRecords: 16, windowSizeBytes: 2 ** 20 });
  for (let i = 0; i < 16; i++) out.send("data");
  for (let i = 0; i < WINDOW_CONTROL_RECORDS + 5; i++) out.send(i % 2 === 0 ? "ack" : "ping");
  assert.equal(out.sender.nextSequence, 16 + WINDOW_CONTROL_RECORDS);
  // What must be said is said.
  for (const type of ["nak", "alert", "close"] as const) out.send(type);
  assert.equal(out.sender.nextSequence, 16 + WINDOW_CONTROL_RECORDS + 3);
  await out.output();
});

cryptoTest("a lower acknowledgement than known changes nothing", async () => {
  const out = new Outgoing();
  for (let i = 0; i < 4; i++) out.send("data");
  await out.output();
  out.sender.acknowledge(3);
  out.sender.acknowledge(1);
  out.sender.acknowledge(3);
  out.sender.repeatFrom(3);
  assert.deepEqual(recordsIn(await out.output()).map(sequenceOf), [3]);
});

cryptoTest(
  "an acknowledgement of what was not sent is malformed, be it only that nobody has taken it yet",
  async () => {
    const out = new Outgoing();
    assertFails(() => out.sender.acknowledge(1), "malformed");
    out.send("data");
    assertFails(() => out.sender.acknowledge(1), "malformed");
    await out.output();
    out.sender.acknowledge(1);
    assertFails(() => out.sender.acknowledge(2), "malformed");
  },
);

cryptoTest("a repetition of what is acknowledged or was never sent is malformed", async () => {
  const out = new Outgoing();
  for (let i = 0; i < 3; i++) out.send("data");
  await out.output();
  out.sender.acknowledge(2);
  assertFails(() => out.sender.repeatFrom(1), "malformed");
  assertFails(() => out.sender.repeatFrom(4), "malformed");
  out.sender.repeatFrom(2);
  await out.output();
});

cryptoTest("asking for a record acknowledges all before it", async () => {
  const out = new Outgoing();
  for (let i = 0; i < 3; i++) out.send("data");
  await out.output();
  out.sender.repeatFrom(2);
  assertFails(() => out.sender.repeatFrom(1), "malformed");
});

cryptoTest("the fourth NAK for one record gives the connection up", async () => {
  const out = new Outgoing();
  for (let i = 0; i < 3; i++) out.send("data");
  await out.output();
  for (let i = 0; i < NAK_SAME_MAX; i++) out.sender.repeatFrom(1);
  assertFails(() => out.sender.repeatFrom(1), "connection_lost");
});

cryptoTest("the count of NAKs for one record begins anew with another", async () => {
  const out = new Outgoing();
  for (let i = 0; i < 3; i++) out.send("data");
  await out.output();
  for (let i = 0; i < NAK_SAME_MAX; i++) out.sender.repeatFrom(1);
  for (let i = 0; i < NAK_SAME_MAX; i++) out.sender.repeatFrom(2);
});

cryptoTest("the 65th NAK of a session gives the connection up", async () => {
  const out = new Outgoing();
  for (let i = 0; i <= NAK_SESSION_MAX; i++) out.send("data");
  await out.output();
  for (let i = 0; i < NAK_SESSION_MAX; i++) out.sender.repeatFrom(i);
  assertFails(() => out.sender.repeatFrom(NAK_SESSION_MAX), "connection_lost");
});

cryptoTest(
  "behind CLOSE no message can be sent, and what only keeps a session going is left out",
  async () => {
    const out = new Outgoing();
    out.send("close");
    assertFails(() => out.send("data"), "unexpected_message");
    for (const type of ["ack", "ping", "nak", "alert", "close"] as const) out.send(type);
    assert.deepEqual(recordsIn(await out.output()).map(sequenceOf), [0]);
  },
);

cryptoTest("sequence numbers end 2^16 before 2^32", async () => {
  const out = new Outgoing(ROOMY, SEQUENCE_END - 40);
  assert.ok(!out.sender.isNearlyUsedUp);
  for (let i = 0; i < 8; i++) out.send("data");
  assert.ok(out.sender.isNearlyUsedUp, "early enough to say goodbye");
  for (let i = 8; i < 40; i++) out.send("data");
  assertFails(() => out.send("data"), "connection_lost");
  assertFails(() => out.send("close"), "connection_lost");
  assert.equal(sequenceOf(recordsIn(await out.output()).at(-1)!), SEQUENCE_END - 1);
});

cryptoTest("a seal that fails ends the output", async () => {
  const out = new Outgoing();
  out.keys.beforeResult = () => Promise.reject(new Error("no memory"));
  out.send("data");
  await assert.rejects(() => out.output(), /no memory/);
});

cryptoTest("a cipher that gives another size than it must is not trusted", async () => {
  class Short extends TrafficKeys {
    override at(): TrafficKey {
      return { seal: () => Promise.resolve(new Uint8Array(3)), open: () => Promise.resolve(undefined) };
    }
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  const sender = new RecordSender(new Short("aes-256-gcm", secretOf("client")), ROOMY, resolve);
  sender.send("ack", plaintextOf(new Uint8Array(0)), 0);
  await promise;
  assert.throws(() => sender.takeOutput(), /another size/);
});

cryptoTest("with erased keys nothing is sent and no number is claimed", () => {
  const out = new Outgoing();
  out.keys.erase();
  assert.throws(() => out.send("data"), /erased/);
  assert.equal(out.sender.nextSequence, 0);
  assert.equal(out.sender.waitingCount, 0);
});

cryptoTest("an acknowledgement frees a large record's memory at once", async () => {
  const out = new Outgoing();
  out.send("data", 100_000);
  const [, box] = await out.parts();
  assert.equal(box!.length, 5 + 100_000 + 16);
  out.sender.acknowledge(1);
  assert.equal(box!.length, 0);
});

cryptoTest("what was repeated may still be on its way out, and stays whole", async () => {
  const out = new Outgoing();
  out.send("data", 100_000);
  const whole = await out.output();
  out.sender.repeatFrom(0);
  const repeated = out.sender.takeOutput();
  out.sender.acknowledge(1);
  assert.ok(equal(concat(...repeated), whole));
});

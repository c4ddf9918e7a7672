import assert from "node:assert/strict";
import { type Bytes, concat, fromHex } from "../../../lib/bytes/bytes.ts";
import type { TrafficKey } from "../../../lib/crypto/traffic_key.ts";
import type { ErrorCode } from "../../../lib/errors.ts";
import {
  NAK_SESSION_MAX,
  RECORD_CIPHERTEXT_SIZE_MAX,
  RECORD_STALL_MS,
  RECORD_TIMEOUT_MS,
  RESYNC_TIMEOUT_MS,
  SEQUENCE_END,
  WINDOW_SIZE_BYTES,
} from "../../../lib/limits.ts";
import { type Received, RecordReceiver } from "../../../lib/records/record_receiver.ts";
import { TrafficKeys } from "../../../lib/records/traffic_keys.ts";
import { piecesOf } from "../../support/pieces.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { assertFails } from "../identity/failures.ts";
import { crcMended, flipped, plaintext, sealed, secretOf, START_MS } from "./records.ts";

const NOTHING: Bytes = new Uint8Array(0);

function receiverFrom(firstSequence = 0): RecordReceiver {
  return new RecordReceiver(new TrafficKeys("aes-256-gcm", secretOf("client")), firstSequence);
}

function record(sequence: number, body: Bytes = NOTHING): Promise<Bytes> {
  return sealed("aes-256-gcm", secretOf("client"), sequence, plaintext("data", 0, body));
}

/** `count` records from number `first` on. */
function records(count: number, first = 0): Promise<Bytes[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => record(first + i, Uint8Array.of(first + i))));
}

async function numbers({ messages }: Received): Promise<readonly number[]> {
  return (await Promise.all(messages)).map(({ sequence }) => sequence);
}

/** Takes bytes that must end nothing; returns the numbers that were accepted and those that are asked for. */
async function take(receiver: RecordReceiver, bytes: Bytes, nowMs = START_MS) {
  const received = receiver.receive(bytes, nowMs);
  assert.equal(received.failure, undefined);
  return { accepted: await numbers(received), naks: received.naks };
}

/** Takes bytes that must end the session; returns what was accepted before. */
async function takeLast(receiver: RecordReceiver, bytes: Bytes, code: ErrorCode): Promise<readonly number[]> {
  const received = receiver.receive(bytes, START_MS);
  assertFails(() => {
    if (received.failure !== undefined) throw received.failure;
  }, code);
  return await numbers(received);
}

cryptoTest("records come out in order, whichever is opened first", async () => {
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  class Slow extends TrafficKeys {
    override at(sequence: number): Promise<TrafficKey> {
      return Promise.resolve(super.at(sequence)).then((key) => ({
        seal: key.seal,
        open: async (number, header, box) => {
          const opening = key.open(number, header, box);
          await gates[number]!.promise;
          return await opening;
        },
      }));
    }
  }
  const receiver = new RecordReceiver(new Slow("aes-256-gcm", secretOf("client")));
  const { messages } = receiver.receive(concat(...await records(3)), START_MS);
  const order: number[] = [];
  messages.forEach((message, i) => message.then(() => order.push(i)));
  for (const i of [2, 0, 1]) {
    gates[i]!.resolve();
    await messages[i];
  }
  assert.deepEqual(order, [2, 0, 1], "they are opened side by side");
  assert.deepEqual((await Promise.all(messages)).map(({ sequence }) => sequence), [0, 1, 2]);
});

cryptoTest(
  "a damaged record is asked for once, whatever follows it, and is taken when it comes again",
  async () => {
    const receiver = receiverFrom();
    const [first, second, third, fourth] = await records(4);
    assert.deepEqual(await take(receiver, concat(first!, flipped(second!, 20))), {
      accepted: [0],
      naks: [1],
    });
    assert.deepEqual(await take(receiver, concat(third!, fourth!)), { accepted: [], naks: [] });
    assert.equal(receiver.expectedSequence, 1);
    assert.deepEqual(await take(receiver, concat(second!, third!, fourth!)), {
      accepted: [1, 2, 3],
      naks: [],
    });
  },
);

cryptoTest("damage at any byte of a record but its size is noise: one NAK, no record", async () => {
  const [first, second] = await records(2, 1);
  for (let at = 0; at < first!.length; at++) {
    if (at >= 4 && at < 8) continue;
    const receiver = receiverFrom(1);
    const damaged = await take(receiver, concat(flipped(first!, at, at % 8), second!));
    assert.deepEqual(damaged, { accepted: [], naks: [1] }, `byte ${at}`);
    const repeated = await take(receiver, concat(first!, second!));
    assert.deepEqual(repeated, { accepted: [1, 2], naks: [] }, `byte ${at}`);
  }
});

cryptoTest("a size that is damaged within bounds is noise as well", async () => {
  const [first, second] = await records(2, 1);
  // 6 becomes 7: the record seems to end one byte later.
  const receiver = receiverFrom(1);
  assert.deepEqual(await take(receiver, concat(flipped(first!, 7), second!)), { accepted: [], naks: [1] });
  assert.deepEqual(await take(receiver, concat(first!, second!)), { accepted: [1, 2], naks: [] });
});

cryptoTest("a size out of bounds means that the line is damaged", async () => {
  const [first, second] = await records(2);
  for (const [at, bit] of [[4, 7], [5, 5], [7, 1]] as const) {
    assert.deepEqual(
      await takeLast(receiverFrom(), concat(first!, flipped(second!, at, bit)), "connection_lost"),
      [0],
      `byte ${at}`,
    );
  }
});

cryptoTest("a repetition that is damaged again is asked for again, and the fourth time ends it", async () => {
  const receiver = receiverFrom(1);
  const [first] = await records(1, 1);
  for (const at of [9, 10, 11]) {
    assert.deepEqual(await take(receiver, flipped(first!, at)), { accepted: [], naks: [1] });
  }
  await takeLast(receiver, flipped(first!, 12), "connection_lost");
});

cryptoTest("the 65th damaged record of a session gives the connection up", async () => {
  const receiver = receiverFrom(1);
  for (let i = 1; i <= NAK_SESSION_MAX; i++) {
    const whole = await record(i);
    assert.deepEqual(await take(receiver, concat(flipped(whole, 9), whole)), { accepted: [i], naks: [i] });
  }
  await takeLast(receiver, flipped(await record(NAK_SESSION_MAX + 1), 9), "connection_lost");
});

cryptoTest(
  "damage that makes a later record look like the awaited one costs a repetition, and no more",
  async () => {
    const receiver = receiverFrom();
    const sent = await records(6);
    // Number 1 is damaged; then 3, by a single bit, takes its number: it is asked for twice, but was repeated once.
    const lookAlike = flipped(sent[3]!, 3, 1);
    const noisy = concat(sent[0]!, flipped(sent[1]!, 10), sent[2]!);
    assert.deepEqual(await take(receiver, noisy), { accepted: [0], naks: [1] });
    assert.deepEqual(await take(receiver, concat(lookAlike, sent[4]!)), { accepted: [], naks: [1] });
    const again = concat(...sent.slice(1, 5));
    assert.deepEqual(await take(receiver, again), { accepted: [1, 2, 3, 4], naks: [] });
    // The answer to the second NAK is passed over, and what is new behind it is taken.
    assert.deepEqual(await take(receiver, concat(again, sent[5]!)), { accepted: [5], naks: [] });
    // What was never asked for twice may not come again.
    assert.deepEqual(await takeLast(receiver, sent[0]!, "bad_sequence"), []);
  },
);

cryptoTest(
  "it makes no difference whether the look-alike comes alone or with the intact record",
  async () => {
    const sent = await records(3);
    const lookAlike = flipped(flipped(sent[2]!, 3, 0), 3, 1);
    const [noisy, ...rest] = [concat(sent[0]!, flipped(sent[1]!, 10)), lookAlike, sent[1]!];
    for (const pieces of [[noisy!, concat(...rest)], [noisy!, ...rest]]) {
      const receiver = receiverFrom();
      const taken = [];
      for (const piece of pieces) taken.push(await take(receiver, piece));
      assert.deepEqual(taken.flatMap(({ accepted }) => accepted), [0, 1]);
      assert.deepEqual(taken.flatMap(({ naks }) => naks), [1, 1]);
      assert.deepEqual(await take(receiver, concat(sent[1]!, sent[2]!)), { accepted: [2], naks: [] });
    }
  },
);

cryptoTest("for all damage that arrives at once one NAK is enough", async () => {
  const receiver = receiverFrom();
  const sent = await records(4);
  const lookAlike = flipped(sent[3]!, 3, 1);
  const noisy = concat(sent[0]!, flipped(sent[1]!, 10), sent[2]!, lookAlike);
  assert.deepEqual(await take(receiver, noisy), { accepted: [0], naks: [1] });
  // Damage before the repetition is asked about once more; damage behind it is in the answer to that.
  const again = concat(lookAlike, sent[1]!, flipped(sent[2]!, 10));
  assert.deepEqual(await take(receiver, again), { accepted: [1], naks: [1] });
  assert.deepEqual(await take(receiver, concat(...sent.slice(1))), { accepted: [2, 3], naks: [] });
});

cryptoTest("records may come again from the first number that was asked for twice", async () => {
  const receiver = receiverFrom(1);
  const sent = await records(6, 1);
  for (const number of [1, 4]) {
    for (const at of [9, 10]) {
      assert.deepEqual(await take(receiver, flipped(sent[number - 1]!, at)), {
        accepted: [],
        naks: [number],
      });
    }
    const again = concat(...sent.slice(number - 1, number + 2));
    assert.equal((await take(receiver, again)).accepted.length, 3);
  }
  assert.deepEqual(await take(receiver, concat(...sent)), { accepted: [], naks: [] });
});

/** Records whose header, read one to seven bytes further, is again one of the same number and a possible size. */
const OVERLAPPING: readonly (readonly [name: string, sequence: number, sizeBytes: number, noise: string])[] =
  [
    ["record 0 of 5 bytes", 0, 5, ""],
    ["record 0 of 86 bytes, as OFFER is", 0, 86, ""],
    ["record 0x00010001 of 65,544 bytes", 0x00010001, 65_544, ""],
    // Where noise also hits the first bytes of the ciphertext.
    ["record 0x00010000 of 65,536 bytes", 0x00010000, 65_536, "00100000"],
    ["record 1054 of 1,054 bytes", 1054, 1054, "00080000"],
    ["record 0 of 256 bytes", 0, 256, "00000000080000"],
  ];

for (const [name, sequence, sizeBytes, noise] of OVERLAPPING) {
  cryptoTest(`${name}, damaged three times, hides neither its repetition nor what follows it`, async () => {
    const first = await record(sequence, new Uint8Array(sizeBytes - 5));
    const second = await record(sequence + 1);
    const damaged = flipped(first, -1);
    damaged.set(fromHex(noise), 8);
    for (const isCut of [false, true]) {
      const receiver = receiverFrom(sequence);
      const give = async (bytes: Bytes) => {
        const taken = { accepted: [] as number[], naks: [] as number[] };
        // The header alone, and byte by byte what could be one inside it.
        const pieces = isCut ? piecesOf(bytes, [8, 1, 1, 1, 1, 1, 1, 1, 1, bytes.length]) : [bytes];
        for (const piece of pieces) {
          const { accepted, naks } = await take(receiver, piece);
          taken.accepted.push(...accepted);
          taken.naks.push(...naks);
        }
        return taken;
      };
      for (let times = 0; times < 3; times++) {
        assert.deepEqual(await give(damaged), { accepted: [], naks: [sequence] });
      }
      assert.deepEqual(await give(concat(first, second)), { accepted: [sequence, sequence + 1], naks: [] });
      assert.equal(receiver.nextTimeoutMs(), undefined, "nothing is waited for");
    }
  });
}

cryptoTest("without damage no record may come twice", async () => {
  const receiver = receiverFrom();
  const [first, second] = await records(2);
  await take(receiver, concat(first!, second!));
  await takeLast(receiver, second!, "bad_sequence");
});

cryptoTest("one damaged record does not excuse a replay", async () => {
  const receiver = receiverFrom(1);
  const [first, second] = await records(2, 1);
  await take(receiver, concat(flipped(first!, 10), first!, second!));
  await takeLast(receiver, second!, "bad_sequence");
});

cryptoTest("an intact record with any other number is a foul, and what came before it counts", async () => {
  const sent = await records(4);
  assert.deepEqual(await takeLast(receiverFrom(), sent[1]!, "bad_sequence"), []);
  assert.deepEqual(await takeLast(receiverFrom(), concat(sent[0]!, sent[2]!, sent[1]!), "bad_sequence"), [0]);
  const renumbered = crcMended(flipped(sent[1]!, 3, 1));
  assert.deepEqual(await takeLast(receiverFrom(), concat(sent[0]!, renumbered), "bad_sequence"), [0]);
});

cryptoTest("a failure behind a forged record leaves no promise unheard", async () => {
  const sent = await records(2);
  const forged = crcMended(flipped(sent[0]!, -5));
  const received = receiverFrom().receive(concat(forged, sent[0]!), START_MS);
  assert.equal(received.messages.length, 1, "handed over although the next record is a foul");
  assertFails(() => {
    throw received.failure;
  }, "bad_sequence");
  await assert.rejects(received.messages[0]!, { code: "bad_record" });
});

cryptoTest("numbers from 2^32 - 2^16 on are not taken", async () => {
  // The key does not matter: the number is looked at first.
  const last = crcMended(concat(Uint8Array.of(0xff, 0xff, 0, 0, 0, 0, 0, 5), new Uint8Array(25)));
  await takeLast(receiverFrom(SEQUENCE_END), last, "bad_sequence");
});

cryptoTest("when more than both windows was passed over, the line is useless", async () => {
  const receiver = receiverFrom();
  await take(receiver, flipped(await record(0), 9));
  const junk = new Uint8Array(1024 * 1024).fill(0xff);
  let passedOver = 0;
  for (;; passedOver += junk.length) {
    const { failure } = receiver.receive(junk, START_MS);
    if (failure === undefined) continue;
    assertFails(() => {
      throw failure;
    }, "connection_lost");
    break;
  }
  const windows = 2 * WINDOW_SIZE_BYTES;
  assert.ok(passedOver >= windows - junk.length && passedOver <= windows, `${passedOver}`);
});

cryptoTest("repetitions that bring nothing new are not listened to for ever", async () => {
  const receiver = receiverFrom(1);
  const first = await record(1, new Uint8Array(RECORD_CIPHERTEXT_SIZE_MAX - 5));
  await take(receiver, flipped(first, 9));
  await take(receiver, flipped(first, 9));
  await take(receiver, first);
  const enough = Math.floor(2 * WINDOW_SIZE_BYTES / (first.length - 4));
  for (let i = 0; i < enough; i++) assert.deepEqual(await take(receiver, first), { accepted: [], naks: [] });
  await takeLast(receiver, first, "connection_lost");
});

cryptoTest("the search for an intact record ends after 5 seconds", async () => {
  const receiver = receiverFrom();
  await take(receiver, flipped(await record(0), 9), START_MS);
  assert.equal(receiver.nextTimeoutMs(), START_MS + RESYNC_TIMEOUT_MS);
  receiver.handleTimeout(START_MS + RESYNC_TIMEOUT_MS - 1);
  assertFails(() => receiver.handleTimeout(START_MS + RESYNC_TIMEOUT_MS), "connection_lost");
  // It does as well where bytes keep coming and no timer has had its turn.
  assert.equal(receiver.receive(Uint8Array.of(1), START_MS + RESYNC_TIMEOUT_MS - 1).failure, undefined);
  const { failure } = receiver.receive(Uint8Array.of(1), START_MS + RESYNC_TIMEOUT_MS);
  assertFails(() => {
    throw failure;
  }, "connection_lost");
});

cryptoTest("a record that was found again ends the search", async () => {
  const receiver = receiverFrom(1);
  const first = await record(1);
  await take(receiver, concat(flipped(first, 9), first));
  assert.equal(receiver.nextTimeoutMs(), undefined);
  receiver.handleTimeout(START_MS + 10 * RECORD_TIMEOUT_MS);
});

cryptoTest("a record that has begun must go on", async () => {
  const receiver = receiverFrom();
  const [first, second] = await records(2);
  assert.equal(receiver.nextTimeoutMs(), undefined);
  await take(receiver, first!.slice(0, 3), START_MS);
  await take(receiver, first!.slice(3, 9), START_MS + 1000);
  assert.equal(receiver.nextTimeoutMs(), START_MS + 1000 + RECORD_STALL_MS, "from its last byte");
  await take(receiver, concat(first!.slice(9), second!.slice(0, 4)), START_MS + 2000);
  receiver.handleTimeout(START_MS + 2000 + RECORD_STALL_MS - 1);
  assertFails(() => receiver.handleTimeout(START_MS + 2000 + RECORD_STALL_MS), "connection_lost");
});

cryptoTest("a record that has begun must be whole in time, however it drips", async () => {
  const receiver = receiverFrom();
  const [first] = await records(1);
  let nowMs = START_MS;
  for (let at = 0; at < 20; at++) {
    await take(receiver, first!.slice(at, at + 1), nowMs);
    const untilMs = Math.min(nowMs + RECORD_STALL_MS, START_MS + RECORD_TIMEOUT_MS);
    assert.equal(receiver.nextTimeoutMs(), untilMs);
    nowMs += RECORD_STALL_MS - 1;
    if (nowMs >= START_MS + RECORD_TIMEOUT_MS) break;
    receiver.handleTimeout(nowMs);
  }
  assertFails(() => receiver.handleTimeout(START_MS + RECORD_TIMEOUT_MS), "connection_lost");
});

cryptoTest("time in which nobody listened does not count", async () => {
  const first = await record(0);
  const partial = receiverFrom();
  await take(partial, first.slice(0, 3), START_MS);
  partial.excuseSilence(START_MS + RECORD_TIMEOUT_MS);
  partial.handleTimeout(START_MS + RECORD_TIMEOUT_MS);
  assert.equal(partial.nextTimeoutMs(), START_MS + RECORD_TIMEOUT_MS + RECORD_STALL_MS);
  const searching = receiverFrom();
  await take(searching, flipped(first, 9), START_MS);
  searching.excuseSilence(START_MS + RESYNC_TIMEOUT_MS);
  searching.handleTimeout(START_MS + RESYNC_TIMEOUT_MS);
  const idle = receiverFrom();
  idle.excuseSilence(START_MS);
  assert.equal(idle.nextTimeoutMs(), undefined);
});

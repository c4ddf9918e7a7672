import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { parseAuthorizedKeys } from "../../../lib/identity/authorized_keys.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { parseRevokedKeys, RevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import {
  type PeerRotation,
  ROTATION_CHAIN_MAX,
  signRotation,
  verifyPeerRotation,
} from "../../../lib/identity/rotation.ts";
import {
  type LearningResult,
  type SenderLists,
  SenderRotations,
  type SenderVerdict,
} from "../../../lib/identity/sender_rotations.ts";
import { CLOCK_SKEW_MAX_MS } from "../../../lib/limits.ts";
import type { Identity } from "../../../lib/ports.ts";
import { MemoryRotationStore } from "../../../lib/store/memory_rotation_store.ts";

const NOW_MS = 1_700_000_000_000;
const IDENTITIES: readonly Identity[] = await Promise.all(
  Array.from({ length: ROTATION_CHAIN_MAX + 3 }, (_, i) => identityFromSeed(new Uint8Array(32).fill(i + 1))),
);
const [A, B, C, D] = IDENTITIES as readonly [Identity, Identity, Identity, Identity];

/** Lists in which these stand, with options before the key where they are given. */
function lists(...lines: readonly (Identity | readonly [string, Identity])[]): SenderLists {
  const text = lines.map((line) => {
    const [options, { publicKey }] = "publicKey" in line ? ["", line] : line;
    return `${options} ${formatPublicKeyLine(publicKey, "")}`.trim();
  });
  return { keys: parseAuthorizedKeys(text.join("\n")).keys, revoked: new RevokedKeys() };
}

function revoking(before: SenderLists, ...identities: readonly Identity[]): SenderLists {
  const text = identities.map(({ publicKey }) => fingerprint(publicKey)).join("\n");
  return { ...before, revoked: parseRevokedKeys(text) };
}

/** What `by` announces: that `to` follows `from`. */
async function announced(from: Identity, to: Identity, by: Identity, timeMs = NOW_MS): Promise<PeerRotation> {
  return verifyPeerRotation(await signRotation(from, to, timeMs), by.publicKey);
}

/** A receiver's memory and its lists. */
class Receiver {
  readonly store = new MemoryRotationStore();
  readonly rotations = new SenderRotations(this.store);
  lists: SenderLists;

  constructor(given: SenderLists) {
    this.lists = given;
  }

  judge(sender: Identity, address = "192.0.2.1", nowMs = NOW_MS): SenderVerdict {
    return this.rotations.judge(this.lists, sender.publicKey, address, nowMs);
  }

  async learn(from: Identity, to: Identity, by: Identity, timeMs?: number): Promise<LearningResult> {
    return this.rotations.learn(this.lists, await announced(from, to, by, timeMs), NOW_MS);
  }

  /** Who follows whom, and whether that is over. */
  get rows(): readonly string[] {
    const name = (key: Bytes) =>
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[
        IDENTITIES.findIndex(({ publicKey }) => fingerprint(publicKey) === fingerprint(key))
      ];
    return this.store.list()
      .map(({ oldKey, newKey, isComplete }) => `${name(oldKey)}${isComplete ? "=>" : "->"}${name(newKey)}`)
      .sort();
  }
}

Deno.test("the successor of an authorized key is let in, the old one too until the new one is used", async () => {
  const receiver = new Receiver(lists(A));
  assert.deepEqual([receiver.judge(A), receiver.judge(B)], ["authorized", "unknown"]);
  assert.equal(await receiver.learn(A, B, A), "learned");
  assert.deepEqual([receiver.judge(A), receiver.judge(B)], ["authorized", "authorized"]);
  assert.equal(await receiver.learn(A, B, A), "known");
  assert.equal(await receiver.learn(A, B, B), "completed");
  assert.deepEqual([receiver.judge(A), receiver.judge(B)], ["replaced", "authorized"]);
  assert.equal(await receiver.learn(A, B, B), "known");
  assert.deepEqual(receiver.rows, ["A=>B"]);
});

Deno.test("a session under the new key is enough to end the old one, without a word about it", async () => {
  const receiver = new Receiver(lists(A, C));
  await receiver.learn(A, B, A);
  await receiver.learn(C, D, C);
  assert.deepEqual(receiver.rotations.used(A.publicKey), []);
  assert.deepEqual(receiver.rows, ["A->B", "C->D"]);
  assert.deepEqual(receiver.rotations.used(B.publicKey), [A.publicKey]);
  assert.deepEqual(receiver.rows, ["A=>B", "C->D"]);
  assert.deepEqual(receiver.rotations.used(B.publicKey), []);
  assert.equal(receiver.judge(A), "replaced");
});

Deno.test("the new key alone may tell, where both stand in the list", async () => {
  const receiver = new Receiver(lists(A, B));
  assert.equal(await receiver.learn(A, B, B), "completed");
  assert.deepEqual([receiver.judge(A), receiver.judge(B)], ["replaced", "authorized"]);
});

Deno.test("the options of the line hold for whoever follows its key", async () => {
  const receiver = new Receiver(lists(['from="192.0.2.0/24",expiry-time="20300101Z"', A]));
  await receiver.learn(A, B, A);
  await receiver.learn(B, C, B);
  assert.equal(receiver.judge(C), "authorized");
  assert.equal(receiver.judge(C, "198.51.100.1"), "wrong_address");
  assert.equal(receiver.judge(C, "192.0.2.1", Date.UTC(2031, 0)), "expired");
});

Deno.test("any line is enough, its own or one before", async () => {
  const receiver = new Receiver(lists(['expiry-time="20000101Z"', A], B));
  await receiver.learn(A, B, A);
  assert.equal(receiver.judge(B), "authorized");
  receiver.lists = lists(A, ['expiry-time="20000101Z"', B]);
  assert.equal(receiver.judge(B), "authorized");
  receiver.lists = lists(['from="198.51.100.0/24"', A], ['expiry-time="20000101Z"', B]);
  assert.equal(receiver.judge(B), "expired");
});

Deno.test("who is taken from the list takes along whoever has followed", async () => {
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, A);
  await receiver.learn(A, B, B);
  receiver.lists = lists(C);
  assert.equal(receiver.judge(B), "unknown");
});

Deno.test("a revoked key is refused, as is all that follows it and has no line of its own", async () => {
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, A);
  await receiver.learn(B, C, B);
  for (const revoked of [A, B]) {
    receiver.lists = revoking(lists(A), revoked);
    assert.deepEqual([receiver.judge(revoked), receiver.judge(C)], ["revoked", "revoked"]);
  }
  receiver.lists = revoking(lists(A, C), B);
  assert.deepEqual([receiver.judge(A), receiver.judge(B), receiver.judge(C)], [
    "authorized",
    "revoked",
    "authorized",
  ]);
  receiver.lists = revoking(lists(A, C), C);
  assert.deepEqual([receiver.judge(B), receiver.judge(C)], ["authorized", "revoked"]);
});

Deno.test("nothing is learned of a revoked key", async () => {
  for (const revoked of [A, B]) {
    const receiver = new Receiver(revoking(lists(A, B), revoked));
    assert.equal(await receiver.learn(A, B, A), "revoked");
    assert.equal(await receiver.learn(A, B, B), "revoked");
    assert.deepEqual(receiver.rows, []);
  }
});

Deno.test("of two successors the one that was made later counts, whichever is told of first", async () => {
  for (const times of [[1, 2], [2, 1]] as const) {
    const receiver = new Receiver(lists(A));
    assert.equal(await receiver.learn(A, B, A, times[0]), "learned");
    const isLater = times[1] > times[0];
    assert.equal(await receiver.learn(A, C, A, times[1]), isLater ? "learned" : "outdated");
    assert.deepEqual(receiver.rows, [isLater ? "A->C" : "A->B"]);
    assert.equal(receiver.judge(isLater ? B : C), "unknown");
  }
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, A, 5);
  assert.equal(await receiver.learn(A, C, A, 5), "outdated");
});

Deno.test("an abandoned successor does not come back by the statement that once named it", async () => {
  const receiver = new Receiver(lists(A, B));
  await receiver.learn(A, C, A, 2);
  assert.equal(await receiver.learn(A, B, B, 1), "outdated");
  assert.deepEqual(receiver.rows, ["A->C"]);
  assert.equal(await receiver.learn(A, B, B, 3), "completed");
  assert.deepEqual(receiver.rows, ["A=>B"]);
});

Deno.test("after the new key was used, the old one names no other, not even by a later statement", async () => {
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, A, 1);
  receiver.rotations.used(B.publicKey);
  assert.equal(await receiver.learn(A, C, A, 2), "outdated");
  assert.equal(await receiver.learn(A, C, C, 2), "outdated");
  assert.equal(await receiver.learn(A, B, A, 3), "known");
  assert.deepEqual(receiver.rows, ["A=>B"]);
});

Deno.test("a key that has named a successor was used, though no session of its own has shown it", async () => {
  const receiver = new Receiver(lists(A));
  assert.equal(await receiver.learn(A, B, A, 1), "learned");
  // A shared key lets in whoever it is.
  assert.equal(await receiver.learn(B, C, C, 1), "completed");
  assert.equal(receiver.judge(A), "replaced");
  assert.equal(receiver.judge(C), "authorized");
  // Or the store would grow with every other that A names, and with what follows it.
  assert.equal(await receiver.learn(A, D, A, 2), "outdated");
  assert.deepEqual(receiver.rows, ["A=>B", "B=>C"]);
});

Deno.test("a successor that is dated in the future is not learned", async () => {
  const receiver = new Receiver(lists(A));
  assert.equal(await receiver.learn(A, B, A, NOW_MS + CLOCK_SKEW_MAX_MS + 1), "future");
  assert.deepEqual(receiver.rows, []);
  assert.equal(await receiver.learn(A, B, A, NOW_MS + CLOCK_SKEW_MAX_MS), "learned");
});

Deno.test("nothing is kept of keys that no line leads to, so that strangers do not fill the store", async () => {
  const receiver = new Receiver(lists(D));
  assert.equal(await receiver.learn(A, B, A), "unrelated");
  assert.equal(await receiver.learn(A, D, D), "unrelated");
  assert.deepEqual(receiver.rows, []);
});

Deno.test("changes do not go in circles", async () => {
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, A);
  await receiver.learn(B, C, B);
  assert.equal(await receiver.learn(C, A, C), "circular");
  assert.equal(await receiver.learn(B, A, B, NOW_MS + 1), "circular");
  assert.deepEqual(receiver.rows, ["A->B", "B->C"]);
});

Deno.test("a circle in the store lets nobody in, and ends", async () => {
  const receiver = new Receiver(lists());
  for (const [from, to] of [[A, B], [B, C], [C, A]] as const) {
    const statement = await signRotation(from, to, NOW_MS);
    receiver.store.save({
      oldKey: from.publicKey,
      newKey: to.publicKey,
      statement,
      isComplete: false,
    });
  }
  assert.equal(receiver.judge(A), "unknown");
  receiver.lists = lists(B);
  assert.equal(receiver.judge(A), "authorized");
});

Deno.test("a line bears so many changes and no more", async () => {
  const receiver = new Receiver(lists(A));
  for (let i = 0; i < ROTATION_CHAIN_MAX; i++) {
    assert.equal(await receiver.learn(IDENTITIES[i]!, IDENTITIES[i + 1]!, IDENTITIES[i]!), "learned");
    receiver.rotations.used(IDENTITIES[i + 1]!.publicKey);
  }
  const [last, next] = IDENTITIES.slice(ROTATION_CHAIN_MAX);
  assert.equal(receiver.judge(last!), "authorized");
  assert.equal(await receiver.learn(last!, next!, last!), "too_long");
  assert.equal(receiver.rows.length, ROTATION_CHAIN_MAX);
  receiver.lists = lists(A, last!);
  assert.equal(await receiver.learn(last!, next!, last!), "learned");
});

Deno.test("what stands in the store without both signatures lets nobody in, and keeps nobody out", async () => {
  const genuine = await signRotation(A, B, NOW_MS);
  const rows = [
    { statement: genuine.with(100, genuine[100]! ^ 1), newKey: B.publicKey },
    { statement: new Uint8Array(0), newKey: B.publicKey },
    // Of other keys than the row says.
    { statement: await signRotation(A, C, NOW_MS), newKey: B.publicKey },
    { statement: await signRotation(C, B, NOW_MS), newKey: B.publicKey },
  ];
  for (const row of rows) {
    for (const isComplete of [true, false]) {
      const receiver = new Receiver(lists(A));
      receiver.store.save({ ...row, oldKey: A.publicKey, isComplete });
      assert.deepEqual([receiver.judge(A), receiver.judge(B)], ["authorized", "unknown"]);
      assert.deepEqual(receiver.rotations.used(B.publicKey), []);
      assert.equal(receiver.judge(A), "authorized");
      assert.equal(await receiver.learn(A, C, A, 1), "learned");
    }
  }
});

Deno.test("the memory of what was verified is of statements, not of keys", async () => {
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, A);
  assert.equal(receiver.judge(B), "authorized");
  receiver.store.save({ ...receiver.store.list()[0]!, newKey: C.publicKey });
  assert.equal(receiver.judge(C), "unknown");
});

Deno.test("whoever holds a shared key is refused under a revoked or a replaced key alone", async () => {
  const receiver = new Receiver(lists(A));
  await receiver.learn(A, B, B);
  const refusal = (revoked: RevokedKeys, sender: Identity) =>
    receiver.rotations.refusal(revoked, sender.publicKey);
  assert.equal(refusal(new RevokedKeys(), A), "replaced");
  assert.equal(refusal(new RevokedKeys(), B), undefined);
  assert.equal(refusal(new RevokedKeys(), D), undefined);
  assert.equal(refusal(revoking(lists(), D).revoked, D), "revoked");
});

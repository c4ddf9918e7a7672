import assert from "node:assert/strict";
import {
  checkReceiver,
  findReceiver,
  formatReceiverLine,
  parseKnownReceivers,
  type ReceiverVerdict,
} from "../../../lib/identity/known_receivers.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import {
  followReceiver,
  type ReceiverLearning,
  receiverUsed,
} from "../../../lib/identity/receiver_rotations.ts";
import { parseRevokedKeys, RevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import { ROTATION_CHAIN_MAX, signRotation, verifyPeerRotation } from "../../../lib/identity/rotation.ts";
import { CLOCK_SKEW_MAX_MS } from "../../../lib/limits.ts";
import type { Identity } from "../../../lib/ports.ts";
import { assertFails } from "./failures.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 10, 0, 0, 123);
const IDENTITIES: readonly Identity[] = await Promise.all(
  Array.from({ length: ROTATION_CHAIN_MAX + 3 }, (_, i) => identityFromSeed(new Uint8Array(32).fill(i + 1))),
);
const [A, B, C, D] = IDENTITIES as readonly [Identity, Identity, Identity, Identity];

function line(host: string, identity: Identity): string {
  return formatReceiverLine(host, 7891, identity.publicKey);
}

function following(host: string, identity: Identity, before: readonly Identity[], timeMs = NOW_MS): string {
  const fingerprints = before.map(({ publicKey }) => fingerprint(publicKey));
  return formatReceiverLine(host, 7891, identity.publicKey, { fingerprints, timeMs });
}

/** Takes what `by` announces: that `to` follows `from`. */
async function follow(
  lines: readonly string[],
  [from, to, by]: readonly [Identity, Identity, Identity],
  { timeMs = NOW_MS, revoked = new RevokedKeys() } = {},
): Promise<[ReceiverLearning, readonly string[]]> {
  const rotation = verifyPeerRotation(await signRotation(from, to, timeMs), by.publicKey);
  const { outcome, text } = followReceiver(`${lines.join("\n")}\n`, rotation, revoked, NOW_MS);
  assert.ok(text.endsWith("\n"));
  return [outcome, text.slice(0, -1).split("\n")];
}

function verdict(lines: readonly string[], identity: Identity, revoked?: RevokedKeys): ReceiverVerdict {
  return checkReceiver(parseKnownReceivers(lines.join("\n")), "one", 7891, identity.publicKey, revoked);
}

Deno.test("a line that stx has added says whom its key follows, and since when", () => {
  const text = following("one", C, [B, A]);
  const [b, a] = [B, A].map(({ publicKey }) => fingerprint(publicKey));
  assert.ok(text.endsWith(` follows ${b},${a} 2026-11-22T10:00:00.123Z`), text);
  const [entry] = parseKnownReceivers(text);
  assert.ok(entry?.kind === "trusted");
  assert.deepEqual(entry.follows, { fingerprints: [b, a], timeMs: NOW_MS });
});

Deno.test("another comment is no such word", () => {
  const follows = `follows ${fingerprint(A.publicKey)}`;
  const times = [`${follows} never`, `${follows} 2026-99-99T00:00:00.000Z`];
  for (const comment of ["", "follows", "follows me everywhere", follows, ...times]) {
    const [entry] = parseKnownReceivers(`[one]:1 ${formatPublicKeyLine(B.publicKey, comment)}`);
    assert.deepEqual(entry, { kind: "trusted", host: "one", port: 1, publicKey: B.publicKey });
  }
});

Deno.test("the new key gets a line beside each line of the old one, and all else stays as it is", async () => {
  const before = [
    "# mine",
    line("one", A),
    "",
    line("two", C),
    `${line("three", A)} office\r`,
    line("one", D),
  ];
  const [outcome, after] = await follow(before, [A, B, A]);
  assert.equal(outcome, "learned");
  assert.deepEqual(after, [
    ...before.slice(0, 2),
    following("one", B, [A]),
    ...before.slice(2, 5),
    following("three", B, [A]),
    before[5],
  ]);
  assert.deepEqual(await follow(after, [A, B, A]), ["known", after]);
});

Deno.test("once the new key is used, the lines of the old one go where the new one stands too", async () => {
  const before = [line("one", A), following("one", B, [A]), line("two", A), line("one", C), line("three", B)];
  for (const announcement of [[A, B, B], [B, D, B]] as const) {
    const [outcome, after] = await follow(before, announcement);
    const added = announcement[0] === B;
    assert.equal(outcome, added ? "learned" : "completed");
    assert.deepEqual(after.filter((each) => !each.includes("follows") || each === before[1]), [
      before[1],
      line("two", A),
      line("one", C),
      line("three", B),
    ]);
  }
});

Deno.test("a key that is used without a word ends those that it has followed, by the list alone", () => {
  const before = [line("one", A), following("one", B, [A]), line("two", A), line("one", C), line("two", B)];
  const used = (identity: Identity) => receiverUsed(before.join("\n"), identity.publicKey).split("\n");
  assert.deepEqual(used(B), before.slice(1));
  for (const other of [A, C, D]) assert.deepEqual(used(other), before);
});

Deno.test("a new key that somebody has entered by hand ends the old one's lines too, by its own word", async () => {
  const before = [line("one", A), line("one", B), line("two", A)];
  assert.deepEqual(await follow(before, [A, B, B]), ["completed", [line("one", B), line("two", A)]]);
  assert.deepEqual(await follow(before, [A, B, A]), ["learned", [...before, following("two", B, [A])]]);
});

Deno.test("there is one successor at a time, and it is the one that was made later", async () => {
  const before = [line("one", A), following("one", B, [A], NOW_MS - 10)];
  assert.deepEqual(await follow(before, [A, C, A], { timeMs: NOW_MS - 11 }), ["outdated", before]);
  assert.deepEqual(await follow(before, [A, C, A], { timeMs: NOW_MS - 10 }), ["outdated", before]);
  const [outcome, after] = await follow(before, [A, C, A], { timeMs: NOW_MS - 9 });
  assert.equal(outcome, "learned");
  assert.deepEqual(after, [line("one", A), following("one", C, [A], NOW_MS - 9)]);
  const used = [...before, following("one", C, [A], NOW_MS)];
  assert.deepEqual(await follow(used, [A, C, C]), ["completed", [following("one", C, [A], NOW_MS)]]);
});

Deno.test("a successor gives way for the receivers that it has a later one for, and for no others", async () => {
  const others = [line("two", A), following("two", D, [A], NOW_MS + 1)];
  const before = [line("one", A), following("one", B, [A], NOW_MS - 1), ...others];
  const [outcome, after] = await follow(before, [A, C, A]);
  assert.equal(outcome, "learned");
  assert.deepEqual(after, [line("one", A), following("one", C, [A]), ...others]);
});

Deno.test("the list does not grow, however often a receiver announces another key", async () => {
  let lines: readonly string[] = [line("one", A)];
  for (let i = 1; i < IDENTITIES.length; i++) {
    [, lines] = await follow(lines, [A, IDENTITIES[i]!, A], { timeMs: NOW_MS - 1000 + i });
    assert.equal(lines.length, 2);
  }
  lines = [line("one", A)];
  for (let i = 0; i < ROTATION_CHAIN_MAX; i++) {
    const [outcome, after] = await follow(lines, [IDENTITIES[i]!, IDENTITIES[i + 1]!, IDENTITIES[i]!]);
    assert.equal(outcome, "learned");
    assert.equal(after.length, 2);
    lines = after;
  }
  const [last, next] = IDENTITIES.slice(ROTATION_CHAIN_MAX);
  const [outcome, after] = await follow(lines, [last!, next!, last!]);
  assert.equal(outcome, "too_long");
  assert.equal(after.length, 1, "the key that is in use ends the one before all the same");
});

Deno.test("changes do not go in circles", async () => {
  const before = [following("one", B, [A])];
  assert.deepEqual(await follow(before, [B, A, B]), ["known", before]);
});

Deno.test("a key that is revoked, or dated in the future, is not learned", async () => {
  const before = [line("one", A)];
  const revoked = parseRevokedKeys(fingerprint(B.publicKey));
  assert.deepEqual(await follow(before, [A, B, A], { revoked }), ["revoked", before]);
  const marked = [...before, `@revoked * ${formatPublicKeyLine(B.publicKey, "")}`];
  assert.deepEqual(await follow(marked, [A, B, A]), ["revoked", marked]);
  const timeMs = NOW_MS + CLOCK_SKEW_MAX_MS + 1;
  assert.deepEqual(await follow(before, [A, B, A], { timeMs }), ["future", before]);
  assert.equal((await follow(before, [A, B, A], { timeMs: timeMs - 1 }))[0], "learned");
});

Deno.test("an announcement about keys that the list has not changes nothing", async () => {
  const before = [line("one", C), `@revoked * ${formatPublicKeyLine(A.publicKey, "")}`];
  for (const by of [A, B]) assert.deepEqual(await follow(before, [A, B, by]), ["known", before]);
});

Deno.test("a list that cannot be read is not rewritten", async () => {
  const rotation = verifyPeerRotation(await signRotation(A, B, NOW_MS), A.publicKey);
  assertFails(
    () => followReceiver(`${line("one", A)}\nnonsense\n`, rotation, new RevokedKeys(), NOW_MS),
    "bad_trust_file",
    /^Line 2/,
  );
});

Deno.test("a revoked key is no receiver's, whichever list says so", () => {
  const revoked = parseRevokedKeys(fingerprint(A.publicKey));
  assert.equal(verdict([line("one", A)], A), "known");
  assert.equal(verdict([line("one", A)], A, revoked), "revoked");
  assert.equal(verdict([line("one", B)], B, revoked), "known");
  assert.deepEqual(findReceiver(parseKnownReceivers(line("one", A)), "one", 7891, revoked), []);
});

Deno.test("what follows a revoked key counts no longer, unless somebody has entered it", () => {
  const lines = [following("one", C, [B, A])];
  assert.equal(verdict(lines, C), "known");
  for (const before of [A, B]) {
    assert.equal(verdict(lines, C, parseRevokedKeys(fingerprint(before.publicKey))), "revoked");
    const marked = [...lines, `@revoked * ${formatPublicKeyLine(before.publicKey, "")}`];
    assert.equal(verdict(marked, C), "revoked");
    assert.deepEqual(findReceiver(parseKnownReceivers(marked.join("\n")), "one", 7891), []);
    assert.equal(verdict([...marked, line("one", C)], C), "known");
  }
});

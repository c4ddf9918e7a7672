import assert from "node:assert/strict";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { parseRevokedKeys, RevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import { assertFails, truncations } from "./failures.ts";

const { publicKey: KEY } = await identityFromSeed(new Uint8Array(32).fill(1));
const { publicKey: OTHER } = await identityFromSeed(new Uint8Array(32).fill(2));
const LINE = formatPublicKeyLine(KEY, "ann@host");

Deno.test("a key is revoked by its line or by its fingerprint", () => {
  for (const line of [LINE, formatPublicKeyLine(KEY, ""), fingerprint(KEY), `${fingerprint(KEY)}\tstolen`]) {
    const revoked = parseRevokedKeys(`# lost\n\n  ${line}\r\n`);
    assert.ok(revoked.has(KEY));
    assert.ok(revoked.hasFingerprint(fingerprint(KEY)));
    assert.ok(!revoked.has(OTHER));
    assert.deepEqual(revoked.entries.map((entry) => [entry.fingerprint, entry.line]), [[
      fingerprint(KEY),
      3,
    ]]);
  }
});

Deno.test("entries tell what stands in the file", () => {
  const { entries } = parseRevokedKeys(`${LINE}\n${fingerprint(OTHER)}  old laptop \n`);
  assert.deepEqual(entries, [
    { fingerprint: fingerprint(KEY), comment: "ann@host", line: 1 },
    { fingerprint: fingerprint(OTHER), comment: "old laptop", line: 2 },
  ]);
});

Deno.test("an empty list revokes nothing", () => {
  assert.ok(!parseRevokedKeys("").has(KEY));
  assert.ok(!parseRevokedKeys("# ssh-ed25519\n").has(KEY));
  assert.ok(!new RevokedKeys().has(KEY));
});

Deno.test("a line that cannot be read is an error, whatever the others say", () => {
  const bad = [
    "SHA256:short",
    `${fingerprint(KEY)}A`,
    "SHA1:abc",
    "MD5:00:11",
    "ssh-rsa AAAAB3NzaC1yc2E= me",
    "@revoked * " + LINE,
    "ann@host",
    `restrict ${LINE}`,
    ...truncations(formatPublicKeyLine(KEY, "")).slice(1),
    ...truncations(fingerprint(KEY)).slice(1),
  ];
  for (const line of bad) {
    const error = assertFails(() => parseRevokedKeys(`${LINE}\n${line}\n`), "bad_trust_file", /^Line 2 /);
    assert.match(error.hint!, /line 2.*nobody is trusted/);
  }
});

import assert from "node:assert/strict";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { PrivateExport } from "micro-key-producer/ssh.js";
import { type Bytes, concat, fromHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { formatPrivateKey, parsePrivateKey } from "../../../lib/identity/openssh_key.ts";
import { encodePublicKeyBlob, fingerprint, parsePublicKeyLine } from "../../../lib/identity/public_key.ts";
import { encodeString, unwrapArmor, wrapArmor } from "../../../lib/identity/ssh_encoding.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { assertFails, assertTotal, truncations } from "./failures.ts";
import { HAS_KEYGEN, keygen, run } from "./ssh_tools.ts";

const LABEL = "OPENSSH PRIVATE KEY";

/** RFC 8032, section 7.1, tests 1 and 2. */
const SEED = fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
const KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const OTHER_KEY = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");

/** A file whose parts may disagree. */
function privateKeyFile(parts: {
  outer?: Bytes;
  inner?: Bytes;
  tail?: Bytes;
  check2?: Bytes;
  privKey?: Bytes;
}): string {
  const check1 = Uint8Array.of(1, 2, 3, 4);
  return PrivateExport.encode({
    keys: [{
      pubKey: { pubKey: parts.outer ?? PUBLIC },
      privKey: {
        check1,
        check2: parts.check2 ?? check1,
        pubKey: parts.inner ?? PUBLIC,
        privKey: parts.privKey ?? concat(SEED, parts.tail ?? PUBLIC),
        comment: "me",
      },
    }],
  });
}

const PUBLIC = new Uint8Array(ed25519.getPublicKey(SEED));

/** The outer part of a file, with this cipher, number of keys, blob, and what follows. */
function outerPart(cipher: string, count: number, blob: Bytes, rest: Bytes): string {
  const start = concat(
    utf8("openssh-key-v1\0"),
    encodeString(cipher),
    encodeString("bcrypt"),
    encodeString("x"),
  );
  return wrapArmor(LABEL, concat(start, u32(count), encodeString(blob), rest));
}

Deno.test("a key file comes back", () => {
  for (const comment of ["", "me@here", "two words", "\u00fcber"]) {
    const parsed = parsePrivateKey(formatPrivateKey(SEED, comment));
    assert.deepEqual(parsed, { kind: "plain", publicKey: PUBLIC, seed: SEED, comment });
  }
});

Deno.test("a key file with the line ends of other systems is read", () => {
  const text = formatPrivateKey(SEED, "me").replaceAll("\n", "\r\n");
  assert.deepEqual(parsePrivateKey(`\r\n${text}\r\n`).publicKey, PUBLIC);
});

Deno.test("a well-made file with parts of this test is read", () => {
  assert.equal(parsePrivateKey(privateKeyFile({})).kind, "plain");
});

Deno.test("a file whose check numbers differ is refused", () => {
  const text = privateKeyFile({ check2: Uint8Array.of(1, 2, 3, 5) });
  assertFails(() => parsePrivateKey(text), "bad_key_file", /check numbers/);
});

Deno.test("a file with a public half of another key in any of its three places is refused", () => {
  for (const part of ["outer", "inner", "tail"]) {
    const text = privateKeyFile({ [part]: OTHER_KEY });
    assertFails(() => parsePrivateKey(text), "bad_key_file", /belongs to another/);
  }
  // All three agree, and the seed is not theirs.
  const text = privateKeyFile({ outer: OTHER_KEY, inner: OTHER_KEY, tail: OTHER_KEY });
  assertFails(() => parsePrivateKey(text), "bad_key_file", /belongs to another/);
});

Deno.test("a private half of another size is refused", () => {
  for (const privKey of [SEED, concat(SEED, PUBLIC, Uint8Array.of(0)), new Uint8Array(0)]) {
    assertFails(() => parsePrivateKey(privateKeyFile({ privKey })), "bad_key_file", /64/);
  }
});

Deno.test("a file with two keys or none is refused", () => {
  for (const count of [0, 2, 2 ** 32 - 1]) {
    const text = outerPart("none", count, encodePublicKeyBlob(KEY), new Uint8Array(500));
    assertFails(() => parsePrivateKey(text), "bad_key_file", /expected one/);
  }
});

Deno.test("a locked file gives its public key, also with an authentication tag behind it", () => {
  for (const tag of [0, 16]) {
    const rest = concat(encodeString(new Uint8Array(144)), new Uint8Array(tag));
    const text = outerPart("aes256-gcm@openssh.com", 1, encodePublicKeyBlob(KEY), rest);
    assert.deepEqual(parsePrivateKey(text), { kind: "encrypted", publicKey: KEY });
  }
});

Deno.test("a locked file that is cut, or has a weak public key, is refused", () => {
  const cut = outerPart("aes256-ctr", 1, encodePublicKeyBlob(KEY), u32(144));
  assertFails(() => parsePrivateKey(cut), "bad_key_file");
  const weak = encodePublicKeyBlob(fromHex("01" + "00".repeat(31)));
  const text = outerPart("aes256-ctr", 1, weak, encodeString(new Uint8Array(144)));
  assertFails(() => parsePrivateKey(text), "bad_key_file", /small order/);
});

Deno.test("bytes behind a plain key, or another beginning, are refused", () => {
  const bytes = unwrapArmor(LABEL, formatPrivateKey(SEED, "me"))!;
  assertFails(
    () => parsePrivateKey(wrapArmor(LABEL, concat(bytes, new Uint8Array(8)))),
    "bad_key_file",
    /follow/,
  );
  bytes[0]! ^= 1;
  assertFails(() => parsePrivateKey(wrapArmor(LABEL, bytes)), "bad_key_file", /does not begin/);
});

Deno.test("a plain key with a key derivation is refused, and its bytes stay out of the error", () => {
  const bytes = unwrapArmor(LABEL, formatPrivateKey(SEED, "me"))!;
  const at = "openssh-key-v1\0".length + 4 + 4;
  const changed = concat(bytes.subarray(0, at), encodeString("bcrypt"), bytes.subarray(at + 8));
  const error = assertFails(
    () => parsePrivateKey(wrapArmor(LABEL, changed)),
    "bad_key_file",
    /cannot be read/,
  );
  assert.equal(error.cause, undefined);
});

Deno.test("other formats are named in the error", () => {
  const cases: [string, RegExp][] = [
    ["-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n", /format "PRIVATE KEY"/],
    ["-----BEGIN RSA PRIVATE KEY-----\n", /format "RSA PRIVATE KEY"/],
    ["PuTTY-User-Key-File-3: ssh-ed25519\n", /PuTTY/],
    ["ssh-ed25519 AAAA me\n", /it is a public key \(ssh-ed25519\)/],
    ["ssh-\x1b[2J AAAA me\n", /it is a public key \(unknown\)/],
    ["-----BEGIN \x1b[2J-----\n", /it is no key file/],
    ["", /it is no key file/],
    ["hello", /it is no key file/],
  ];
  for (const [text, words] of cases) {
    const error = assertFails(() => parsePrivateKey(text), "bad_key_file", words);
    assert.match(error.hint!, /ssh-keygen -t ed25519/);
  }
  const cut = formatPrivateKey(SEED, "me").slice(0, -10);
  assertFails(() => parsePrivateKey(cut), "bad_key_file", /damaged/);
});

Deno.test("a truncated, changed or random file fails only on purpose", () => {
  const text = formatPrivateKey(SEED, "me");
  for (const part of truncations(text.trimEnd())) {
    assertFails(() => parsePrivateKey(part), "bad_key_file");
  }
  const bytes = unwrapArmor(LABEL, text)!;
  for (let size = 0; size < bytes.length; size++) {
    assertFails(() => parsePrivateKey(wrapArmor(LABEL, bytes.slice(0, size))), "bad_key_file");
  }
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at]! ^= 0x80;
    assertTotal(() => parsePrivateKey(wrapArmor(LABEL, changed)));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
    assertTotal(() => parsePrivateKey(wrapArmor(LABEL, tail)));
    assertTotal(() => parsePrivateKey(wrapArmor(LABEL, concat(bytes.subarray(0, 39), tail))));
    assertTotal(() => parsePrivateKey(wrapArmor(LABEL, concat(bytes.subarray(0, 98), tail))));
  }));
});

Deno.test("a seed of another size, or a comment of two lines, is not written", () => {
  assertFails(() => formatPrivateKey(new Uint8Array(31), ""), "bad_key_file", /31 bytes/);
  assertFails(() => formatPrivateKey(SEED, "a\nb"), "usage");
});

Deno.test({
  name: "ssh-keygen reads what we write, whatever the comment's length (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      for (
        const comment of ["", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "\u00fcber two words"]
      ) {
        const path = `${folder}/key`;
        await Deno.writeTextFile(path, formatPrivateKey(SEED, comment), { mode: 0o600 });
        const { stdout, stderr } = await run("ssh-keygen", ["-y", "-f", path]);
        assert.deepEqual(parsePublicKeyLine(stdout), { publicKey: KEY, comment }, stderr);
        const listed = await run("ssh-keygen", ["-lf", path]);
        assert.equal(listed.stdout.split(" ")[1], fingerprint(KEY));
      }
    });
  },
});

Deno.test({
  name: "a key of ssh-keygen is read, locked and unlocked (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      for (const comment of ["", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg"]) {
        const path = await keygen(folder, `key${comment}`, ["-C", comment]);
        const line = parsePublicKeyLine(await Deno.readTextFile(`${path}.pub`));
        const parsed = parsePrivateKey(await Deno.readTextFile(path));
        assert.ok(parsed.kind === "plain");
        assert.deepEqual({ publicKey: parsed.publicKey, comment: parsed.comment }, line);
        assert.deepEqual(new Uint8Array(ed25519.getPublicKey(parsed.seed)), line.publicKey);
      }
      for (const cipher of ["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]) {
        const path = await keygen(folder, cipher, ["-N", "secret", "-a", "1", "-Z", cipher]);
        const { publicKey } = parsePublicKeyLine(await Deno.readTextFile(`${path}.pub`));
        assert.deepEqual(parsePrivateKey(await Deno.readTextFile(path)), { kind: "encrypted", publicKey });
      }
    });
  },
});

Deno.test({
  name: "private keys of ssh-keygen in other types and formats are named in the error (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const cases: [string, string[], RegExp][] = [
        ["rsa", ["-t", "rsa", "-b", "2048"], /type ssh-rsa: only Ed25519/],
        ["ecdsa", ["-t", "ecdsa"], /type ecdsa-sha2-nistp256: only Ed25519/],
        ["locked", ["-t", "ecdsa", "-N", "secret", "-a", "1"], /type ecdsa-sha2-nistp256: only Ed25519/],
        ["pem", ["-t", "ecdsa", "-m", "PEM"], /format "EC PRIVATE KEY"/],
        ["pkcs8", ["-t", "ecdsa", "-m", "PKCS8"], /format "PRIVATE KEY"/],
      ];
      for (const [name, args, words] of cases) {
        const text = await Deno.readTextFile(await keygen(folder, name, args));
        const error = assertFails(() => parsePrivateKey(text), "bad_key_file", words);
        assert.match(error.hint!, /ssh-keygen -t ed25519/);
      }
    });
  },
});

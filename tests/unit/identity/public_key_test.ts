import assert from "node:assert/strict";
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { type Bytes, concat, fromHex } from "../../../lib/bytes/bytes.ts";
import {
  assertComment,
  assertValidPublicKey,
  decodePublicKeyBlob,
  encodePublicKeyBlob,
  fingerprint,
  formatPublicKeyLine,
  parsePublicKeyLine,
} from "../../../lib/identity/public_key.ts";
import { encodeString } from "../../../lib/identity/ssh_encoding.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { assertFails, assertTotal, truncations } from "./failures.ts";
import { HAS_KEYGEN, keygen, run } from "./ssh_tools.ts";

/** The public key of RFC 8032, section 7.1, test 1. */
const KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

/** The points of order 1, 2, 4, 4, 8, 8, 8 and 8 in their canonical form. */
const SMALL_ORDER = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/** A further way to write each coordinate y that has one: y + p, with either sign. */
function nonCanonical(): Bytes[] {
  const keys = [
    // x is 0, so its sign cannot be negative.
    fromHex("0100000000000000000000000000000000000000000000000000000000000080"),
    fromHex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
  ];
  for (let y = 0; y < 19; y++) {
    for (const top of [0x7f, 0xff]) {
      const key = new Uint8Array(32).fill(0xff);
      key[0] = 0xed + y;
      key[31] = top;
      keys.push(key);
    }
  }
  return keys;
}

Deno.test("an ordinary key is valid", () => {
  assertValidPublicKey(KEY);
});

Deno.test("a key of another size is refused", () => {
  for (const size of [0, 31, 33, 64]) {
    assertFails(
      () => assertValidPublicKey(new Uint8Array(size)),
      "bad_identity",
      new RegExp(`${size} bytes`),
    );
  }
});

Deno.test("every point of small order is refused", () => {
  for (const hex of SMALL_ORDER) {
    assertFails(() => assertValidPublicKey(fromHex(hex)), "bad_identity", /small order/);
  }
});

Deno.test("every encoding that is not canonical is refused", () => {
  const keys = nonCanonical();
  // Some of them do name points for those who read them leniently, so the strict reading is what refuses.
  const lenient = keys.filter((key) => {
    try {
      return !ed25519.Point.fromBytes(key, true).isSmallOrder();
    } catch {
      return false;
    }
  });
  assert.ok(lenient.length > 0);
  for (const key of keys) assertFails(() => assertValidPublicKey(key), "bad_identity", /does not encode/);
});

Deno.test("bytes that are no point are refused", () => {
  assertFails(() => assertValidPublicKey(fromHex("02" + "00".repeat(31))), "bad_identity", /does not encode/);
});

Deno.test("points of mixed order are refused", () => {
  for (const hex of SMALL_ORDER.slice(1)) {
    const mixed = ed25519.Point.fromBytes(KEY).add(ed25519.Point.fromHex(hex)).toBytes();
    assertFails(() => assertValidPublicKey(new Uint8Array(mixed)), "bad_identity", /mixed order/);
  }
});

Deno.test("a blob comes back", () => {
  assert.deepEqual(decodePublicKeyBlob(encodePublicKeyBlob(KEY)), KEY);
  assert.equal(encodePublicKeyBlob(KEY).length, 51);
});

Deno.test("a blob that is cut, too long, of another type or with a weak key is refused", () => {
  const blob = encodePublicKeyBlob(KEY);
  for (let size = 0; size < blob.length; size++) {
    assertFails(() => decodePublicKeyBlob(blob.slice(0, size)), "bad_identity");
  }
  assertFails(() => decodePublicKeyBlob(concat(blob, Uint8Array.of(0))), "bad_identity", /follow/);
  const rsa = concat(encodeString("ssh-rsa"), encodeString(KEY));
  const error = assertFails(() => decodePublicKeyBlob(rsa), "bad_identity", /type ssh-rsa: only Ed25519/);
  assert.match(error.hint!, /ssh-keygen -t ed25519/);
  const weak = encodePublicKeyBlob(fromHex(SMALL_ORDER[0]!));
  assertFails(() => decodePublicKeyBlob(weak), "bad_identity", /small order/);
});

Deno.test("a line comes back, with and without a comment", () => {
  for (const comment of ["", "me@here", "two words", "\u00fcber"]) {
    const line = formatPublicKeyLine(KEY, comment);
    assert.deepEqual(parsePublicKeyLine(line), { publicKey: KEY, comment });
    assert.deepEqual(parsePublicKeyLine(`  ${line}\r\n`), { publicKey: KEY, comment });
    assert.deepEqual(parsePublicKeyLine(line.replaceAll(" ", " \t ")).publicKey, KEY);
  }
  assert.equal(
    formatPublicKeyLine(KEY, ""),
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
  );
});

Deno.test("other lines are refused with what is wrong", () => {
  const line = formatPublicKeyLine(KEY, "");
  assertFails(() => parsePublicKeyLine(""), "bad_key_file", /not one line/);
  assertFails(() => parsePublicKeyLine(`${line}\n${line}`), "bad_key_file", /not one line/);
  assertFails(() => parsePublicKeyLine(line.replace("AAAA", "AAA")), "bad_key_file", /base64/);
  assertFails(() => parsePublicKeyLine(line.replace("ssh-ed25519", "ssh-rsa")), "bad_key_file", /ssh-rsa/);
  assertFails(() => parsePublicKeyLine("\x1b[2J AAAA"), "bad_key_file", /type unknown/);
  // The type in front and that inside must agree.
  const rsa = concat(encodeString("ssh-rsa"), encodeString(KEY)).toBase64();
  assertFails(() => parsePublicKeyLine(`ssh-ed25519 ${rsa}`), "bad_key_file", /ssh-rsa/);
  const weak = formatPublicKeyLine(fromHex(SMALL_ORDER[0]!), "");
  assertFails(() => parsePublicKeyLine(weak), "bad_key_file", /small order/);
});

Deno.test("a comment cannot become a second line", () => {
  for (
    const comment of ["a\nssh-ed25519 AAAA", "a\rb", "a\0b", "\x1b[2J", "a\u0085b", "a\u2028b", "a\u2029b"]
  ) {
    assertFails(() => formatPublicKeyLine(KEY, comment), "usage");
    assertFails(() => assertComment(comment), "usage");
  }
});

Deno.test("a truncated or random line fails only on purpose", () => {
  const line = formatPublicKeyLine(KEY, "me@here");
  for (const text of truncations(line)) {
    assertTotal(() => parsePublicKeyLine(text));
    // Whatever still parses is the same key with less of its comment.
    if (text.length < line.indexOf(" me@here")) assertFails(() => parsePublicKeyLine(text), "bad_key_file");
  }
  fc.assert(fc.property(fc.string(), (text) => {
    assertTotal(() => parsePublicKeyLine(text));
    assertTotal(() => parsePublicKeyLine(`ssh-ed25519 ${text}`));
  }));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assertTotal(() => decodePublicKeyBlob(new Uint8Array(bytes)));
    assertTotal(() => decodePublicKeyBlob(concat(encodeString("ssh-ed25519"), bytes)));
  }));
});

Deno.test("a fingerprint is a known one", () => {
  assert.equal(fingerprint(KEY), "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8");
});

Deno.test({
  name: "the fingerprint and the line are those of ssh-keygen (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const path = await keygen(folder, "key", ["-C", "a comment"]);
      const text = await Deno.readTextFile(`${path}.pub`);
      const { publicKey, comment } = parsePublicKeyLine(text);
      assert.equal(comment, "a comment");
      assert.equal(`${formatPublicKeyLine(publicKey, comment)}\n`, text);
      const { stdout } = await run("ssh-keygen", ["-lf", `${path}.pub`]);
      assert.equal(stdout.split(" ")[1], fingerprint(publicKey));
      // And one that we wrote.
      await Deno.writeTextFile(`${folder}/ours.pub`, `${formatPublicKeyLine(KEY, "ours")}\n`);
      const ours = await run("ssh-keygen", ["-lf", `${folder}/ours.pub`]);
      assert.equal(ours.stdout, `256 ${fingerprint(KEY)} ours (ED25519)\n`);
    });
  },
});

Deno.test({
  name: "a key of ssh-keygen of another type is named in the error (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const path = await keygen(folder, "key", ["-t", "ecdsa"]);
      const text = await Deno.readTextFile(`${path}.pub`);
      assertFails(() => parsePublicKeyLine(text), "bad_key_file", /ecdsa-sha2-nistp256/);
    });
  },
});

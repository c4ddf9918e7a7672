import assert from "node:assert/strict";
import { fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import {
  decodeBase64,
  encodeBase64,
  encodeString,
  entryLines,
  printableName,
  readString,
  readWhole,
  underCode,
  unwrapArmor,
  wrapArmor,
} from "../../../lib/identity/ssh_encoding.ts";
import { assertFails } from "./failures.ts";

Deno.test("an SSH string has four bytes of length", () => {
  assert.equal(toHex(encodeString("ssh")), "00000003737368");
  assert.equal(toHex(encodeString(Uint8Array.of(7))), "0000000107");
  assert.deepEqual(readWhole(fromHex("00000003737368"), "a test", readString), utf8("ssh"));
});

Deno.test("an SSH string that is cut, or is longer than it says, is malformed", () => {
  for (const hex of ["", "000000", "0000000373", "ffffffff73", "0000000373736800"]) {
    assertFails(() => readWhole(fromHex(hex), "a test", readString), "malformed", /a test/);
  }
});

Deno.test("a name is printed only if it is harmless", () => {
  assert.equal(printableName("sk-ssh-ed25519@openssh.com"), "sk-ssh-ed25519@openssh.com");
  assert.equal(printableName(utf8("ssh-rsa")), "ssh-rsa");
  for (const name of ["", "a b", "\x1b[2J", "x".repeat(65), "\u202e", "a\n"]) {
    assert.equal(printableName(name), "unknown");
  }
});

Deno.test("a failure goes on under another code, another error as it is", () => {
  const body = () => {
    throw new StxError("malformed", "Words", { hint: "Help" });
  };
  assert.equal(assertFails(() => underCode("bad_key_file", body), "bad_key_file", /^Words$/).hint, "Help");
  assert.throws(() =>
    underCode("bad_key_file", () => {
      throw new RangeError("a bug");
    }), RangeError);
});

Deno.test("base64 is taken in one form alone", () => {
  assert.deepEqual(decodeBase64("AAE="), Uint8Array.of(0, 1));
  assert.deepEqual(decodeBase64(""), new Uint8Array(0));
  for (const text of ["AAE", "AAF=", "AA E=", "AAE=\n", "AAE==", "A", "AA-_", "\u0410AAA", "A\fAE="]) {
    assert.equal(decodeBase64(text), undefined, JSON.stringify(text));
  }
});

Deno.test("base64 goes both ways, for every byte and every length of the end", () => {
  const every = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let size = 250; size <= every.length; size++) {
    const text = encodeBase64(every.subarray(0, size));
    assert.equal(text, every.subarray(0, size).toBase64());
    assert.deepEqual(decodeBase64(text), every.slice(0, size));
  }
});

Deno.test("armor comes back, also with the line ends of other systems", () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
  const text = wrapArmor("TEST THING", bytes);
  assert.deepEqual(text.split("\n").map((line) => line.length), [26, 70, 70, 70, 58, 24, 0]);
  assert.deepEqual(unwrapArmor("TEST THING", text), bytes);
  assert.deepEqual(unwrapArmor("TEST THING", `\r\n${text.replaceAll("\n", "\r\n\r\n")}  `), bytes);
  assert.deepEqual(unwrapArmor("TEST THING", wrapArmor("TEST THING", new Uint8Array(0))), new Uint8Array(0));
});

Deno.test("armor of another kind, cut, or with more around it is refused", () => {
  const text = wrapArmor("TEST", Uint8Array.of(1, 2, 3));
  assert.equal(unwrapArmor("OTHER", text), undefined);
  assert.equal(unwrapArmor("TEST", `x\n${text}`), undefined);
  assert.equal(unwrapArmor("TEST", `${text}x`), undefined);
  assert.equal(unwrapArmor("TEST", text + text), undefined);
  assert.equal(unwrapArmor("TEST", text.replace("BEGIN", "START")), undefined);
  for (let size = 0; size < text.length - 1; size++) {
    assert.equal(unwrapArmor("TEST", text.slice(0, size)), undefined);
  }
});

Deno.test("blank lines and comments say nothing, and lines keep their numbers", () => {
  assert.deepEqual(entryLines("# a\n\n  one  \r\n\t# b\ntwo"), [
    { number: 3, text: "one" },
    { number: 5, text: "two" },
  ]);
});

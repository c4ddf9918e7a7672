import assert from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "../../../lib/bytes/bytes.ts";
import {
  matchesAddress,
  parseAddress,
  parseAddressPatterns,
} from "../../../lib/identity/address_patterns.ts";
import { assertFails, assertTotal } from "./failures.ts";

function matches(list: string, address: string): boolean {
  return matchesAddress(parseAddressPatterns(list), address);
}

Deno.test("addresses are read and written in one way", () => {
  const cases: [string, string, string][] = [
    ["192.0.2.1", "c0000201", "192.0.2.1"],
    ["0.0.0.0", "00000000", "0.0.0.0"],
    ["255.255.255.255", "ffffffff", "255.255.255.255"],
    ["::", "00".repeat(16), "::"],
    ["::1", "00".repeat(15) + "01", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "20010db8" + "00".repeat(11) + "01", "2001:db8::1"],
    ["fe80::", "fe80" + "00".repeat(14), "fe80::"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
    ["::ffff:192.0.2.1", "c0000201", "192.0.2.1"],
    ["::FFFF:c000:201", "c0000201", "192.0.2.1"],
    ["64:ff9b::192.0.2.1", "0064ff9b0000000000000000c0000201", "64:ff9b::c000:201"],
  ];
  for (const [text, bytes, canonical] of cases) {
    const address = parseAddress(text);
    assert.ok(address !== undefined, text);
    assert.deepEqual([toHex(address.bytes), address.text], [bytes, canonical], text);
  }
});

Deno.test("what is no address is none", () => {
  const texts = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    "1.2.3.",
    ".1.2.3",
    "1.2.3.4.",
  ];
  texts.push(
    "host",
    "::1%eth0",
    "[::1]",
    ":::",
    "1::2::3",
    "12345::",
    "1:2:3:4:5:6:7",
    "::1]/",
    "g::",
    ":",
    "0x7f.1",
  );
  for (const text of texts) assert.equal(parseAddress(text), undefined, text);
});

Deno.test("an address matches itself, however it is written", () => {
  assert.ok(matches("192.0.2.1", "192.0.2.1"));
  assert.ok(!matches("192.0.2.1", "192.0.2.10"));
  assert.ok(matches("2001:db8:0::1", "2001:db8::1"));
  assert.ok(!matches("2001:db8::1", "2001:db8::2"));
  assert.ok(matches("FE80::1", "fe80::1%eth0"));
  assert.ok(matches("192.0.2.1", "::ffff:192.0.2.1"));
});

Deno.test("a network matches the addresses in it", () => {
  assert.ok(matches("192.0.2.0/24", "192.0.2.255"));
  assert.ok(!matches("192.0.2.0/24", "192.0.3.0"));
  assert.ok(matches("192.0.2.128/25", "192.0.2.128"));
  assert.ok(!matches("192.0.2.128/25", "192.0.2.127"));
  assert.ok(matches("10.0.0.0/9", "10.127.1.2"));
  assert.ok(!matches("10.0.0.0/9", "10.128.1.2"));
  assert.ok(matches("192.0.2.1/32", "192.0.2.1"));
  assert.ok(matches("2001:db8::/33", "2001:db8:7fff::1"));
  assert.ok(!matches("2001:db8::/33", "2001:db8:8000::1"));
  assert.ok(matches("0.0.0.0/0", "203.0.113.9"));
  assert.ok(matches("::/0", "2001:db8::1"));
});

Deno.test("a network of one kind never matches an address of the other", () => {
  assert.ok(!matches("0.0.0.0/0", "::1"));
  assert.ok(!matches("::/0", "192.0.2.1"));
  assert.ok(!matches("::/0", "::ffff:192.0.2.1"));
});

Deno.test("wildcards match the written address", () => {
  assert.ok(matches("*", "192.0.2.1"));
  assert.ok(matches("*", "::1"));
  assert.ok(matches("192.0.2.*", "192.0.2.77"));
  assert.ok(!matches("192.0.2.*", "192.0.20.77"));
  assert.ok(matches("192.0.2.?", "192.0.2.7"));
  assert.ok(!matches("192.0.2.?", "192.0.2.77"));
  assert.ok(!matches("192.0.2.?", "192.0.2."));
  assert.ok(matches("1*.*.?*7", "192.0.2.77"));
  assert.ok(!matches("1*.*.?*8", "192.0.2.77"));
  assert.ok(matches("192.0.2.77*", "192.0.2.77"));
  assert.ok(matches("2001:DB8:*", "2001:db8::1"));
  assert.ok(!matches("2001:db8:*", "2001:db9::1"));
  assert.ok(matches("fe80:*", "fe80::1%eth0"));
  assert.ok(matches("192.*", "::ffff:192.0.2.1"));
});

Deno.test("many wildcards take no long time", () => {
  assert.ok(!matches(`${"*1".repeat(500)}2`, "111.111.111.111"));
});

Deno.test("a negated pattern refuses, wherever it stands, and never grants", () => {
  assert.ok(!matches("!192.0.2.1,*", "192.0.2.1"));
  assert.ok(!matches("*,!192.0.2.1", "192.0.2.1"));
  assert.ok(matches("*,!192.0.2.1", "192.0.2.2"));
  assert.ok(!matches("*,!192.0.2.0/24", "192.0.2.2"));
  assert.ok(!matches("!192.0.2.1", "192.0.2.2"));
  assert.ok(!matches("!192.0.2.1", "192.0.2.1"));
});

Deno.test("what is no address matches nothing", () => {
  for (const address of ["", "host", "*", "192.0.2.1:22"]) assert.ok(!matches("*", address), address);
});

Deno.test("host names match nothing and are counted", () => {
  const list = parseAddressPatterns("host.example,*.example.com,10.0.0.0/8,*.cafe,a?b");
  assert.equal(list.nameCount, 4);
  assert.equal(list.text, "host.example,*.example.com,10.0.0.0/8,*.cafe,a?b");
  assert.ok(matchesAddress(list, "10.1.2.3"));
  assert.ok(!matchesAddress(list, "192.0.2.1"));
  assert.equal(parseAddressPatterns("10.0.0.0/8,192.*,fe80::*,::1").nameCount, 0);
});

Deno.test("lists that cannot be honoured are refused", () => {
  const cases: [string, RegExp][] = [
    ["", /empty pattern/],
    ["10.0.0.1,", /empty pattern/],
    [",10.0.0.1", /empty pattern/],
    ["!", /empty pattern/],
    ["10.0.0.0/33", /more bits/],
    ["::/129", /more bits/],
    ["10.0.0.1/8", /bits set behind/],
    ["2001:db8::1/64", /bits set behind/],
    ["10.0.0.0/", /not address\/bits/],
    ["10.0.0.0/8/8", /not address\/bits/],
    ["10.0.0.0/-1", /not address\/bits/],
    ["10.0.0.0/255.0.0.0", /not address\/bits/],
    ["host/8", /not address\/bits/],
    ["10.*/8", /not address\/bits/],
    ["::ffff:192.0.2.1", /written as IPv6/],
    ["*,!::ffff:192.0.2.0/120", /written as IPv6/],
    ["10.0.0.1 ,10.0.0.2", /no address or host name/],
    ["::g", /no address or host name/],
    ["1::2::3", /no address or host name/],
    ["*,!bad.example.com", /by name/],
    ["*,!*.cafe", /by name/],
  ];
  for (const [list, words] of cases) assertFails(() => parseAddressPatterns(list), "bad_trust_file", words);
});

Deno.test("random lists and addresses fail only on purpose", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0129af:.*?!,/%x") });
  fc.assert(fc.property(text, text, fc.string(), (list, address, other) => {
    assertTotal(() => matches(list, address));
    assertTotal(() => matches(list, other));
    assertTotal(() => parseAddressPatterns(other));
  }));
});

Deno.test("every address comes back from its text", () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(groups, fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 8 }), (all, from, to) => {
      const numbers = all.map((group, index) => index >= from && index < to ? 0 : group);
      const address = parseAddress(numbers.map((group) => group.toString(16)).join(":"));
      const hex = numbers.map((group) => group.toString(16).padStart(4, "0")).join("");
      assert.ok(toHex(address!.bytes) === hex || hex.endsWith(toHex(address!.bytes)));
      assert.deepEqual(parseAddress(address!.text), address);
    }),
  );
});

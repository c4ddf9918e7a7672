import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../../lib/bytes/bytes.ts";
import { findAuthorized, parseAuthorizedKeys } from "../../../lib/identity/authorized_keys.ts";
import {
  encodePublicKeyBlob,
  formatPublicKeyLine,
  parsePublicKeyLine,
} from "../../../lib/identity/public_key.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { truncations } from "./failures.ts";
import { HAS_KEYGEN, keygen, run } from "./ssh_tools.ts";

const KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const OTHER = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const LINE = formatPublicKeyLine(KEY, "me@here");
const NOW = Date.UTC(2026, 0, 1);

/** What a file says of KEY. */
function verdict(text: string, address = "192.0.2.1", nowMs = NOW): string {
  return findAuthorized(parseAuthorizedKeys(text).keys, KEY, address, nowMs);
}

/** Asserts that a file grants nothing, and warns of its line with these words. */
function assertSkipped(text: string, words: RegExp, line = 1): void {
  const { keys, warnings } = parseAuthorizedKeys(text);
  assert.deepEqual(keys, [], text);
  assert.equal(warnings.length, 1, text);
  assert.match(warnings[0]!, new RegExp(`^Line ${line} is skipped\\. `));
  assert.match(warnings[0]!, words);
}

Deno.test("a plain line grants, and no other key", () => {
  assert.equal(verdict(LINE), "authorized");
  assert.equal(verdict(formatPublicKeyLine(OTHER, "")), "unknown");
  assert.equal(verdict(""), "unknown");
});

Deno.test("keys come with their line, comment and restrictions", () => {
  const text = `# a comment\r\n\n \t${LINE} and more \nfrom="10.0.0.1",expiry-time="20300101Z" ${
    formatPublicKeyLine(OTHER, "")
  }`;
  const { keys, warnings } = parseAuthorizedKeys(text);
  assert.deepEqual(warnings, []);
  assert.deepEqual(keys[0], {
    publicKey: KEY,
    comment: "me@here and more",
    line: 3,
    expiresMs: undefined,
    from: undefined,
  });
  assert.deepEqual([keys[1]!.publicKey, keys[1]!.comment, keys[1]!.line], [OTHER, "", 4]);
  assert.equal(keys[1]!.expiresMs, Date.UTC(2030, 0, 1));
  assert.ok(keys[1]!.from !== undefined);
});

Deno.test("a key is accepted to its last millisecond and not after", () => {
  const text = `expiry-time="20260601123456Z" ${LINE}`;
  const expiry = Date.UTC(2026, 5, 1, 12, 34, 56);
  assert.equal(verdict(text, "192.0.2.1", expiry), "authorized");
  assert.equal(verdict(text, "192.0.2.1", expiry + 1), "expired");
});

Deno.test("an expiry is a date, or a time with or without seconds", () => {
  const cases: [string, number][] = [
    ["20260601Z", Date.UTC(2026, 5, 1)],
    ["202606011234Z", Date.UTC(2026, 5, 1, 12, 34)],
    ["20260601123456z", Date.UTC(2026, 5, 1, 12, 34, 56)],
    ["20280229Z", Date.UTC(2028, 1, 29)],
    ["20260601", new Date(2026, 5, 1).getTime()],
    ["20260601123456", new Date(2026, 5, 1, 12, 34, 56).getTime()],
  ];
  for (const [value, expected] of cases) {
    const { keys } = parseAuthorizedKeys(`Expiry-Time="${value}" ${LINE}`);
    assert.equal(keys[0]!.expiresMs, expected, value);
  }
});

Deno.test("an expiry without a Z is in this machine's time zone", async () => {
  // The time zone is fixed when a process starts, so another process is asked.
  const module = new URL("../../../lib/identity/authorized_keys.ts", import.meta.url);
  const config = new URL("../../../deno.json", import.meta.url).pathname;
  const code = `import { parseAuthorizedKeys } from ${JSON.stringify(module.href)};
    for (const value of ["20260101120000", "20260701120000", "20260101120000Z"]) {
      const text = 'expiry-time="' + value + '" ' + ${JSON.stringify(LINE)};
      console.log(parseAuthorizedKeys(text).keys[0].expiresMs);
    }`;
  const args = ["eval", "--config", config, "--no-lock", code];
  const { stdout, stderr } = await run(Deno.execPath(), args, "", { TZ: "America/New_York" });
  assert.deepEqual(stdout.trim().split("\n").map(Number), [
    Date.UTC(2026, 0, 1, 17),
    Date.UTC(2026, 6, 1, 16),
    Date.UTC(2026, 0, 1, 12),
  ], stderr);
});

Deno.test("an expiry that is no time is skipped", () => {
  const values = [
    "",
    "Z",
    "2026",
    "2026060",
    "202606011",
    "2026060112",
    "202606011234567",
    "20260601T1200",
    "now",
  ];
  values.push(
    "20260229Z",
    "20260631Z",
    "20261301Z",
    "20260001Z",
    "20260100Z",
    "202601012400Z",
    "202601011260Z",
  );
  values.push("20260101120060Z", "19691231Z", "00500101Z", "20260101ZZ", " 20260101Z", "20260101+1");
  for (const value of values) assertSkipped(`expiry-time="${value}" ${LINE}`, /expiry-time/);
  assertSkipped(`expiry-time ${LINE}`, /expiry-time/);
});

Deno.test("of several expiries the earliest counts", () => {
  for (const years of [["2025", "2030"], ["2030", "2025"]]) {
    const options = years.map((year) => `expiry-time="${year}0101Z"`).join(",");
    assert.equal(verdict(`${options} ${LINE}`), "expired");
  }
});

Deno.test("a line grants from its addresses alone", () => {
  const text = `FROM="10.0.0.0/8,!10.0.0.1,2001:db8::*" ${LINE}`;
  assert.equal(verdict(text, "10.0.0.2"), "authorized");
  assert.equal(verdict(text, "2001:db8::7"), "authorized");
  assert.equal(verdict(text, "10.0.0.1"), "wrong_address");
  assert.equal(verdict(text, "192.0.2.1"), "wrong_address");
  assert.equal(verdict(text, "not an address"), "wrong_address");
});

Deno.test("a line with a bad list of addresses is skipped", () => {
  assertSkipped(`from="" ${LINE}`, /empty pattern/);
  assertSkipped(`from="10.0.0.1/8" ${LINE}`, /bits set behind/);
  assertSkipped(`from="*,!host.example" ${LINE}`, /by name/);
  assertSkipped(`from ${LINE}`, /no value/);
  assertSkipped(`from="*",from="10.0.0.1" ${LINE}`, /twice/);
});

Deno.test("a host name in a list is warned of, and the rest of the list holds", () => {
  const text = `\nfrom="10.0.0.0/8,*.example.com" ${LINE}`;
  assert.match(parseAuthorizedKeys(text).warnings.join(), /^Line 2 has a host name/);
  assert.equal(verdict(text, "10.0.0.2"), "authorized");
  assert.equal(verdict(text, "192.0.2.1"), "wrong_address");
});

Deno.test("a line with any other option is skipped", () => {
  const options = [
    "cert-authority",
    "restrict",
    'command="ls"',
    "no-pty",
    'environment="A=b"',
    "verify-required",
  ];
  options.push(
    "Restrict",
    'from="*",restrict',
    'restrict,from="*"',
    'command="a \\" b, ssh-ed25519 c"',
    "unheard-of",
  );
  for (const option of options) {
    assertSkipped(`${option} ${LINE}`, /has the option "[A-Za-z-]+", which stx does not support/);
  }
});

Deno.test("options that cannot be read are skipped", () => {
  const options = [
    ",",
    'from="*",',
    ',from="*"',
    'from="*",,from="*"',
    "from=*",
    'from="*"x',
    'from"*"',
    'from=""*"',
  ];
  options.push('from="*" ,restrict', 'from="*"="*"', "\u0444rom", '"*"', '\\"from="*"');
  for (const option of options) assertSkipped(`${option} ${LINE}`, /./);
  assertSkipped(`from="* ${LINE}`, /no end/);
  // The quote that would end the text is escaped.
  assertSkipped(`from="*\\" ${LINE}`, /no end/);
});

Deno.test("commas, spaces and escaped quotes inside quotes belong to the value", () => {
  assert.equal(verdict(`from="10.0.0.1,192.0.2.1",expiry-time="20300101Z" ${LINE}`), "authorized");
  assertSkipped(`from="10.0.0.1 ,192.0.2.1\\"" ${LINE}`, /./);
  // Read as two options, this would grant.
  assertSkipped(`command="x\\",from=\\"*" ${LINE}`, /option "command"/);
  assertSkipped(`unheard="\\",restrict="\\" ${LINE}`, /cannot be read/);
  assertSkipped(`command="x ${LINE}" ${LINE}`, /option "command"/);
});

Deno.test("keys of other types are skipped by name", () => {
  assertSkipped("ssh-rsa AAAAB3NzaC1yc2E= me", /ssh-rsa: only Ed25519/);
  assertSkipped(`from="*" sk-ssh-ed25519@openssh.com AAAA me`, /sk-ssh-ed25519@openssh\.com: only Ed25519/);
  assertSkipped(`ssh-ed25519-cert-v01@openssh.com AAAA`, /only Ed25519/);
  assertSkipped(`ssh-\x1b[2J AAAA`, /type unknown/);
});

Deno.test("malformed lines are skipped, and the others hold", () => {
  const text = ["hello", "ssh-ed25519", "ssh-ed25519 AAAA", `${LINE.replace("AAAAC3", "AAAAC4")}`, LINE].join(
    "\n",
  );
  const { keys, warnings } = parseAuthorizedKeys(text);
  assert.deepEqual(keys.map((key) => key.line), [5]);
  assert.deepEqual(
    warnings.map((warning) => warning.slice(0, 18)),
    [1, 2, 3, 4].map((n) => `Line ${n} is skipped.`),
  );
  assertSkipped(formatPublicKeyLine(fromHex("01" + "00".repeat(31)), ""), /small order/);
  assertSkipped(`from="*"`, /not one line/);
  assertSkipped(`from="*",expiry-time="20300101Z"${LINE}`, /./);
});

Deno.test("a key on several lines is granted by any of them", () => {
  const expired = `expiry-time="20250101Z" ${LINE}`;
  const elsewhere = `from="10.0.0.1" ${LINE}`;
  assert.equal(verdict(`${expired}\n${elsewhere}\n${LINE}`), "authorized");
  assert.equal(verdict(`${LINE}\n${expired}`), "authorized");
  assert.equal(verdict(`${expired}\n${elsewhere}`), "expired");
  assert.equal(verdict(`${elsewhere}\n${expired}`), "wrong_address");
  // Each line stands alone: the time of one and the address of the other do not add up.
  assert.equal(verdict(`${expired}\n${elsewhere}`, "10.0.0.1"), "authorized");
  assert.equal(verdict(`expiry-time="20250101Z",from="10.0.0.1" ${LINE}`, "10.0.0.1"), "expired");
});

Deno.test("warnings hold no text of the file that could move a cursor", () => {
  const text = `\x1b[2J\x07 ${LINE}\n\u202ersa AAAA\nfrom="\x1b,!x" ${LINE}\nssh-ed25519 \x1b`;
  const { keys, warnings } = parseAuthorizedKeys(text);
  assert.deepEqual(keys, []);
  assert.equal(warnings.length, 4);
  for (const warning of warnings) assert.match(warning, /^[\x20-\x7e]+$/);
});

Deno.test("truncated and random files never throw, and grant no key that they do not hold", () => {
  const text = `from="192.0.2.0/24",expiry-time="20250101Z" ${LINE}`;
  for (const part of truncations(text)) {
    assert.notEqual(verdict(part), "authorized");
    assert.notEqual(verdict(part, "10.0.0.1", 0), "authorized");
  }
  // A line cut from its front loses restrictions only where nothing of them is left.
  for (let at = 1; at < text.length; at++) {
    const rest = text.slice(at);
    if (!rest.startsWith("expiry") && !rest.trimStart().startsWith("ssh-")) {
      assert.equal(verdict(rest), "unknown");
    }
  }
  fc.assert(fc.property(fc.string(), (options) => {
    parseAuthorizedKeys(options);
    parseAuthorizedKeys(`from="${options}" ${LINE}`);
    parseAuthorizedKeys(`expiry-time="${options}" ${LINE}`);
    parseAuthorizedKeys(`${options} ssh-ed25519 ${encodePublicKeyBlob(KEY).toBase64()}`);
  }));
});

Deno.test({
  name: "a file of keys by ssh-keygen is read, Ed25519 taken and others skipped (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const lines: string[] = [];
      for (const type of ["ed25519", "ecdsa"]) {
        lines.push(await Deno.readTextFile(`${await keygen(folder, type, ["-t", type])}.pub`));
      }
      const { keys, warnings } = parseAuthorizedKeys(lines.join(""));
      assert.deepEqual(keys.map((key) => key.publicKey), [parsePublicKeyLine(lines[0]!).publicKey]);
      assert.match(warnings.join(), /^Line 2 is skipped\..*ecdsa-sha2-nistp256/);
    });
  },
});

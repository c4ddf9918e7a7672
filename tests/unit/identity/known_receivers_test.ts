import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../../lib/bytes/bytes.ts";
import {
  checkReceiver,
  findReceiver,
  formatReceiverLine,
  parseKnownReceivers,
} from "../../../lib/identity/known_receivers.ts";
import { formatPublicKeyLine, parsePublicKeyLine } from "../../../lib/identity/public_key.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { assertFails, assertTotal, truncations } from "./failures.ts";
import { HAS_KEYGEN, keygen, run } from "./ssh_tools.ts";

const KEY = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
const OTHER = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
const KEY_TEXT = formatPublicKeyLine(KEY, "");
const OTHER_TEXT = formatPublicKeyLine(OTHER, "");
const LINE = `[host.example]:4400 ${KEY_TEXT}`;

function assertRefused(text: string, words: RegExp, line = 1): void {
  const error = assertFails(() => parseKnownReceivers(text), "bad_trust_file", words);
  assert.match(error.message, new RegExp(`^Line ${line} of`));
  assert.match(error.hint!, new RegExp(`line ${line}, or delete it`));
}

Deno.test("a line comes back, with comments and blank lines around it", () => {
  assert.equal(formatReceiverLine("Host.Example", 4400, KEY), LINE);
  const entries = parseKnownReceivers(`# mine\r\n\n${LINE} the office\r\n`);
  assert.deepEqual(entries, [{ kind: "trusted", host: "host.example", port: 4400, publicKey: KEY }]);
  assert.deepEqual(parseKnownReceivers(""), []);
});

Deno.test("a receiver is found by name and port, whatever the case", () => {
  const entries = parseKnownReceivers(`[HOST.example]:4400 ${KEY_TEXT}\n[host.example]:4401 ${OTHER_TEXT}\n`);
  assert.deepEqual(findReceiver(entries, "host.EXAMPLE", 4400), [KEY]);
  assert.deepEqual(findReceiver(entries, "host.example", 4401), [OTHER]);
  assert.deepEqual(findReceiver(entries, "host.example", 22), []);
  assert.deepEqual(findReceiver(entries, "host", 4400), []);
});

Deno.test("IP addresses are found however they are written", () => {
  const lines = [formatReceiverLine("2001:DB8:0::1", 1, KEY), formatReceiverLine("192.0.2.1", 2, KEY)];
  assert.equal(lines[0], `[2001:db8::1]:1 ${KEY_TEXT}`);
  const entries = parseKnownReceivers(lines.join("\n"));
  assert.deepEqual(findReceiver(entries, "2001:db8::1", 1), [KEY]);
  assert.deepEqual(findReceiver(entries, "2001:db8:0:0::1", 1), [KEY]);
  assert.deepEqual(findReceiver(entries, "192.0.2.1", 2), [KEY]);
  const zoned = parseKnownReceivers(formatReceiverLine("fe80::1%eth0", 3, KEY));
  assert.deepEqual(findReceiver(zoned, "fe80::1%eth0", 3), [KEY]);
  assert.deepEqual(findReceiver(zoned, "fe80::1%eth1", 3), []);
});

Deno.test("a receiver is known, unknown or changed", () => {
  const entries = parseKnownReceivers(LINE);
  assert.equal(checkReceiver(entries, "host.example", 4400, KEY), "known");
  assert.equal(checkReceiver(entries, "host.example", 4400, OTHER), "changed");
  assert.equal(checkReceiver(entries, "host.example", 4401, KEY), "unknown");
  assert.equal(checkReceiver(entries, "another", 4400, KEY), "unknown");
});

Deno.test("a receiver may have several keys", () => {
  const entries = parseKnownReceivers(`${LINE}\n${LINE.replace(KEY_TEXT, OTHER_TEXT)}`);
  assert.deepEqual(findReceiver(entries, "host.example", 4400), [KEY, OTHER]);
  assert.equal(checkReceiver(entries, "host.example", 4400, OTHER), "known");
});

Deno.test("a revoked key is trusted nowhere, wherever its line stands and whatever it names", () => {
  for (const name of ["*", "[host.example]:4400", "[another]:1", "host", "|1|abc=|def="]) {
    const revoked = `@revoked ${name} ${KEY_TEXT} stolen`;
    for (const text of [`${LINE}\n${revoked}`, `${revoked}\n${LINE}`]) {
      const entries = parseKnownReceivers(text);
      assert.equal(checkReceiver(entries, "host.example", 4400, KEY), "revoked");
      assert.equal(checkReceiver(entries, "elsewhere", 1, KEY), "revoked");
      assert.deepEqual(findReceiver(entries, "host.example", 4400), []);
    }
  }
});

Deno.test("a receiver whose only key is revoked has changed, and is not unknown, under another", () => {
  const entries = parseKnownReceivers(`${LINE}\n@revoked * ${KEY_TEXT}`);
  assert.equal(checkReceiver(entries, "host.example", 4400, OTHER), "changed");
});

Deno.test("a line that cannot be read is an error that names it", () => {
  assertRefused(`${LINE}\n\n[host]:1 ssh-ed25519 AAAA`, /public key/, 3);
  assertRefused(`host.example ${KEY_TEXT}`, /\[host\]:port/);
  assertRefused(`host.example:4400 ${KEY_TEXT}`, /\[host\]:port/);
  assertRefused(`[host]:x ${KEY_TEXT}`, /\[host\]:port/);
  assertRefused(`[a]:1,[b]:1 ${KEY_TEXT}`, /\[host\]:port/);
  assertRefused(KEY_TEXT, /\[host\]:port/);
  for (const host of ["", "*", "a?", "!a", "a,b", "[::1", "|1|x", "a@b", "a\u0007"]) {
    assertRefused(`[${host}]:1 ${KEY_TEXT}`, /no host name has/);
  }
  for (const port of ["0", "65536", "99999999999999999999"]) assertRefused(`[a]:${port} ${KEY_TEXT}`, /port/);
  assertRefused(`|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM= ${KEY_TEXT}`, /by its hash/);
  assertRefused(`@cert-authority * ${KEY_TEXT}`, /marker other than @revoked/);
  assertRefused(`@Revoked * ${KEY_TEXT}`, /marker other than @revoked/);
  assertRefused(`@revoked ${KEY_TEXT}`, /public key|key of the type/);
  assertRefused(`@revoked * ssh-ed25519 AAAA`, /public key/);
  assertRefused(`[a]:1 ssh-rsa AAAA`, /ssh-rsa: only Ed25519/);
  assertRefused(`[a]:1`, /public key/);
  assertRefused(`[a]:1 ${formatPublicKeyLine(fromHex("01" + "00".repeat(31)), "")}`, /small order/);
});

Deno.test("a host or port that a line cannot hold is not written", () => {
  for (const host of ["", "a b", "a\nb", "[::1]", "a,b", "*", "a]:1 x"]) {
    assertFails(() => formatReceiverLine(host, 1, KEY), "usage");
  }
  for (const port of [0, -1, 1.5, 65536, NaN]) assertFails(() => formatReceiverLine("a", port, KEY), "usage");
});

Deno.test("errors hold no text of the file that could move a cursor", () => {
  for (
    const text of [`\x1b[2J ${KEY_TEXT}`, `@\x1b[2J * ${KEY_TEXT}`, `[\x1b]:1 ${KEY_TEXT}`, `[a]:1 \x1b AAAA`]
  ) {
    const error = assertFails(() => parseKnownReceivers(text), "bad_trust_file");
    assert.match(error.message, /^[\x20-\x7e]+$/);
  }
});

Deno.test("truncated and random lists fail only on purpose", () => {
  for (const line of [LINE, `@revoked * ${KEY_TEXT}`]) {
    for (const text of truncations(line)) {
      if (text === "") continue;
      assertFails(() => parseKnownReceivers(text), "bad_trust_file");
    }
  }
  fc.assert(fc.property(fc.string(), (text) => {
    assertTotal(() => parseKnownReceivers(text));
    assertTotal(() => parseKnownReceivers(`[${text}]:1 ${KEY_TEXT}`));
    assertTotal(() => parseKnownReceivers(`@revoked ${text} ${KEY_TEXT}`));
  }));
});

Deno.test("whatever line can be written is found again", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      fc.integer({ min: 1, max: 65535 }),
      (host, port) => {
        const entries = parseKnownReceivers(formatReceiverLine(host, port, KEY));
        assert.equal(checkReceiver(entries, host.toUpperCase(), port, KEY), "known");
      },
    ),
  );
});

Deno.test({
  name: "ssh-keygen finds receivers in our list (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const path = await keygen(folder, "key");
      const { publicKey } = parsePublicKeyLine(await Deno.readTextFile(`${path}.pub`));
      const list = `${folder}/known_receivers`;
      await Deno.writeTextFile(list, `${LINE}\n${formatReceiverLine("2001:db8::1", 4400, publicKey)}\n`);
      const { stdout } = await run("ssh-keygen", ["-F", "[2001:db8::1]:4400", "-f", list]);
      assert.match(stdout, /found: line 2/);
    });
  },
});

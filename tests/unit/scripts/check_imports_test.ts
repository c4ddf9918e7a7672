import assert from "node:assert/strict";
import { checkImports } from "../../../scripts/check_imports.ts";
import { partOf } from "../../../scripts/import_rules.ts";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

/** Checks a small project made of `files`; returns each breach as one line. */
async function breachesOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return await withTempFolder(async (folder) => {
    const root = await Deno.realPath(folder);
    await Deno.writeTextFile(`${root}/deno.json`, JSON.stringify({ imports: PACKAGES }));
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    return (await checkImports(root)).map(({ file, line, message }) => `${file}:${line}: ${message}`);
  });
}

const PACKAGES = {
  "@noble/hashes/sha2.js": "npm:@noble/hashes@2.4.0/sha2.js",
  "fast-check": "npm:fast-check@4.10.2",
};
const EMPTY = "export {};\n";

Deno.test("checkImports finds nothing in this project", async () => {
  assert.deepEqual(await checkImports(PROJECT_FOLDER), []);
});

Deno.test("checkImports takes arrows that the table has", async () => {
  const breaches = await breachesOf({
    "mod.ts": 'export * from "./lib/wire/frame.ts";\n',
    "lib/errors.ts": EMPTY,
    "lib/bytes/bytes.ts": 'import "../errors.ts";\nexport type Bytes = Uint8Array;\n',
    "lib/ports.ts": 'import type { Bytes } from "./bytes/bytes.ts";\nexport type P = Bytes;\n',
    "lib/wire/frame.ts": 'import "../bytes/bytes.ts";\n',
    "lib/crypto/suite.ts": 'import "@noble/hashes/sha2.js";\nimport "node:crypto";\n',
    "lib/net/driver.ts": 'import "../wire/frame.ts";\nimport "node:fs";\n',
    "cli/main.ts": 'import "../lib/net/driver.ts";\nimport "./attack_sim.ts";\n',
    "cli/attack_sim.ts": 'import "../lib/attacks/weak/trust.ts";\n',
    "lib/attacks/weak/trust.ts": 'import "../../crypto/suite.ts";\n',
    "tests/unit/wire/frame_test.ts": 'import "../../../lib/wire/frame.ts";\nimport "fast-check";\n',
  });
  assert.deepEqual(breaches, []);
});

Deno.test("checkImports names file, line, target and rule of a forbidden arrow", async () => {
  const breaches = await breachesOf({
    "lib/errors.ts": EMPTY,
    "lib/handshake/client.ts": EMPTY,
    "lib/transfer/sender.ts": 'import "../errors.ts";\nimport "../handshake/client.ts";\n',
  });
  assert.equal(breaches.length, 1);
  assert.match(
    breaches[0]!,
    /^lib\/transfer\/sender\.ts:2: lib\/transfer must not import lib\/handshake\/client\.ts \(it may import lib\/errors\.ts, /,
  );
});

Deno.test("checkImports follows type-only, dynamic and re-exporting arrows", async () => {
  const breaches = await breachesOf({
    "lib/wire/frame.ts": "export type F = 1;\nexport const f = 1;\n",
    "lib/bytes/a.ts": 'import type { F } from "../wire/frame.ts";\nexport type G = F;\n',
    "lib/bytes/b.ts": 'export type G = import("../wire/frame.ts").F;\n',
    "lib/bytes/c.ts": 'export const g = await import("../wire/frame.ts");\n',
    "lib/bytes/d.ts": 'export * from "../wire/frame.ts";\n',
  });
  assert.deepEqual(breaches.map((line) => line.slice(0, 16)), [
    "lib/bytes/a.ts:1",
    "lib/bytes/b.ts:1",
    "lib/bytes/c.ts:1",
    "lib/bytes/d.ts:1",
  ]);
});

Deno.test("checkImports lets ports have the types of bytes, not its code", async () => {
  const bytes = { "lib/bytes/bytes.ts": "export type B = 1;\nexport const b = 1;\n" };
  const asType = {
    ...bytes,
    "lib/ports.ts": 'import type { B } from "./bytes/bytes.ts";\nexport type C = B;\n',
  };
  assert.deepEqual(await breachesOf(asType), []);
  const asCode = { ...bytes, "lib/ports.ts": 'import { b } from "./bytes/bytes.ts";\nexport const c = b;\n' };
  assert.equal((await breachesOf(asCode)).length, 1);
});

Deno.test("checkImports keeps each part to its packages and to its modules of the platform", async () => {
  const breaches = await breachesOf({
    "cli/main.ts": 'import "fast-check";\n',
    "lib/wire/frame.ts": 'import "@noble/hashes/sha2.js";\n',
    "lib/bytes/crc32.ts": 'import "node:zlib";\nimport "node:fs";\n',
  });
  assert.deepEqual(breaches, [
    "cli/main.ts:1: cli must not import the package fast-check (it may import none)",
    "lib/bytes/crc32.ts:2: lib/bytes must not import node:fs (it may import node:zlib)",
    "lib/wire/frame.ts:1: lib/wire must not import the package @noble/hashes (it may import none)",
  ]);
});

Deno.test("checkImports keeps the weakened parts from everything but the simulator", async () => {
  const breaches = await breachesOf({
    "lib/attacks/weak/trust.ts": EMPTY,
    "lib/net/driver.ts": 'import "../attacks/weak/trust.ts";\n',
    "cli/send.ts": 'import "../lib/attacks/weak/trust.ts";\n',
    "lib/attacks/replay.ts": 'import "../crypto/suite.ts";\n',
    "lib/crypto/suite.ts": EMPTY,
  });
  assert.deepEqual(breaches.map((line) => line.replace(/ \(.*/, "")), [
    "cli/send.ts:1: cli must not import lib/attacks/weak/trust.ts",
    "lib/attacks/replay.ts:1: lib/attacks must not import lib/crypto/suite.ts",
    "lib/net/driver.ts:1: lib/net must not import lib/attacks/weak/trust.ts",
  ]);
});

Deno.test("checkImports names imports that lead nowhere and files that have no rule", async () => {
  const breaches = await breachesOf({
    "lib/wire/frame.ts": 'import "./absent.ts";\nimport "nonsense";\n',
    "lib/stray/thing.ts": EMPTY,
  });
  assert.deepEqual(breaches.map((line) => line.replace(/(cannot be \w+).*/, "$1")), [
    "lib/stray/thing.ts:0: it lies in no part that scripts/import_rules.ts names",
    "lib/wire/absent.ts:0: it cannot be read",
    'lib/wire/frame.ts:2: "nonsense" cannot be resolved',
  ]);
});

const WORLDLY = [
  ["Deno", "Deno.exit();"],
  ["globalThis", 'globalThis["Deno"];'],
  ["Date.now", "f(Date.now());"],
  ["new Date()", "f(new Date());"],
  ["performance", "f(performance.now());"],
  ["setTimeout", "setTimeout(f, 1);"],
  ["setInterval", "f(...[setInterval]);"],
  ["Math.random", "f(Math.random());"],
  ["crypto.getRandomValues", "crypto.getRandomValues(f);"],
  ["crypto.randomUUID", "crypto.randomUUID();"],
  ["randomBytes", "randomBytes(2);"],
  ["fetch", "fetch(f);"],
  ["Promise.withResolvers", "f(Promise.withResolvers<void>());"],
  ["Uint8Array's toHex, Array.fromAsync and the like", "toHex(f(Uint8Array.fromBase64(g)));"],
] as const;

for (const [name, code] of WORLDLY) {
  Deno.test(`checkImports keeps ${name} out of the core`, async () => {
    const breaches = await breachesOf({
      "lib/records/sender.ts": `\n${code}\n`,
      "lib/net/driver.ts": code,
      "cli/main.ts": code,
    });
    assert.equal(breaches.length, 1);
    assert.ok(
      breaches[0]!.startsWith(`lib/records/sender.ts:2: lib/records must not use ${name}: `),
      breaches[0],
    );
  });
}

Deno.test("checkImports lets only crypto and identity have crypto.subtle", async () => {
  const code = "crypto.subtle;\n";
  const breaches = await breachesOf({
    "lib/crypto/a.ts": code,
    "lib/identity/a.ts": code,
    "lib/handshake/a.ts": code,
  });
  assert.deepEqual(breaches, [
    "lib/handshake/a.ts:1: lib/handshake must not use crypto.subtle: use lib/crypto",
  ]);
});

Deno.test("checkImports takes members, texts and comments for what they are", async () => {
  const source =
    "// Deno.exit, setTimeout(\nclock.setTimeout(1);\nf(new Date(5), new DateLine(), 'Math.random');\n";
  assert.deepEqual(await breachesOf({ "lib/records/sender.ts": source }), []);
});

Deno.test("partOf takes the longest name", () => {
  assert.equal(partOf("lib/attacks/weak/x.ts"), "lib/attacks/weak");
  assert.equal(partOf("lib/attacks/x.ts"), "lib/attacks");
  assert.equal(partOf("cli/attack_sim_report.ts"), "cli/attack_sim");
  assert.equal(partOf("cli/send.ts"), "cli");
  assert.equal(partOf("lib/wireless/x.ts"), undefined);
});

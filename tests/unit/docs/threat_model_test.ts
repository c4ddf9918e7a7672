/** What docs/threat-model.md says of our tests and sizes, held against them. */
import assert from "node:assert/strict";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";
import {
  RECORD_CIPHERTEXT_SIZE_MIN,
  RECORD_CRC_SIZE,
  RECORD_HEADER_SIZE,
  TAG_SIZE,
} from "../../../lib/limits.ts";
import { runHandshake, startClient, startServer } from "../../support/handshake_ends.ts";

const TEXT = Deno.readTextFileSync(`${PROJECT_FOLDER}/docs/threat-model.md`);
/** The document's lines are broken where they are long. */
const UNBROKEN = TEXT.replace(/\n {2}(?=\S)/g, " ");

/** The tests that the document names: a file, and the name of a test in it where it gives one. */
const CITED = [...UNBROKEN.matchAll(/^- `(tests\/\S+_test\.ts)`(?:: (.*))?$/gm)].map(([, file, name]) => ({
  file: file!,
  name,
}));

Deno.test("every promise names its tests, and every test that is named is there", () => {
  const promises = UNBROKEN.split("\n## Promises\n")[1]!.split("\n## ")[0]!.split("\n### ").slice(1);
  assert.ok(promises.length > 15);
  for (const promise of promises) assert.match(promise, /^- `tests\//m, promise.split("\n")[0]);
  for (const { file, name } of CITED) {
    const source = Deno.readTextFileSync(`${PROJECT_FOLDER}/${file}`);
    if (name !== undefined) assert.ok(source.includes(`"${name}"`), `${file} has no test "${name}"`);
  }
  assert.equal(CITED.length, UNBROKEN.match(/^- `tests\//gm)!.length);
});

Deno.test("a handshake and a record cost as many bytes as the document says", async () => {
  const { sent } = await runHandshake(await startClient(), startServer());
  const size = [...sent.client, ...sent.server].reduce((sum, bytes) => sum + bytes.length, 0);
  assert.match(UNBROKEN, new RegExp(`A handshake is ${size.toLocaleString("en-US")} bytes`));
  const overhead = RECORD_HEADER_SIZE + RECORD_CIPHERTEXT_SIZE_MIN + TAG_SIZE + RECORD_CRC_SIZE;
  assert.match(UNBROKEN, new RegExp(`A record adds ${overhead} bytes`));
});

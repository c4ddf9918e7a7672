/** Whether the fuzzer finds what it is there to find. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { StxError } from "../../lib/errors.ts";
import { ByteReader, u32, vector16 } from "../../lib/wire/fields.ts";
import { withTempFolder } from "../support/temp_folder.ts";
import { countAllocations } from "./bounds.ts";
import { runCapped } from "./capped.ts";
import { fuzzTarget } from "./engine.ts";
import { canonicalTarget, type Target, target } from "./target.ts";

countAllocations();

/** What is found of a target in 2,000 inputs. */
async function problemOf(bad: Target): Promise<string | undefined> {
  const { finding } = await fuzzTarget(bad, { seed: 1, runs: 2000 });
  return finding?.problem.split("\n")[0];
}

function decode(input: Bytes): Bytes {
  const reader = new ByteReader(input, "a test");
  const value = reader.vector16();
  reader.end();
  return value;
}

const SEEDS = [vector16(new Uint8Array(10)), vector16(new Uint8Array(0))];

Deno.test("nothing is found where nothing is wrong, and it is the same each time", async () => {
  const good = canonicalTarget("good", SEEDS, decode, vector16);
  const first = await fuzzTarget(good, { seed: 1, runs: 2000 });
  assert.equal(first.finding, undefined);
  assert.ok(first.accepted > 100, `${first.accepted} inputs were taken`);
  assert.deepEqual(await fuzzTarget(good, { seed: 1, runs: 2000 }), first);
  assert.notEqual((await fuzzTarget(good, { seed: 2, runs: 2000 })).accepted, first.accepted);
});

Deno.test("an error without a code is found", async () => {
  const bad = target("bad", SEEDS, (input) => {
    if (input[1]! > 3) throw new RangeError("out of range");
  });
  assert.equal(await problemOf(bad), "RangeError: out of range");
});

Deno.test("an error with a code that is not documented is found", async () => {
  const bad = target("bad", SEEDS, () => {
    throw new StxError("disk", "no");
  });
  assert.equal(await problemOf(bad), "Error: It is refused with disk: no");
});

Deno.test("bytes that are read but do not count are found", async () => {
  const bad = canonicalTarget("bad", SEEDS, (input) => new ByteReader(input, "a test").vector16(), vector16);
  assert.equal(await problemOf(bad), "Error: what was accepted is not encoded as it was");
});

Deno.test("memory for what is announced and not there is found", async () => {
  const bad = target("bad", [u32(10)], (input) => {
    const size = new ByteReader(input, "a test").u32();
    if (size < 2 ** 26) new Uint8Array(size);
  });
  assert.match(await problemOf(bad) ?? "", /^Error: It takes \d+ bytes of memory to read \d+$/);
});

Deno.test("work that grows with the square of the input is found", async () => {
  const bad = target("bad", SEEDS, (input) => {
    let count = 0;
    for (let at = 0; at < input.length; at++) {
      for (let to = at; to < input.length; to += 8) count += input[to]! & 1;
    }
    assert.ok(count >= 0);
  });
  assert.match(await problemOf(bad) ?? "", /^Error: It takes \d+ ms to read \d+ bytes$/);
});

Deno.test("a decoder that changes what it reads is found", async () => {
  const bad = target("bad", SEEDS, (input) => void input.fill(7));
  assert.equal(await problemOf(bad), "Error: The input was changed");
});

Deno.test("a process that takes more memory than it may ends", async () => {
  await withTempFolder(async (folder) => {
    for (
      const [name, source] of Object.entries({
        heap: "const all = []; for (;;) all.push({});",
        buffers: "const all = []; for (;;) all.push(new Uint8Array(2 ** 24).fill(1));",
      })
    ) {
      if (name === "buffers" && Deno.build.os !== "linux") continue;
      Deno.writeTextFileSync(`${folder}/${name}.ts`, source);
      const { success, stderr } = await runCapped(`${folder}/${name}.ts`, []).output();
      assert.ok(!success);
      assert.match(new TextDecoder().decode(stderr), /out of memory|allocation failed/i);
    }
  });
});

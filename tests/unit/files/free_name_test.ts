import assert from "node:assert/strict";
import { utf8 } from "../../../lib/bytes/bytes.ts";
import { freeName } from "../../../lib/files/free_name.ts";
import { NAME_SIZE_MAX } from "../../../lib/limits.ts";

function first(name: string, kind: "file" | "directory" = "file"): string {
  return freeName(name, kind, () => false);
}

Deno.test("a file gets a number before its extension", () => {
  assert.equal(first("report.pdf"), "report-1.pdf");
  assert.equal(first("report"), "report-1");
  assert.equal(first("archive.tar.gz"), "archive.tar-1.gz");
  assert.equal(first(".hidden"), ".hidden-1");
  assert.equal(first("a.fifteen-letters"), "a-1.fifteen-letters");
  assert.equal(first("a.sixteen--letters"), "a.sixteen--letters-1");
  assert.equal(first("v1.a sentence that is no extension"), "v1.a sentence that is no extension-1");
});

Deno.test("a folder gets a number at its end", () => {
  assert.equal(first("photos.2024", "directory"), "photos.2024-1");
});

Deno.test("the first number that is free is taken", () => {
  const taken = new Set(["a-1.txt", "a-2.txt", "a-4.txt"]);
  assert.equal(freeName("a.txt", "file", (name) => taken.has(name)), "a-3.txt");
  assert.equal(freeName("a", "file", (name) => Number(name.slice(2)) < 1000), "a-1000");
});

Deno.test("a free name is found among thousands that are taken by trying a few", () => {
  const taken = new Set<string>();
  let tries = 0;
  const isTaken = (name: string) => {
    tries++;
    return taken.has(name);
  };
  for (let number = 0; number < 2_000; number++) {
    // As long as may be, so that all of them are shortened to one stem.
    taken.add(freeName("a".repeat(245) + String(number).padStart(10, "0"), "file", isTaken));
  }
  assert.equal(taken.size, 2_000);
  assert.ok(tries < 2_000 * 40, `${tries} tries`);
});

Deno.test("a long name is shortened in whole characters", () => {
  for (const name of ["a".repeat(255), "é".repeat(127), "\u{1f600}".repeat(63), "a".repeat(251) + ".txt"]) {
    const free = first(name);
    assert.ok(utf8(free).length <= NAME_SIZE_MAX && utf8(free).length > NAME_SIZE_MAX - 4, free);
    assert.ok(free.isWellFormed());
    assert.match(free, /-1(\.txt)?$/);
  }
});

import assert from "node:assert/strict";
import { fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { productOf, sumOf } from "../../../lib/rounds/aggregation.ts";
import { formatDecimal, parseDecimal } from "../../../lib/rounds/decimal.ts";
import { deriveRoot, rootAfter } from "../../../lib/rounds/root.ts";
import { readVectors } from "./files.ts";
import { type RoundsCase, runRoundsCase } from "./rounds_ends.ts";

interface Roots {
  readonly base_key: string;
  readonly id: string;
  readonly salt: string;
  readonly roots: readonly { readonly epoch: number; readonly root: string }[];
}

interface Session {
  readonly name: string;
  readonly client: Omit<RoundsCase, "end">;
  readonly server: Omit<RoundsCase, "end">;
}

const { enrolments, sessions, values, products } = readVectors<{
  readonly enrolments: readonly Roots[];
  readonly sessions: readonly Session[];
  readonly values: readonly { readonly value: string; readonly counts_as: string; readonly sum: string }[];
  readonly products: readonly { readonly values: readonly string[]; readonly product: string }[];
}>("rounds");
const { cases } = readVectors<{ readonly cases: readonly (RoundsCase & { readonly name: string })[] }>(
  "rounds_negative",
);

Deno.test("roots are those of the vectors", () => {
  for (const { base_key, id, salt, roots } of enrolments) {
    const root = deriveRoot(fromHex(base_key), id, fromHex(salt));
    for (const each of roots) {
      assert.equal(toHex(rootAfter(root, each.epoch)), each.root, `${id} ${each.epoch}`);
    }
  }
});

for (const { name, ...ends } of sessions) {
  for (const end of ["client", "server"] as const) {
    Deno.test(`the ${end} of a session: ${name}`, () => {
      for (const size of [Infinity, 1, 50]) runRoundsCase({ end, ...ends[end] } as RoundsCase, size);
    });
  }
}

Deno.test("values come to the numbers of the vectors", () => {
  for (const { value, counts_as, sum } of values) {
    assert.equal(formatDecimal(sumOf(value)), sum, JSON.stringify(value));
    if (counts_as === "length") assert.equal(sum, String(new TextEncoder().encode(value).length));
    else {assert.ok(
        value.split(/[ \t\r\n,]+/).filter((field) => field !== "").every((field) => parseDecimal(field)),
      );}
  }
});

Deno.test("products are those of the vectors", () => {
  for (const { values, product } of products) {
    assert.equal(formatDecimal(productOf(values.map(sumOf))), product);
  }
});

for (const each of cases) {
  Deno.test(`${each.error ?? "no error"} at the ${each.end}: ${each.name}`, () => {
    for (const size of [Infinity, 1]) runRoundsCase(each, size);
  });
}

Deno.test("each of the five errors has vectors at either end", () => {
  const seen = new Set(cases.map(({ end, error }) => `${end} ${error}`));
  for (const end of ["client", "server"]) {
    for (const error of ["bad_round", "bad_mac", "bad_direction", "bad_state", "limit_exceeded"]) {
      assert.ok(seen.has(`${end} ${error}`), `${end} ${error}`);
    }
  }
});

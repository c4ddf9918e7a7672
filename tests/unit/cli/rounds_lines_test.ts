import assert from "node:assert/strict";
import { aggregateLine, roundLine } from "../../../cli/rounds_lines.ts";

const LONG = `12345678${"0".repeat(50)}4321`;

Deno.test("a round is told in full where it goes to no terminal", () => {
  const sums = { roof: "20.5", cellar: "-12.1", garden: LONG };
  assert.equal(
    roundLine({ number: 3, product: LONG, sums, late: ["shed", "well"] }),
    `round 3: product ${LONG}, 3 clients (roof 20.5, cellar -12.1, garden ${LONG}), late: shed, well`,
  );
  assert.equal(
    roundLine({ number: 1, product: "2", sums: { a: "2" }, late: [] }),
    "round 1: product 2, 1 client (a 2)",
  );
  // A round whose members have all gone, or were all late but for none.
  assert.equal(
    roundLine({ number: 9, product: "1", sums: {}, late: ["a"] }),
    "round 9: product 1, 0 clients, late: a",
  );
});

Deno.test("an answer is told in full where it goes to no terminal", () => {
  assert.equal(
    aggregateLine({ serverRound: 3, sum: "12.5", product: "250", clients: 3 }),
    "round 3: sum 12.5, product 250, 3 clients",
  );
  assert.equal(
    aggregateLine({ serverRound: 3, sum: LONG, product: LONG, clients: 1 }),
    `round 3: sum ${LONG}, product ${LONG}, 1 client`,
  );
});

Deno.test("on a terminal long numbers are shortened, and say how long they are", () => {
  assert.equal(
    aggregateLine({ serverRound: 3, sum: "1".repeat(24), product: LONG, clients: 2 }, 80),
    `round 3: sum ${"1".repeat(24)}, product 12345678..4321 (62 long), 2 clients`,
  );
});

Deno.test("on a terminal a round takes one line, with as many clients as there is room for", () => {
  const sums = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`client-${index}`, `${index}.5`]),
  );
  const late = Array.from({ length: 50 }, (_, index) => `late-${index}`);
  for (const columns of [20, 40, 60, 80, 120, 200, 1000]) {
    for (const missing of [[], late]) {
      const line = roundLine({ number: 7, product: LONG, sums, late: missing }, columns);
      assert.ok(line.startsWith("round 7: product 12345678..4321 (62 long), 100 clients"), line);
      assert.ok(line.length < Math.max(columns, 64), `${columns}: ${line}`);
      if (missing.length > 0) {
        assert.match(line, /, (?:late: (?:late-\d+, )*late-\d+(?: and \d+ more)?|50 late)$/);
      }
    }
  }
  assert.equal(
    roundLine({ number: 7, product: "1", sums, late: [] }, 80),
    "round 7: product 1, 100 clients (client-0 0.5, client-1 1.5 and 98 more)",
  );
  const [few, many] = [80, 120].map((columns) =>
    roundLine({ number: 7, product: "1", sums: { a: "1" }, late }, columns)
  );
  assert.equal(few, "round 7: product 1, 1 client (a 1), 50 late");
  assert.equal(many, "round 7: product 1, 1 client (a 1), late: late-0, late-1, late-2 and 47 more");
  assert.equal(
    roundLine({ number: 7, product: "1", sums: { a: "1" }, late: ["b"] }, 80),
    "round 7: product 1, 1 client (a 1), late: b",
  );
  // Exactly as wide as may be, and one column less.
  const line = "round 7: product 1, 1 client (a 1)";
  assert.equal(roundLine({ number: 7, product: "1", sums: { a: "1" }, late: [] }, line.length + 1), line);
  assert.equal(
    roundLine({ number: 7, product: "1", sums: { a: "1" }, late: [] }, line.length),
    "round 7: product 1, 1 client",
  );
});

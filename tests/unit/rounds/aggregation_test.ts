import assert from "node:assert/strict";
import { productOf, sumOf } from "../../../lib/rounds/aggregation.ts";
import { formatDecimal, parseDecimal } from "../../../lib/rounds/decimal.ts";

/** The number of a value, as it is written. */
function number(text: string): string {
  return formatDecimal(sumOf(text));
}

Deno.test("fields are separated by commas, by spaces, or by both", () => {
  for (
    const text of ["1,2,3", "1 2 3", "1, 2 ,3", "1\t2\r\n3", " 1  ,\t\n 2   3 ", "\n1,2,3\n", "6", "+6.0"]
  ) {
    assert.equal(number(text), "6", JSON.stringify(text));
  }
  assert.equal(number("-1.5, 2.25 -0.75"), "0");
  assert.equal(number("0.1 0.2"), "0.3");
});

Deno.test("a value with anything but numbers counts by its bytes", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["", 0],
    [" ", 1],
    ["\n\t ", 3],
    ["-", 1],
    [".", 1],
    [",", 1],
    ["1,", 2],
    [",1", 2],
    ["1,,2", 4],
    ["1 , , 2", 7],
    ["hello", 5],
    ["1 hello", 7],
    ["1e999999", 8],
    ["1;2", 3],
    ["٣", 2],
    ["１２", 6],
    ["ü", 2],
    ["🎉", 4],
    ["\ufeff1", 4],
    // Spaces of other scripts and kinds separate nothing, and are no part of a number.
    ["1\u00a02", 4],
    ["1\u30002", 5],
    ["1\u20282", 5],
    ["1\v2", 3],
    ["1\f2", 3],
    ["\u00a01", 3],
    ["1\0", 2],
  ];
  for (const [text, bytes] of cases) assert.equal(number(text), String(bytes), JSON.stringify(text));
});

Deno.test("a thousand fields are numbers, one more makes a text of them", () => {
  const ones = (count: number) => Array(count).fill("1").join(",");
  assert.equal(number(ones(1_000)), "1000");
  assert.equal(number(ones(1_001)), String(ones(1_001).length));
  assert.equal(number(`${ones(1_000)},`), "2000");
  assert.equal(number(ones(100_000)), String(ones(100_000).length));
});

Deno.test("the largest values come to exact sums", () => {
  const largest = `${"9".repeat(64)}.${"9".repeat(32)}`;
  const sum = number(Array(1_000).fill(largest).join(" "));
  // 1,000 * (10^64 - 10^-32)
  assert.equal(sum, `${"9".repeat(67)}.${"9".repeat(29)}`);
  assert.equal(number(`${largest} -${largest}`), "0");
});

Deno.test("a product is one where nobody is, and zero where somebody says zero", () => {
  const productText = (...numbers: readonly string[]) =>
    formatDecimal(productOf(numbers.map((text) => parseDecimal(text)!)));
  assert.equal(productText(), "1");
  assert.equal(productText("2", "-3.5", "0.5"), "-3.5");
  assert.equal(productText("2", "0", "-5"), "0");
});

Deno.test("a hundred of the largest sums have a product of less than 10,000 digits", () => {
  const largest = sumOf(Array(1_000).fill(`${"9".repeat(64)}.${"9".repeat(32)}`).join(" "));
  const text = formatDecimal(productOf(Array(100).fill(largest)));
  const exact = ((10n ** 96n - 1n) * 1_000n) ** 100n;
  // In units of 10^-3200; the last 300 digits are zeros, which are not written.
  assert.equal(BigInt(text.replace(".", "")) * 10n ** 300n, exact);
  assert.equal(text.indexOf("."), 6_700);
});

Deno.test("hostile values cost bounded time", () => {
  const size = 131_000;
  const times = [
    " ".repeat(size),
    ",".repeat(size),
    " ,".repeat(size / 2),
    `1${" ".repeat(size)}1`,
    `1${" ".repeat(size)}x`,
    `1${" ".repeat(size / 2)},${" ".repeat(size / 2)}1`,
    "1 ".repeat(size / 2),
    "1\r\n".repeat(size / 3),
    `${" ".repeat(130)}1`.repeat(1_000),
    "9".repeat(size),
    `-${"0".repeat(size)}`,
    "1.".repeat(size / 2),
    "-".repeat(size),
    "1e999999",
    "٣".repeat(size / 2),
    "\u00a0".repeat(size / 2),
    Array(1_000).fill(`-${"9".repeat(64)}.${"9".repeat(32)}`).join(","),
  ].map((text) => {
    const start = performance.now();
    formatDecimal(sumOf(text));
    return performance.now() - start;
  });
  // Each takes some milliseconds; what is quadratic would take minutes.
  assert.ok(Math.max(...times) < 1_000, times.map((ms) => ms.toFixed(1)).join(" "));
});

Deno.test("a hundred of the smallest numbers cost bounded time", () => {
  const start = performance.now();
  const text = formatDecimal(productOf(Array(100).fill(sumOf(`0.${"0".repeat(31)}1`))));
  assert.equal(text, `0.${"0".repeat(3_199)}1`);
  assert.ok(performance.now() - start < 500);
});

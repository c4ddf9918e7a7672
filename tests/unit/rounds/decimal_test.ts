import assert from "node:assert/strict";
import { add, formatDecimal, multiply, ONE, parseDecimal, ZERO } from "../../../lib/rounds/decimal.ts";
import { fails } from "./ends.ts";

const D64 = "9".repeat(64);
const D32 = "9".repeat(32);

Deno.test("numbers are read as they are written", () => {
  const cases: readonly (readonly [string, bigint, number])[] = [
    ["0", 0n, 0],
    ["7", 7n, 0],
    ["007", 7n, 0],
    ["+7", 7n, 0],
    ["-7", -7n, 0],
    ["-0", 0n, 0],
    ["1.5", 15n, 1],
    ["-0.05", -5n, 2],
    ["+1.50", 150n, 2],
    [D64, BigInt(D64), 0],
    [`-${D64}.${D32}`, -BigInt(D64 + D32), 32],
  ];
  for (const [text, units, scale] of cases) assert.deepEqual(parseDecimal(text), { units, scale }, text);
});

Deno.test("anything else is no number", () => {
  const others = [
    ...["", "-", "+", ".", "-.", "1.", ".5", "+.5", "-1.", "1..2", "1.2.3", "--1", "+-1", "1-", "1+1"],
    ...["1e5", "1e999999", "1E2", "0x10", "0b1", "1_000", "1,5", "NaN", "Infinity", "-Infinity", "1n", "one"],
    ...[" 1", "1 ", "1\n", "\n1", "1\u0000", "\u00a01", "1\u2028"],
    // Digits of Arabic, Devanagari, full width, superscript; a minus sign that is no hyphen.
    ...["٣", "१", "１", "²", "1٣", "−1", "1．5", "1٫5"],
    ...[`1${D64}`, `0${D64}`, `1.${D32}0`, `-${D64}.${D32}1`, "9".repeat(131_072)],
  ];
  for (const text of others) assert.equal(parseDecimal(text), undefined, JSON.stringify(text));
});

Deno.test("there is one way to write a number", () => {
  const cases: readonly (readonly [bigint, number, string])[] = [
    [0n, 0, "0"],
    [0n, 5, "0"],
    [-5n, 0, "-5"],
    [5n, 1, "0.5"],
    [-5n, 3, "-0.005"],
    [500n, 2, "5"],
    [-12_300n, 3, "-12.3"],
    [1_000n, 0, "1000"],
    [100_500n, 2, "1005"],
    [10n ** 20n + 1n, 20, "1.00000000000000000001"],
  ];
  for (const [units, scale, text] of cases) assert.equal(formatDecimal({ units, scale }), text);
});

Deno.test("10,000 digits can be written, those behind the point included, and no more", () => {
  const units = 10n ** 9_999n;
  assert.equal(formatDecimal({ units, scale: 0 }).length, 10_000);
  assert.equal(formatDecimal({ units: -units - 1n, scale: 1 }).length, 10_002);
  assert.equal(formatDecimal({ units: 1n, scale: 9_999 }), `0.${"0".repeat(9_998)}1`);
  fails("limit", () => formatDecimal({ units: 10n * units, scale: 0 }), /10001 digits: 10000 may be/);
  fails("limit", () => formatDecimal({ units: -10n * units, scale: 5 }));
  fails("limit", () => formatDecimal({ units: 1n, scale: 10_000 }));
  // Zeros behind the point are digits too until they are left out.
  fails("limit", () => formatDecimal({ units: 0n, scale: 10_000 }));
});

Deno.test("sums and products keep every digit", () => {
  const of = (text: string) => parseDecimal(text)!;
  assert.equal(formatDecimal(add(of("0.1"), of("0.2"))), "0.3");
  assert.equal(formatDecimal(add(of("1"), of(`-0.${"0".repeat(31)}1`))), `0.${D32}`);
  assert.equal(formatDecimal(add(of("5"), of("-5.00"))), "0");
  assert.equal(formatDecimal(add(of("-1.5"), of("1"))), "-0.5");
  assert.equal(formatDecimal(multiply(of("-1.5"), of("0.5"))), "-0.75");
  assert.equal(formatDecimal(multiply(of("-2"), of("-3"))), "6");
  assert.equal(formatDecimal(multiply(of("0"), of("-3"))), "0");
  assert.deepEqual(add(of("1.5"), ZERO), of("1.5"));
  assert.deepEqual(multiply(of("1.5"), ONE), of("1.5"));
});

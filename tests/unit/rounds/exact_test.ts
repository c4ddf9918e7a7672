import assert from "node:assert/strict";
import { productOf, sumOf } from "../../../lib/rounds/aggregation.ts";
import { formatDecimal } from "../../../lib/rounds/decimal.ts";
import { runProgram, works } from "../../support/programs.ts";
import { seededFractions } from "../../support/random.ts";

const HAS_PYTHON = works("python3", "-c", "import decimal, fractions, json");

type Answer = readonly [sums: readonly string[], product: string];

/** Some of a round's values: numbers of any size, few and many, and what only looks like one. */
function someRounds(): readonly (readonly string[])[] {
  const random = seededFractions(4);
  const below = (end: number) => Math.floor(random() * end);
  const digits = (count: number) => Array.from({ length: count }, () => below(10)).join("");
  const field = () => {
    const sign = ["", "", "+", "-"][below(4)]!;
    const whole = digits(1 + below(random() < 0.2 ? 64 : 6));
    return sign + whole + (random() < 0.5 ? "" : `.${digits(1 + below(random() < 0.2 ? 32 : 4))}`);
  };
  const separator = () => [",", " ", ", ", " ,\t", "\r\n"][below(5)]!;
  const text = () => ["", "-", "hello", "1,,2", "1e9", "٣", "🎉 1", "0x1"][below(8)]!;
  const value = () => {
    if (random() < 0.1) return text();
    const count = random() < 0.02 ? 1 + below(1_001) : 1 + below(5);
    return Array.from({ length: count }, field).reduce((all, one) => all + separator() + one);
  };
  const rounds = Array.from({ length: 60 }, () => Array.from({ length: 1 + below(20) }, value));
  const largest = Array(1_000).fill(`-${"9".repeat(64)}.${"9".repeat(32)}`).join(" ");
  const smallest = `0.${"0".repeat(31)}1`;
  return [...rounds, Array(100).fill(largest), Array(100).fill(smallest), [
    ...Array(49).fill(largest),
    smallest,
  ]];
}

function answersOf(rounds: readonly (readonly string[])[]): readonly Answer[] {
  return rounds.map((values) => {
    const sums = values.map(sumOf);
    return [sums.map(formatDecimal), formatDecimal(productOf(sums))];
  });
}

Deno.test({
  name: `sums and products are those of Python's fractions and decimals${
    HAS_PYTHON ? "" : " (needs Python 3)"
  }`,
  ignore: !HAS_PYTHON,
  fn: async () => {
    const rounds = someRounds();
    const script = `${import.meta.dirname}/exact.py`;
    const { code, stdout, stderr } = await runProgram("python3", [script], { input: JSON.stringify(rounds) });
    assert.equal(code, 0, stderr);
    const expected = JSON.parse(stdout) as readonly Answer[];
    const actual = answersOf(rounds);
    for (const [i, values] of rounds.entries()) {
      assert.deepEqual(actual[i], expected[i], JSON.stringify(values));
    }
  },
});

Deno.test("sums and products are those of pen and paper, digit by digit", () => {
  for (const values of someRounds()) {
    const isText = values.map((value) =>
      value.split(/\s*,\s*|\s+/).some((each) => !/^[+-]?\d+(\.\d+)?$/.test(each))
    );
    // Texts are counted in bytes, which has tests of its own.
    const [numbers] = [values.filter((value, i) => !isText[i] && value.split(/[\s,]+/).length <= 200)];
    const [[sums, product]] = answersOf([numbers]) as [Answer];
    const papers = numbers.map((value) => value.split(/[\s,]+/).map(onPaper).reduce(addOnPaper));
    assert.deepEqual(sums, papers.map(fromPaper));
    assert.equal(product, fromPaper(papers.reduce(multiplyOnPaper, onPaper("1"))));
  }
});

// ---- The schoolbook: a sign, decimal digits with the last one first, and how many of them are behind the point ----

interface Paper {
  readonly isNegative: boolean;
  readonly digits: readonly number[];
  readonly behind: number;
}

function onPaper(text: string): Paper {
  const unsigned = text.replace(/^[+-]/, "");
  const behind = unsigned.includes(".") ? unsigned.length - unsigned.indexOf(".") - 1 : 0;
  return {
    isNegative: text.startsWith("-"),
    digits: [...unsigned.replace(".", "")].reverse().map(Number),
    behind,
  };
}

function addOnPaper(left: Paper, right: Paper): Paper {
  const behind = Math.max(left.behind, right.behind);
  const [one, other] = [left, right].map((
    { digits, behind: own },
  ) => [...Array<number>(behind - own).fill(0), ...digits]);
  const length = Math.max(one!.length, other!.length) + 1;
  const column = (digits: readonly number[], i: number) => digits[i] ?? 0;
  if (left.isNegative === right.isNegative) {
    let carry = 0;
    const digits = Array.from({ length }, (_, i) => {
      const sum = column(one!, i) + column(other!, i) + carry;
      carry = sum > 9 ? 1 : 0;
      return sum % 10;
    });
    return { isNegative: left.isNegative, digits, behind };
  }
  let first = length - 1;
  while (first > 0 && column(one!, first) === column(other!, first)) first--;
  const isLeftLarger = column(one!, first) >= column(other!, first);
  const [large, small] = isLeftLarger ? [one!, other!] : [other!, one!];
  let borrow = 0;
  const digits = Array.from({ length }, (_, i) => {
    const difference = column(large, i) - column(small, i) - borrow;
    borrow = difference < 0 ? 1 : 0;
    return difference + 10 * borrow;
  });
  return { isNegative: isLeftLarger ? left.isNegative : right.isNegative, digits, behind };
}

function multiplyOnPaper(left: Paper, right: Paper): Paper {
  const digits = Array<number>(left.digits.length + right.digits.length).fill(0);
  for (const [i, one] of left.digits.entries()) {
    let carry = 0;
    for (const [j, other] of right.digits.entries()) {
      const sum = digits[i + j]! + one * other + carry;
      digits[i + j] = sum % 10;
      carry = Math.floor(sum / 10);
    }
    digits[i + right.digits.length]! += carry;
  }
  return { isNegative: left.isNegative !== right.isNegative, digits, behind: left.behind + right.behind };
}

function fromPaper({ isNegative, digits, behind }: Paper): string {
  const text = [...digits].reverse().join("");
  const whole = text.slice(0, text.length - behind).replace(/^0+(?=\d)/, "") || "0";
  const fraction = text.slice(text.length - behind).replace(/0+$/, "");
  const written = fraction === "" ? whole : `${whole}.${fraction}`;
  return isNegative && written !== "0" ? `-${written}` : written;
}

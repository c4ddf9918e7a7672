/**
 * What a round makes of its values: a number for each client, and the product of these numbers.
 * @module
 */
import { utf8 } from "../bytes/bytes.ts";
import { ROUNDS_FIELDS_MAX } from "../limits.ts";
import { add, type Decimal, multiply, ONE, parseDecimal, ZERO } from "./decimal.ts";

/** What separates numbers: a comma with spaces around it, or spaces. ASCII alone. */
const SEPARATOR = /[ \t\r\n]*,[ \t\r\n]*|[ \t\r\n]+/;

/**
 * A client's number: the sum of its fields if each of 1 to 1,000 is a number; else the length of the value in bytes of
 * UTF-8.
 */
export function sumOf(text: string): Decimal {
  // One field more than allowed is enough to know that there are too many.
  const fields = trimSpaces(text).split(SEPARATOR, ROUNDS_FIELDS_MAX + 1);
  const numbers = fields.length > ROUNDS_FIELDS_MAX ? [] : fields.map(parseDecimal);
  let sum = ZERO;
  for (const number of numbers) {
    if (number === undefined) return lengthOf(text);
    sum = add(sum, number);
  }
  return numbers.length === 0 ? lengthOf(text) : sum;
}

function lengthOf(text: string): Decimal {
  return { units: BigInt(utf8(text).length), scale: 0 };
}

/** `trim` would take other scripts' spaces too. */
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** The product of the clients' numbers; one where there is none. */
export function productOf(sums: readonly Decimal[]): Decimal {
  let product = ONE;
  for (const sum of sums) product = multiply(product, sum);
  return product;
}

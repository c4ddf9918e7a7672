/**
 * Exact decimal numbers: a whole number of units of 10^-scale, so that nothing is ever rounded.
 * @module
 */
import { ROUNDS_DIGITS_MAX } from "../limits.ts";
import { LimitError } from "./errors.ts";

/** `units * 10^-scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** The number one. */
export const ONE: Decimal = { units: 1n, scale: 0 };
/** The number zero. */
export const ZERO: Decimal = { units: 0n, scale: 0 };

const NUMBER = /^([+-]?)([0-9]{1,64})(?:\.([0-9]{1,32}))?$/;

/**
 * Reads `[+-]?[0-9]{1,64}(\.[0-9]{1,32})?`, ASCII digits alone. `undefined` for anything else: no exponents, no
 * other scripts' digits, no number that begins or ends with its point.
 */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole, fraction = ""] = NUMBER.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, scale: fraction.length };
}

/** The sum, exact. */
export function add(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale);
  return { units: unitsAt(left, scale) + unitsAt(right, scale), scale };
}

/** The product, exact. */
export function multiply(left: Decimal, right: Decimal): Decimal {
  return { units: left.units * right.units, scale: left.scale + right.scale };
}

function unitsAt(number: Decimal, scale: number): bigint {
  return number.units * 10n ** BigInt(scale - number.scale);
}

/**
 * The one way to write a number: no sign but a minus, no zeros that could be left out, no point without digits
 * behind it. Throws `LimitError` beyond 10,000 digits.
 */
export function formatDecimal({ units, scale }: Decimal): string {
  const isNegative = units < 0n;
  const digits = (isNegative ? -units : units).toString().padStart(scale + 1, "0");
  if (digits.length > ROUNDS_DIGITS_MAX) {
    throw new LimitError(`Cannot write a number of ${digits.length} digits: ${ROUNDS_DIGITS_MAX} may be`);
  }
  const pointAt = digits.length - scale;
  let end = digits.length;
  while (end > pointAt && digits[end - 1] === "0") end--;
  const whole = digits.slice(0, pointAt);
  const text = end === pointAt ? whole : `${whole}.${digits.slice(pointAt, end)}`;
  return isNegative ? `-${text}` : text;
}

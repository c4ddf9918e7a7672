/**
 * What is fuzzed, and what must hold of it whatever comes.
 * @module
 */
import { type Bytes, equal } from "../../lib/bytes/bytes.ts";
import { codeOf, type ErrorCode } from "../../lib/errors.ts";

/** One decoder. */
export interface Target {
  /** How it is named on the command line. */
  readonly name: string;
  /** Valid inputs to begin with, and others that lead somewhere. */
  readonly seeds: readonly Bytes[];
  /** What means something inside an input. */
  readonly words: readonly Bytes[];
  /** The codes that it is documented to refuse an input with. */
  readonly codes: readonly ErrorCode[];
  /** Inputs of 1, where most targets get one: what does elliptic curves or reads large inputs whole is slower. */
  readonly cost: number;
  /** Decodes `input`, and throws for what must not be, beside the errors that it is documented to throw. */
  readonly check: (input: Bytes) => void | Promise<void>;
}

/** A target with what most of them have. */
export function target(
  name: string,
  seeds: readonly (Bytes | string)[],
  check: Target["check"],
  more: Partial<Pick<Target, "words" | "codes" | "cost">> = {},
): Target {
  return { name, seeds: seeds.map(bytesOf), check, words: [], codes: ["malformed"], cost: 1, ...more };
}

/** A target that reads text, as it is read from a file: what is no UTF-8 becomes U+FFFD. */
export function textTarget(
  name: string,
  seeds: readonly string[],
  check: (text: string) => void | Promise<void>,
  more: Partial<Pick<Target, "words" | "codes" | "cost">> = {},
): Target {
  const decoder = new TextDecoder();
  return target(name, seeds, (input) => check(decoder.decode(input)), more);
}

/** A target whose every accepted input is the one encoding of its value. */
export function canonicalTarget<T>(
  name: string,
  seeds: readonly (Bytes | string)[],
  decode: (input: Bytes) => T,
  encode: (value: T) => Bytes,
  more: Partial<Pick<Target, "words" | "codes" | "cost">> = {},
): Target {
  return target(name, seeds, (input) => {
    const again = encode(decode(input));
    if (!equal(again, input)) throw new Error("what was accepted is not encoded as it was");
  }, more);
}

/**
 * A target whose accepted inputs may say the same in several ways, or more than is ever sent: encoding a value and
 * decoding that once more changes nothing any more.
 */
export function settlingTarget<T>(
  name: string,
  seeds: readonly (Bytes | string)[],
  decode: (input: Bytes) => T,
  encode: (value: T) => Bytes,
  more: Partial<Pick<Target, "words" | "codes" | "cost">> = {},
): Target {
  return target(name, seeds, (input) => {
    const once = encode(decode(input));
    if (!equal(encode(decode(once)), once)) throw new Error("encoding twice gives something else");
  }, more);
}

const encoder = new TextEncoder();

function bytesOf(seed: Bytes | string): Bytes {
  return typeof seed === "string" ? encoder.encode(seed) : seed;
}

/** Runs a target on one input; throws what is wrong with it, and nothing if all is as it must be. */
export async function checkInput({ check, codes }: Target, input: Bytes): Promise<"value" | ErrorCode> {
  try {
    const result = check(input);
    if (result instanceof Promise) await result;
    return "value";
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    if (!codes.includes(code)) throw new Error(`It is refused with ${code}: ${(error as Error).message}`);
    return code;
  }
}

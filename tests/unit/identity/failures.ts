import assert from "node:assert/strict";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";

/** Asserts that `body` fails with this code and, if given, with words that match. */
export function assertFails(body: () => unknown, code: ErrorCode, words = /(?:)/): StxError {
  let result: unknown;
  try {
    result = body();
  } catch (error) {
    return assertFailure(error, code, words);
  }
  assert.fail(`expected ${code}, got ${JSON.stringify(result)}`);
}

/** The same for what fails later. */
export async function assertRejects(
  body: () => Promise<unknown>,
  code: ErrorCode,
  words = /(?:)/,
): Promise<StxError> {
  let result: unknown;
  try {
    result = await body();
  } catch (error) {
    return assertFailure(error, code, words);
  }
  assert.fail(`expected ${code}, got ${JSON.stringify(result)}`);
}

function assertFailure(error: unknown, code: ErrorCode, words: RegExp): StxError {
  if (!(error instanceof StxError)) throw error;
  assert.equal(error.code, code, error.message);
  assert.match(error.message, words);
  return error;
}

/** Runs `body`, which may fail on purpose but in no other way. */
export function assertTotal(body: () => unknown): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof StxError)) throw error;
  }
}

/** Every proper beginning of a text. */
export function truncations(text: string): string[] {
  return Array.from({ length: text.length }, (_, size) => text.slice(0, size));
}

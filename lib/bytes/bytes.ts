/**
 * Byte strings: the one type that the whole project uses for them, and the few operations on it.
 * @module
 */

/**
 * Bytes in an ordinary (not shared) buffer. A plain `Uint8Array` may be backed by a `SharedArrayBuffer`,
 * which WebCrypto refuses, so every signature in this project asks for this narrower type.
 */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Returns `parts` one after the other in a new buffer. */
export function concat(...parts: readonly Uint8Array[]): Bytes {
  return concatAll(parts);
}

/** As {@link concat}, for any number of parts: a call takes only some tens of thousands of arguments. */
export function concatAll(parts: readonly Uint8Array[]): Bytes {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The UTF-8 encoding of `text`. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

const encoder = new TextEncoder();

/**
 * Says whether two byte strings are equal, in a time that depends on their lengths alone.
 * Unequal lengths are unequal at once: a length is never the secret here.
 */
export function equal(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i]! ^ right[i]!;
  return difference === 0;
}

/** The digits of each byte: Uint8Array's own toHex is younger than Node 24. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}

/** The bytes of a hexadecimal text; throws `SyntaxError` on anything else. */
export function fromHex(text: string): Bytes {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) {
    throw new SyntaxError("Cannot read hexadecimal: not pairs of digits");
  }
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}

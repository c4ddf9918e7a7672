/**
 * Text from a peer, a file name or a file, made safe to print. A terminal obeys control characters, a log is
 * forged with line breaks, and bidirectional controls show a name in another order than it has.
 * @module
 */

/** Printable ASCII needs no closer look; nearly every name is that. */
const PLAIN = /^[\x20-\x7e]*$/;

/** C0, DEL and C1 are the category Cc; U+2028 and U+2029 break lines; a lone surrogate is the category Cs. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029\p{Cs}]/u;
const EVERY_UNSAFE = new RegExp(UNSAFE, "gu");

/**
 * Says whether `text` holds a character that {@link escapeControls} would replace: a control character (C0,
 * DEL, C1), a bidirectional control, a line or paragraph separator, or half of a surrogate pair.
 */
export function hasControls(text: string): boolean {
  return !PLAIN.test(text) && UNSAFE.test(text);
}

/**
 * Returns `text` with every character that could act on a terminal or split a log line made visible: control
 * characters as `\xNN`, bidirectional controls, line separators and lone surrogates as `\u{NNNN}`. All else,
 * the backslash too, stays as it is: the result is for people to read, not for programs to decode.
 */
export function escapeControls(text: string): string {
  if (!hasControls(text)) return text;
  return text.replace(EVERY_UNSAFE, (character) => {
    const code = character.codePointAt(0)!;
    const digits = code.toString(16);
    return code <= 0xff ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`;
  });
}

/**
 * Markup in which nothing is forgotten to be escaped: whatever is put into a template is text, unless it is markup that
 * a template made.
 * @module
 */
import { escapeControls } from "../../../lib/bytes/escape.ts";

/** Markup. */
export class Markup {
  readonly source: string;

  /** @param source as it stands in the page: everything in it that came from elsewhere is escaped already */
  constructor(source: string) {
    this.source = source;
  }
}

/** What may be put into a template; of an array, one after the other. */
export type Piece = string | number | Markup | readonly Piece[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as markup, for elements and for attributes in quotes; control characters in it are made visible. */
export function escapeHtml(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Makes markup of a template, with every piece escaped that is not markup. */
export function markup(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  return new Markup(parts.map((part, i) => part + (i < pieces.length ? sourceOf(pieces[i]!) : "")).join(""));
}

function sourceOf(piece: Piece): string {
  if (piece instanceof Markup) return piece.source;
  if (typeof piece === "object") return piece.map(sourceOf).join("");
  return escapeHtml(String(piece));
}

/** Prose in which code stands between backticks. */
export function prose(text: string): Markup {
  const parts = text.split("`");
  // A backtick that nothing closes is one.
  if (parts.length % 2 === 0) return markup`${text}`;
  return markup`${parts.map((part, i) => i % 2 === 0 ? part : markup`<code>${part}</code>`)}`;
}

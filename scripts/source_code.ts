/**
 * A rough reading of TypeScript: enough to search a file for names without finding them in comments and texts.
 * @module
 */

/** Words after which a slash begins a regular expression, not a division. */
const WORDS_BEFORE_EXPRESSION = new Set(
  [
    "await",
    "case",
    "delete",
    "do",
    "else",
    "in",
    "instanceof",
    "new",
    "of",
    "return",
    "throw",
    "typeof",
    "void",
  ],
);

/**
 * Returns `source` with every comment, string, regular expression and the fixed parts of every template
 * replaced by spaces, so that what is left keeps its line and column. Code inside `${…}` stays.
 */
export function blankCommentsAndTexts(source: string): string {
  let result = "";
  let at = 0;
  /** For each template that we are inside of: how many braces are open in its `${…}`. */
  const templates: number[] = [];

  const blankTo = (end: number): void => {
    result += source.slice(at, end).replace(/[^\n\r]/g, " ");
    at = end;
  };

  while (at < source.length) {
    const rest = source.slice(at, at + 2);
    const char = source[at]!;
    if (rest === "//") {
      blankTo(indexOrEnd(source, "\n", at));
    } else if (rest === "/*") {
      blankTo(indexOrEnd(source, "*/", at + 2, 2));
    } else if (char === '"' || char === "'") {
      blankTo(endOfQuoted(source, at, char));
    } else if (char === "/" && expressionMayStart(result)) {
      blankTo(endOfRegularExpression(source, at));
    } else if (char === "`") {
      blankTo(endOfTemplatePart(source, at + 1));
      if (source[at - 1] === "{") templates.push(0);
    } else if (char === "}" && templates.at(-1) === 0) {
      templates.pop();
      blankTo(endOfTemplatePart(source, at + 1));
      if (source[at - 1] === "{") templates.push(0);
    } else {
      const depth = templates.length - 1;
      if (depth >= 0 && char === "{") templates[depth]!++;
      if (depth >= 0 && char === "}") templates[depth]!--;
      result += char;
      at++;
    }
  }
  return result;
}

/** Where `what` next begins, `beyond` characters further; the end of the source if it does not. */
function indexOrEnd(source: string, what: string, from: number, beyond = 0): number {
  const index = source.indexOf(what, from);
  return index < 0 ? source.length : index + beyond;
}

/** The place behind a string's closing quote. A line's end ends it too: such a file would not compile. */
function endOfQuoted(source: string, start: number, quote: string): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote || source[at] === "\n") return at + 1;
  }
  return source.length;
}

/** The place behind a regular expression's closing slash; a slash in `[…]` does not close it. */
function endOfRegularExpression(source: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") at++;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "\n" || (char === "/" && !inClass)) return at + 1;
  }
  return source.length;
}

/** The place behind a template's closing backtick, or behind the `${` that interrupts it. */
function endOfTemplatePart(source: string, start: number): number {
  for (let at = start; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`") return at + 1;
    else if (source[at] === "$" && source[at + 1] === "{") return at + 2;
  }
  return source.length;
}

/** Says whether an expression may start behind `code`: then a slash there opens a regular expression. */
function expressionMayStart(code: string): boolean {
  const before = code.trimEnd();
  const word = /[\w$]+$/.exec(before);
  if (word !== null) return WORDS_BEFORE_EXPRESSION.has(word[0]);
  // Behind a text that was blanked nothing is left to see; a division of a text does not occur.
  return !/[)\]]$/.test(before);
}

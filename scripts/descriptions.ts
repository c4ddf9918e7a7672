/**
 * The descriptions that stand above names in the sources, so that a document can say the same.
 * @module
 */

/** A doc comment, and the name that it stands above: a constant's or an object's member's. */
const DESCRIBED = /\/\*\*(?<text>(?:(?!\*\/)[^])*)\*\/\s*(?:export const )?"?(?<name>[\w+-]+)"?(?: =|: \d)/g;
/** The same without the comment, to find what has none. */
const NAMED = /^(?:export const | {2}"?)(?<name>[\w+-]+)"?(?: =|: \d)/gm;

/**
 * The descriptions of all exported constants in `source`, or of all members of an object, by name in their order.
 * Throws where one has none.
 */
export function descriptionsIn(source: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { groups } of source.matchAll(DESCRIBED)) {
    found.set(groups!["name"]!, plain(groups!["text"]!));
  }
  for (const { groups } of source.matchAll(NAMED)) {
    if (!found.has(groups!["name"]!)) throw new Error(`${groups!["name"]} has no description`);
  }
  return found;
}

/** The members of the object of numbers `export const NAME = { … } as const` in `source`. Throws if it is not there. */
export function membersOf(source: string, name: string): string {
  const start = source.indexOf(`export const ${name} = {\n`);
  const end = source.indexOf("\n} as const;", start);
  if (start < 0 || end < 0) throw new Error(`There is no object ${name}`);
  return source.slice(source.indexOf("\n", start) + 1, end + 1);
}

/** One line, without a comment's decoration. */
function plain(comment: string): string {
  return comment.replace(/\n\s*\* ?/g, " ").replace(/\{@link ([^}]+)\}/g, "`$1`").trim();
}

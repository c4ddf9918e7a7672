/**
 * Parts of a Markdown document that are made by a program, each between `<!-- generated: NAME -->` and `<!-- end -->`.
 * @module
 */

const REGION = /^<!-- generated: (?<name>.+) -->\n(?<content>[^]*?)^<!-- end -->$/gm;
const MARK = /^<!-- (?:generated: .+|end) -->$/gm;

/**
 * Returns `document` with every region's content in place of what stands there. Throws where a region has no content,
 * a content no region or several, or a mark no partner.
 */
export function fillRegions(document: string, contents: ReadonlyMap<string, string>): string {
  const missing = new Set(contents.keys());
  const filled = document.replace(REGION, (_, name: string) => {
    const content = contents.get(name);
    if (content === undefined) throw new Error(`Nothing is generated for the region "${name}"`);
    if (!missing.delete(name)) throw new Error(`The region "${name}" is there twice`);
    return `<!-- generated: ${name} -->\n\n${content.trim()}\n\n<!-- end -->`;
  });
  if (missing.size > 0) throw new Error(`The document lacks the region "${[...missing][0]}"`);
  const marks = filled.match(MARK) ?? [];
  if (marks.length !== 2 * contents.size) throw new Error("A region's mark has no partner");
  return filled;
}

/**
 * The lines that `before` and `after` do not have in common, from the first that differs to the last, as a patch shows
 * them; none if they are equal.
 */
export function differenceOf(before: string, after: string): readonly string[] {
  const old = before.split("\n");
  const fresh = after.split("\n");
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start++;
  let end = 0;
  while (
    end < old.length - start && end < fresh.length - start &&
    old[old.length - 1 - end] === fresh[fresh.length - 1 - end]
  ) end++;
  const gone = old.slice(start, old.length - end);
  const come = fresh.slice(start, fresh.length - end);
  if (gone.length + come.length === 0) return [];
  return [
    `from line ${start + 1}`,
    ...gone.map((line) => `- ${line}`),
    ...come.map((line) => `+ ${line}`),
  ];
}

/** A table as `deno fmt` writes it. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const [first, ...rest] = cells.map((row) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`
  );
  return [first, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rest].join("\n");
}

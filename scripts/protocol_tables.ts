/**
 * Writes those tables of the documents that the code has too: numbers, states, limits, errors, attacks.
 * `deno task docs`; with `--check` it changes nothing and exits 1 where a document differs.
 * @module
 */
import { attackRegions } from "./attack_tables.ts";
import { differenceOf, fillRegions } from "./marked_regions.ts";
import { print, printError } from "./print.ts";
import { PROJECT_FOLDER } from "./project.ts";
import { roundsRegions } from "./rounds_tables.ts";
import { stxRegions } from "./stx_tables.ts";

const REGIONS = {
  "docs/protocol.md": stxRegions,
  "docs/rounds.md": roundsRegions,
  "docs/attacks.md": attackRegions,
};

/** A document's path, from the project's folder. */
export type Document = keyof typeof REGIONS;

/** Every document with such tables. */
export const DOCUMENTS = Object.keys(REGIONS) as Document[];

/** What a document's text is once every region says what the code does. */
export function withTables(document: Document, text: string): string {
  return fillRegions(text, REGIONS[document]());
}

/** Holds a document against the code, or writes it; says whether it is right then. */
function update(document: Document, isCheck: boolean): boolean {
  const path = `${PROJECT_FOLDER}/${document}`;
  const before = Deno.readTextFileSync(path);
  const after = withTables(document, before);
  const difference = differenceOf(before, after);
  if (!isCheck) {
    Deno.writeTextFileSync(path, after);
    print(`docs: ${document} ${difference.length === 0 ? "was right" : "is written"}`);
    return true;
  }
  if (difference.length === 0) {
    print(`check:docs: ${document} says what the code does`);
    return true;
  }
  for (const line of difference) printError(line);
  printError(`check:docs: ${document} does not say what the code does; run: deno task docs`);
  return false;
}

if (import.meta.main) {
  const isCheck = Deno.args.includes("--check");
  const results = DOCUMENTS.map((document) => update(document, isCheck));
  if (results.includes(false)) Deno.exit(1);
}

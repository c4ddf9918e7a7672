/**
 * The events of `--json`, held against what docs/cli-events.md says of them: the document is the oracle.
 * @module
 */
import type { EventName, Events } from "../../cli/events.ts";
import { PROJECT_FOLDER } from "../../scripts/project.ts";

/** An event as stx prints it. */
export type StxEvent = {
  [Name in EventName]: { readonly v: 1; readonly event: Name } & Events[Name];
}[EventName];

type Fields = ReadonlyMap<string, string>;

/** How the document names types. */
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  "string": (value) => typeof value === "string",
  "number": (value) => typeof value === "number" && value >= 0,
  "string or null": (value) => value === null || typeof value === "string",
  "number or null": (value) => value === null || typeof value === "number" && value >= 0,
  "boolean": (value) => typeof value === "boolean",
  "object of strings": (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === "string"),
  "array of objects": (value) =>
    Array.isArray(value) && value.every((each) => typeof each === "object" && each !== null),
  "array of strings": (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
};

/** The fields of each event and their types, as the document's tables give them. */
export const DOCUMENTED_EVENTS: ReadonlyMap<string, Fields> = readDocument(
  Deno.readTextFileSync(`${PROJECT_FOLDER}/docs/cli-events.md`),
);

/** Says what is wrong with a line of standard output as an event; `undefined` if it is as documented. */
export function eventProblem(line: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(line)) return "an event has a character outside printable ASCII";
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return "standard output has a line that is not JSON";
  }
  if (typeof event !== "object" || event === null) return "an event is not an object";
  const [[first, version] = [], [second, name] = [], ...rest] = Object.entries(event);
  if (first !== "v" || version !== 1 || second !== "event") {
    return 'an event does not begin with "v" and "event"';
  }
  const fields = DOCUMENTED_EVENTS.get(String(name));
  if (fields === undefined) return "an event is not documented";
  const printed = new Map(rest);
  for (const [field, type] of fields) {
    if (!printed.has(field)) return `an event has no field "${field}"`;
    if (!TYPES[type]!(printed.get(field))) return `the field "${field}" of an event is not ${type}`;
  }
  const undocumented = [...printed.keys()].find((field) => !fields.has(field));
  return undocumented === undefined ? undefined : `the field "${undocumented}" of an event is not documented`;
}

/** Reads the sections `### name` with their tables `| field | type | meaning |`. */
function readDocument(text: string): ReadonlyMap<string, Fields> {
  const events = new Map<string, Fields>();
  for (const section of text.split(/^### /m).slice(1)) {
    const rows = section.split(/^## /m)[0]!.matchAll(/^\| +`(\w+)` +\| +([a-z ]*[a-z]) +\|/gm);
    const fields = new Map(Array.from(rows, ([, field, type]) => [field!, type!]));
    const unknown = [...fields.values()].find((type) => !Object.hasOwn(TYPES, type));
    if (unknown !== undefined) {
      throw new Error(`docs/cli-events.md has the type "${unknown}", which no test knows`);
    }
    events.set(section.split("\n")[0]!.trim(), fields);
  }
  return events;
}

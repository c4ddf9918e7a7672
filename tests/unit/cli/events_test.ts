import assert from "node:assert/strict";

const read = (path: string) => Deno.readTextFile(new URL(`../../../${path}`, import.meta.url));

/** The fields of each event by the types: a line `  name: {` opens an event, `    readonly field:` is a field. */
function fieldsByTypes(source: string): Map<string, Map<string, string>> {
  const events = new Map<string, Map<string, string>>();
  let fields = new Map<string, string>();
  for (const line of source.split("\n")) {
    const event = /^ {2}(\w+): \{$/.exec(line);
    if (event !== null) events.set(event[1]!, fields = new Map());
    const field = /^ {4}readonly (\w+): (.*);$/.exec(line);
    if (field !== null) fields.set(field[1]!, field[2]!);
  }
  return events;
}

/** The fields of each event by the document: a heading opens an event, a row of its table is a field. */
function fieldsByDocument(text: string): Map<string, Map<string, string>> {
  const events = new Map<string, Map<string, string>>();
  const [, part] = text.split(/^## Events$/m);
  for (const section of part!.split(/^## /m)[0]!.split(/^### /m).slice(1)) {
    const rows = [...section.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)];
    events.set(section.split("\n")[0]!, new Map(rows.map(([, field, type]) => [field!, type!])));
  }
  return events;
}

/** The document's word for a type. */
function wordFor(type: string): string {
  return type
    .replace("readonly string[]", "array of strings")
    .replace("readonly MeasuredBound[]", "array of objects")
    .replace("Readonly<Record<string, string>>", "object of strings")
    .replace(/^(?:"\w+"(?: \| )?)+/, (words) => words.endsWith("| ") ? "string | " : "string")
    .replace(/ErrorCode \| "unexpected"|ErrorCode|Phase|KeyKind|CheckName/, "string")
    .replace(" | null", " or null");
}

Deno.test("the document describes exactly the events and fields that there are", async () => {
  const types = fieldsByTypes(await read("cli/events.ts"));
  const document = fieldsByDocument(await read("docs/cli-events.md"));
  assert.equal(types.size, 20);
  assert.deepEqual([...document.keys()], [...types.keys()]);
  for (const [event, fields] of types) {
    assert.deepEqual(
      [...document.get(event)!],
      [...fields].map(([name, type]) => [name, wordFor(type)]),
      event,
    );
  }
});

Deno.test("the document lists exactly the phases that there are", async () => {
  const phases = /export type Phase = ([^;]*);/.exec(await read("cli/events.ts"))![1]!.match(/\w+/g)!;
  const row = /^\| `phase`.*$/m.exec(await read("docs/cli-events.md"))![0];
  assert.deepEqual(row.match(/`\w+`/g)!.slice(1).map((word) => word.slice(1, -1)), phases);
});

Deno.test("the document's examples have the fields that they should have", async () => {
  const text = await read("docs/cli-events.md");
  const types = fieldsByTypes(await read("cli/events.ts"));
  const lines = /```json\n(.*?)```/s.exec(text)![1]!.trimEnd().split("\n");
  assert(lines.length >= 3);
  for (const line of lines) {
    const event = JSON.parse(line);
    assert.deepEqual(Object.keys(event), ["v", "event", ...types.get(event.event)!.keys()]);
    if (event.transfer !== undefined) assert.match(event.transfer, /^[0-9a-f]{64}$/);
    for (const key of [event.peer, event.fingerprint]) {
      if (key !== undefined) assert.match(key, /^SHA256:[A-Za-z0-9+/]{43}$/);
    }
  }
});

/**
 * Writes the vectors in tests/vectors and the worked example in docs/protocol-example.md: `deno task vectors`. All of
 * it is computed in `scripts/vectors`, from docs/protocol.md and without any code of lib, and comes out the same each
 * time.
 * @module
 */
import { print } from "./print.ts";
import { PROJECT_FOLDER } from "./project.ts";
import type { Case } from "./vectors/cases.ts";
import { exampleDocument } from "./vectors/example.ts";
import { handshakeFile } from "./vectors/handshake_cases.ts";
import { helloCases } from "./vectors/hello_cases.ts";
import { messagesFile } from "./vectors/message_file.ts";
import { namesFile } from "./vectors/name_files.ts";
import { readyCases } from "./vectors/ready_cases.ts";
import { receiverCases } from "./vectors/receiver_cases.ts";
import { recordCases } from "./vectors/record_cases.ts";
import { resumedCases } from "./vectors/resumed_cases.ts";
import { roundsFile, roundsNegativeFile } from "./vectors/rounds_files.ts";
import { senderCases } from "./vectors/sender_cases.ts";
import { sessionCases } from "./vectors/session_cases.ts";
import { keysFile, manifestFile, receiptFile, recordsFile } from "./vectors/session_files.ts";
import { verifyCases } from "./vectors/verify_cases.ts";
import { welcomeCases } from "./vectors/welcome_cases.ts";

/** Hex digits from which on a byte string that is there more than once is written once. */
const SHARED_LENGTH_MIN = 200;

/** Every file that is written, by its path from the project's folder. */
export function vectorFiles(): ReadonlyMap<string, string> {
  const vectors: Readonly<Record<string, unknown>> = {
    handshake: handshakeFile(),
    records: recordsFile(),
    messages: messagesFile(),
    manifest: manifestFile(),
    receipt: receiptFile(),
    keys: keysFile(),
    names: namesFile(),
    negative: negativeFile([
      ...welcomeCases(),
      ...readyCases(),
      ...helloCases(),
      ...verifyCases(),
      ...recordCases(),
      ...sessionCases(),
      ...receiverCases(),
      ...resumedCases(),
      ...senderCases(),
    ]),
    rounds: roundsFile(),
    rounds_negative: roundsNegativeFile(),
  };
  return new Map([
    ...Object.entries(vectors).map(([name, value]) =>
      [`tests/vectors/${name}.json`, `${JSON.stringify(value, null, 1)}\n`] as const
    ),
    ["docs/protocol-example.md", exampleDocument()],
  ]);
}

/** negative.json: its cases, and the long byte strings that several of them have, each under a name. */
function negativeFile(cases: readonly Case[]): unknown {
  const names = cases.map(({ end, name }) => `${end}: ${name}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`There are two cases of the name ${twice}`);
  const counts = new Map<string, number>();
  const count = (_: string, value: unknown): unknown => {
    if (typeof value === "string" && value.length >= SHARED_LENGTH_MIN) {
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return value;
  };
  JSON.stringify(cases, count);
  const shared = [...counts].filter(([, times]) => times > 1).map(([value]) => value);
  const bytes = Object.fromEntries(shared.map((value, i) => [`@${i}`, value]));
  const nameOf = new Map(Object.entries(bytes).map(([name, value]) => [value, name]));
  const replace = (_: string, value: unknown): unknown =>
    typeof value === "string" ? nameOf.get(value) ?? value : value;
  return { bytes, cases: JSON.parse(JSON.stringify(cases, replace)) as unknown };
}

if (import.meta.main) {
  for (const [path, text] of vectorFiles()) {
    Deno.writeTextFileSync(`${PROJECT_FOLDER}/${path}`, text);
    print(`vectors: ${path}, ${text.length} bytes`);
  }
}

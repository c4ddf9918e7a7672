/**
 * Deletes each named defence in a copy of the sources, and plays the attacks whose controls name it: one of them has to
 * succeed, in itself or with fewer other defences off than its control has. Where a deletion only breaks what honest
 * ends do, or crashes, nothing is shown, and it counts as missed. Prints each deletion with what caught it; exits 1 if
 * one was not caught.
 * `deno task test:defences [DEFENCE]...`
 * @module
 */
import { controlsOf } from "./attack_tables.ts";
import { type Defence, DEFENCES, type DefenceText } from "../lib/attacks/defences.ts";
import { print, printProgress } from "./print.ts";
import { PROJECT_FOLDER } from "./project.ts";
import { blankCommentsAndTexts } from "./source_code.ts";

/** What of the project a copy needs. */
const COPIED = ["cli", "lib", "deno.json", "deno.lock"];

/** The source with the bodies of a defence's methods, or functions, replaced. Throws where one is not there. */
export function withoutDefence(source: string, defence: Omit<DefenceText, "text" | "file">): string {
  const left = withoutMember(source, defence);
  return defence.with === undefined ? left : withoutMember(left, defence.with);
}

function withoutMember(
  source: string,
  { member: [owner, name], deleted = "" }: Pick<DefenceText, "member" | "deleted">,
): string {
  const code = blankCommentsAndTexts(source);
  const from = owner === "" ? 0 : code.search(new RegExp(`class ${owner}\\b`));
  if (from < 0) throw new Error(`There is no class ${owner}`);
  const pattern = owner === ""
    ? new RegExp(`^export (?:async )?function ${name}\\b[^(]*\\(`, "gm")
    : new RegExp(`^ {2}(?:(?:public|protected|static|override|async) )*#?${name}(?:<[^(]*>)?\\(`, "gm");
  pattern.lastIndex = from;
  const found = pattern.exec(code);
  if (found === null) throw new Error(`There is no ${owner}.${name}`);
  const parametersEnd = closing(code, found.index + found[0].length - 1, "(", ")");
  const bodyStart = bodyAfter(code, parametersEnd + 1);
  const bodyEnd = closing(code, bodyStart, "{", "}");
  return `${source.slice(0, bodyStart + 1)} ${deleted} ${source.slice(bodyEnd)}`;
}

/** Where the body begins behind a return type, which may hold braces of its own. */
function bodyAfter(code: string, at: number): number {
  let start = code.indexOf("{", at);
  // A type that is an object is followed by the body's own brace.
  for (;;) {
    const end = closing(code, start, "{", "}");
    const next = /^[\s\w<>[\]|,&.]*\{/.exec(code.slice(end + 1));
    const isType = /:\s*(?:readonly\s*|Promise<)?$/.test(code.slice(at, start)) && next !== null;
    if (!isType) return start;
    start = end + next[0].length;
  }
}

function closing(code: string, open: number, left: string, right: string): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === left) depth++;
    if (code[at] === right && --depth === 0) return at;
  }
  throw new Error("A bracket has no partner");
}

/** What plays without a defence have shown. */
interface Outcome {
  /** By which attack the defence was found to be missing, and how; empty if by none. */
  readonly caught: string;
  /** What else was not as it must be, which shows nothing: a crash, or honest ends that cannot go on; empty if nothing. */
  readonly broken: string;
}

/** What the simulator says where an attacker gets through for want of a defence. */
const GETS_THROUGH = ["The attacker has succeeded", "alone the attack succeeds already"];

/** Looks through the events of a run. */
export function outcomeOf(protocol: string, lines: string): Outcome {
  const events = lines.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  const failed = events.filter(({ event, verdict }) => event === "verdict" && verdict === "failed")
    .map(({ attack, problem }) => `${protocol} ${attack}: ${problem}`);
  const isThrough = (problem: string) => GETS_THROUGH.some((words) => problem.includes(words));
  return {
    caught: failed.find(isThrough) ?? "",
    broken: failed.find((problem) => !isThrough(problem)) ?? "",
  };
}

/** Plays attacks in the copy. */
async function play(folder: string, protocol: string, names: readonly string[]): Promise<Outcome> {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--cached-only",
      "cli/main.ts",
      "attack-sim",
      "--json",
      "--seed",
      "1",
      "--protocol",
      protocol,
      ...names.flatMap((name) => ["--attack", name]),
    ],
    cwd: folder,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const outcome = outcomeOf(protocol, new TextDecoder().decode(stdout));
  if (success || outcome.caught !== "" || outcome.broken !== "") return outcome;
  return { caught: "", broken: `the run itself fails: ${new TextDecoder().decode(stderr).trim()}` };
}

async function main(): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "stx-defences-" });
  const wanted = Deno.args.length > 0 ? Deno.args : Object.keys(DEFENCES);
  let missed = 0;
  try {
    await new Deno.Command("cp", { args: ["-r", ...COPIED, folder], cwd: PROJECT_FOLDER }).output();
    for (const name of wanted as Defence[]) {
      const defence: DefenceText = DEFENCES[name];
      printProgress(name);
      const path = `${folder}/${defence.file}`;
      const source = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, withoutDefence(source, defence));
      const attacks = controlsOf(name);
      let caught = "";
      let broken = "";
      for (const protocol of ["stx", "rounds"] as const) {
        const names = attacks.filter((attack) => attack.protocol === protocol).map((attack) => attack.name);
        if (caught !== "" || names.length === 0) continue;
        const outcome = await play(folder, protocol, names);
        caught = outcome.caught;
        broken ||= outcome.broken;
      }
      await Deno.writeTextFile(path, source);
      printProgress("");
      const [word, why] = caught !== ""
        ? ["caught", caught]
        : broken !== ""
        ? ["BROKEN", broken]
        : ["MISSED", ""];
      print(`${word}  ${name}: ${why.split("\n")[0]}`);
      if (caught === "") missed++;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  print(`${wanted.length} defences deleted, ${wanted.length - missed} deletions caught`);
  return missed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());

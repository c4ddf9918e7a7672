/**
 * The tables of docs/attacks.md: every attack, which promise each tries, and which control shows each defence.
 * @module
 */
import type { Attack } from "../cli/attack_sim/attack.ts";
import { ATTACKS } from "../cli/attack_sim/catalog.ts";
import { type Defence, DEFENCES, type DefenceText } from "../lib/attacks/defences.ts";
import { PROJECT_FOLDER } from "./project.ts";

const PROTOCOLS = { stx: "STX/1", rounds: "the rounds protocol" } as const;
const ROLES: Readonly<Record<Attack["by"], string>> = {
  path: "on the path",
  stranger: "a stranger",
  sender: "a malicious sender",
  receiver: "a malicious receiver",
  thief: "a later thief",
  line: "a bad line",
};
const ENDS = {
  stx: { client: "sender", server: "receiver" },
  rounds: { client: "client", server: "server" },
} as const;

/** The headings of the promises in docs/threat-model.md, in their order. */
export function promises(): readonly string[] {
  const text = Deno.readTextFileSync(`${PROJECT_FOLDER}/docs/threat-model.md`);
  const chapter = text.split("\n## Promises\n")[1]!.split("\n## ")[0]!;
  return [...chapter.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading!);
}

/** The attacks that try a promise. */
export function attacksOn(promise: string): readonly Attack[] {
  return ATTACKS.filter((attack) => attack.promises.includes(promise));
}

/** The attacks whose control switches a defence off. */
export function controlsOf(defence: Defence): readonly Attack[] {
  return ATTACKS.filter((attack) => attack.defences.includes(defence));
}

/** The regions of docs/attacks.md by their names. */
export function attackRegions(): ReadonlyMap<string, string> {
  const regions = new Map<string, string>();
  for (const protocol of ["stx", "rounds"] as const) {
    const rows = ATTACKS.filter((attack) => attack.protocol === protocol).map((attack) => [
      `\`${attack.name}\``,
      ROLES[attack.by],
      attack.goal,
      verdictOf(attack),
      attack.defences.length === 0 ? "measured" : attack.defences.join(", "),
    ]);
    regions.set(
      `attacks on ${PROTOCOLS[protocol]}`,
      table(["attack", "by", "its goal", "what it comes to", "its control is without"], rows),
    );
  }
  regions.set(
    "promises",
    table(
      ["promise", "attacks"],
      promises().map((promise) => [promise, attacksOn(promise).map(nameOf).join(", ")]),
    ),
  );
  regions.set(
    "defences",
    table(
      ["defence", "what it is", "where", "controls"],
      (Object.keys(DEFENCES) as Defence[]).map((defence) => {
        const { text, file, member }: DefenceText = DEFENCES[defence];
        const where = `\`${file}\`: ${member.filter((part) => part !== "").join(".")}`;
        return [defence, text, where, controlsOf(defence).map(nameOf).join(", ")];
      }),
    ),
  );
  return regions;
}

function nameOf({ protocol, name }: Attack): string {
  return protocol === "stx" ? `\`${name}\`` : `\`rounds ${name}\``;
}

function verdictOf({ expected, protocol }: Attack): string {
  switch (expected.kind) {
    case "stopped":
      return `stopped by the ${ENDS[protocol][expected.at]}: \`${expected.code}\``;
    case "survived":
      return "survived: all arrives intact";
    case "bounded":
      return "held within bounds";
  }
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const all = [head, ...rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))];
  const widths = head.map((_, i) => Math.max(...all.map((row) => [...row[i]!].length)));
  const padded = all.map((row) =>
    line(row.map((cell, i) => cell + " ".repeat(widths[i]! - [...cell].length)))
  );
  return [padded[0]!, line(widths.map((width) => "-".repeat(width))), ...padded.slice(1)].join("\n");
}

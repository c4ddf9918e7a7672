/**
 * The report's order: chapters by protocol, a numbered section for each attack, and where links lead.
 * @module
 */
import type { Protocol } from "../../../lib/attacks/middle.ts";
import type { Verdict } from "../run.ts";
import { type Markup, markup } from "./markup.ts";
import { PROTOCOLS } from "./words.ts";

/** An attack in its place. */
export interface Section {
  /** `1.4`. */
  readonly number: string;
  /** What links to it say behind `#`; unlike every other one's. */
  readonly anchor: string;
  readonly verdict: Verdict;
}

/** The attacks on one protocol. */
export interface Chapter {
  readonly number: number;
  readonly protocol: Protocol;
  readonly sections: readonly Section[];
}

/** Puts what became of attacks in order. A protocol without attacks has no chapter. */
export function chaptersOf(verdicts: readonly Verdict[]): readonly Chapter[] {
  const taken = new Set<string>();
  const anchorFor = ({ attack: { protocol, name } }: Verdict): string => {
    const base = `${protocol}-${name.replace(/[^A-Za-z0-9]+/g, "-")}`;
    let anchor = base;
    for (let i = 2; taken.has(anchor); i++) anchor = `${base}-${i}`;
    taken.add(anchor);
    return anchor;
  };
  const protocols = (Object.keys(PROTOCOLS) as Protocol[])
    .map((protocol) => ({ protocol, own: verdicts.filter(({ attack }) => attack.protocol === protocol) }))
    .filter(({ own }) => own.length > 0);
  return protocols.map(({ protocol, own }, i) => ({
    number: i + 1,
    protocol,
    sections: own.map((verdict, j) => ({
      number: `${i + 1}.${j + 1}`,
      anchor: anchorFor(verdict),
      verdict,
    })),
  }));
}

/** A link to an attack's section. */
export function linkTo({ anchor, verdict }: Section): Markup {
  return markup`<a href="#${anchor}">${verdict.attack.name}</a>`;
}

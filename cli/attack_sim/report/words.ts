/**
 * The words of the report: what ends, attackers and verdicts are called.
 * @module
 */
import type { Protocol } from "../../../lib/attacks/middle.ts";
import type { End } from "../../../lib/attacks/wire.ts";
import type { Expected, Role } from "../attack.ts";
import { controlProblems } from "../table.ts";
import type { Verdict } from "../run.ts";
import { type Markup, markup } from "./markup.ts";

/** The protocols, in the report's order: their chapters' titles and first sentences. */
export const PROTOCOLS: Readonly<Record<Protocol, { readonly title: string; readonly text: string }>> = {
  stx: {
    title: "STX/1, the file transfer",
    text:
      "A sender connects to a receiver. In a handshake of four messages each proves who it is; then a file goes over " +
      "in sealed records, and the receiver signs for it.",
  },
  rounds: {
    title: "The rounds",
    text:
      "Clients that share a key with a server send it numbers, round after round, and are told sums. Every packet is " +
      "encrypted and carries a MAC, and the keys change all the time.",
  },
};

/** What each end is called. */
export const END_NAMES: Readonly<Record<Protocol, Readonly<Record<End, string>>>> = {
  stx: { client: "sender", server: "receiver" },
  rounds: { client: "client", server: "server" },
};

/** What there is to say about who attacks. */
export interface RoleText {
  /** In a narrow column. */
  readonly short: string;
  readonly name: string;
  /** What it can do: a sentence without its subject. */
  readonly text: string;
}

/** Who attacks. */
export const ROLES: Readonly<Record<Role, RoleText>> = {
  path: {
    short: "on the path",
    name: "on the path",
    text:
      "stands between the two ends: reads, changes, drops, delays, repeats and injects anything. It has no key.",
  },
  stranger: {
    short: "stranger",
    name: "a stranger",
    text: "connects as often as it likes and says anything. It has no identity that is authorized.",
  },
  sender: {
    short: "sender",
    name: "a malicious sender",
    text: "proves an identity that is authorized, and then says whatever it likes.",
  },
  receiver: {
    short: "receiver",
    name: "a malicious receiver",
    text: "proves the identity that the sender means, and then answers whatever it likes.",
  },
  thief: {
    short: "thief",
    name: "a later thief",
    text: "has recorded everything, and gets at a key once the session is over.",
  },
  line: {
    short: "the line",
    name: "the line",
    text: "is nobody: noise and cuts, as lines have them. What was sent has to arrive in spite of it.",
  },
};

/** What a verdict is called. */
export const VERDICTS: Readonly<Record<Expected["kind"], string>> = {
  stopped: "stopped",
  survived: "survived",
  bounded: "measured",
};

/** What stands where something is not as it must be. */
export const FAILED: Markup = markup`<strong class="loud">FAILED</strong>`;

/** Everything that is wrong about a verdict, a sentence each. */
export function problemsOf(verdict: Verdict): readonly string[] {
  return [...verdict.problem === "" ? [] : [verdict.problem], ...controlProblems(verdict)].map(sentence);
}

/** With a capital at the beginning. */
export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** With a full stop at the end. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A number for people: `16,425`. */
export function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

/** So many of something: `1 attack`, `2 attacks`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly (string | Markup)[]): Markup {
  return markup`${items.map((item, i) => [i === 0 ? "" : i === items.length - 1 ? " and " : ", ", item])}`;
}

/** An error's code, which may break after its underscores. */
export function codeOf(code: string): Markup {
  return markup`<code>${code.split("_").map((part, i) => i === 0 ? part : markup`_<wbr>${part}`)}</code>`;
}

/** A time, in seconds: `0.35 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

/** `22 November 2026` of a date and time by ISO 8601, in UTC; what is none stays as it is. */
export function day(dateIso: string): string {
  const date = new Date(dateIso);
  if (Number.isNaN(date.getTime())) return dateIso;
  return date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
}

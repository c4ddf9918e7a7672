/**
 * What the report says about an attack's control: what came of it with its defences off, all of them and fewer.
 * @module
 */
import type { End } from "../../../lib/attacks/wire.ts";
import type { Attack, Played } from "../attack.ts";
import type { Control, Verdict } from "../run.ts";
import { type Markup, markup } from "./markup.ts";
import { capital, codeOf, count, END_NAMES, FAILED, listed, sentence } from "./words.ts";

/** If there are more smaller sets than this, they are shown on demand. */
const SMALLER_SHOWN = 3;
const HEADS = ["Switched off", "The attack", "What shows it"].map((title) =>
  markup`<th scope="col">${title}</th>`
);

/** See the module's text. Empty for an attack without controls. */
export function controlSection({ attack, controls, seed }: Verdict): Markup {
  if (controls.length === 0 && seed === undefined) return markup``;
  const smaller = controls.slice(0, -1);
  const isShort = smaller.length <= SMALLER_SHOWN;
  return markup`<h4>The control</h4>
${controls.length === 0 ? "" : table(attack, isShort ? controls : controls.slice(-1))}
${isShort ? "" : onDemand(attack, smaller)}
${seed === undefined ? "" : firstDesign(seed)}`;
}

function table(attack: Attack, controls: readonly Control[]): Markup {
  return markup`<table class="control">
<thead><tr>${HEADS}</tr></thead>
<tbody>
${controls.map((control) => row(attack, control))}</tbody>
</table>`;
}

/** What is wrong stands open. */
function onDemand(attack: Attack, smaller: readonly Control[]): Markup {
  const held = smaller.every(({ holds }) => holds);
  const text = `With fewer of them off, ${count(smaller.length, "set")}${
    held ? ": it comes to nothing" : ""
  }`;
  return markup`<details${held ? "" : markup` open`}>
<summary>${text}</summary>
${table(attack, smaller)}
</details>`;
}

function row(attack: Attack, { off, played, holds }: Control): Markup {
  const isWhole = off.length === attack.defences.length;
  const which = isWhole && off.length === 2
    ? "both"
    : isWhole && off.length > 2
    ? `all ${off.length}`
    : listed(off.map((name) => markup`<i>${name}</i>`));
  const outcome = played.hasSucceeded ? "succeeds" : "comes to nothing";
  return markup`<tr><th scope="row">${which}</th><td>${outcome}${holds ? "" : markup` ${FAILED}`}</td><td>${
    showing(attack, played)
  }</td></tr>
`;
}

/** What shows that the attack has succeeded; or else the error of whoever notices. */
function showing({ protocol, expected }: Attack, { hasSucceeded, evidence, errors }: Played): Markup {
  const first: End = expected.kind === "stopped" ? expected.at : "server";
  const end = ([first, "client", "server"] as const).find((end) => errors[end] !== undefined);
  if (hasSucceeded || end === undefined) return markup`${evidence}`;
  return markup`${END_NAMES[protocol][end]}, ${codeOf(errors[end]!.code)}`;
}

function firstDesign({ played, holds }: NonNullable<Verdict["seed"]>): Markup {
  const outcome = played.hasSucceeded ? "it succeeds" : "it comes to nothing as well";
  return markup`<p>On the first design, followed to the letter, <b>${outcome}</b>${
    holds ? "" : markup` ${FAILED}`
  }. ${sentence(capital(played.evidence))}</p>`;
}

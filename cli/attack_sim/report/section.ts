/**
 * The report's section about one attack.
 * @module
 */
import { DEFENCES } from "../../../lib/attacks/defences.ts";
import type { End } from "../../../lib/attacks/wire.ts";
import type { Attack, Played } from "../attack.ts";
import { isProved, type Verdict } from "../run.ts";
import { controlSection } from "./control.ts";
import { diagram } from "./diagram.ts";
import { type Markup, markup, prose } from "./markup.ts";
import type { Section } from "./places.ts";
import {
  capital,
  codeOf,
  END_NAMES,
  FAILED,
  number,
  problemsOf,
  ROLES,
  sentence,
  VERDICTS,
} from "./words.ts";

/** See the module's text. */
export function attackSection({ number, anchor, verdict }: Section): Markup {
  const { attack, played } = verdict;
  return markup`<article id="${anchor}" aria-labelledby="title-${anchor}">
<h3 id="title-${anchor}"><span class="n">${number}</span> ${attack.name}</h3>
<p class="goal"><span>${goalLabel(attack)}</span> ${prose(attack.goal)}</p>
${alarm(verdict)}
<p class="result">${resultOf(verdict)}</p>
${diagram(attack, played)}
<h4>${attack.by === "line" ? "What happens" : "What the attacker does"}</h4>
<p>${prose(attack.does)}</p>
<h4>${whyTitle(attack)}</h4>
<p>${prose(attack.why)}</p>
${errorsOf(attack, played)}
${boundsOf(played)}
${defencesOf(attack)}
${controlSection(verdict)}
${promisesOf(attack)}
</article>
`;
}

function goalLabel({ by }: Attack): string {
  return by === "line" ? "What must not happen:" : "What the attacker wants:";
}

function whyTitle({ by, expected }: Attack): string {
  if (by === "line") return "Why nothing is lost";
  return expected.kind === "bounded" ? "Why it gets no more" : "Why it fails";
}

function alarm(verdict: Verdict): Markup {
  if (isProved(verdict)) return markup``;
  return markup`<div class="alarm" role="alert">
<p><strong>This has not come to what it must.</strong></p>
${problemsOf(verdict).map((problem) => markup`<p>${problem}</p>`)}
</div>`;
}

/** The verdict, in one line. */
function resultOf({ attack: { by, protocol, expected }, played, holds }: Verdict): Markup {
  const who = markup`<span class="who">${capital(ROLES[by].name)}</span>`;
  const word = holds ? markup`<strong>${capital(VERDICTS[expected.kind])}</strong>` : FAILED;
  if (!holds || expected.kind !== "stopped") {
    return markup`${who} ${word} <span>${sentence(capital(played.evidence))}</span>`;
  }
  const notices = markup`The ${END_NAMES[protocol][expected.at]} notices, ${codeOf(expected.code)}`;
  return markup`${who} ${word} <span>${notices}: ${sentence(played.evidence)}</span>`;
}

function errorsOf({ protocol, expected }: Attack, { errors }: Played): Markup {
  const isNoticing = (end: End): boolean => expected.kind === "stopped" && expected.at === end;
  // Who notices comes first; what the other end says follows from it.
  const ends: readonly End[] = isNoticing("server") ? ["server", "client"] : ["client", "server"];
  const texts = ends.flatMap((end) => {
    const error = errors[end];
    if (error === undefined) return [];
    return [
      markup`<dt>${capital(END_NAMES[protocol][end])}, ${codeOf(error.code)}</dt><dd>${error.message}</dd>
`,
    ];
  });
  if (texts.length === 0) return markup``;
  return markup`<h4>What ${texts.length === 1 ? "it says" : "the ends say"}</h4>
<dl class="errors">
${texts}</dl>`;
}

function boundsOf({ bounds = [] }: Played): Markup {
  if (bounds.length === 0) return markup``;
  const rows = bounds.map(({ what, measured, most }) => {
    const value = measured <= most
      ? number(measured)
      : markup`<strong class="loud">${number(measured)}</strong>`;
    return markup`<tr><th scope="row">${what}</th><td>${value}</td><td>${number(most)}</td></tr>
`;
  });
  return markup`<h4>What was measured</h4>
<table class="bounds">
<thead><tr><th scope="col">What</th><th scope="col">Measured</th><th scope="col">At most</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`;
}

function defencesOf({ defences }: Attack): Markup {
  if (defences.length === 0) return markup``;
  const terms = defences.map((name) =>
    markup`<dt>${name}</dt><dd>${prose(DEFENCES[name].text)}</dd>
`
  );
  return markup`<h4>${defences.length === 1 ? "The defence" : "The defences"}</h4>
<dl class="terms">
${terms}</dl>`;
}

function promisesOf({ promises }: Attack): Markup {
  if (promises.length === 0) return markup``;
  return markup`<h4>${promises.length === 1 ? "The promise" : "The promises"} that it tries</h4>
<ul class="promises">${promises.map((promise) => markup`<li>${promise}</li>`)}</ul>`;
}

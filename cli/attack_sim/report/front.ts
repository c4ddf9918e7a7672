/**
 * The beginning of the report: what was done and what came of it, the contents, and how to read it.
 * @module
 */
import type { Role } from "../attack.ts";
import { isProved, type Verdict } from "../run.ts";
import { type Markup, markup } from "./markup.ts";
import { type Chapter, linkTo, type Section } from "./places.ts";
import { capital, count, day, listed, number, problemsOf, PROTOCOLS, ROLES, seconds } from "./words.ts";

/** When and how the attacks were played. */
export interface About {
  /** Of stx. */
  readonly version: string;
  readonly seed: number;
  readonly elapsedMs: number;
  /** By ISO 8601. */
  readonly dateIso: string;
}

/** The title, what came of it, and before that whatever is not as it must be. */
export function head(chapters: readonly Chapter[], { version, seed, elapsedMs, dateIso }: About): Markup {
  const sections = chapters.flatMap((chapter) => chapter.sections);
  const failed = sections.filter(({ verdict }) => !isProved(verdict));
  return markup`<header>
<h1>Attacks on stx, and what became of them</h1>
<p class="dateline">stx ${version}<span>seed ${seed}</span><span><time datetime="${dateIso}">${
    day(dateIso)
  }</time></span>${markup`<span>${seconds(elapsedMs)}</span>`}</p>
${failed.length === 0 ? "" : alarm(failed)}
<p class="lead">${resultOf(sections.map(({ verdict }) => verdict))}</p>
</header>`;
}

function alarm(failed: readonly Section[]): Markup {
  const what = failed.length === 1
    ? "1 attack has not come to what it must."
    : `${number(failed.length)} attacks have not come to what they must.`;
  const items = failed.map((section) =>
    markup`<li>${linkTo(section)}: ${problemsOf(section.verdict).join(" ")}</li>`
  );
  return markup`<div class="alarm" role="alert">
<p><strong>${what}</strong> This run does not show what stx claims.</p>
<ul>${items}</ul>
</div>`;
}

function resultOf(verdicts: readonly Verdict[]): Markup {
  const held = verdicts.filter(({ holds }) => holds);
  const of = (kind: string): number => held.filter(({ attack }) => attack.expected.kind === kind).length;
  const outcomes = ([
    [of("stopped"), "stopped"],
    [of("survived"), "survived with nothing lost"],
    [of("bounded"), "kept within bounds"],
    [verdicts.length - held.length, "none of these"],
  ] as const).filter(([times]) => times > 0).map(([times, what], i) =>
    `${number(times)} ${i > 0 ? "" : times === 1 ? "was " : "were "}${what}`
  );
  const attacks = count(verdicts.length, "attack was", "attacks were");
  return markup`${attacks} played against the real ends, on real connections.
${outcomes.length === 0 ? "" : markup`${listed(outcomes)}.`} ${controlResultOf(verdicts)}`;
}

function controlResultOf(verdicts: readonly Verdict[]): string {
  const held = verdicts.flatMap(({ controls }) => controls.filter(({ holds }) => holds));
  const whole = held.filter(({ played }) => played.hasSucceeded).length;
  const smaller = held.length - whole;
  if (whole === 0) return "";
  const first = `In ${count(whole, "control")} the defences against an attack were off, and it succeeded`;
  return smaller === 0
    ? `${first}.`
    : `${first}; ${count(smaller, "time")} only some of them were off, and it was stopped.`;
}

/** Links to everything. */
export function contents(chapters: readonly Chapter[]): Markup {
  return markup`<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
<li><a href="#reading">How to read this</a></li>
<li><a href="#summary">All attacks</a></li>
${chapters.map(chapterContents)}<li><a href="#promises">Promises, and what tried them</a></li>
<li><a href="#defences">Defences, and where they are</a></li>
</ol>
</nav>`;
}

function chapterContents({ number, protocol, sections }: Chapter): Markup {
  const items = sections.map(({ number, anchor, verdict }) =>
    markup`<li><a href="#${anchor}"><span class="n">${number}</span> ${verdict.attack.name}</a></li>
`
  );
  return markup`<li><a href="#${protocol}"><span class="n">${number}</span> ${PROTOCOLS[protocol].title}</a>
<ol class="columns">
${items}</ol>
</li>
`;
}

/** What the parts of a section mean, and who the attackers are. */
export function reading(chapters: readonly Chapter[]): Markup {
  const seen = new Set(chapters.flatMap(({ sections }) => sections.map(({ verdict }) => verdict.attack.by)));
  const roles = (Object.keys(ROLES) as Role[]).filter((role) => seen.has(role));
  return markup`<section aria-labelledby="reading">
<h2 id="reading">How to read this</h2>
<p>Each attack has three parts. The first is what the attacker wants and does. The second is the verdict: which end
noticed, and by which error; or that nothing was lost; or, where an attacker can only be kept within bounds, how much it
could take. The third is the <dfn>control</dfn>: the same attack on the same code, with the defences against it switched
off. There it has to succeed, because an attack that never works shows nothing about defences. And with only some of
them off it has to be stopped, so that none is named which is not needed.</p>
<p>The diagrams show what passed on the line, from the top; where the attacker lets much go by, it is folded into one
row.</p>
<ul class="key">
<li><span class="arrow right" aria-hidden="true"></span>A thin arrow went on as it came.</li>
<li><span class="arrow right touched" aria-hidden="true"></span>A thick one was made, changed or sent by the attacker.</li>
<li><span class="box" aria-hidden="true">changed</span>A box says what the attacker did.</li>
<li><span class="seal" aria-hidden="true">notices</span>The foot says what became of each, and who noticed.</li>
</ul>
<p>The attackers are those of docs/threat-model.md:</p>
<dl class="terms">${
    roles.map((role) => markup`<dt>${capital(ROLES[role].name)}</dt><dd>${ROLES[role].text}</dd>`)
  }</dl>
</section>`;
}

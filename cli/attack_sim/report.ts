/**
 * The report of a run: one page of HTML that needs nothing else, neither a network nor a script.
 * @module
 */
import { defencesIndex, promisesIndex } from "./report/back.ts";
import { type About, contents, head, reading } from "./report/front.ts";
import { Markup, markup } from "./report/markup.ts";
import { type Chapter, chaptersOf } from "./report/places.ts";
import { attackSection } from "./report/section.ts";
import { STYLE } from "./report/style.ts";
import { summary } from "./report/summary.ts";
import { PROTOCOLS } from "./report/words.ts";
import type { Verdict } from "./run.ts";

/**
 * Writes the page; the same verdicts give the same page.
 * @param about when and how the attacks were played
 */
export function reportPage(verdicts: readonly Verdict[], about: About): string {
  const chapters = chaptersOf(verdicts);
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>Attacks on stx ${about.version}, seed ${about.seed}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
${head(chapters, about)}
${contents(chapters)}
${reading(chapters)}
${summary(chapters)}
${chapters.map(chapterSection)}
${promisesIndex(chapters)}
${defencesIndex(chapters)}
${foot(about)}
</main>
</body>
</html>
`.source;
}

function chapterSection({ number, protocol, sections }: Chapter): Markup {
  const { title, text } = PROTOCOLS[protocol];
  return markup`<section class="chapter" aria-labelledby="${protocol}">
<h2 id="${protocol}"><span class="n">${number}</span> ${title}</h2>
<p>${text}</p>
${sections.map(attackSection)}</section>
`;
}

function foot({ version, seed }: About): Markup {
  return markup`<footer>
<p>Written by <code>stx attack-sim --seed ${seed} --report</code>, stx ${version}. With the same seed the attackers
choose the same, and the verdicts are the same.</p>
</footer>`;
}

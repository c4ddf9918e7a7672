/**
 * The table of all attacks.
 *
 * It names its roles, because browsers forget that it is a table where a phone's style sets its rows as blocks.
 * @module
 */
import { isProved, type Verdict } from "../run.ts";
import { controlProblems } from "../table.ts";
import { type Markup, markup, type Piece } from "./markup.ts";
import { type Chapter, linkTo, type Section } from "./places.ts";
import { codeOf, END_NAMES, FAILED, PROTOCOLS, ROLES, VERDICTS } from "./words.ts";

const COLUMNS = ["Attack", "Who attacks", "Verdict", "Noticed by", "Control"];

/** See the module's text. */
export function summary(chapters: readonly Chapter[]): Markup {
  const heads = COLUMNS.map((title) => markup`<th role="columnheader" scope="col">${title}</th>`);
  return markup`<section aria-labelledby="summary">
<h2 id="summary">All attacks</h2>
<table class="summary" role="table">
<thead role="rowgroup"><tr role="row">${heads}</tr></thead>
${chapters.map(chapterRows)}</table>
</section>`;
}

function chapterRows({ number, protocol, sections }: Chapter): Markup {
  const title = markup`<span class="n">${number}</span> ${PROTOCOLS[protocol].title}`;
  return markup`<tbody role="rowgroup">
<tr role="row" class="part"><th role="rowheader" scope="rowgroup" colspan="${COLUMNS.length}">${title}</th></tr>
${sections.map(row)}</tbody>
`;
}

function row(section: Section): Markup {
  const { number, verdict } = section;
  const { attack, holds } = verdict;
  const cells: readonly Piece[] = [
    ROLES[attack.by].short,
    holds ? VERDICTS[attack.expected.kind] : FAILED,
    noticedBy(verdict),
    controlOf(verdict),
  ];
  return markup`<tr role="row" class="${isProved(verdict) ? "" : "failed"}">
<th role="rowheader" scope="row"><span class="n">${number}</span> ${linkTo(section)}</th>
${cells.map((cell) => markup`<td role="cell">${cell}</td>`)}
</tr>
`;
}

function noticedBy({ attack: { expected, protocol }, played, holds }: Verdict): Piece {
  if (expected.kind === "survived") return holds ? "arrives intact" : "";
  if (expected.kind === "bounded") return holds ? "within bounds" : "";
  const error = played.errors[expected.at];
  return error === undefined ? "nobody" : markup`${END_NAMES[protocol][expected.at]}, ${codeOf(error.code)}`;
}

function controlOf(verdict: Verdict): Piece {
  if (controlProblems(verdict).length > 0) return FAILED;
  if (verdict.controls.length > 0) return "succeeds";
  return verdict.attack.expected.kind === "bounded" ? "measured" : "none";
}

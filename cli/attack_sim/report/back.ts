/**
 * The end of the report: the promises and the defences, each with the attacks that try it.
 * @module
 */
import { type Defence, DEFENCES, type DefenceText } from "../../../lib/attacks/defences.ts";
import { type Markup, markup } from "./markup.ts";
import { type Chapter, linkTo, type Section } from "./places.ts";
import { listed } from "./words.ts";

/** The promises of the threat model, in the order in which they are tried. */
export function promisesIndex(chapters: readonly Chapter[]): Markup {
  const items = [...grouped(chapters, ({ verdict }) => verdict.attack.promises)].map(([promise, sections]) =>
    markup`<dt>${promise}</dt><dd>${listed(sections.map(linkTo))}</dd>
`
  );
  return markup`<section aria-labelledby="promises">
<h2 id="promises">Promises, and what tried them</h2>
<p>These are promises of docs/threat-model.md, which also names the tests that show each.</p>
<dl class="index">
${items}</dl>
</section>`;
}

/** The defences that were switched off, and where the code holds them. */
export function defencesIndex(chapters: readonly Chapter[]): Markup {
  const items = [...grouped(chapters, ({ verdict }) => verdict.attack.defences)].map(([name, sections]) =>
    markup`<dt>${name}</dt><dd>${placeOf(name)}<br>against ${listed(sections.map(linkTo))}</dd>
`
  );
  return markup`<section aria-labelledby="defences">
<h2 id="defences">Defences, and where they are</h2>
<p>Each is one function of the code that does nothing else. A control runs without it.</p>
<dl class="index">
${items}</dl>
</section>`;
}

function placeOf(name: Defence): Markup {
  const { file, member: [owner, method] }: DefenceText = DEFENCES[name];
  return markup`<code>${owner === "" ? "" : `${owner}.`}${method}</code> in <code>${file}</code>`;
}

function grouped<T>(
  chapters: readonly Chapter[],
  keysOf: (section: Section) => readonly T[],
): ReadonlyMap<T, readonly Section[]> {
  const result = new Map<T, Section[]>();
  for (const section of chapters.flatMap((chapter) => chapter.sections)) {
    for (const key of keysOf(section)) {
      const sections = result.get(key) ?? [];
      sections.push(section);
      result.set(key, sections);
    }
  }
  return result;
}

/**
 * How the report looks: set as a book is, with one colour, which belongs to the attacker.
 * @module
 */

/** The page's style sheet. */
export const STYLE = `
:root {
  --paper: #fffefb; --ink: #1d1b18; --soft: #625b52; --rule: #d9d3c8; --shade: #f6f2ea; --foe: #a32a18;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, P052, "URW Palladio L", "TeX Gyre Pagella", Georgia, serif;
  --mono: ui-monospace, "SF Mono", Menlo, "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171613; --ink: #e7e2d8; --soft: #aaa297; --rule: #3d3932; --shade: #211f1b; --foe: #f58e72;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 var(--serif); font-variant-numeric: oldstyle-nums;
  hyphens: manual; overflow-wrap: break-word;
}
main { max-width: 42rem; margin: 0 auto; padding: 4.5rem 1.5rem 5rem; }
h1, h2, h3, h4 { font-weight: 600; line-height: 1.2; text-wrap: balance; }
h1 { font-size: 2.5rem; letter-spacing: -0.01em; margin: 0 0 1rem; }
h2 { font-size: 1.65rem; margin: 4.5rem 0 1rem; }
h3 { font-size: 1.3rem; margin: 0 0 0.6rem; }
h4 { font-size: 1.0625rem; margin: 1.5rem 0 0.2rem; }
p { margin: 0 0 0.8rem; text-wrap: pretty; }
a { color: inherit; text-decoration-line: underline; text-decoration-color: var(--soft); text-decoration-thickness: 1px; text-underline-offset: 0.18em; }
a:hover { text-decoration-color: currentColor; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--foe); outline-offset: 2px; }
code { font: 0.84em/1.4 var(--mono); font-variant-numeric: lining-nums; }
dfn { font-style: italic; }
.n { color: var(--soft); font-weight: 400; font-variant-numeric: lining-nums; padding-right: 0.35em; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.dateline { color: var(--soft); margin: 0 0 1.8rem; }
.dateline span::before { content: "\\00b7"; padding: 0 0.6em; }
.lead { font-size: 1.25rem; line-height: 1.5; }
.loud { background: var(--foe); color: var(--paper); padding: 0.05em 0.4em; font-weight: 700; letter-spacing: 0.03em; white-space: nowrap; font-variant-numeric: lining-nums; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.alarm { border: 3px solid var(--foe); padding: 0.9rem 1.1rem; margin: 1rem 0 1.4rem; }
.alarm strong { color: var(--foe); font-size: 1.15em; }
.alarm p, .alarm ul { margin: 0; }
.alarm p + p, .alarm ul { margin-top: 0.5rem; }
.alarm ul { padding-left: 1.1rem; }

nav { border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); margin: 2.5rem 0 0; padding: 1.2rem 0; }
nav h2 { font-size: 1.0625rem; margin: 0 0 0.4rem; }
nav ol { list-style: none; margin: 0; padding: 0; }
nav li { padding: 0.12rem 0; break-inside: avoid; }
nav a { text-decoration-line: none; }
nav a:hover { text-decoration-line: underline; }
nav .columns { columns: 3; column-gap: 1.5rem; margin: 0.1rem 0 0.5rem; padding-left: 1.35rem; font-size: 0.94rem; }
nav .columns li { padding-left: 2.3rem; text-indent: -2.3rem; }
nav .columns .n { display: inline-block; min-width: 2.3rem; text-indent: 0; }

dl { margin: 0 0 0.8rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.4rem; }
.terms { display: grid; grid-template-columns: fit-content(11rem) 1fr; gap: 0.3rem 1.4rem; }
.terms dd { margin: 0; }
.key { list-style: none; margin: 0 0 1rem; padding: 0; }
.key li { display: grid; grid-template-columns: 7rem 1fr; gap: 1.4rem; align-items: center; margin: 0.35rem 0; }
.key .arrow { display: block; height: 0; padding: 0; }
.key .box, .key .seal { justify-self: center; font-size: 0.88rem; }
.index dt { margin-top: 0.7rem; }
.index dd { margin: 0; }
.index code { color: var(--soft); overflow-wrap: anywhere; }

table { border-collapse: collapse; width: 100%; margin: 0.4rem 0 1rem; font-size: 0.95rem; line-height: 1.4; font-variant-numeric: lining-nums tabular-nums; border-bottom: 1px solid var(--ink); }
th, td { text-align: left; vertical-align: baseline; padding: 0.3rem 0.9rem 0.3rem 0; font-weight: 400; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-top: 1px solid var(--ink); border-bottom: 1px solid var(--ink); color: var(--soft); font-size: 0.9rem; }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
.summary { font-size: 0.9rem; }
.summary th a { font-weight: 600; text-decoration-color: var(--rule); }
.summary tbody tr:not(.part) th { padding-left: 2.5rem; text-indent: -2.5rem; }
.summary tr:not(.part) .n { display: inline-block; min-width: 2.5rem; text-indent: 0; padding: 0; }
.summary .part th { font-weight: 600; padding-top: 1.1rem; }
.summary tbody:first-of-type .part th { padding-top: 0.5rem; }
.summary td, .summary thead th { white-space: nowrap; }
.control td:nth-child(2), .control th { white-space: nowrap; }
.control tbody th { white-space: normal; }
.bounds td, .bounds thead th + th { text-align: right; white-space: nowrap; }

article { margin: 2.2rem 0 0; padding-top: 2.2rem; border-top: 1px solid var(--rule); }
.goal { font-size: 1.15rem; line-height: 1.45; font-style: italic; }
.goal span { font-style: normal; color: var(--soft); }
.result { display: flex; flex-wrap: wrap; gap: 0 1.2rem; border: solid var(--rule); border-width: 1px 0; padding: 0.4rem 0; font-size: 0.98rem; }
.result > :last-child { flex: 1 1 20rem; }
.result .who { color: var(--soft); }
.errors dt { font-weight: 400; }
.errors dd { font: 0.84rem/1.5 var(--mono); padding-left: 0.9rem; border-left: 2px solid var(--rule); margin: 0.15rem 0 0.6rem; overflow-wrap: anywhere; }
.promises { margin: 0.2rem 0 0; padding-left: 1.1rem; }
.aside { color: var(--soft); }
details { margin: 0 0 1rem; }
summary { cursor: pointer; }
details table { margin-top: 0.4rem; border-top: 1px solid var(--ink); }

.sequence { margin: 1.6rem 0; font-size: 0.94rem; line-height: 1.3; font-variant-numeric: lining-nums; }
.ends { display: grid; grid-template-columns: repeat(var(--n), 1fr); text-align: center; }
.ends > div { padding: 0.1rem 0.3rem; }
.ends b { font-weight: 600; display: block; }
.ends span { font-size: 0.88rem; }
.ends .foe { color: var(--foe); }
.ends:first-child { align-items: end; }
.life { position: relative; }
.lines { position: absolute; inset: 0; display: grid; grid-template-columns: repeat(var(--n), 1fr); }
.lines i { justify-self: center; width: 0; border-left: 1px solid var(--soft); }
.lines .foe { border-left: 1px solid var(--foe); }
.sequence ol { position: relative; list-style: none; margin: 0; padding: 0.4rem 0 1rem; }
.arrow { position: relative; border-bottom: 1px solid var(--ink); }
.sequence .arrow {
  margin-left: calc((var(--a) + 0.5) / var(--n) * 100%); width: calc((var(--b) - var(--a)) / var(--n) * 100%);
  padding: 0.55rem 0.8rem 0.15rem; text-align: center;
}
.arrow::after { content: ""; position: absolute; bottom: -0.295rem; border: solid transparent; border-width: 0.27rem 0.55rem; }
.arrow.right::after { right: 0; border-right-width: 0; border-left-color: var(--ink); }
.arrow.left::after { left: 0; border-left-width: 0; border-right-color: var(--ink); }
.arrow .label { display: inline-block; max-width: 100%; background: var(--paper); padding: 0 0.4em; overflow-wrap: anywhere; }
.arrow b { font: 0.84rem/1.3 var(--mono); }
.arrow small { font-size: 0.82rem; color: var(--soft); padding-left: 0.2em; }
.arrow.touched { color: var(--foe); border-bottom: 2px solid var(--foe); }
.arrow.touched::after { bottom: -0.4rem; border-width: 0.33rem 0.65rem; }
.arrow.touched.right::after { border-right-width: 0; border-left-color: var(--foe); }
.arrow.touched.left::after { border-left-width: 0; border-right-color: var(--foe); }
.arrow.touched b { font-weight: 700; }
.act { display: flex; justify-content: center; padding: 0.65rem 0 0; }
.act.first { justify-content: flex-start; }
.act.last { justify-content: flex-end; }
.act > span, .box { border: 1px solid var(--ink); background: var(--paper); font-style: italic; padding: 0.15rem 0.6rem; text-align: center; }
.act > .foe, .box { border-color: var(--foe); color: var(--foe); }
.act > span, .fold span { text-wrap: balance; overflow-wrap: anywhere; }
.act > span { max-width: 66%; min-width: calc(66% / var(--n)); }
.act.first > span, .act.last > span { min-width: calc(100% / var(--n)); }
.act b { font: 0.84rem/1.3 var(--mono); }
.fold { display: flex; justify-content: center; padding: 0.75rem 0 0.1rem; }
.fold span { background: var(--paper); color: var(--soft); font-style: italic; padding: 0.2rem 0.6rem; border: 1px dotted var(--soft); border-width: 1px 0; min-width: 40%; max-width: 80%; text-align: center; }
.feet { align-items: start; font-size: 0.92rem; }
.feet > div { border-top: 3px solid var(--ink); padding: 0.3rem 0.3rem; margin: 0 0.4rem; }
.feet > .foe { border-color: var(--foe); }
.feet code { overflow-wrap: anywhere; display: block; }
.feet .notices, .seal { background: var(--ink); color: var(--paper); -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.seal { padding: 0.1rem 0.6rem; }

footer { margin-top: 4.5rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft); font-size: 0.94rem; }

@media (min-width: 50rem) {
  .summary { width: calc(100% + 4rem); margin-inline: -2rem; }
}
@media (max-width: 40rem) {
  body { font-size: 1rem; }
  main { padding: 2rem 1rem 3rem; }
  h1 { font-size: 1.8rem; }
  h2 { font-size: 1.4rem; margin-top: 3.2rem; }
  .dateline span::before { padding: 0 0.4em; }
  .lead { font-size: 1.1rem; }
  nav .columns { columns: 2; padding-left: 0.6rem; }
  .terms { grid-template-columns: 1fr; gap: 0; }
  .terms dd { margin-bottom: 0.4rem; }
  .key li { grid-template-columns: 4.2rem 1fr; gap: 0.8rem; }
  .summary, .summary thead, .summary tbody, .summary th, .summary td { display: block; padding: 0; border: 0; }
  .summary { border: solid var(--ink); border-width: 1px 0; line-height: 1.3; }
  .summary thead { border-bottom: 1px solid var(--ink); }
  .summary tr { display: grid; grid-template-columns: 5rem 1fr 4.4rem; gap: 0 0.6rem; padding: 0.4rem 0; }
  .summary tbody tr + tr { border-top: 1px solid var(--rule); }
  .summary tbody tr + tr > * { border: 0; }
  .summary tr > :first-child { grid-area: 1 / 1 / 2 / 3; }
  .summary tr > :nth-child(3) { grid-area: 1 / 3; color: var(--ink); }
  .summary td:not(:nth-child(3)) { color: var(--soft); font-size: 0.85rem; }
  .summary td:nth-child(4) { white-space: normal; }
  .control td:nth-child(2) { white-space: normal; }
  .summary .part { display: block; padding-top: 0.7rem; }
  .sequence { font-size: 0.88rem; margin-inline: -0.4rem; }
  .sequence .arrow { padding-inline: 0.5rem; }
  .arrow:not(.wide) small { display: none; }
  .ends > div { padding-inline: 0.15rem; }
  .feet > div { margin: 0 0.2rem; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --foe: #a32a18; color-scheme: light; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  .sequence, tr, .alarm, .result, dd, li { break-inside: avoid; }
  h2, h3, h4, .goal { break-after: avoid; }
  .chapter { break-before: page; }
  a { text-decoration-line: none; }
  details::details-content { content-visibility: visible; height: auto; }
}
@page { margin: 20mm; }
`;

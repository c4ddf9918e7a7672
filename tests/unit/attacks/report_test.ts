/**
 * The simulator's report: what its page holds, without a browser; scripts/report_check.ts looks at it in one.
 * @module
 */
import assert from "node:assert/strict";
import type { Attack, Played } from "../../../cli/attack_sim/attack.ts";
import { RECORD_ATTACKS } from "../../../cli/attack_sim/attacks/records.ts";
import { reportPage } from "../../../cli/attack_sim/report.ts";
import { GROUPS_MAX, partiesOf, type Row, rowsOf } from "../../../cli/attack_sim/report/rows.ts";
import { type Control, runAttack, type Verdict } from "../../../cli/attack_sim/run.ts";
import type { Step } from "../../../lib/attacks/middle.ts";

const ABOUT = { version: "0.1.0", seed: 7, elapsedMs: 1234, dateIso: "2026-11-22T23:30:00Z" };
/** All that markup could be made of, and what acts on a terminal. */
const HOSTILE = `</style><script>alert("1")</script>&amp;'\x1b[31m\u202e`;
const ESCAPED =
  "&lt;/style&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;\\x1b[31m\\u{202e}";

const NEVER: Attack["play"] = () => Promise.reject(new Error("nothing is played here"));
const ATTACK: Attack = {
  name: "tamper",
  protocol: "stx",
  by: "path",
  goal: "Another file arrives.",
  does: "Changes a byte, such as `0x00`.",
  why: "The tag is wrong.",
  promises: ["Nothing is accepted that was changed"],
  expected: { kind: "stopped", at: "server", code: "bad_record", during: "tag" },
  defences: ["record tag", "stream checksum"],
  play: NEVER,
};

const PLAYED: Played = {
  hasSucceeded: false,
  evidence: "no other file is in place",
  errors: {
    server: { code: "bad_record", message: "Cannot open record 4: its tag is wrong" },
    client: { code: "rejected", message: "The receiver refused" },
  },
  isIntact: false,
  steps: [
    passed("client", "HELLO"),
    passed("server", "WELCOME"),
    { from: "client", to: "attacker", name: "record 4", sizeBytes: 99 },
    { from: "attacker", to: "server", name: "record 4", sizeBytes: 99, note: "one byte changed" },
  ],
};

const CONTROLS: readonly Control[] = [
  { off: ["record tag"], played: PLAYED, holds: true },
  { off: ["stream checksum"], played: PLAYED, holds: true },
  {
    off: ["record tag", "stream checksum"],
    played: { ...PLAYED, hasSucceeded: true, evidence: "the file in place is another one", errors: {} },
    holds: true,
  },
];

function passed(from: "client" | "server", name: string): Step {
  return { from, to: from === "client" ? "server" : "client", name, sizeBytes: 33 };
}

function verdict(attack: Partial<Attack> = {}, more: Partial<Verdict> = {}): Verdict {
  return {
    attack: { ...ATTACK, ...attack },
    played: PLAYED,
    holds: true,
    problem: "",
    controls: CONTROLS,
    elapsedMs: 1,
    ...more,
  };
}

/** The section of the attack with an anchor. */
function sectionOf(page: string, anchor: string): string {
  const start = page.indexOf(`<article id="${anchor}"`);
  assert.notEqual(start, -1, anchor);
  return page.slice(start, page.indexOf("</article>", start));
}

/** What a reader reads, in one line. */
function textOf(markup: string): string {
  return markup.replace(/<style>.*<\/style>/s, "").replace(/<wbr>/g, "").replace(/<[^>]*>/g, " ").replace(
    /\s+/g,
    " ",
  );
}

function namesOf(rows: readonly Row[]): readonly string[] {
  return rows.map((row) =>
    row.kind === "fold" ? `(${row.text})` : row.kind === "act" ? `[${row.name}|${row.note}]` : row.name
  );
}

Deno.test("a page has a section for every attack, and every link in it leads somewhere", () => {
  const page = reportPage([
    verdict(),
    // Two names that make the same anchor, and one that makes next to none.
    verdict({ name: "hostile names" }),
    verdict({ name: "hostile-names" }),
    verdict({ name: "../" }),
    verdict({ protocol: "rounds" }),
  ], ABOUT);
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!);
  assert.equal(new Set(ids).size, ids.length);
  const links = [...page.matchAll(/ href="([^"]*)"/g)].map(([, href]) => href!);
  for (const link of links) assert.ok(link === "data:," || ids.includes(link.slice(1)), link);
  for (const [, label] of page.matchAll(/ aria-labelledby="([^"]*)"/g)) {
    assert.ok(ids.includes(label!), label);
  }
  assert.equal([...page.matchAll(/<article /g)].length, 5);
  for (const anchor of ["stx-tamper", "stx-hostile-names", "stx-hostile-names-2", "stx--", "rounds-tamper"]) {
    assert.match(sectionOf(page, anchor), /<figure class="sequence"/);
    // From the contents, the table, and the two lists at the end.
    assert.equal(links.filter((link) => link === `#${anchor}`).length, 5, anchor);
  }
});

Deno.test("whatever a name, a note or a message holds is text in the page", () => {
  const played: Played = {
    hasSucceeded: true,
    evidence: HOSTILE,
    errors: { server: { code: "bad_record", message: HOSTILE } },
    isIntact: false,
    steps: [
      { from: "client", to: "server", name: HOSTILE, sizeBytes: 1, note: HOSTILE },
      { from: "attacker", to: "attacker", name: HOSTILE, sizeBytes: 0, note: HOSTILE },
    ],
    bounds: [{ what: HOSTILE, measured: 2, most: 1 }],
  };
  const hostile = verdict(
    { name: HOSTILE, goal: HOSTILE, does: HOSTILE, why: HOSTILE, promises: [HOSTILE] },
    { played, holds: false, problem: HOSTILE, seed: { played, holds: false } },
  );
  const page = reportPage([hostile], { ...ABOUT, version: HOSTILE, dateIso: HOSTILE });
  assert.equal(page.includes("<script"), false);
  for (const control of ["\x1b", "\u202e"]) assert.equal(page.includes(control), false);
  assert.equal([...page.matchAll(/<style>/g)].length, 1);
  assert.equal([...page.matchAll(/<\/style>/g)].length, 1);
  assert.ok(page.split(ESCAPED).length > 20);
  assert.ok(page.includes(`<time datetime="${ESCAPED}">${ESCAPED}</time>`));
});

Deno.test("a page asks for nothing: no address, no script, nothing that is fetched", () => {
  const page = reportPage([verdict(), verdict({ protocol: "rounds" })], ABOUT);
  assert.doesNotMatch(page, /https?:|\/\/[a-z]|url\(|@import|<script|<img|<iframe|<object|src=| on[a-z]+="/i);
  assert.deepEqual([...page.matchAll(/<link[^>]*>/g)].map(([link]) => link), [
    '<link rel="icon" href="data:,">',
  ]);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'/);
  assert.match(page, /prefers-color-scheme: dark/);
  assert.match(page, /@media print/);
  assert.match(page, /name="viewport" content="width=device-width, initial-scale=1"/);
});

Deno.test("the same verdicts give the same page, whose date is in UTC", () => {
  assert.equal(reportPage([verdict()], ABOUT), reportPage([verdict()], ABOUT));
  const text = textOf(reportPage([verdict()], ABOUT));
  assert.match(text, /stx 0\.1\.0 seed 7 22 November 2026 1\.23 s/);
});

Deno.test("the head counts what became of the attacks and of their controls", () => {
  const survived = verdict({ name: "cut", expected: { kind: "survived" }, defences: [] }, { controls: [] });
  const bounded = verdict({ name: "flood", expected: { kind: "bounded" }, defences: [] }, { controls: [] });
  const text = textOf(reportPage([verdict(), verdict({ name: "drop" }), survived, bounded], ABOUT));
  assert.ok(text.includes("4 attacks were played against the real ends, on real connections."));
  assert.ok(text.includes("2 were stopped, 1 survived with nothing lost and 1 kept within bounds."));
  assert.ok(
    text.includes("In 2 controls the defences against an attack were off, and it succeeded; 4 times only"),
  );
  assert.equal(text.includes("FAILED"), false);
  assert.equal(text.includes("not come to what"), false);
  assert.match(text, /1\.1 tamper on the path stopped receiver, bad_record succeeds/);
  assert.match(text, /1\.3 cut on the path survived arrives intact none/);
  assert.match(text, /1\.4 flood on the path measured within bounds measured/);
});

Deno.test("a section says who noticed, what both ends said, and what came of each control", () => {
  const section = sectionOf(reportPage([verdict()], ABOUT), "stx-tamper");
  const text = textOf(section);
  assert.ok(text.includes("The receiver notices, bad_record : no other file is in place."));
  assert.ok(text.includes("Receiver, bad_record Cannot open record 4: its tag is wrong"));
  assert.ok(text.indexOf("Receiver, bad_record") < text.indexOf("Sender, rejected The receiver refused"));
  assert.match(text, /record tag Each record carries a tag/);
  assert.match(
    text,
    /record tag comes to nothing receiver, bad_record stream checksum comes to nothing receiver, bad_record/,
  );
  assert.match(text, /both succeeds the file in place is another one/);
  assert.match(section, /Changes a byte, such as <code>0x00<\/code>\./);
  // At the foot of the diagram, on the line of the end that noticed and of no other.
  assert.match(
    section,
    /<div class="notices"><span class="unseen">Receiver: <\/span>notices <code>bad_<wbr>record/,
  );
  assert.match(section, /<div class=""><span class="unseen">Sender: <\/span>ends with <code>rejected/);
  assert.match(section, /<div class="foe"><span class="unseen">Attacker: <\/span>does not get what it wants/);
});

Deno.test("what an end met is not its end where the attack was survived", () => {
  const played: Played = { ...PLAYED, isIntact: true };
  const survived = verdict({ by: "line", expected: { kind: "survived" } }, { played });
  const text = textOf(sectionOf(reportPage([survived], ABOUT), "stx-tamper"));
  assert.match(text, /Sender: meets rejected Line: nothing is lost Receiver: meets bad_record/);
  assert.match(text, /What must not happen: Another file arrives\./);
});

Deno.test("what was measured stands beside what it may be, and too much of it is marked", () => {
  const bounds = [
    { what: "connections held at once", measured: 256, most: 256 },
    { what: "seconds until one is ended", measured: 10_000.5, most: 11 },
  ];
  const bounded = verdict({ by: "stranger", expected: { kind: "bounded" }, defences: [] }, {
    played: { ...PLAYED, bounds },
    controls: [],
  });
  const section = sectionOf(reportPage([bounded], ABOUT), "stx-tamper");
  assert.match(section, /connections held at once<\/th><td>256<\/td><td>256<\/td>/);
  assert.match(section, /is ended<\/th><td><strong class="loud">10,000\.5<\/strong><\/td><td>11<\/td>/);
  assert.doesNotMatch(section, /The control/);
});

Deno.test("an attack that did not come to what it must is shown at the top, in the table and in its section", () => {
  const failed = verdict({ name: "drop" }, { holds: false, problem: "Expected bad_record at the server" });
  const page = reportPage([verdict(), failed], ABOUT);
  const text = textOf(page);
  assert.match(text, /1 attack has not come to what it must\. .* drop : Expected bad_record at the server\./);
  assert.match(text, /1\.2 drop on the path FAILED receiver, bad_record succeeds/);
  assert.match(text, /1 was stopped and 1 none of these\./);
  const section = textOf(sectionOf(page, "stx-drop"));
  assert.match(section, /This has not come to what it must\. Expected bad_record at the server\./);
  assert.match(section, /On the path FAILED No other file is in place\./);
  assert.equal(textOf(sectionOf(page, "stx-tamper")).includes("This has not come"), false);
});

Deno.test("a control that proves nothing is shown as loudly", () => {
  const whole = CONTROLS[2]!;
  const controls = [...CONTROLS.slice(0, 2), { ...whole, played: PLAYED, holds: false }];
  const page = reportPage([verdict({}, { controls })], ABOUT);
  assert.match(
    textOf(page),
    /1 attack has not come to what it must\. .* tamper : The control proves nothing/,
  );
  assert.match(textOf(page), /1\.1 tamper on the path stopped receiver, bad_record FAILED/);
  assert.match(textOf(sectionOf(page, "stx-tamper")), /both comes to nothing FAILED receiver, bad_record/);
});

Deno.test("many smaller sets are there on demand, and stand open where one of them succeeded", () => {
  const defences = ["record tag", "stream checksum", "record sequence"] as const;
  const smaller = [...defences.map((name) => [name]), ["record tag", "record sequence"] as const];
  const controls: readonly Control[] = [
    ...smaller.map((off) => ({ off, played: PLAYED, holds: true })),
    { ...CONTROLS[2]!, off: defences },
  ];
  const section = sectionOf(reportPage([verdict({ defences }, { controls })], ABOUT), "stx-tamper");
  assert.match(
    section,
    /<details>\s*<summary>With fewer of them off, 4 sets: it comes to nothing<\/summary>/,
  );
  assert.match(textOf(section), /all 3 succeeds the file in place is another one/);
  assert.match(textOf(section), /record tag and record sequence comes to nothing/);
  const broken = controls.map((control, i) =>
    i === 0 ? { ...control, ...CONTROLS[2], off: control.off } : control
  );
  const wrong = [{ ...broken[0]!, holds: false }, ...broken.slice(1)];
  const open = sectionOf(reportPage([verdict({ defences }, { controls: wrong })], ABOUT), "stx-tamper");
  assert.match(open, /<details open>\s*<summary>With fewer of them off, 4 sets<\/summary>/);
  assert.match(textOf(open), /record tag succeeds FAILED the file in place is another one/);
});

Deno.test("what becomes of the first design is said, and marked where it is not as it must be", () => {
  const seed = {
    played: { ...PLAYED, hasSucceeded: true, evidence: "the file is another one" },
    holds: true,
  };
  const text = (more: Partial<Verdict>) =>
    textOf(sectionOf(reportPage([verdict({}, more)], ABOUT), "stx-tamper"));
  assert.match(
    text({ seed }),
    /first design, followed to the letter, it succeeds \. The file is another one\./,
  );
  assert.match(
    text({ seed: { played: PLAYED, holds: true } }),
    /it comes to nothing as well \. No other file/,
  );
  assert.match(text({ seed: { ...seed, holds: false } }), /it succeeds FAILED \./);
  assert.doesNotMatch(text({}), /first design/);
});

Deno.test("the end of the page lists promises and defences, each with the attacks that try it", () => {
  const page = reportPage([verdict(), verdict({ name: "drop", defences: ["record tag"] })], ABOUT);
  const text = textOf(page.slice(page.indexOf('<h2 id="promises"')));
  assert.match(text, /Nothing is accepted that was changed tamper and drop/);
  assert.match(
    text,
    /record tag TrafficKeys\.importKey in lib\/records\/traffic_keys\.ts against tamper and drop/,
  );
  assert.match(text, /stream checksum IncomingStream\.checkChecksum in lib\S+ against tamper /);
});

Deno.test("who attacks as one of the ends has that end's line, and nobody stands between", () => {
  const steps = [passed("client", "HELLO"), passed("server", "WELCOME")];
  const heads = (attack: Partial<Attack>): readonly string[] => {
    const page = reportPage([verdict(attack, { played: { ...PLAYED, steps } })], ABOUT);
    const section = sectionOf(page, `${attack.protocol ?? "stx"}-tamper`);
    const [, ends] = /<div class="ends" aria-hidden="true">(.*?)<div class="life">/s.exec(section)!;
    const touched = [...section.matchAll(/<li class="arrow (\w+)[^"]*touched"/g)].map(([, way]) => way!);
    return [textOf(ends!).trim(), ...touched];
  };
  assert.deepEqual(heads({ by: "sender" }), ["sender the attacker receiver", "right"]);
  assert.deepEqual(heads({ by: "stranger" }), ["sender the attacker receiver", "right"]);
  assert.deepEqual(heads({ by: "receiver" }), ["sender receiver the attacker", "left"]);
  assert.deepEqual(heads({ by: "path", plays: "server" }), ["sender receiver the attacker", "left"]);
  assert.deepEqual(heads({ by: "thief" }), ["sender attacker a later thief receiver"]);
  assert.deepEqual(heads({ by: "line" }), ["sender line receiver"]);
  assert.deepEqual(heads({ by: "path", protocol: "rounds" }), ["client attacker on the path server"]);
});

Deno.test("a play in which nothing passed has no diagram", () => {
  const page = reportPage([verdict({}, { played: { ...PLAYED, steps: [] } })], ABOUT);
  assert.doesNotMatch(sectionOf(page, "stx-tamper"), /<figure/);
  assert.match(sectionOf(page, "stx-tamper"), /Nothing passed on the line/);
});

Deno.test("rows: a change is three of them, and what goes on as it came is one", () => {
  const rows = rowsOf([
    passed("client", "HELLO"),
    { from: "server", to: "attacker", name: "record 1", sizeBytes: 5 },
    { from: "attacker", to: "client", name: "record 1", sizeBytes: 5, note: "changed" },
    // Let go on, and then something of the attacker's own.
    { from: "client", to: "attacker", name: "record 2", sizeBytes: 5 },
    { from: "attacker", to: "server", name: "record 2", sizeBytes: 5 },
    { from: "attacker", to: "server", name: "record 2", sizeBytes: 5, note: "once more" },
  ]);
  assert.deepEqual(rows, [
    { kind: "arrow", from: "client", to: "server", name: "HELLO", sizeBytes: 33 },
    { kind: "arrow", from: "server", to: "attacker", name: "record 1", sizeBytes: 5 },
    { kind: "act", at: "attacker", name: "", note: "changed" },
    { kind: "arrow", from: "attacker", to: "client", name: "record 1", sizeBytes: 5 },
    { kind: "arrow", from: "client", to: "server", name: "record 2", sizeBytes: 5 },
    { kind: "act", at: "attacker", name: "", note: "once more" },
    { kind: "arrow", from: "attacker", to: "server", name: "record 2", sizeBytes: 5 },
  ]);
  assert.deepEqual(partiesOf(rows), ["client", "attacker", "server"]);
  assert.deepEqual(partiesOf(rows.slice(0, 1)), ["client", "server"]);
});

Deno.test("rows: what goes on under another name, or in another size, was not let go by", () => {
  for (const change of [{ name: "record 3" }, { sizeBytes: 6 }, { to: "client" as const }]) {
    const rows = rowsOf([
      { from: "client", to: "attacker", name: "record 2", sizeBytes: 5 },
      { from: "attacker", to: "server", name: "record 2", sizeBytes: 5, ...change },
    ]);
    assert.equal(rows.length, 2);
  }
});

Deno.test("rows: what the attacker keeps, cuts and ends", () => {
  const rows = rowsOf([
    { from: "client", to: "attacker", name: "record 2", sizeBytes: 5 },
    { from: "attacker", to: "attacker", name: "record 2", sizeBytes: 0, note: "kept" },
    { from: "attacker", to: "attacker", name: "record 1", sizeBytes: 0, note: "thrown away" },
    // Its own end, and one that it lets happen.
    { from: "attacker", to: "server", name: "end", sizeBytes: 0, note: "as if it were over" },
    { from: "attacker", to: "client", name: "end", sizeBytes: 0, note: "" },
    { from: "attacker", to: "attacker", name: "cut", sizeBytes: 0, note: "" },
  ]);
  assert.deepEqual(rows, [
    { kind: "arrow", from: "client", to: "attacker", name: "record 2", sizeBytes: 5 },
    { kind: "act", at: "attacker", name: "", note: "kept" },
    { kind: "act", at: "attacker", name: "record 1", note: "thrown away" },
    { kind: "act", at: "attacker", name: "", note: "as if it were over" },
    { kind: "arrow", from: "attacker", to: "server", name: "end", sizeBytes: 0 },
    { kind: "arrow", from: "server", to: "client", name: "end", sizeBytes: 0 },
    { kind: "act", at: "attacker", name: "cut", note: "" },
  ]);
  const played: Played = {
    ...PLAYED,
    steps: [
      { from: "attacker", to: "server", name: "end", sizeBytes: 0 },
      { from: "attacker", to: "attacker", name: "cut", sizeBytes: 0 },
      { from: "attacker", to: "attacker", name: "record 1", sizeBytes: 0, note: "thrown away" },
    ],
  };
  const text = textOf(sectionOf(reportPage([verdict({}, { played })], ABOUT), "stx-tamper"));
  assert.match(text, /end of the stream Attacker: the connection is cut Attacker: record 1 : thrown away/);
});

Deno.test("rows: of several that are treated alike, the first says how", () => {
  const repeated = (name: string): Step => ({
    from: "attacker",
    to: "server",
    name,
    sizeBytes: 1,
    note: "again",
  });
  assert.deepEqual(
    namesOf(rowsOf([repeated("HELLO"), repeated("VERIFY"), { ...repeated("x"), note: "other" }])),
    [
      "[|again]",
      "HELLO",
      "VERIFY",
      "[|other]",
      "x",
    ],
  );
});

Deno.test("rows: a long play is folded but for what is around the attacker's doings and the very end", () => {
  const steps: Step[] = [
    passed("client", "HELLO"),
    passed("server", "WELCOME"),
    ...Array.from({ length: 300 }, (_, i) => passed("client", `record ${i}`)),
    { from: "client", to: "attacker", name: "record 300", sizeBytes: 33 },
    { from: "attacker", to: "server", name: "record 300", sizeBytes: 33, note: "changed" },
    ...Array.from({ length: 300 }, (_, i) => passed("client", `record ${i + 301}`)),
    passed("server", "ALERT"),
  ];
  assert.deepEqual(namesOf(rowsOf(steps)), [
    "(HELLO, WELCOME, 297\u00a0records)",
    "record 297",
    "record 298",
    "record 299",
    "record 300",
    "[|changed]",
    "record 300",
    "record 301",
    "record 302",
    "record 303",
    "(297 more\u00a0records)",
    "ALERT",
  ]);
});

Deno.test("rows: nothing is folded that fits, and one row alone is not folded", () => {
  const fits = Array.from({ length: GROUPS_MAX }, (_, i) => passed("client", `record ${i}`));
  assert.equal(rowsOf(fits).length, GROUPS_MAX);
  const touched: Step = { from: "attacker", to: "server", name: "x", sizeBytes: 1, note: "own" };
  // Between the second and the third doing there is one more than their surroundings.
  const steps = [
    ...Array.from({ length: 20 }, (_, i) => passed("client", `record ${i}`)),
    touched,
    ...Array.from({ length: 7 }, (_, i) => passed("client", `record ${i + 20}`)),
    touched,
  ];
  assert.deepEqual(namesOf(rowsOf(steps)).filter((name) => name.startsWith("(")), ["(17\u00a0records)"]);
});

Deno.test("rows: where the attacker touches nothing, the beginning stays", () => {
  const steps = [
    ...["HELLO", "WELCOME", "VERIFY", "READY"].map((name) => passed("client", name)),
    ...Array.from({ length: 30 }, (_, i) => passed("client", `record ${i}`)),
  ];
  const names = namesOf(rowsOf(steps));
  assert.deepEqual(names.slice(0, 4), ["HELLO", "WELCOME", "VERIFY", "READY"]);
  assert.deepEqual(names.slice(-2), ["(25 more\u00a0records)", "record 29"]);
});

Deno.test("rows: an attacker that does the same thousands of times is shown some of it", () => {
  const steps = Array.from({ length: 5000 }, (_, i): Step => ({
    from: "attacker",
    to: "server",
    name: `half of HELLO ${i}`,
    sizeBytes: i,
    note: `on connection ${i}`,
  }));
  const rows = rowsOf(steps);
  assert.ok(rows.filter((row) => row.kind === "arrow").length <= GROUPS_MAX);
  assert.deepEqual(rows.filter((row) => row.kind === "fold"), [{
    kind: "fold",
    text: "4,993 more like these",
  }]);
  assert.deepEqual(namesOf(rows).at(-1), "half of HELLO 4999");
});

Deno.test("rows: what is folded is named, if its names are few", () => {
  const fold = (names: readonly string[]): string | undefined => {
    const touched: Step = { from: "attacker", to: "server", name: "x", sizeBytes: 1, note: "own" };
    const around = Array.from({ length: 3 }, (_, i) => passed("client", `record ${i}`));
    const filling = Array.from({ length: GROUPS_MAX }, () => passed("client", "DATA"));
    const steps = [...names.map((name) => passed("client", name)), ...around, touched, ...around, ...filling];
    return namesOf(rowsOf(steps))[0];
  };
  assert.equal(fold(["HELLO", "DATA", "DATA", "CLOSE"]), "(HELLO, 2 DATA, CLOSE)");
  assert.equal(fold(["HELLO", "record 7"]), "(HELLO, one record)");
  assert.equal(fold(["a", "b", "c", "d", "e", "f"]), "(6 messages)");
});

Deno.test("a real attack's page shows the error that stopped it and the step that caused it", async () => {
  const attack = RECORD_ATTACKS.find(({ name }) => name === "tamper")!;
  const real = await runAttack(attack, 1);
  const text = textOf(sectionOf(reportPage([real], ABOUT), "stx-tamper"));
  assert.ok(text.includes(real.played.errors.server!.message));
  assert.ok(text.includes(real.played.steps.find(({ note }) => note !== undefined)!.note!));
  assert.match(text, /Receiver: notices bad_record/);
});

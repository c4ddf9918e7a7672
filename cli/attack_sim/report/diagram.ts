/**
 * Draws the sequence diagram of a play: lines for the two ends and the attacker, arrows between them from the top,
 * boxes for what the attacker does, and at the foot what became of each.
 *
 * It is made of elements and borders rather than of a picture: its texts wrap on a phone, can be selected, and are read
 * out in order.
 * @module
 */
import type { End } from "../../../lib/attacks/wire.ts";
import type { Attack, Played, Role } from "../attack.ts";
import { type Markup, markup, type Piece } from "./markup.ts";
import { partiesOf, type Party, type Row, rowsOf } from "./rows.ts";
import { capital, codeOf, END_NAMES, listed, number, ROLES } from "./words.ts";

/** Draws what passed when the attack was played. */
export function diagram(attack: Attack, played: Played): Markup {
  const rows = rowsOf(played.steps);
  if (rows.length === 0) return markup`<p class="aside">Nothing passed on the line that could be drawn.</p>`;
  const parties = linesFor(attack, played, partiesOf(rows));
  return markup`<figure class="sequence" style="--n:${parties.length}" aria-label="${
    labelOf(attack, parties)
  }">
<div class="ends" aria-hidden="true">${parties.map((party) => headOf(attack, parties, party))}</div>
<div class="life">
<div class="lines" aria-hidden="true">${parties.map((party) => lineOf(attack, parties, party))}</div>
<ol>
${rows.map((row) => rowOf(attack, parties, row))}</ol>
</div>
<div class="ends feet">${parties.map((party) => footOf(attack, played, parties, party))}</div>
</figure>`;
}

function labelOf(attack: Attack, parties: readonly Party[]): Markup {
  return markup`What passed between ${listed(parties.map((party) => nameOf(attack, party)))}, in order`;
}

/** Who has a line though nothing of theirs was seen to pass: an end that failed, and whoever listens between the two. */
function linesFor(
  { by, plays, expected }: Attack,
  { errors }: Played,
  seen: readonly Party[],
): readonly Party[] {
  const isEnd = (party: Party): boolean =>
    party !== "attacker" &&
    (errors[party] !== undefined || (expected.kind === "stopped" && expected.at === party));
  const listens = plays === undefined && (by === "path" || by === "line" || by === "thief");
  return (["client", "attacker", "server"] as const).filter((party) =>
    seen.includes(party) || isEnd(party) || (listens && party === "attacker")
  );
}

/** The end that an attacker plays who does not stand between the two. */
const PLAYED: Readonly<Partial<Record<Role, End>>> = {
  sender: "client",
  stranger: "client",
  receiver: "server",
};

/** Whether somebody in the diagram is who attacks. */
function isAttacker({ by, plays }: Attack, parties: readonly Party[], party: Party): boolean {
  return party === (parties.includes("attacker") ? "attacker" : plays ?? PLAYED[by]);
}

function nameOf({ protocol, by }: Attack, party: Party): string {
  if (party !== "attacker") return END_NAMES[protocol][party];
  return by === "line" ? "line" : "attacker";
}

/** The class of whatever belongs to who attacks. */
function classOf(attack: Attack, parties: readonly Party[], party: Party): string {
  return isAttacker(attack, parties, party) ? "foe" : "";
}

function headOf(attack: Attack, parties: readonly Party[], party: Party): Markup {
  const name = markup`<b>${nameOf(attack, party)}</b>`;
  return markup`<div class="${classOf(attack, parties, party)}">${name} ${markup`<span>${
    roleOf(attack, parties, party)
  }</span>`}</div>`;
}

/** What stands below a name, where that does not say everything. */
function roleOf(attack: Attack, parties: readonly Party[], party: Party): string {
  if (!isAttacker(attack, parties, party) || attack.by === "line") return "";
  return party === "attacker" ? ROLES[attack.by].name : "the attacker";
}

function lineOf(attack: Attack, parties: readonly Party[], party: Party): Markup {
  return markup`<i class="${classOf(attack, parties, party)}"></i>`;
}

function rowOf(attack: Attack, parties: readonly Party[], row: Row): Markup {
  switch (row.kind) {
    case "arrow":
      return arrow(attack, parties, row);
    case "act": {
      const at = parties.indexOf(row.at);
      const place = at === 0 ? "first" : at === parties.length - 1 ? "last" : "between";
      const who = unseen(`${capital(nameOf(attack, row.at))}: `);
      return markup`<li class="act ${place}"><span class="${classOf(attack, parties, row.at)}">${who}${
        actText(row)
      }</span></li>
`;
    }
    case "fold":
      return markup`<li class="fold"><span>${row.text}</span></li>
`;
  }
}

function arrow(attack: Attack, parties: readonly Party[], row: Row & { kind: "arrow" }): Markup {
  const [from, to] = [parties.indexOf(row.from), parties.indexOf(row.to)];
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const classes = ["arrow", from < to ? "right" : "left"];
  if ((right - left) / parties.length >= 0.5) classes.push("wide");
  if (isAttacker(attack, parties, row.from)) classes.push("touched");
  const who = unseen(`${capital(nameOf(attack, row.from))} to ${nameOf(attack, row.to)}: `);
  const size = row.sizeBytes === 0 ? "" : markup` <small>${number(row.sizeBytes)} B</small>`;
  return markup`<li class="${
    classes.join(" ")
  }" style="--a:${left};--b:${right}">${who}${markup`<span class="label"><b>${
    arrowName(row)
  }</b>${size}</span>`}</li>
`;
}

/** For whoever has the page read out. */
function unseen(text: string): Markup {
  return markup`<span class="unseen">${text}</span>`;
}

/** A finished direction is no message and has no size. */
function arrowName({ name, sizeBytes }: Row & { kind: "arrow" }): string {
  return name === "end" && sizeBytes === 0 ? "end of the stream" : name;
}

function actText({ name, note }: Row & { kind: "act" }): Piece {
  if (name === "") return note;
  if (name === "cut") return note === "" ? "the connection is cut" : note;
  return markup`<b>${name}</b>${note === "" ? "" : markup`: ${note}`}`;
}

function footOf(attack: Attack, played: Played, parties: readonly Party[], party: Party): Markup {
  const who = unseen(`${capital(nameOf(attack, party))}: `);
  const isNoticing = attack.expected.kind === "stopped" && attack.expected.at === party;
  const error = party === "attacker" ? undefined : played.errors[party];
  // What is survived was not the end.
  const isLast = attack.expected.kind === "stopped" || !played.isIntact;
  const style = isNoticing && error !== undefined ? "notices" : classOf(attack, parties, party);
  const text = party === "attacker"
    ? attackerOutcome(attack, played)
    : error === undefined
    ? "no error"
    : markup`${isNoticing ? "notices" : isLast ? "ends with" : "meets"} ${codeOf(error.code)}`;
  return markup`<div class="${style}">${who}${text}</div>`;
}

function attackerOutcome({ by, expected }: Attack, played: Played): string {
  if (by === "line") return played.isIntact ? "nothing is lost" : "something is lost";
  if (played.hasSucceeded) return "gets what it wants";
  return expected.kind === "bounded" ? "gets no more than its bounds" : "does not get what it wants";
}

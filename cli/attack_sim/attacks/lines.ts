/**
 * What lines do, and what somebody who looks like a bad line can do: a transfer has to arrive all the same.
 * @module
 */
import type { Seeded } from "../../../lib/attacks/seeded.ts";
import { cut, forgeAlert, noise } from "../../../lib/attacks/transforms/lines.ts";
import { isBlock } from "../../../lib/attacks/transforms/targets.ts";
import { NOBODY } from "../../../lib/attacks/wire.ts";
import { UNTRUSTED_ALERTS_MAX } from "../../../lib/limits.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { sendUntilItArrives } from "../retrying.ts";
import { type StxWorld, withStxWorld } from "../stx_world.ts";

type OnPath = NonNullable<Attack["onPath"]>;

const onNoise: OnPath = (seeded) => () => noise(seeded);
/** Client units up to the last whole block of five blocks: HELLO, VERIFY, OFFER, MANIFEST, START, four blocks. */
const UNITS_BEFORE_END = 9;
const CUTS_MAX = 3;
const onCut: OnPath = (seeded) => {
  const cutCount = 1 + seeded.below(CUTS_MAX);
  return (connection) =>
    connection < cutCount ? cut(seeded, seeded.below(UNITS_BEFORE_END), () => true) : NOBODY;
};
const onCutAlways: OnPath = (seeded: Seeded) => () => cut(seeded, 1 + seeded.below(2), isBlock);
const onForgedAlert: OnPath = () => (connection) => connection < UNTRUSTED_ALERTS_MAX ? forgeAlert() : NOBODY;

/** One connection, which has to do. */
async function playOnce(stage: Stage, onPath: OnPath): Promise<Played> {
  return await withStxWorld(stage, { attacker: onPath(stage.seeded) }, async (world) => {
    await world.send();
    await world.settle();
    return judge(world, "over this connection");
  });
}

/** As many connections as the sender has patience for. */
async function playPatiently(stage: Stage, onPath: OnPath): Promise<Played> {
  return await withStxWorld(stage, { attacker: onPath(stage.seeded) }, async (world) => {
    await sendUntilItArrives(world, stage);
    return judge(world, "and the sender has given up");
  });
}

function judge(world: StxWorld, when: string): Played {
  return world.played(
    !world.isIntact,
    world.isIntact ? "the file is in place as it was sent" : `the file has not arrived ${when}`,
  );
}

const EXACTLY = "A file in place is exactly the sender's, all of a transfer or nothing";

/** See the module's text. */
export const LINE_ATTACKS: readonly Attack[] = [
  {
    name: "line-noise",
    protocol: "stx",
    by: "line",
    goal: "A damaged record ends the transfer.",
    does: "Damages one to four bytes of every third block or so, and leaves the CRCs as they were.",
    why:
      "A record whose CRC-32 does not fit is damaged and nothing worse, since an attacker would have made it fit. It is " +
      "asked for again, and sent again as it was.",
    promises: ["Noise is no attack, and an attack is no noise"],
    expected: { kind: "survived" },
    defences: ["noise repair"],
    onPath: onNoise,
    play: (stage) => playOnce(stage, onNoise),
  },
  {
    name: "cut",
    protocol: "stx",
    by: "line",
    goal: "A cut ends the transfer.",
    does: "Cuts up to three connections anywhere, in the handshake as well as in the middle of a block.",
    why: "A cut is nobody's decision. The sender connects again, for as long as its user has patience.",
    promises: [EXACTLY],
    expected: { kind: "survived" },
    defences: ["retry after a cut"],
    onPath: onCut,
    play: (stage) => playPatiently(stage, onCut),
  },
  {
    name: "cut-and-resume",
    protocol: "stx",
    by: "line",
    goal: "A line that never holds for long keeps the transfer from ever being finished.",
    does: "Cuts every single connection after one or two blocks, for ever.",
    why:
      "What has arrived is kept and made durable. The next connection begins behind it, so that each brings the file a " +
      "little further.",
    promises: [EXACTLY],
    expected: { kind: "survived" },
    defences: ["resume where it was"],
    onPath: onCutAlways,
    play: (stage) => playPatiently(stage, onCutAlways),
  },
  {
    name: "forged-alert",
    protocol: "stx",
    by: "path",
    goal: "An alert of the attacker's own ends the transfer.",
    does: "Answers the first three HELLOs itself, by an alert in clear that says that the handshake failed.",
    why:
      "Before the keys are agreed on, anybody can write an alert. So none of them is final: the sender tries again, up " +
      "to three times in a run, for whoever goes on like that owns the line anyway.",
    promises: ["Whoever forges alerts ends no transfer alone"],
    expected: { kind: "survived" },
    defences: ["retry after a disturbance"],
    onPath: onForgedAlert,
    play: (stage) => playPatiently(stage, onForgedAlert),
  },
];

/**
 * Attacks on the records of an open session of STX/1.
 * @module
 */
import { tamper } from "../../../lib/attacks/transforms/tamper.ts";
import type { Attacker } from "../../../lib/attacks/wire.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { withStxWorld } from "../stx_world.ts";

/** One transfer with an attacker on the path, who wants another file in place than the one that was sent. */
async function playForgery(stage: Stage, attacker: (connection: number) => Attacker): Promise<Played> {
  return await withStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.settle();
    return world.played(
      world.isForged,
      world.isForged ? "the file in place is not the one that was sent" : "no other file is in place",
    );
  });
}

/** See the module's text. */
export const RECORD_ATTACKS: readonly Attack[] = [
  {
    name: "tamper",
    protocol: "stx",
    by: "path",
    goal: "A file arrives that differs from the one that was sent.",
    does:
      "Changes one byte of a block on its way and makes the record's CRC-32 right again, which needs no key.",
    why:
      "The CRC is there for noise alone. Each record also ends in a tag that only somebody with the session's key can " +
      "make, so the receiver opens nothing of it.",
    promises: ["Nothing is accepted that was changed", "Noise is no attack, and an attack is no noise"],
    expected: { kind: "stopped", at: "server", code: "bad_record", during: "record" },
    defences: ["record tag", "stream checksum"],
    onPath: (seeded) => () => tamper(seeded),
    play: (stage) => playForgery(stage, () => tamper(stage.seeded)),
  },
];

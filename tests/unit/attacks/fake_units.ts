/** Units as an attacker on the path sees them, without ends. */
import type { Seeded } from "../../../lib/attacks/seeded.ts";
import { writeRecord } from "../../../lib/attacks/stx_units.ts";
import type { Attacker, End, Move, Unit } from "../../../lib/attacks/wire.ts";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { BLOCK_SIZE_MIN } from "../../../lib/limits.ts";

/** A record that nobody has sealed. */
export function record(from: End, number: number, sealed: Bytes): Unit {
  const bytes = writeRecord({ sequence: number, sealed });
  return { from, kind: "record", name: `record ${number}`, number, bytes };
}

/** The client's record of a whole block. */
export function block(seeded: Seeded, number: number): Unit {
  return record("client", number, seeded.bytes(BLOCK_SIZE_MIN + 32));
}

/** A handshake frame. */
export function frame(from: End, name: string): Unit {
  return { from, kind: "frame", name, number: 0, bytes: Uint8Array.of(2, 0, 0, 1, 9) };
}

/** What an attacker does with units one after the other. */
export function movesFor(attacker: Attacker, units: readonly Unit[]): readonly Move[] {
  return units.flatMap((unit) => attacker.take(unit));
}

/** What goes on to an end. */
export function sentTo(end: End, moves: readonly Move[]): readonly Bytes[] {
  return moves.flatMap((move) => move.kind === "send" && move.to === end ? [move.bytes] : []);
}

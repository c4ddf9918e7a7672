/**
 * How an attacker without keys tells packets of the rounds protocol apart: by what their headers say in the clear.
 * @module
 */
import { packetOffsets } from "../rounds_units.ts";
import type { Unit } from "../wire.ts";

/** The session's round that a packet says it belongs to. */
export function roundOf({ bytes }: Unit): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(packetOffsets(bytes).roundAt);
}

/** Says whether a unit is a packet of this kind and round. */
export function isPacket(unit: Unit, name: "DATA" | "AGGREGATE" | "CLOSE", round: number): boolean {
  return unit.name === name && roundOf(unit) === round;
}

/**
 * How an attacker without keys tells what passes: by its direction, its place and its size.
 * @module
 */
import { BLOCK_SIZE_MIN } from "../../limits.ts";
import type { Unit } from "../wire.ts";

/** Whether this is a record of the sender's that carries a whole block of files. */
export function isBlock(unit: Unit): boolean {
  return unit.kind === "record" && unit.from === "client" && unit.bytes.length > BLOCK_SIZE_MIN;
}

/**
 * Listening: everything goes on as it came, and is kept.
 * @module
 */
import { type Attacker, pass, type Unit } from "../wire.ts";

/** Keeps every unit in `into`. */
export function listen(into: Unit[] = []): Attacker {
  return {
    take(unit) {
      into.push(unit);
      return [pass(unit)];
    },
  };
}

/**
 * Keys are exchanged without being known: the X25519 halves of both ends' shares become the attacker's.
 * @module
 */
import { CLIENT_SHARE_SIZE, SERVER_SHARE_SIZE } from "../../limits.ts";
import { FRAME_HEADER_SIZE } from "../../wire/frame.ts";
import type { Seeded } from "../seeded.ts";
import { type Attacker, pass, replace } from "../wire.ts";

const KEY_SIZE = 32;
/** Where the X25519 key ends: in HELLO behind magic, version, time and nonce, in WELCOME behind time and nonce. */
const KEY_ENDS: Readonly<Record<string, number>> = {
  HELLO: FRAME_HEADER_SIZE + 4 + 8 + 32 + CLIENT_SHARE_SIZE,
  WELCOME: FRAME_HEADER_SIZE + 8 + 32 + SERVER_SHARE_SIZE,
};

/** Puts other X25519 keys in place of both ends'. */
export function replaceShares(seeded: Seeded): Attacker {
  return {
    take(unit) {
      const end = KEY_ENDS[unit.name];
      if (end === undefined || unit.bytes.length < end) return [pass(unit)];
      const bytes = unit.bytes.slice();
      bytes.set(seeded.bytes(KEY_SIZE), end - KEY_SIZE);
      return [replace(unit, bytes, "another X25519 key in place of the one that was sent")];
    },
  };
}

/**
 * Whom the ends of a world trust: by the same lists, and the same code, as `stx recv` and `stx send` have them.
 * @module
 */
import type { Off } from "../../lib/attacks/defences.ts";
import {
  checkReceiverWeakly,
  makeWeakRevokedKeys,
  makeWeakRotations,
  matchesPinWeakly,
} from "../../lib/attacks/weak/handshake_trust.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { StxError } from "../../lib/errors.ts";
import type { ClientOptions } from "../../lib/handshake/client.ts";
import type { ServerOptions } from "../../lib/handshake/server.ts";
import type { AuthorizedKey } from "../../lib/identity/authorized_keys.ts";
import { formatReceiverLine, parseKnownReceivers } from "../../lib/identity/known_receivers.ts";
import { parsePeer } from "../../lib/identity/peer_pin.ts";
import { fingerprint } from "../../lib/identity/public_key.ts";
import { parseRevokedKeys } from "../../lib/identity/revoked_keys.ts";
import { MemoryRotationStore } from "../../lib/store/memory_rotation_store.ts";
import { SenderTrust } from "../sender_trust.ts";
import { Output } from "../terminal.ts";

/** Where everything in a world is. */
const HOST = "127.0.0.1";
const PORT = 7300;

/** A receiver's `authorize`, by lists of authorized and of revoked keys. */
export function authorizeBy(
  off: Off,
  keys: readonly AuthorizedKey[],
  revokedText = "",
): ServerOptions["authorize"] {
  const revoked = makeWeakRevokedKeys(off, parseRevokedKeys(revokedText).entries);
  const trust = new SenderTrust({
    readKeys: () => keys,
    readRevoked: () => revoked,
    rotations: makeWeakRotations(off, new MemoryRotationStore()),
    output: new Output({
      command: "attack-sim",
      json: false,
      quiet: true,
      verbose: false,
      colour: false,
      exit: () => {
        throw new Error("Nothing is printed here");
      },
    }),
  });
  return (key, _intent, authMode) => trust.check(key, HOST, authMode);
}

/** A sender's `checkServer`, by a list of known receivers in which one has this key. */
export function checkKnown(off: Off, remembered: Bytes): ClientOptions["checkServer"] {
  const entries = parseKnownReceivers(formatReceiverLine(HOST, PORT, remembered));
  return (key) => {
    const verdict = checkReceiverWeakly(off, entries, HOST, PORT, key);
    if (verdict === "known") return;
    throw new StxError("receiver_changed", `The receiver's key ${fingerprint(key)} is ${verdict}`);
  };
}

/** A sender's `checkServer`, by the fingerprint that stands behind `--peer`. */
export function checkNamed(off: Off, meant: Bytes): ClientOptions["checkServer"] {
  const pin = parsePeer(fingerprint(meant))!;
  return (key) => {
    if (matchesPinWeakly(off, pin, key)) return;
    throw new StxError("receiver_changed", `The receiver has the key ${fingerprint(key)}, not the named one`);
  };
}

/**
 * Trust with some of its defences switched off: the same code, but for the functions and methods that are the defences.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import { checkReceiver, type ReceiverEntry, type ReceiverVerdict } from "../../identity/known_receivers.ts";
import { matchesPin, type PeerPin } from "../../identity/peer_pin.ts";
import { type RevokedKey, RevokedKeys } from "../../identity/revoked_keys.ts";
import { type SenderLists, SenderRotations, type SenderVerdict } from "../../identity/sender_rotations.ts";
import type { RotationStore } from "../../ports.ts";
import type { Off } from "../defences.ts";

/** What the list of known receivers says, without some defences. */
export function checkReceiverWeakly(
  off: Off,
  entries: readonly ReceiverEntry[],
  host: string,
  port: number,
  publicKey: Bytes,
): ReceiverVerdict {
  return off.has("receiver pin") ? "known" : checkReceiver(entries, host, port, publicKey);
}

/** Whether a receiver is the one that was named, without some defences. */
export function matchesPinWeakly(off: Off, pin: PeerPin, publicKey: Bytes): boolean {
  return off.has("named receiver") || matchesPin(pin, publicKey);
}

/** A list of revoked keys without some defences. */
export function makeWeakRevokedKeys(off: Off, entries: readonly RevokedKey[]): RevokedKeys {
  class WeakRevokedKeys extends RevokedKeys {
    override hasFingerprint(text: string): boolean {
      return !off.has("revoked keys") && super.hasFingerprint(text);
    }
  }
  return new WeakRevokedKeys(entries);
}

/** What a receiver makes of its senders, without some defences. */
export function makeWeakRotations(off: Off, store: RotationStore): SenderRotations {
  class WeakRotations extends SenderRotations {
    override judge(lists: SenderLists, publicKey: Bytes, address: string, nowMs: number): SenderVerdict {
      return off.has("authorized keys")
        ? this.refusal(lists.revoked, publicKey) ?? "authorized"
        : super.judge(lists, publicKey, address, nowMs);
    }
  }
  return new WeakRotations(store);
}

/**
 * What weak handshakes put in place of what they lack.
 * @module
 */
import { type Bytes, concat } from "../../bytes/bytes.ts";
import type { TrafficKey } from "../../crypto/traffic_key.ts";
import type { SharedKey } from "../../handshake/key_schedule.ts";
import type { Contribution } from "../../handshake/server.ts";
import { TAG_SIZE } from "../../limits.ts";
import type { Off } from "../defences.ts";

/** A key that seals nothing: the plaintext, and zeros for a tag that nobody looks at. */
export const UNSEALED_KEY: TrafficKey = {
  seal: (_sequence, _header, plaintext) => Promise.resolve(concat(plaintext, new Uint8Array(TAG_SIZE))),
  open: (_sequence, _header, sealed) => {
    return Promise.resolve(sealed.slice(0, Math.max(0, sealed.length - TAG_SIZE)));
  },
};

/** Bytes of the secret of each key agreement. */
const HALF_SIZE = 32;

/** What the keys are made of, with zeros for what they are not to depend on. */
export function weakSecret(off: Off, sharedSecret: Bytes): Bytes {
  const weak = sharedSecret.slice();
  if (off.has("ml-kem secret")) weak.fill(0, 0, HALF_SIZE);
  if (off.has("x25519 secret")) weak.fill(0, HALF_SIZE);
  return weak;
}

/** The shared key, if keys are to depend on it. */
export function weakSharedKey(off: Off, sharedKey: SharedKey | undefined): SharedKey | undefined {
  return off.has("shared key in the key schedule") ? undefined : sharedKey;
}

/** What a server has answered to each client's share, for as long as one play goes on: each has its own set. */
const ANSWERS = new WeakMap<Off, Map<string, Promise<Contribution>>>();

/** The answer that a client's share got the first time. */
export async function sameAnswer(
  off: Off,
  clientShare: Bytes,
  answer: () => Promise<Contribution>,
): Promise<Contribution> {
  const answers = ANSWERS.get(off) ?? new Map<string, Promise<Contribution>>();
  ANSWERS.set(off, answers);
  const name = clientShare.join();
  const first = answers.get(name) ?? answer();
  answers.set(name, first);
  const { nonce, publicShare, secret } = await first;
  // The machine overwrites the secret once it is used.
  return { nonce, publicShare, secret: secret.slice() };
}

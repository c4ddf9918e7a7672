/**
 * Sessions with some of their defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
import { type Bytes, concat } from "../../bytes/bytes.ts";
import { expandLabel } from "../../crypto/hkdf.ts";
import { KEY_SIZE, NONCE_SIZE, type Suite } from "../../crypto/suite.ts";
import { importTrafficKey, type TrafficKey } from "../../crypto/traffic_key.ts";
import { TAG_SIZE } from "../../limits.ts";
import { RecordReceiver } from "../../records/record_receiver.ts";
import { Session, type SessionOptions } from "../../records/session.ts";
import { TrafficKeys } from "../../records/traffic_keys.ts";
import { u32 } from "../../wire/fields.ts";
import type { Off } from "../defences.ts";

/** A session without some defences. Suite aes-256-gcm alone. */
export function makeWeakSession(off: Off): (options: SessionOptions, nowMs: number) => Session {
  class WeakKeys extends TrafficKeys {
    protected override async importKey(suite: Suite, secret: Bytes): Promise<TrafficKey> {
      return off.has("record tag") ? await untaggedKey(secret) : await super.importKey(suite, secret);
    }
  }
  class WeakReceiver extends RecordReceiver {
    protected override checkSequence(sequence: number, expected: number): void {
      if (!off.has("record sequence")) super.checkSequence(sequence, expected);
    }
  }
  class WeakSession extends Session {
    protected override makeKeys(suite: Suite, secret: Bytes): TrafficKeys {
      return new WeakKeys(suite, secret);
    }

    protected override makeReceiver(keys: TrafficKeys, firstSequence: number): RecordReceiver {
      return new WeakReceiver(keys, firstSequence);
    }
  }
  return (options, nowMs) => new WeakSession(options, nowMs);
}

/**
 * AES-256-GCM that opens whatever the tag says: GCM's encryption is counter mode from counter 2 on (NIST SP 800-38D,
 * section 7.1).
 */
async function untaggedKey(secret: Bytes): Promise<TrafficKey> {
  const nothing = new Uint8Array(0);
  const iv = expandLabel(secret, "iv", nothing, NONCE_SIZE);
  const raw = expandLabel(secret, "key", nothing, KEY_SIZE);
  const key = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["decrypt"]);
  const sealing = await importTrafficKey("aes-256-gcm", secret);
  return {
    seal: (sequence, header, plaintext) => sealing.seal(sequence, header, plaintext),
    async open(sequence, _header, sealed) {
      const nonce = iv.slice();
      const view = new DataView(nonce.buffer);
      view.setUint32(8, view.getUint32(8) ^ sequence);
      const algorithm = { name: "AES-CTR", counter: concat(nonce, u32(2)), length: 32 };
      const ciphertext = sealed.slice(0, sealed.length - TAG_SIZE);
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, ciphertext));
    },
  };
}

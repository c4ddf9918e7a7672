/**
 * A client's handshake with some of its defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Suite } from "../../crypto/suite.ts";
import type { TrafficKey } from "../../crypto/traffic_key.ts";
import { ClientHandshake, type ClientOptions } from "../../handshake/client.ts";
import type { HandshakeSecrets, SharedKey } from "../../handshake/key_schedule.ts";
import type { Identity } from "../../ports.ts";
import type { Welcome } from "../../wire/handshake_messages.ts";
import type { Off } from "../defences.ts";
import { UNSEALED_KEY, weakSecret, weakSharedKey } from "./handshake_parts.ts";

/** A client's handshake without some defences. */
export async function startWeakClient(
  off: Off,
  options: ClientOptions,
  nowMs: number,
): Promise<ClientHandshake> {
  class WeakClient extends ClientHandshake {
    protected override absorbHello(frame: Bytes): void {
      if (!off.has("hello in transcript")) super.absorbHello(frame);
    }

    protected override absorbIdentity(part: Bytes): void {
      if (!off.has("identities in transcript")) super.absorbIdentity(part);
    }

    protected override deriveSecrets(
      sharedSecret: Bytes,
      th2: Bytes,
      sharedKey: SharedKey | undefined,
    ): HandshakeSecrets {
      return super.deriveSecrets(weakSecret(off, sharedSecret), th2, weakSharedKey(off, sharedKey));
    }

    protected override async importKey(suite: Suite, secret: Bytes): Promise<TrafficKey> {
      return off.has("handshake seal") ? UNSEALED_KEY : await super.importKey(suite, secret);
    }

    protected override checkNotOwn(peerIdentity: Bytes, own: Identity): void {
      if (!off.has("own identity refused")) super.checkNotOwn(peerIdentity, own);
    }

    protected override checkOffered(welcome: Welcome): void {
      if (!off.has("only what was offered")) super.checkOffered(welcome);
    }

    protected override checkServerProof(shown: Bytes, expected: Bytes): void {
      if (!off.has("server proof")) super.checkServerProof(shown, expected);
    }

    protected override async checkServerSignature(
      serverId: Bytes,
      signed: Bytes,
      signature: Bytes,
    ): Promise<void> {
      if (!off.has("server signature")) await super.checkServerSignature(serverId, signed, signature);
    }
  }
  return await WeakClient.start(options, nowMs);
}

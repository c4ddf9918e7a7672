/**
 * A server's handshake with some of its defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Suite } from "../../crypto/suite.ts";
import type { TrafficKey } from "../../crypto/traffic_key.ts";
import { HelloGuard } from "../../handshake/hello_guard.ts";
import type { HandshakeSecrets, SharedKey } from "../../handshake/key_schedule.ts";
import { type Contribution, ServerHandshake, type ServerOptions } from "../../handshake/server.ts";
import { verifyByPlatform } from "../../identity/identity.ts";
import type { Identity, Random } from "../../ports.ts";
import type { Off } from "../defences.ts";
import { sameAnswer, UNSEALED_KEY, weakSecret, weakSharedKey } from "./handshake_parts.ts";

/** A server's handshake without some defences. */
export function makeWeakServer(off: Off, options: ServerOptions, nowMs: number): ServerHandshake {
  class WeakServer extends ServerHandshake {
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

    protected override checkIdentity(peerIdentity: Bytes): void {
      if (!off.has("identity check")) super.checkIdentity(peerIdentity);
    }

    protected override checkNotOwn(peerIdentity: Bytes, own: Identity): void {
      if (!off.has("own identity refused")) super.checkNotOwn(peerIdentity, own);
    }

    protected override async contribute(clientShare: Bytes, random: Random): Promise<Contribution> {
      const fresh = () => super.contribute(clientShare, random);
      return off.has("fresh server keys") ? await sameAnswer(off, clientShare, fresh) : await fresh();
    }

    protected override fitsBinder(key: SharedKey, th0: Bytes, binder: Bytes): boolean {
      return off.has("binder") || super.fitsBinder(key, th0, binder);
    }

    protected override checkClientProof(shown: Bytes, expected: Bytes): void {
      if (!off.has("client proof")) super.checkClientProof(shown, expected);
    }

    protected override async checkClientSignature(
      clientId: Bytes,
      signed: Bytes,
      signature: Bytes,
    ): Promise<void> {
      if (off.has("client signature")) return;
      // The same check stands in front of every verification: this is the platform's without it.
      if (off.has("identity check") && await verifyByPlatform(clientId, signed, signature)) return;
      await super.checkClientSignature(clientId, signed, signature);
    }

    protected override claimNonce(clientNonce: Bytes, expiresMs: number, nowMs: number): void {
      if (!off.has("nonce record")) super.claimNonce(clientNonce, expiresMs, nowMs);
    }
  }
  return new WeakServer(options, nowMs);
}

/** A server's memory of HELLOs without some defences. */
export function makeWeakGuard(off: Off): HelloGuard {
  class WeakGuard extends HelloGuard {
    protected override refuseSeen(wasSeen: boolean): void {
      if (!off.has("hello memory")) super.refuseSeen(wasSeen);
    }
  }
  return new WeakGuard();
}

/**
 * A receiver's handshake that goes its own way.
 * @module
 */
import { type Agreed, ServerHandshake } from "../../lib/handshake/server.ts";
import type { Hello } from "../../lib/wire/handshake_messages.ts";

/** Answers that identities alone are to decide, whatever was offered: it has no shared key. */
export class ServerWithoutSharedKey extends ServerHandshake {
  protected override agree({ clientNonce }: Hello): Agreed {
    return { suite: "aes-256-gcm", authMode: "identity", sharedKey: undefined, clientNonce };
  }
}

/**
 * Somebody in between who has an identity of its own, which both ends trust, and puts it in place of one of theirs: the
 * attack on signed key exchanges that Diffie, van Oorschot and Wiener described in 1992. Nobody learns a key by it.
 * @module
 */
import type { Unit } from "../../lib/attacks/wire.ts";
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { RunningSha256 } from "../../lib/crypto/hkdf.ts";
import { signedContent } from "../../lib/handshake/outcome.ts";
import type { Identity } from "../../lib/ports.ts";
import { FRAME_HEADER_SIZE } from "../../lib/wire/frame.ts";
import {
  decodeWelcome,
  IDENTITY_SIZE,
  PROOF_SIZE,
  SIGNATURE_SIZE,
} from "../../lib/wire/handshake_messages.ts";
import type { ChangeUnit } from "./rogue_relay.ts";

/** What it does. */
export interface Misbinding {
  /** Who it is. */
  readonly identity: Identity;
  /** The message in which it puts itself in place of the one who sent it. */
  readonly message: "WELCOME" | "VERIFY";
  /** Whether it signs the identities too, as the protocol has it, or hopes that the protocol leaves them out. */
  readonly isIdentitySigned: boolean;
}

/** Follows the handshake as far as it can be read, and puts the attacker's identity and signature in place of an end's. */
export function misbind({ identity, message, isIdentitySigned }: Misbinding): ChangeUnit {
  const transcript = new RunningSha256();
  function absorbIdentity(part: Bytes): void {
    if (isIdentitySigned) transcript.update(part);
  }

  async function inWelcome({ bytes }: Unit): Promise<Bytes | undefined> {
    const { clear, sealed } = decodeWelcome(bytes.slice(FRAME_HEADER_SIZE));
    transcript.update(concat(bytes.slice(0, FRAME_HEADER_SIZE), clear));
    if (message === "WELCOME") {
      absorbIdentity(identity.publicKey);
      const signature = await identity.sign(signedContent("server", transcript.value()));
      const rest = sealed.slice(IDENTITY_SIZE + SIGNATURE_SIZE);
      return concat(bytes.slice(0, -sealed.length), identity.publicKey, signature, rest);
    }
    absorbIdentity(sealed.slice(0, IDENTITY_SIZE));
    absorbIdentity(sealed.slice(IDENTITY_SIZE, IDENTITY_SIZE + SIGNATURE_SIZE));
    const proof = sealed.slice(IDENTITY_SIZE + SIGNATURE_SIZE);
    transcript.update(proof.slice(0, PROOF_SIZE));
    return undefined;
  }

  async function inVerify({ bytes }: Unit): Promise<Bytes> {
    const header = bytes.slice(0, FRAME_HEADER_SIZE);
    const sealed = bytes.slice(FRAME_HEADER_SIZE);
    const intent = sealed.slice(IDENTITY_SIZE, IDENTITY_SIZE + 1);
    transcript.update(header);
    absorbIdentity(identity.publicKey);
    transcript.update(intent);
    const signature = await identity.sign(signedContent("client", transcript.value()));
    const rest = sealed.slice(IDENTITY_SIZE + 1 + SIGNATURE_SIZE);
    return concat(header, identity.publicKey, intent, signature, rest);
  }

  return async (unit) => {
    if (unit.name === "HELLO") transcript.update(unit.bytes);
    let bytes: Bytes | undefined;
    if (unit.name === "WELCOME") bytes = await inWelcome(unit);
    if (unit.name === "VERIFY" && message === "VERIFY") bytes = await inVerify(unit);
    return bytes === undefined
      ? undefined
      : { bytes, note: "identity and signature replaced by the attacker's" };
  };
}

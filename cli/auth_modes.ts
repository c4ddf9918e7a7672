/**
 * Which ways to authenticate the command line asks for.
 * @module
 */
import { StxError } from "../lib/errors.ts";
import type { AuthMode } from "../lib/wire/handshake_messages.ts";

/** What `stx recv` was told. */
export interface ReceiverAuth {
  /** The value of `--auth`, if it was given. */
  readonly auth: string | undefined;
  /** Whether `--psk-file` was given. */
  readonly hasSharedKeys: boolean;
  /** Whether `--authorized-keys` was given: a list in its usual place says nothing about what is wanted. */
  readonly hasAuthorizedKeysOption: boolean;
}

/** What `stx send` was told. */
export interface SenderAuth {
  /** The value of `--auth`, if it was given. */
  readonly auth: string | undefined;
  /** Whether `--psk-file` was given. */
  readonly hasSharedKey: boolean;
}

/**
 * The ways that a receiver takes; the sender's order decides between them. Throws `usage` for options that
 * contradict each other: one that is passed over could let in whom it was to keep out.
 */
export function receiverModes(given: ReceiverAuth): readonly AuthMode[] {
  const { hasSharedKeys, hasAuthorizedKeysOption } = given;
  const byDefault = !hasSharedKeys ? "identity" : hasAuthorizedKeysOption ? "either" : "psk";
  const auth = given.auth ?? byDefault;
  refuseContradiction(auth, hasSharedKeys, "a file from stx keygen --psk");
  if (auth === "psk" && hasAuthorizedKeysOption) {
    throw new StxError("usage", "With --auth psk nobody looks at --authorized-keys", {
      hint: "leave it out, or give --auth identity+psk (a sender needs both) or either (one is enough)",
    });
  }
  // Whoever needs one of the two may well have both.
  return auth === "either" ? ["identity", "psk", "identity+psk"] : [modeOf(auth)];
}

/** The ways that a sender offers, its favourite first. Throws `usage` for options that contradict each other. */
export function senderModes({ auth, hasSharedKey }: SenderAuth): readonly AuthMode[] {
  if (auth === undefined) return hasSharedKey ? ["psk", "identity+psk"] : ["identity"];
  refuseContradiction(auth, hasSharedKey, "the file that the receiver has too");
  return [modeOf(auth)];
}

function refuseContradiction(auth: string, hasSharedKey: boolean, whichFile: string): void {
  if (auth === "identity" && hasSharedKey) {
    throw new StxError("usage", "With --auth identity nobody looks at --psk-file", {
      hint: "leave one of the two out, or give --auth identity+psk to need both",
    });
  }
  if (auth !== "identity" && !hasSharedKey) {
    throw new StxError("usage", `Cannot use --auth ${auth}: there is no shared key`, {
      hint: `give --psk-file FILE, ${whichFile}`,
    });
  }
}

function modeOf(auth: string): AuthMode {
  if (auth === "identity" || auth === "psk" || auth === "identity+psk") return auth;
  throw new StxError("usage", `Unknown value of --auth: "${auth}"`, { hint: "See: stx help" });
}

/**
 * The five ways in which a packet can be wrong, as the protocol names them. Each ends its connection at once and is
 * answered with nothing; none is tried again.
 * @module
 */
import { StxError } from "../errors.ts";

/** Which way. */
export type ProtocolErrorKind = "round" | "mac" | "direction" | "state" | "limit";

/** The code of each way. */
export const PROTOCOL_ERROR_CODES = {
  round: "bad_round",
  mac: "bad_mac",
  direction: "bad_direction",
  state: "bad_state",
  limit: "limit_exceeded",
} as const;

/** A packet that is wrong. */
export class ProtocolError extends StxError {
  /** Which way. */
  readonly kind: ProtocolErrorKind;

  protected constructor(kind: ProtocolErrorKind, message: string, hint?: string) {
    super(PROTOCOL_ERROR_CODES[kind], message, hint === undefined ? {} : { hint });
    this.kind = kind;
  }
}

/** Another round, or another epoch, than the one that it is: the ends are out of step, or the packet was here before. */
export class RoundError extends ProtocolError {
  /** `hint` is what to do. */
  constructor(message: string, hint?: string) {
    super("round", message, hint);
    this.name = "RoundError";
  }
}

/** The MAC does not hold, or what it covers does not decrypt: changed on the way, or under another key. */
export class MacError extends ProtocolError {
  /** `hint` is what to do. */
  constructor(message: string, hint?: string) {
    super("mac", message, hint);
    this.name = "MacError";
  }
}

/** A packet that was made for the other direction: somebody reflects. */
export class DirectionError extends ProtocolError {
  /** The message says what came. */
  constructor(message: string) {
    super("direction", message);
    this.name = "DirectionError";
  }
}

/** A packet that may not come now, or that cannot be read. */
export class StateError extends ProtocolError {
  /** The message says what came, and in which state. */
  constructor(message: string) {
    super("state", message);
    this.name = "StateError";
  }
}

/** More than is allowed. */
export class LimitError extends ProtocolError {
  /** The message says how much came, and how much may. */
  constructor(message: string) {
    super("limit", message);
    this.name = "LimitError";
  }
}

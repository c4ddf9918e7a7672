/**
 * The bodies of the five packets, before they are encrypted.
 * @module
 */
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { cbcCiphertextSize } from "../crypto/cbc.ts";
import { StxError } from "../errors.ts";
import { ByteReader, u32, u64, u8, vector16 } from "../wire/fields.ts";
import { StateError } from "./errors.ts";

/** Bytes of HELLO's nonce and of CHALLENGE's challenge. */
export const ROUNDS_NONCE_SIZE = 16;
/** Bytes of HELLO's ciphertext. Nothing more is kept of a stranger. */
export const HELLO_CIPHERTEXT_SIZE = cbcCiphertextSize(ROUNDS_NONCE_SIZE);

/** Why an end says CLOSE. */
export const CLOSE_REASONS = {
  /** It has nothing more to do. */
  done: 0,
  /** The client's value did not come before the round's deadline. */
  late: 1,
  /** A newer session of the same client has begun. */
  superseded: 2,
  /** The server has no room. */
  full: 3,
} as const;

/** The name of a reason. */
export type CloseReason = keyof typeof CLOSE_REASONS;

/** CHALLENGE: `challenge(16) | server round(8)`. */
export interface Challenge {
  /** 16 random bytes, which the client returns in its first DATA. */
  readonly challenge: Bytes;
  /** The last round that the server has closed, 0 before the first. */
  readonly serverRound: number;
}

/** AGGREGATE: `server round(8) | clients(4) | vector16 sum | vector16 product`, both in ASCII. */
export interface Aggregate {
  /** The server's number of the round. */
  readonly serverRound: number;
  /** The client's own number. */
  readonly sum: string;
  /** The product over the round's clients. */
  readonly product: string;
  /** How many they were. */
  readonly clients: number;
}

/** HELLO: `nonce(16)`. */
export function decodeHelloNonce(body: Bytes): Bytes {
  return whole("HELLO", body, (reader) => reader.bytes(ROUNDS_NONCE_SIZE));
}

/** CHALLENGE's body. */
export function encodeChallenge({ challenge, serverRound }: Challenge): Bytes {
  return concat(challenge, u64(serverRound));
}

/** Reads CHALLENGE's body; throws `StateError`. */
export function decodeChallenge(body: Bytes): Challenge {
  return whole("CHALLENGE", body, (reader) => ({
    challenge: reader.bytes(ROUNDS_NONCE_SIZE),
    serverRound: reader.u64(),
  }));
}

/** DATA's body: `challenge(16)` in session round 1 alone, then the value in UTF-8. */
export function encodeData(challenge: Bytes | undefined, text: string): Bytes {
  return concat(challenge ?? new Uint8Array(0), utf8(text));
}

/** Reads DATA's body; throws `StateError` for what is no UTF-8. */
export function decodeData(body: Bytes, isFirst: boolean): { challenge: Bytes | undefined; text: string } {
  return whole("DATA", body, (reader) => {
    const challenge = isFirst ? reader.bytes(ROUNDS_NONCE_SIZE) : undefined;
    try {
      return {
        challenge,
        text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(reader.rest()),
      };
    } catch {
      return reader.fail("its value is no UTF-8");
    }
  });
}

/** AGGREGATE's body. */
export function encodeAggregate(value: Aggregate): Bytes {
  return concat(
    u64(value.serverRound),
    u32(value.clients),
    vector16(utf8(value.sum)),
    vector16(utf8(value.product)),
  );
}

/** Reads AGGREGATE's body; throws `StateError`. */
export function decodeAggregate(body: Bytes): Aggregate {
  return whole("AGGREGATE", body, (reader) => {
    const serverRound = reader.u64();
    const clients = reader.u32();
    return { serverRound, clients, sum: readNumber(reader), product: readNumber(reader) };
  });
}

/** A server knows the keys and may still say nonsense, which goes to terminals and scripts. */
function readNumber(reader: ByteReader): string {
  const text = String.fromCharCode(...reader.vector16());
  if (!/^-?[0-9]+(\.[0-9]+)?$/.test(text)) reader.fail("a result is no number");
  return text;
}

/** CLOSE's body: `reason(1)`. */
export function encodeClose(reason: CloseReason): Bytes {
  return u8(CLOSE_REASONS[reason]);
}

/** Reads CLOSE's body; a reason of a later version counts as "done". Throws `StateError`. */
export function decodeClose(body: Bytes): CloseReason {
  const number = whole("CLOSE", body, (reader) => reader.u8());
  const names = Object.keys(CLOSE_REASONS) as CloseReason[];
  return names.find((name) => CLOSE_REASONS[name] === number) ?? "done";
}

/** Reads a body from end to end. */
function whole<T>(what: string, body: Bytes, read: (reader: ByteReader) => T): T {
  try {
    const reader = new ByteReader(body, what);
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    throw error instanceof StxError ? new StateError(error.message) : error;
  }
}

/**
 * What a handshake is made of, and where a vector may have it depart from the specification.
 * @module
 */
import { type Bytes, join, number, type SuiteNumber, text, vector16 } from "./primitives.ts";

/** The numbers of the frames. */
export const FRAMES = { hello: 1, welcome: 2, verify: 3, ready: 4, alert: 5, sealedAlert: 6 } as const;

/** What READY allows. */
export interface Limits {
  readonly windowRecords: number;
  readonly windowBytes: number;
}

/** What a handshake is made of. */
export interface Inputs {
  /** The suite and mode that the server takes. */
  readonly suite: SuiteNumber;
  readonly mode: number;
  /** What HELLO offers. */
  readonly suites: readonly number[];
  readonly modes: readonly number[];
  readonly psk: Bytes | undefined;
  readonly clientSeed: Bytes;
  readonly serverSeed: Bytes;
  readonly clientTime: number;
  readonly serverTime: number;
  readonly clientNonce: Bytes;
  readonly serverNonce: Bytes;
  /** d | z */
  readonly kemSeed: Bytes;
  readonly clientX25519: Bytes;
  readonly serverX25519: Bytes;
  /** m */
  readonly kemRandomness: Bytes;
  readonly intent: number;
  readonly limits: Limits;
}

/** Gives another value in place of the right one, knowing what has been computed so far. */
export type Change = (right: Bytes, values: Readonly<Record<string, Bytes>>) => Bytes;

/** Where a client departs from the specification. */
export interface ClientFaults {
  /** HELLO's body less its binder. */
  readonly helloBody?: Change;
  readonly binder?: Change;
  /** What is signed. */
  readonly signed?: Change;
  readonly signature?: Change;
  readonly proof?: Change;
  /** In place of the public key of the seed. */
  readonly id?: Bytes;
  readonly intent?: number;
  /** VERIFY before it is sealed. */
  readonly plaintext?: Change;
  /** VERIFY's secret and number, and what comes of the seal. */
  readonly secret?: Change;
  readonly number?: number;
  readonly sealed?: Change;
}

/** Where a server departs from the specification. */
export interface ServerFaults {
  readonly time?: number;
  /** What WELCOME names; the seal uses what the inputs say. */
  readonly namedSuite?: number;
  readonly namedMode?: number;
  readonly share?: Change;
  /** WELCOME's clear part, before it is hashed. */
  readonly clear?: Change;
  readonly id?: Bytes;
  readonly signed?: Change;
  readonly signature?: Change;
  readonly finished?: Change;
  readonly plaintext?: Change;
  readonly secret?: Change;
  readonly number?: number;
  readonly sealed?: Change;
  readonly sessionId?: Change;
  readonly limits?: Limits;
  readonly proof?: Change;
  readonly readyPlaintext?: Change;
  readonly readySecret?: Change;
  readonly readyNumber?: number;
  readonly readySealed?: Change;
}

/** A frame of any type. */
export function frame(type: number, body: Uint8Array): Bytes {
  return join(frameHeader(type, body.length), body);
}

/** The four bytes before a body. */
export function frameHeader(type: number, size: number): Bytes {
  return join(number(type, 1), number(size, 3));
}

/** Extensions, each a number and its data, behind the size of them all. */
export function extensions(...each: readonly (readonly [number, Uint8Array])[]): Bytes {
  return vector16(join(...each.map(([type, data]) => join(number(type, 2), vector16(data)))));
}

/** What is signed. */
export function contentToSign(role: string, hash: Uint8Array): Bytes {
  return join(new Uint8Array(64).fill(0x20), text(`STX/1 ${role} handshake`), number(0, 1), hash);
}

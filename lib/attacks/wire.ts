/**
 * What an attacker on the path sees without any key: whole units of a protocol, and what it may do with each.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";

/** The two ends of a connection. */
export type End = "client" | "server";

/** The end across from each. */
export const PEER: Readonly<Record<End, End>> = { client: "server", server: "client" };

/** One frame, record or packet as it passes. */
export interface Unit {
  /** Who sent it. */
  readonly from: End;
  /** The attacker's name for it, which is the ends' own: `HELLO`, `record 3`, `DATA`. */
  readonly name: string;
  /** `frame` and `record` are STX/1's, `packet` is the rounds protocol's, `bytes` are no unit of either. */
  readonly kind: "frame" | "record" | "packet" | "bytes";
  /** Its place among the units of its kind and direction, from 0: a record's is its sequence number. */
  readonly number: number;
  /** All of it, header included. */
  readonly bytes: Bytes;
}

/** Something that the attacker does. */
export type Move =
  /** Lets a unit go on, or sends bytes of its own. */
  | {
    readonly kind: "send";
    readonly to: End;
    readonly name: string;
    readonly bytes: Bytes;
    /** What was done to it, in a few words, for whoever reads the record; absent where it goes on as it came. */
    readonly note?: string;
  }
  /** Keeps a unit for good, or for now. */
  | { readonly kind: "keep"; readonly name: string; readonly from: End; readonly note: string }
  /** Ends one direction properly, as if the peer had finished: a TCP FIN towards `to`. */
  | { readonly kind: "end"; readonly to: End; readonly note: string }
  /** Ends the connection at once in both directions. */
  | { readonly kind: "cut"; readonly note: string };

/** An attacker on one connection. A new one is made for each; what it remembers across them is its maker's. */
export interface Attacker {
  /** Says what happens in place of a unit. */
  take(unit: Unit): readonly Move[];
  /** Says what happens when an end has finished its direction; by itself that goes on as it came. */
  end?(from: End): readonly Move[];
  /** Bytes that it sends to the server over a connection of its own, once this one is over. */
  afterwards?(): readonly Move[];
}

/** Lets a unit go on as it came. */
export function pass(unit: Unit): Move {
  return { kind: "send", to: PEER[unit.from], name: unit.name, bytes: unit.bytes };
}

/** Nobody is in the way. */
export const NOBODY: Attacker = { take: (unit) => [pass(unit)] };

/** Sends `bytes` in place of a unit. */
export function replace(unit: Unit, bytes: Bytes, note: string): Move {
  return { kind: "send", to: PEER[unit.from], name: unit.name, bytes, note };
}

/** Keeps a unit. */
export function keep(unit: Unit, note: string): Move {
  return { kind: "keep", name: unit.name, from: unit.from, note };
}

/**
 * What negative.json is made of: an end, what it is given, what it must say, and how it must end.
 * @module
 */
import type { Client, Server } from "./handshake.ts";
import { frame, frameHeader, FRAMES } from "./handshake_inputs.ts";
import { Direction, type Message, message } from "./messages.ts";
import { type Bytes, hex, number, seal, type SuiteNumber } from "./primitives.ts";

/** Which end a case is about: of a connection, of a session, of a transfer. */
export type CaseEnd = "client" | "server" | "session" | "sender" | "receiver";

/** A byte that stands so many times behind others. */
export interface Repetition {
  readonly byte: string;
  readonly count: number;
}

/** A message of a transfer; of REJECT the reason alone, since its text is for people. */
export type PrintedMessage =
  | { readonly type: number; readonly body: string; readonly then?: Repetition }
  | { readonly type: number; readonly reason: number };

/** One thing after the other that happens to an end. */
export type Step =
  /** Bytes that come to it, a byte that is repeated behind them, and the messages that it hands on. */
  | {
    readonly in: string;
    readonly then?: Repetition;
    readonly gives?: readonly PrintedMessage[];
  }
  /** All that it now sends. */
  | { readonly out: string }
  /** The same of a transfer's end, message by message. */
  | { readonly in_message: PrintedMessage }
  | { readonly out_message: PrintedMessage }
  /** Whoever uses the session has something to send. */
  | { readonly say: PrintedMessage }
  /** Milliseconds since the beginning. */
  | { readonly at: number }
  /** The end of the peer's stream. */
  | { readonly end_of_stream: true };

/** Where an alert is said, and its number. */
export interface PrintedAlert {
  readonly where: "clear" | "sealed" | "session";
  readonly number: number;
}

/** A case of negative.json. */
export interface Case {
  readonly name: string;
  readonly end: CaseEnd;
  readonly setup: unknown;
  readonly steps: readonly Step[];
  /** The code that the end must have in the end; `null` where the fault does no harm. */
  readonly error: string | null;
  /** What it must tell its peer; `null` for nothing. */
  readonly alert: PrintedAlert | null;
  /** `false` where a server must end it before any work with public keys. */
  readonly public_key_work?: false;
}

/** A message as the file has it. */
export function printed({ type, body }: Message): PrintedMessage {
  return { type, body: hex(body) };
}

/** As many equal bytes at an end of others are written as their number. */
const REPETITION_MIN = 1_000;

/** Bytes come, and these messages are handed on. */
export function comes(bytes: Bytes, ...gives: readonly Message[]): Step {
  const last = bytes.at(-1);
  const count = bytes.length - 1 - bytes.findLastIndex((byte) => byte !== last);
  const given = gives.length === 0 ? {} : { gives: gives.map(printed) };
  if (count < REPETITION_MIN) return { in: hex(bytes), ...given };
  return { in: hex(bytes.slice(0, -count)), then: { byte: hex(bytes.slice(-1)), count }, ...given };
}

/** The end sends these bytes. */
export function goes(bytes: Bytes): Step {
  return { out: hex(bytes) };
}

/** An alert that is said in clear. */
export function clear(alert: number): PrintedAlert {
  return { where: "clear", number: alert };
}

/** An alert that is said in a SEALED_ALERT frame. */
export function sealed(alert: number): PrintedAlert {
  return { where: "sealed", number: alert };
}

/** An alert that is said as a message of the session. */
export function inSession(alert: number): PrintedAlert {
  return { where: "session", number: alert };
}

/** ALERT in clear. */
export function clearAlert(alert: number): Bytes {
  return frame(FRAMES.alert, number(alert, 1));
}

/** SEALED_ALERT. */
export function sealedAlert(suite: SuiteNumber, secret: Bytes, n: number, alert: number): Bytes {
  const header = frameHeader(FRAMES.sealedAlert, 17);
  return Uint8Array.from([...header, ...seal(suite, secret, n, header, number(alert, 1))]);
}

/** The record of an end that has sent none before, with the message ALERT. */
export function alertRecord(suite: SuiteNumber, secret: Bytes, alert: number, first = 0, ack = 0): Bytes {
  return new Direction(suite, secret, first).record(message("alert", number(alert, 1)), ack);
}

/** What a client that has taken WELCOME's keys says of `alert`, before VERIFY or behind it. */
export function clientAlert(client: Client, suite: SuiteNumber, alert: PrintedAlert): Bytes {
  if (alert.where === "clear") return clearAlert(alert.number);
  if (alert.where === "sealed") return sealedAlert(suite, client.values["c_hs"]!, 0, alert.number);
  return alertRecord(suite, client.values["c_ap_0"]!, alert.number);
}

/** What a server says of `alert`; in a session it has opened one record. */
export function serverAlert(server: Server, suite: SuiteNumber, alert: PrintedAlert): Bytes {
  if (alert.where === "clear") return clearAlert(alert.number);
  if (alert.where === "sealed") return sealedAlert(suite, server.values["s_hs"]!, 1, alert.number);
  return alertRecord(suite, server.values["s_ap_0"]!, alert.number, 0, 1);
}

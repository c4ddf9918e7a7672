/**
 * Faults in the messages that belong to a session itself, and in its end.
 * @module
 */
import type { Case } from "./cases.ts";
import { CLIENT_SEED, STRANGER_SEED, TIME } from "./handshake_cases.ts";
import * as m from "./messages.ts";
import {
  type Bytes,
  ed25519Public,
  ed25519Sign,
  flipped,
  FORGED_SIGNATURE,
  join,
  NEUTRAL,
  NOTHING,
  number,
  pseudorandom,
} from "./primitives.ts";
import { FINE, LOST, malformed, OFFER, session } from "./session_case.ts";

/** Where the next identity of the peer comes from. */
const NEXT_SEED = pseudorandom("client's next identity", 32);

/** A message that is refused as soon as it is opened, or when it is looked at. */
function refusedMessage(name: string, each: m.Message, ack: number): Case {
  return session(name, ...malformed(ack), (talk) => talk.comes(talk.peer.record(each, 0)));
}

const MESSAGES: readonly Case[] = [
  ...[0, 7, 15, 27, 255].map((type) =>
    refusedMessage(`a message of type ${type}`, { type, body: NOTHING }, 0)
  ),
  refusedMessage("NAK of three bytes", m.message("nak", number(0, 3)), 1),
  refusedMessage("NAK of five bytes", m.message("nak", number(0, 5)), 1),
  refusedMessage("ACK with a body", m.message("ack", number(0, 1)), 1),
  refusedMessage("PING with a body", m.message("ping", number(0, 1)), 1),
  refusedMessage("CLOSE with a body", m.message("close", number(0, 1)), 1),
  refusedMessage("ALERT without a body", m.message("alert"), 1),
  refusedMessage("ALERT of two bytes", m.message("alert", number(5, 2)), 1),
  session("a message behind CLOSE", "unexpected_message", { number: 5, ack: 1 }, (talk) => {
    talk.hears(m.message("close"), 0);
    talk.comes(talk.peer.record(m.message("ack"), 0));
  }),
  session("PING is answered by ACK", ...FINE, (talk) => {
    talk.hears(m.message("ping"), 0);
    talk.answers(m.message("ack"), 1);
  }),
  ...([
    [5, "unexpected_message"],
    [6, "bad_record"],
    [7, "connection_lost"],
    [8, "connection_lost"],
    [9, "superseded"],
    [200, "connection_lost"],
  ] as const).map(([alert, error]) =>
    session(`ALERT ${alert}`, error, null, (talk) => {
      talk.hears(m.message("alert", number(alert, 1)), 0);
    })
  ),
];

const END = m.message("end", m.end(0, 0, 0));

const ENDS: readonly Case[] = [
  session("the stream ends before the first record", ...LOST, (talk) => {
    talk.steps.push({ end_of_stream: true });
  }),
  session("the stream ends within a record", ...LOST, (talk) => {
    talk.comes(talk.peer.record(OFFER, 0).slice(0, 20));
    talk.steps.push({ end_of_stream: true });
  }),
  session("the stream ends behind END, before CLOSE", ...LOST, (talk) => {
    talk.hears(END, 0);
    talk.steps.push({ end_of_stream: true });
  }),
  session("the stream ends behind CLOSE", ...FINE, (talk) => {
    talk.hears(END, 0);
    talk.hears(m.message("close"), 0);
    talk.steps.push({ end_of_stream: true });
  }),
];

const SILENCE: readonly Case[] = [
  session("nothing is heard for 60 s", ...LOST, (talk) => {
    for (const ms of [20_000, 40_000]) {
      talk.at(ms);
      talk.answers(m.message("ping"), 0);
    }
    talk.at(59_999);
    talk.at(60_000);
  }),
  session("a record does not go on for 15 s", ...LOST, (talk) => {
    talk.comes(talk.peer.record(OFFER, 0).slice(0, 3));
    talk.at(14_999);
    talk.at(15_000);
  }),
  session("a record is not whole after 180 s", ...LOST, (talk) => {
    const record = talk.peer.record(OFFER, 0);
    talk.comes(record.slice(0, 1));
    const pings = [20, 40, 60, 80, 100, 120, 140, 160];
    const drops = Array.from({ length: 12 }, (_, i) => 14 * (i + 1));
    for (const second of [...new Set([...pings, ...drops])].sort((left, right) => left - right)) {
      talk.at(second * 1000);
      if (pings.includes(second)) talk.answers(m.message("ping"), 0);
      const place = drops.indexOf(second) + 1;
      if (place > 0) talk.comes(record.slice(place, place + 1));
    }
    talk.at(179_999);
    talk.at(180_000);
  }),
];

const STATEMENT = m.rotation(CLIENT_SEED, NEXT_SEED, TIME * 1000);

/** ROTATION with this body, from a peer that has proved to be the client of handshake.json. */
function refusedRotation(name: string, error: string, statement: Bytes): Case {
  return session(name, error, { number: 5, ack: 1 }, (talk) => {
    talk.comes(talk.peer.record(m.message("rotation", statement), 0));
  });
}

/** A statement to which the neutral element has agreed, as anybody can make it. */
function forgedStatement(): Bytes {
  const content = m.rotationContent(ed25519Public(CLIENT_SEED), NEUTRAL, TIME * 1000);
  const head = join(ed25519Public(CLIENT_SEED), NEUTRAL, number(TIME * 1000, 8));
  return join(head, ed25519Sign(CLIENT_SEED, content), FORGED_SIGNATURE);
}

const ROTATIONS: readonly Case[] = [
  session("ROTATION by the old key", ...FINE, (talk) => {
    talk.hears(m.message("rotation", STATEMENT), 0);
  }),
  session("ROTATION by the new key", ...FINE, (talk) => {
    talk.hears(m.message("rotation", m.rotation(NEXT_SEED, CLIENT_SEED, TIME * 1000)), 0);
  }),
  session("ROTATION twice", "unexpected_message", { number: 5, ack: 2 }, (talk) => {
    talk.hears(m.message("rotation", STATEMENT), 0);
    talk.comes(talk.peer.record(m.message("rotation", STATEMENT), 0));
  }),
  refusedRotation("ROTATION of others", "bad_identity", m.rotation(STRANGER_SEED, NEXT_SEED, TIME * 1000)),
  refusedRotation("ROTATION from a key to itself", "malformed", m.rotation(CLIENT_SEED, CLIENT_SEED, 0)),
  refusedRotation("ROTATION with a wrong signature of the old key", "bad_signature", flipped(STATEMENT, 72)),
  refusedRotation("ROTATION with a wrong signature of the new key", "bad_signature", flipped(STATEMENT, -33)),
  refusedRotation("ROTATION whose time was changed", "bad_signature", flipped(STATEMENT, 71)),
  refusedRotation("ROTATION to the neutral element", "bad_identity", forgedStatement()),
  refusedRotation(
    "ROTATION with a time above 8.64 * 10^15",
    "malformed",
    m.rotation(CLIENT_SEED, NEXT_SEED, 8_640_000_000_000_001),
  ),
  refusedRotation("ROTATION of 199 bytes", "malformed", STATEMENT.slice(0, -1)),
  refusedRotation("ROTATION of 201 bytes", "malformed", join(STATEMENT, number(0, 1))),
];

/** All of them. */
export function sessionCases(): readonly Case[] {
  return [...MESSAGES, ...ENDS, ...SILENCE, ...ROTATIONS];
}

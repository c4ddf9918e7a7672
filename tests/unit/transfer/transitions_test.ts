import assert from "node:assert/strict";
import { codeOf } from "../../../lib/errors.ts";
import {
  SENT,
  stateAfter,
  type TransferRole,
  type TransferState,
  TRANSITIONS,
} from "../../../lib/transfer/transitions.ts";
import { MESSAGE_TYPES, type MessageType } from "../../../lib/wire/message.ts";

/** The table of the specification, in which alone what follows may happen. */
const ALLOWED: readonly (readonly [TransferRole, TransferState, MessageType, TransferState])[] = [
  ["sender", "offered", "wantManifest", "listed"],
  ["sender", "offered", "accept", "sending"],
  ["sender", "listed", "accept", "sending"],
  ["sender", "offered", "done", "finished"],
  ["sender", "offered", "reject", "refused"],
  ["sender", "listed", "reject", "refused"],
  ["sender", "sending", "reject", "refused"],
  ["sender", "waitDone", "reject", "refused"],
  ["sender", "sending", "durable", "sending"],
  ["sender", "waitDone", "durable", "waitDone"],
  ["sender", "waitDone", "done", "finished"],
  ["receiver", "waitOffer", "offer", "listing"],
  ["receiver", "listing", "manifest", "listing"],
  ["receiver", "accepted", "manifest", "accepted"],
  ["receiver", "accepted", "start", "receiving"],
  ["receiver", "receiving", "data", "receiving"],
  ["receiver", "receiving", "digests", "receiving"],
  ["receiver", "receiving", "end", "verifying"],
];

const STATES: readonly TransferState[] = [
  "offered",
  "listed",
  "sending",
  "waitDone",
  "finished",
  "refused",
  "waitOffer",
  "listing",
  "accepted",
  "receiving",
  "verifying",
];

Deno.test("what the specification lists may happen, and nothing else", () => {
  let count = 0;
  for (const role of ["sender", "receiver"] as const) {
    for (const state of STATES) {
      for (const type of Object.keys(MESSAGE_TYPES) as MessageType[]) {
        const row = ALLOWED.find((each) => each[0] === role && each[1] === state && each[2] === type);
        if (row !== undefined) {
          assert.equal(stateAfter(role, state, type), row[3]);
          count++;
        } else {
          assert.throws(
            () => stateAfter(role, state, type),
            (error) => codeOf(error) === "unexpected_message" && (error as Error).message.includes(type),
            `${role} in ${state} on ${type}`,
          );
        }
      }
    }
  }
  assert.equal(count, ALLOWED.length);
  const listed = Object.values(TRANSITIONS).flatMap((states) => Object.values(states)).flatMap(Object.keys);
  assert.equal(listed.length, ALLOWED.length);
});

Deno.test("what one end sends, the other takes in some state; nothing else is sent but the offer", () => {
  const messagesOf = (table: object) => Object.values(table).flatMap((messages) => Object.keys(messages));
  const sorted = (messages: readonly string[]) => [...new Set(messages)].sort();
  assert.deepEqual(
    sorted([...messagesOf(SENT.sender), "offer"]),
    sorted(messagesOf(TRANSITIONS.receiver)),
  );
  assert.deepEqual(sorted(messagesOf(SENT.receiver)), sorted(messagesOf(TRANSITIONS.sender)));
});

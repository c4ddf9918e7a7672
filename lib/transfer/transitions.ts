/**
 * The transfer's states on either side. What this table does not list is fatal.
 * @module
 */
import { StxError } from "../errors.ts";
import type { MessageType } from "../wire/message.ts";

/** Where a sender or receiver stands. */
export type TransferState =
  // The sender's.
  | "offered"
  | "listed"
  | "sending"
  | "waitDone"
  | "finished"
  | "refused"
  // The receiver's.
  | "waitOffer"
  | "listing"
  | "accepted"
  | "receiving"
  | "verifying";

/** A file's direction: who has it, who gets it. */
export type TransferRole = "sender" | "receiver";

type Table = Readonly<
  Record<TransferRole, Partial<Record<TransferState, Partial<Record<MessageType, TransferState>>>>>
>;

/** `TRANSITIONS[role][state][message]` is the next state. */
export const TRANSITIONS: Table = {
  sender: {
    offered: { wantManifest: "listed", accept: "sending", reject: "refused", done: "finished" },
    listed: { accept: "sending", reject: "refused" },
    sending: { durable: "sending", reject: "refused" },
    waitDone: { durable: "waitDone", done: "finished", reject: "refused" },
  },
  receiver: {
    waitOffer: { offer: "listing" },
    listing: { manifest: "listing" },
    accepted: { manifest: "accepted", start: "receiving" },
    receiving: { data: "receiving", digests: "receiving", end: "verifying" },
  },
};

/** `SENT[role][state][message]` is the state that an end is in when it has sent a message. */
export const SENT: Table = {
  sender: {
    offered: { manifest: "offered" },
    listed: { manifest: "listed" },
    sending: { start: "sending", data: "sending", digests: "sending", end: "waitDone" },
  },
  receiver: {
    listing: { wantManifest: "listing", accept: "accepted", done: "finished", reject: "refused" },
    receiving: { durable: "receiving", reject: "refused" },
    verifying: { durable: "verifying", done: "finished", reject: "refused" },
  },
};

/** The state after a message; throws `unexpected_message` for one that may not come now. */
export function stateAfter(role: TransferRole, state: TransferState, message: MessageType): TransferState {
  const next = TRANSITIONS[role][state]?.[message];
  if (next === undefined) {
    throw new StxError("unexpected_message", `Cannot accept ${message}: the ${role} is in state ${state}`);
  }
  return next;
}

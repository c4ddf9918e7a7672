/**
 * The defences of a transfer against what becomes of its connections.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const LINE_DEFENCES = {
  "the stream needs END": {
    text: "A transfer is over when the sender has said so, not when its connection is.",
    file: "lib/transfer/receiver_messages.ts",
    member: ["ReceiverMessages", "afterLast"],
    deleted: 'return { type: "end", body: new Uint8Array(20) };',
  },
  "resume where it was": {
    text: "What has arrived and survives a crash is the beginning of the next attempt.",
    file: "lib/transfer/receiver.ts",
    member: ["Receiver", "keptBytes"],
    deleted: "return 0;",
  },
  "retry after a cut": {
    text: "A sender whose connection was cut comes back, for as long as its user is patient.",
    file: "lib/transfer/retry.ts",
    member: ["RetryPolicy", "isCut"],
    deleted: "return false;",
  },
  "retry after a disturbance": {
    text: "What anybody on the way can cause with one changed byte is tried again, three times in a run.",
    file: "lib/transfer/retry.ts",
    member: ["RetryPolicy", "isDisturbance"],
    deleted: "return false;",
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

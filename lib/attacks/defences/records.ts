/**
 * The defences of an open session's records.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const RECORD_DEFENCES = {
  "record encryption": {
    text: "Everything that a session carries is encrypted: what happens as much as what is sent.",
    file: "lib/records/traffic_keys.ts",
    member: ["TrafficKeys", "importKey"],
    deleted: 'return import("../attacks/weak/keys.ts").then(({ readableKey }) => readableKey(secret));',
  },
  "record tag": {
    text:
      "Each record carries a tag over all of it that only the two ends can make, and is not opened without.",
    file: "lib/records/traffic_keys.ts",
    member: ["TrafficKeys", "importKey"],
    deleted: 'return import("../attacks/weak/keys.ts").then(({ untaggedKey }) => untaggedKey(secret));',
  },
  "a nonce for each record": {
    text: "Each record's number goes into its nonce, so that no two records are encrypted in the same way.",
    file: "lib/crypto/traffic_key.ts",
    member: ["", "nonceFor"],
    deleted: "return iv.slice();",
  },
  "record sequence": {
    text: "A record is taken only if it has the next number.",
    file: "lib/records/record_receiver.ts",
    member: ["RecordReceiver", "checkSequence"],
  },
  "a key for each direction": {
    text: "What the client sends and what the server sends have keys of their own.",
    file: "lib/handshake/key_schedule.ts",
    member: ["", "deriveSessionSecrets"],
    deleted: `const client = deriveSecret(master, "c ap", th8);
      return {
        client,
        server: client.slice(),
        ready: deriveSecret(master, "ready", th8),
        sessionId: expandLabel(master, "session id", th8, SESSION_ID_SIZE),
      };`,
  },
  "secrets of its own for each session": {
    text: "The secrets of a session come from its own handshake, and so no two sessions have the same.",
    file: "lib/handshake/key_schedule.ts",
    member: ["", "deriveSessionSecrets"],
    deleted: `const always = sha256();
      return {
        client: deriveSecret(always, "c ap", always),
        server: deriveSecret(always, "s ap", always),
        ready: deriveSecret(always, "ready", always),
        sessionId: expandLabel(always, "session id", always, SESSION_ID_SIZE),
      };`,
  },
  "repeated, not sealed again": {
    text: "A record that is asked for again goes out as the very bytes that went out before.",
    file: "lib/records/record_sender.ts",
    member: ["RecordSender", "repetitionOf"],
    deleted: `const other = record.parts![1]!.slice();
      other[0]! ^= 1;
      return recordParts(record.parts![0]!, other);`,
  },
  "acknowledge only what was sent": {
    text: "An acknowledgement of records that were not sent yet ends the session.",
    file: "lib/records/record_sender.ts",
    member: ["RecordSender", "checkAcknowledged"],
  },
  "the end needs CLOSE": {
    text: "A connection that ends before the peer's CLOSE was cut, however properly it ended.",
    file: "lib/records/session.ts",
    member: ["Session", "receiveEnd"],
  },
  "traffic secrets go one way": {
    text: "The next generation's secret is a hash of the one before, and leads back to nothing.",
    file: "lib/records/traffic_keys.ts",
    member: ["TrafficKeys", "nextSecret"],
    deleted: "return secret.slice();",
  },
  "old secrets are overwritten": {
    text: "A generation's secret is overwritten in memory as soon as the next one is in use.",
    file: "lib/records/traffic_keys.ts",
    member: ["TrafficKeys", "forget"],
  },
  "noise repair": {
    text: "A record whose CRC does not fit is asked for again, and the session goes on.",
    file: "lib/records/record_receiver.ts",
    member: ["RecordReceiver", "askAgain"],
    deleted: 'throw new StxError("connection_lost", "A record was damaged, and that is the end");',
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

/**
 * The defences of an open session's records.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const RECORD_DEFENCES = {
  "record tag": {
    text:
      "Each record carries a tag over all of it that only the two ends can make, and is not opened without.",
    file: "lib/records/traffic_keys.ts",
    member: ["TrafficKeys", "importKey"],
    deleted: "return importUntaggedKey(suite, secret);",
  },
  "record sequence": {
    text: "A record is taken only if it has the next number.",
    file: "lib/records/record_receiver.ts",
    member: ["RecordReceiver", "checkSequence"],
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

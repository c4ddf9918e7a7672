/**
 * The defences of a transfer, above the session.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const TRANSFER_DEFENCES = {
  "stream checksum": {
    text: "The sender's last message holds the CRC-32 of everything it has sent.",
    file: "lib/transfer/incoming_stream.ts",
    member: ["IncomingStream", "checkChecksum"],
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

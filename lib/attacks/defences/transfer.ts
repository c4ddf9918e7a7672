/**
 * The defences of a transfer, above the session.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const TRANSFER_DEFENCES = {
  "block index": {
    text: "A block of the stream is taken only if it is the next one, and as long as a block there must be.",
    file: "lib/transfer/incoming_stream.ts",
    member: ["IncomingStream", "checkPlace"],
  },
  "stream totals": {
    text: "The sender's last message says how many bytes and blocks it has sent, and so many must have come.",
    file: "lib/transfer/incoming_stream.ts",
    member: ["IncomingStream", "checkTotals"],
  },
  "stream checksum": {
    text: "The sender's last message holds the CRC-32 of everything it has sent.",
    file: "lib/transfer/incoming_stream.ts",
    member: ["IncomingStream", "checkChecksum"],
  },
  "read back": {
    text:
      "Where the sender asks for it, each file is read back from the receiver's disk, and its SHA-256 must be the sender's.",
    file: "lib/transfer/incoming_stream.ts",
    member: ["IncomingStream", "checkReadBack"],
  },
  "names checked": {
    text:
      "Every name in the list is checked before anything is opened, by rules that are the same everywhere.",
    file: "lib/transfer/offer_policy.ts",
    member: ["OfferRules", "checkNames"],
  },
  "manifest sizes": {
    text: "The sizes in the list of files must add up to the size that was offered.",
    file: "lib/transfer/offer_policy.ts",
    member: ["OfferRules", "checkTotal"],
  },
  "size limit": {
    text:
      "No more bytes are taken than the receiver's user allows, at the offer and again at every block that comes.",
    file: "lib/transfer/offer_policy.ts",
    member: ["OfferRules", "checkSize"],
  },
  "transfer id": {
    text:
      "A transfer's name must be the hash of both keys and of its list of files, so that a sender cannot choose it.",
    file: "lib/transfer/offer_policy.ts",
    member: ["OfferRules", "checkTransferId"],
  },
  "transfers by sender": {
    text: "The receiver keeps what is unfinished under a name that the sender's own key is part of.",
    file: "lib/transfer/recovery.ts",
    member: ["", "localIdOf"],
    deleted: 'return sha256(utf8("stx1 partial"), Uint8Array.of(0), transferId, utf8(folderPath));',
  },
  "manifest digest": {
    text: "The list of files that comes must be the one whose hash was offered.",
    file: "lib/transfer/incoming_manifest.ts",
    member: ["IncomingManifest", "checkDigest"],
  },
  "prefix digest": {
    text:
      "What the receiver has of a file is continued only if its SHA-256, as it is on the disk now, is that of the sender's.",
    file: "lib/transfer/sender.ts",
    member: ["Sender", "isSame"],
    deleted: "return true;",
  },
  "durable mark": {
    text: "The receiver cannot have saved more than was sent.",
    file: "lib/transfer/sender.ts",
    member: ["Sender", "checkDurable"],
  },
  "done after the end": {
    text: "A receipt is looked at only when everything has been sent.",
    file: "lib/transfer/receipt_checks.ts",
    member: ["ReceiptChecks", "checkSent"],
  },
  "receipt size": {
    text: "A receipt must be about as many bytes as were sent.",
    file: "lib/transfer/receipt_checks.ts",
    member: ["ReceiptChecks", "checkSize"],
  },
  "receipt digests": {
    text: "A receipt must have the files' hashes in it where the sender has asked for them.",
    file: "lib/transfer/receipt_checks.ts",
    member: ["ReceiptChecks", "checkDigests"],
  },
  "receipt signature": {
    text:
      "The receiver's key must have signed exactly what the sender knows of the transfer: both keys, the list of files, the session, the size.",
    file: "lib/transfer/receipt_checks.ts",
    member: ["ReceiptChecks", "checkSignature"],
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

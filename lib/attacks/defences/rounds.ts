/**
 * The defences of the rounds.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const ROUNDS_DEFENCES = {
  "packet MAC": {
    text:
      "Each packet carries a MAC over all of it that only the two ends can make, and is not opened without.",
    file: "lib/rounds/chain.ts",
    member: ["Chain", "checkMac"],
  },
  "packet encryption": {
    text: "What a packet says is encrypted with a key that only the two ends have.",
    file: "lib/rounds/chain.ts",
    member: ["Chain", "encrypt"],
    deleted:
      "const size = cbcCiphertextSize(body.length); return Uint8Array.from({ length: size }, (_, i) => body[i] ?? size - body.length);",
    with: {
      member: ["Chain", "decrypt"],
      deleted: "return ciphertext.slice(0, Math.max(0, ciphertext.length - ciphertext.at(-1)));",
    },
  },
  "ratchet": {
    text:
      "Each packet turns the chain key into the next one by a hash of the key and the packet, and the old key is overwritten.",
    file: "lib/rounds/chain.ts",
    member: ["Chain", "advance"],
  },
  "chain per direction": {
    text:
      "What the client sends and what the server sends have chain keys that have nothing to do with each other.",
    file: "lib/rounds/key_schedule.ts",
    member: ["KeySchedule", "firstKey"],
    deleted: 'return secretExpand(secret, utf8("stx rounds session"), HASH_SIZE);',
  },
  "session secret": {
    text:
      "A session's keys come from all of HELLO and CHALLENGE, which have new random bytes of each end in every session.",
    file: "lib/rounds/key_schedule.ts",
    member: ["KeySchedule", "sessionSecret"],
    deleted: "return root.slice();",
  },
  "next root": {
    text:
      "The root of the next epoch is a hash of this one's, which is overwritten: nobody gets from a root to the ones before.",
    file: "lib/rounds/root.ts",
    member: ["", "nextRoot"],
    deleted: "return root.slice();",
  },
  "packet direction": {
    text: "A packet says which way it goes, and is not taken from the other end.",
    file: "lib/rounds/session.ts",
    member: ["RoundsSession", "checkDirection"],
  },
  "packet epoch": {
    text: "A packet says whose it is and of which session, and is taken in no other.",
    file: "lib/rounds/session.ts",
    member: ["RoundsSession", "checkEpoch"],
  },
  "packet round": {
    text: "A packet says which round of its session it belongs to, and is taken in no other.",
    file: "lib/rounds/session.ts",
    member: ["RoundsSession", "checkRound"],
  },
  "state table": {
    text: "A table says which packets may come in which state; any other ends the connection.",
    file: "lib/rounds/session.ts",
    member: ["RoundsSession", "stateAfter"],
    deleted:
      "try { return roundsStateAfter(this.#role, this.#state, opcode); } catch { return this.#state; }",
  },
  "HELLO's epoch": {
    text: "A HELLO of an epoch that is behind the server's own is not taken.",
    file: "lib/rounds/server.ts",
    member: ["RoundsServerSession", "checkHelloEpoch"],
  },
  "committed epoch": {
    text:
      "The server has the next epoch and its root on its disk, in the place of the old ones, before it answers a HELLO.",
    file: "lib/rounds/server.ts",
    member: ["RoundsServerSession", "commitEpoch"],
  },
  "returned challenge": {
    text: "A client's first value returns random bytes that the server has just drawn.",
    file: "lib/rounds/server.ts",
    member: ["RoundsServerSession", "checkChallenge"],
  },
  "id size": {
    text: "A packet whose client's name is longer than names may be is refused at its fourth byte.",
    file: "lib/rounds/packet.ts",
    member: ["PacketAssembler", "checkIdSize"],
  },
  "ciphertext size": {
    text:
      "A packet that announces more than may come now is refused at its header, before anything is kept for it.",
    file: "lib/rounds/packet.ts",
    member: ["PacketAssembler", "checkCiphertextSize"],
  },
  "one session a client": {
    text: "A newer session of a client ends its older one, whose waiting value is forgotten.",
    file: "lib/net/rounds_server.ts",
    member: ["RoundsService", "supersede"],
  },
  "end only by CLOSE": {
    text: "A stream that ends without an authentic CLOSE is a cut line, and never the server's word.",
    file: "lib/net/rounds_client.ts",
    member: ["RoundsMembership", "endWithoutClose"],
    deleted: 'return new ClosedByServer("done");',
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

/**
 * Attacks on the rounds by packets that come again, are changed or are made up.
 * @module
 */
import { flipPacketBits, injectData, tamperData } from "../../../lib/attacks/transforms/rounds_change.ts";
import { reflectData, replayData, spliceData } from "../../../lib/attacks/transforms/rounds_repeat.ts";
import { concat } from "../../../lib/bytes/bytes.ts";
import { OPCODES } from "../../../lib/rounds/packet.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import type { Attack, Stage } from "../attack.ts";
import { playFlips, playReflection, playSessions, playStranger } from "../rounds_plays.ts";

/** What strangers pour out: much more than a HELLO has, which is 160 bytes at most. */
const POUR_SIZE = 64 * 1024;

/** The header of a HELLO of client `a` that announces a mebibyte at least, and some of it. */
function oversize({ seeded }: Stage) {
  const header = concat(
    Uint8Array.of(1, OPCODES.hello, 0, 1, 0x61),
    u32(0),
    u32(0),
    u32(16 * (2 ** 16 + seeded.below(2 ** 27))),
  );
  return concat(header, seeded.bytes(POUR_SIZE));
}

/** Random bytes. */
function garbage({ seeded }: Stage) {
  const bytes = seeded.bytes(POUR_SIZE);
  // So that what stands for the size of an id is none, and what stands behind that id for a size is large: by chance one
  // in four would have to be looked at further, and one in thousands would be waited for.
  bytes[3]! |= 0x80;
  bytes[4 + bytes[3]! + 8]! |= 0x80;
  return bytes;
}

const VALUES =
  "A value of the rounds counts once, in its round, as it was sent, and nobody on the way reads it";

/** See the module's text. */
export const ROUNDS_PACKET_ATTACKS: readonly Attack[] = [
  {
    name: "replay",
    protocol: "rounds",
    by: "path",
    goal: "A client's value counts twice.",
    does: "Sends a packet with a value to the server once more, as soon as the server has answered it.",
    why:
      "The packet says which round of its session it belongs to, and that round is over. The chain has also gone on: the " +
      "packet's MAC was made with a key that is not the next one any more.",
    promises: [VALUES, "No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "bad_round", during: "its round is" },
    defences: ["packet round", "ratchet"],
    onPath: (seeded) => () => replayData(seeded),
    play: (stage) => playSessions(stage, () => replayData(stage.seeded)),
  },
  {
    name: "reflect",
    protocol: "rounds",
    by: "path",
    goal: "A client believes that a packet of its own is the server's answer.",
    does:
      "Can choose what the client sends, as somebody can who stands in front of a sensor. It lets the client send a value " +
      "that reads like a result, and sends the packet back to it in place of an answer.",
    why:
      "The packet says that it goes from the client to the server, and that it is a value and no result. The two directions " +
      "also have keys of their own, which each packet turns into other ones, so its MAC does not hold in the other one.",
    promises: [VALUES, "No misbinding and no reflection"],
    expected: { kind: "stopped", at: "client", code: "bad_direction", during: "its direction is 0" },
    defences: ["packet direction", "state table", "chain per direction", "ratchet"],
    onPath: () => reflectData,
    play: (stage) => playReflection(stage, reflectData),
  },
  {
    name: "splice",
    protocol: "rounds",
    by: "path",
    goal: "A value of one session counts in another one of the same client.",
    does:
      "Keeps a packet with a value, waits for the client's next session, and puts it there in the place of the value of the " +
      "same round.",
    why:
      "The packet names the epoch of its session, and every session has another one. Its keys come from that epoch's root, " +
      "from random bytes of both ends and from all packets before it, none of which is the same in the next session.",
    promises: [VALUES, "No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "bad_round", during: "it is of epoch" },
    defences: ["packet epoch", "next root", "session secret", "ratchet"],
    onPath: spliceData,
    play: (stage) => playSessions(stage, spliceData(stage.seeded), 2),
  },
  {
    name: "tamper",
    protocol: "rounds",
    by: "path",
    goal: "Another number counts than the one that the client has sent.",
    does:
      "Flips one bit in the IV of a packet with a value. In this mode of encryption that flips the same bit of the value's " +
      "beginning and nothing else: a 4 becomes a 5, and no key is needed for it.",
    why:
      "Encryption alone does not show what was changed. Each packet ends in a MAC over its header, its IV and its " +
      "ciphertext, and the server decrypts nothing before that holds.",
    promises: [VALUES, "Nothing is accepted that was changed"],
    expected: { kind: "stopped", at: "server", code: "bad_mac", during: "its MAC does not hold" },
    defences: ["packet MAC"],
    onPath: (seeded) => () => tamperData(seeded),
    play: (stage) => playSessions(stage, () => tamperData(stage.seeded)),
  },
  {
    name: "inject",
    protocol: "rounds",
    by: "path",
    goal: "A number counts that no client has sent.",
    does:
      "Writes a packet of its own in the place of a client's. The header is copied, since it stands in the clear; value and " +
      "MAC are made up.",
    why:
      "Nobody can make the MAC without the key of this very packet. And whoever got past that would have to know the key " +
      "of the encryption as well, or the server would read noise.",
    promises: [VALUES, "Nothing is accepted that was changed"],
    expected: { kind: "stopped", at: "server", code: "bad_mac", during: "its MAC does not hold" },
    defences: ["packet MAC", "packet encryption"],
    onPath: (seeded) => () => injectData(seeded),
    play: (stage) => playSessions(stage, () => injectData(stage.seeded)),
  },
  {
    name: "bit-flip",
    protocol: "rounds",
    by: "path",
    goal: "A packet with one changed bit counts, or is believed.",
    does:
      "Flips a single bit in a packet, in one session after the other: in HELLO, CHALLENGE, a value and a result, in the " +
      "header, the IV, the ciphertext and the MAC.",
    why:
      "The MAC covers every bit of a packet and does not hold if one is another. What an end can see in the header without a " +
      "key, such as another round, it refuses before it comes to that.",
    promises: [VALUES, "Nothing is accepted that was changed"],
    expected: { kind: "stopped", at: "server", code: "bad_mac", during: "its MAC does not hold" },
    defences: ["packet MAC"],
    onPath: flipPacketBits,
    play: (stage) => playFlips(stage, flipPacketBits(stage.seeded)),
  },
  {
    name: "oversize",
    protocol: "rounds",
    by: "stranger",
    goal: "The server keeps as much of a packet as a stranger likes to send.",
    does:
      "Connects, announces a first packet of a mebibyte or far more, and sends as much of it as the server takes.",
    why:
      "The first packet of a connection can only be a HELLO, and that has 160 bytes at most. The server looks at the size as " +
      "soon as it is there, and hangs up without keeping anything for it.",
    promises: [VALUES, "Strangers cost bounded memory, time and work, and keep nobody out"],
    expected: { kind: "stopped", at: "server", code: "limit_exceeded", during: "its ciphertext has" },
    defences: ["ciphertext size"],
    play: (stage) => playStranger(stage, "HELLO", oversize(stage), "announces a mebibyte or more"),
  },
  {
    name: "garbage",
    protocol: "rounds",
    by: "stranger",
    goal: "The server keeps whatever a stranger sends, or serves nobody else meanwhile.",
    does: "Connects and sends random bytes.",
    why:
      "Read as a packet they have sizes that no packet has: first that of the client's name, and further on that of the " +
      "ciphertext. Either is refused as soon as it is there, and nobody else's connection is touched.",
    promises: [VALUES, "Strangers cost bounded memory, time and work, and keep nobody out"],
    expected: { kind: "stopped", at: "server", code: "limit_exceeded", during: "its id has" },
    defences: ["id size", "ciphertext size"],
    play: (stage) => playStranger(stage, "garbage", garbage(stage), "random bytes"),
  },
];

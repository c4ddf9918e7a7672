/**
 * Attacks on the rounds by what does not arrive, or not in its order; and what lines do by themselves.
 * @module
 */
import { halfDeadLine, truncateAggregate } from "../../../lib/attacks/transforms/rounds_lines.ts";
import { dropAggregate, reorderClose } from "../../../lib/attacks/transforms/rounds_repeat.ts";
import type { Attack } from "../attack.ts";
import { playDrop, playRejoin, playReorder, playTruncation } from "../rounds_plays.ts";

const VALUES =
  "A value of the rounds counts once, in its round, as it was sent, and nobody on the way reads it";

/** See the module's text. */
export const ROUNDS_LINE_ATTACKS: readonly Attack[] = [
  {
    name: "drop",
    protocol: "rounds",
    by: "path",
    goal:
      "A client is told that its value came too late, although it has counted, and may send it once more.",
    does:
      "Lets a result vanish. The client waits for it and sends nothing in the next round, until the server tells it that it " +
      "was late in that one; this arrives.",
    why:
      "The server's last word says that it is of the next round, and the client has not heard the end of this one: something " +
      "is missing between them. The keys show it too, since each depends on all packets before it.",
    promises: [VALUES, "Nothing is accepted that was changed"],
    expected: { kind: "stopped", at: "client", code: "bad_round", during: "its round is" },
    defences: ["packet round", "ratchet"],
    onPath: () => dropAggregate,
    play: (stage) => playDrop(stage, dropAggregate),
  },
  {
    name: "reorder",
    protocol: "rounds",
    by: "path",
    goal: "A client's last value is lost, and the server takes its farewell for an orderly one.",
    does:
      "Waits for a client that sends a value and leaves without waiting for the result. It lets the farewell overtake the " +
      "value, behind which the server would read nothing more.",
    why:
      "Each packet's keys come from the packet before it. The server lacks the value's packet, so that the farewell's MAC " +
      "does not hold, and it knows that something has happened on the way.",
    promises: [VALUES, "Nothing is accepted that was changed"],
    expected: { kind: "stopped", at: "server", code: "bad_mac", during: "its MAC does not hold" },
    defences: ["ratchet"],
    onPath: () => reorderClose,
    play: (stage) => playReorder(stage, reorderClose),
  },
  {
    name: "truncate",
    protocol: "rounds",
    by: "path",
    goal: "A client believes that the server has ended the session, and does not join again.",
    does: "Lets only the beginning of a result through, and ends the connection properly behind it.",
    why:
      "The end of a connection is nobody's word: anybody on the way can cause it. The server's last word is a packet, CLOSE, " +
      "with a MAC like all others; without it the client says that its line was cut.",
    promises: [VALUES, "Nothing is accepted that was changed"],
    expected: { kind: "stopped", at: "client", code: "connection_lost", during: "without a word" },
    defences: ["end only by CLOSE"],
    onPath: (seeded) => () => truncateAggregate(seeded),
    play: (stage) => playTruncation(stage, () => truncateAggregate(stage.seeded)),
  },
  {
    name: "cut-and-rejoin",
    protocol: "rounds",
    by: "line",
    goal: "A value counts twice because its client's line has died.",
    does:
      "A client's line dies while its value waits for a round, and the server does not hear of it. The client joins again, in " +
      "its next epoch, and sends the value once more.",
    why:
      "A client is there once: its newer session ends the older one, whose value is forgotten as long as no round has begun " +
      "with it. The value counts once, and everybody hears the same result.",
    promises: [VALUES, "No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "survived" },
    defences: ["one session a client"],
    onPath: () => halfDeadLine,
    play: (stage) => playRejoin(stage, halfDeadLine),
  },
];

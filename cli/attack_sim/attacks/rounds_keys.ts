/**
 * Attacks on the keys of the rounds: by recordings of whole sessions, and by keys that are wrong, old or stolen.
 * @module
 */
import { replaySession } from "../../../lib/attacks/transforms/replay_session.ts";
import type { Attack } from "../attack.ts";
import {
  playEavesdropper,
  playForwardSecrecy,
  playOldKeyFile,
  playReplayAfterRestart,
  playRootLeak,
  playWrongKey,
} from "../rounds_key_plays.ts";
import { playSessions } from "../rounds_plays.ts";

const VALUES =
  "A value of the rounds counts once, in its round, as it was sent, and nobody on the way reads it";

/** See the module's text. */
export const ROUNDS_KEY_ATTACKS: readonly Attack[] = [
  {
    name: "session-replay",
    protocol: "rounds",
    by: "path",
    goal: "All values of a session count once more.",
    does:
      "Records everything that a client says in a session, and says it again over a connection of its own.",
    why:
      "The epoch of that session is used up, and its root has been overwritten by the next one. Were HELLO taken all the " +
      "same, the server would draw a new challenge: the recorded values do not return it, and are not sealed with keys that " +
      "depend on it.",
    promises: [VALUES, "No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "bad_round", during: "HELLO of epoch" },
    defences: ["HELLO's epoch", "next root", "session secret", "returned challenge"],
    onPath: () => replaySession,
    play: (stage) => playSessions(stage, replaySession),
  },
  {
    name: "session-replay-restart",
    protocol: "rounds",
    by: "path",
    goal:
      "All values of a session count once more, since the server was started anew and has forgotten them.",
    does:
      "Records everything that a client says in a session, waits until the server has been started anew, and says it again.",
    why:
      "The server has put the next epoch on its disk before it answered that HELLO, and finds it there. Without that, its " +
      "new challenge would still be missing in the recorded values and in their keys.",
    promises: [VALUES, "No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "bad_round", during: "HELLO of epoch" },
    defences: ["committed epoch", "session secret", "returned challenge"],
    play: playReplayAfterRestart,
  },
  {
    name: "wrong-key",
    protocol: "rounds",
    by: "stranger",
    goal: "Somebody without a client's key takes part in its name.",
    does:
      "Joins under the name of a client, in the right epoch, since both can be seen on any line; but with a root of its own.",
    why:
      "HELLO's MAC has to be made with a key that comes from the client's root of this epoch, and nobody else has that. " +
      "What it says could not be decrypted either.",
    promises: [
      VALUES,
      "Both ends are authenticated, and the sender's identity goes to nobody but the receiver that it means",
    ],
    expected: { kind: "stopped", at: "server", code: "bad_mac", during: "its MAC does not hold" },
    defences: ["packet MAC", "packet encryption"],
    play: playWrongKey,
  },
  {
    name: "old-key-file",
    protocol: "rounds",
    by: "thief",
    goal: "Keys that were used up open a second session.",
    does:
      "Puts a copy of a client's key file in its place that was made before its last session, as somebody does who restores a " +
      "backup, and joins with it.",
    why:
      "The server's epoch never goes back, and it has overwritten the root of that epoch: the client has to be enrolled again. " +
      "This keeps keys from being used twice. It does not make copies harmless: from an old root the later ones follow.",
    promises: [VALUES, "No replay of a message, a record, a direction, a handshake or a session"],
    expected: { kind: "stopped", at: "server", code: "bad_round", during: "HELLO of epoch" },
    defences: ["HELLO's epoch", "next root"],
    play: playOldKeyFile,
  },
  {
    name: "forward-secrecy",
    protocol: "rounds",
    by: "thief",
    goal: "Values that were recorded are read with keys that are stolen later in the same session.",
    does:
      "Records a session. After some of its rounds it gets the key that the client has in its memory, and the client's file, " +
      "and tries both on everything that it has recorded so far.",
    why:
      "Each packet turns the key into the next one by a hash, which nobody can turn back, and the key before is overwritten. " +
      "In the file is the root of the next session already.",
    promises: [VALUES, "Forward secrecy, per session and inside a long one"],
    expected: { kind: "survived" },
    defences: ["ratchet"],
    play: playForwardSecrecy,
  },
  {
    name: "root-leak",
    protocol: "rounds",
    by: "thief",
    goal: "A session that was recorded is read with the client's key file, stolen when it is over.",
    does:
      "Records a session, takes the client's key file afterwards, and computes what keys would follow from it.",
    why:
      "Before the client says HELLO, its file has the root of the next epoch in the place of this one's. It is a hash of it, " +
      "and nobody can turn that back.",
    promises: [VALUES, "Forward secrecy, per session and inside a long one"],
    expected: { kind: "survived" },
    defences: ["next root"],
    play: playRootLeak,
  },
  {
    name: "eavesdrop",
    protocol: "rounds",
    by: "path",
    goal: "The attacker reads a client's value, or its result.",
    does: "Listens, and looks for the values in everything that goes over the line.",
    why:
      "What a packet says is encrypted with a key that only the two ends have, under an IV that is new and random each time. " +
      "Names, rounds and sizes are in the clear.",
    promises: [
      VALUES,
      "Everything after WELCOME's clear part is confidential: names, sizes, times and counts too",
    ],
    expected: { kind: "survived" },
    defences: ["packet encryption"],
    play: playEavesdropper,
  },
];

/**
 * Attacks on recorded sessions of STX/1, by somebody who gets hold of secrets afterwards.
 * @module
 */
import { listen } from "../../../lib/attacks/transforms/listen.ts";
import type { Unit } from "../../../lib/attacks/wire.ts";
import { equal } from "../../../lib/bytes/bytes.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { type EphemeralKeys, readRecording, WatchedRandom } from "../rogue_thief.ts";
import { withStxWorld } from "../stx_world.ts";

/**
 * One transfer that is recorded, and then read with what the thief has: the shared key, and those of the ephemeral keys
 * that `steal` gives it.
 */
async function playTheft(stage: Stage, steal: (random: WatchedRandom) => EphemeralKeys): Promise<Played> {
  const units: Unit[] = [];
  const random = new WatchedRandom();
  const sharedKey = prepareSharedKey(systemRandom.bytes(32));
  return await withStxWorld(stage, {
    attacker: () => listen(units),
    client: { random, sharedKey, authModes: ["identity+psk"] },
    server: { sharedKeys: [sharedKey], authModes: ["identity+psk"] },
  }, async (world) => {
    await world.send();
    await world.settle();
    const read = await readRecording(units, steal(random), sharedKey);
    const hasSucceeded = equal(read, world.content);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the file was read from the recording"
        : "none of the recording opens with what the thief has",
    );
  });
}

/** See the module's text. */
export const THIEF_ATTACKS: readonly Attack[] = [
  {
    name: "forward-secrecy",
    protocol: "stx",
    by: "thief",
    goal: "Somebody who steals all long-term keys reads a file that was sent before.",
    does:
      "Records a session. When it is over, it gets hold of the private keys of both identities and of the shared key, " +
      "and computes what keys follow from them and from the recording.",
    why:
      "The session's keys were agreed on by ephemeral keys, by ML-KEM-768 and by X25519, which no file ever held and " +
      "both ends have let go of. Identities only sign, and a shared key alone makes no session's keys.",
    promises: ["Forward secrecy, per session and inside a long one"],
    expected: { kind: "survived" },
    defences: ["ml-kem secret", "x25519 secret"],
    play: (stage) => playTheft(stage, () => ({})),
  },
  {
    name: "harvest-now",
    protocol: "stx",
    by: "thief",
    goal: "Somebody who has a quantum computer one day reads a file that is sent today.",
    does:
      "Records a session and keeps it. Years later it computes the private X25519 key from the public one, and steals " +
      "the shared key as well.",
    why:
      "X25519 is one half of the key agreement. The other one is ML-KEM-768, for which no quantum computer is of use " +
      "as far as anybody knows, and the session's keys depend on both.",
    promises: ["Recorded traffic stays secret against a quantum computer"],
    expected: { kind: "survived" },
    defences: ["ml-kem secret"],
    play: (stage) => playTheft(stage, ({ x25519 }) => ({ x25519 })),
  },
  {
    name: "broken-ml-kem",
    protocol: "stx",
    by: "thief",
    goal: "Somebody who finds a flaw in ML-KEM reads a file that is sent today.",
    does:
      "Records a session and keeps it. Years later ML-KEM turns out to be weak: the thief computes its private key " +
      "from the public one, and steals the shared key as well.",
    why:
      "ML-KEM-768 is young and is one half of the key agreement only. The other one is X25519, and the session's keys " +
      "depend on both.",
    promises: ["Recorded traffic stays secret against a quantum computer"],
    expected: { kind: "survived" },
    defences: ["x25519 secret"],
    play: (stage) => playTheft(stage, ({ kemSeed }) => ({ kemSeed })),
  },
];

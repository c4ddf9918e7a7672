/**
 * Attacks on the handshake of STX/1 by somebody on the path who has an identity of its own that both ends trust: it
 * wants to be taken for one of them.
 * @module
 */
import { type Bytes, equal } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import type { Identity } from "../../../lib/ports.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { misbind, type Misbinding } from "../rogue_misbinder.ts";
import { relayChanging } from "../rogue_relay.ts";
import { newIdentities, newIdentity, type StxWorld, withStxWorld } from "../stx_world.ts";

/** What a play has seen. */
interface Seen {
  readonly world: StxWorld;
  /** Whether the sender has taken the attacker for the receiver, and shown itself to it. */
  readonly isTakenForReceiver: boolean;
  /** Whether the receiver has taken the attacker for the sender. */
  readonly isTakenForSender: boolean;
}

/** One transfer with the attacker in between, whom both ends know. */
async function play(
  stage: Stage,
  what: Pick<Misbinding, "message" | "isIdentitySigned">,
  judge: (seen: Seen) => { readonly hasSucceeded: boolean; readonly evidence: string },
): Promise<Played> {
  const attacker = await newIdentity(stage);
  const identities = await newIdentities(stage);
  let isAcceptedByClient = false;
  let isAcceptedByServer = false;
  const passed = new Set<string>();
  return await withStxWorld(stage, {
    identities,
    client: {
      checkServer: (key) => {
        isAcceptedByClient = isOwner(key, attacker);
        if (isAcceptedByClient || isOwner(key, identities.receiver)) return;
        throw new StxError("unknown_receiver", "The receiver is none that the sender knows");
      },
    },
    server: {
      authorize: (key) => {
        isAcceptedByServer = isOwner(key, attacker);
        if (isAcceptedByServer || isOwner(key, identities.sender)) return;
        throw new StxError("unauthorized", "The sender's key is not among the authorized keys");
      },
    },
    between: async (ends, onStep) => {
      await relayChanging(ends, misbind({ identity: attacker, ...what }), (step) => {
        passed.add(step.name);
        onStep(step);
      });
    },
  }, async (world) => {
    await world.send();
    await world.settle();
    const { hasSucceeded, evidence } = judge({
      world,
      isTakenForReceiver: isAcceptedByClient && passed.has("VERIFY"),
      isTakenForSender: isAcceptedByServer && passed.has("READY"),
    });
    return world.played(hasSucceeded, evidence);
  });
}

function isOwner(key: Bytes, { publicKey }: Identity): boolean {
  return equal(key, publicKey);
}

const PROMISES = ["No misbinding and no reflection"];

/** See the module's text. */
export const MISBINDING_ATTACKS: readonly Attack[] = [
  {
    name: "identity-misbinding",
    protocol: "stx",
    by: "path",
    goal: "The receiver takes the file that the sender sends for the attacker's.",
    does:
      "Lets the two ends agree on keys, which it does not learn. In VERIFY it puts its own identity and signature in " +
      "place of the sender's: the receiver knows the attacker and takes files from it too.",
    why:
      "Who the sender is goes over the wire sealed. Could the attacker change it there, the sender's proof and the " +
      "session's keys would still depend on the identity that the sender has shown; and so does the name of the transfer.",
    promises: PROMISES,
    expected: { kind: "stopped", at: "server", code: "handshake_failed", during: "Cannot open VERIFY" },
    defences: ["handshake seal", "identities in transcript", "transfer id"],
    // With the identities in the transcript no signature helps it, so it bets on a protocol without them.
    play: (stage) =>
      play(stage, { message: "VERIFY", isIdentitySigned: false }, ({ world, isTakenForSender }) => {
        const hasSucceeded = isTakenForSender && world.isIntact;
        return {
          hasSucceeded,
          evidence: hasSucceeded
            ? "the sender's file is in place, and the receiver has it from the attacker"
            : "no file is in place under the attacker's name",
        };
      }),
  },
  {
    name: "misbound-session",
    protocol: "stx",
    by: "path",
    goal: "The receiver opens a session for the attacker that the sender has begun.",
    does:
      "The same as identity-misbinding, but the attacker is content if the receiver believes that it has just connected.",
    why:
      "VERIFY does not open once it was changed. Could the attacker change it, the sender's proof in it would not fit " +
      "another identity, and the attacker does not have the key to make one that does.",
    promises: PROMISES,
    expected: { kind: "stopped", at: "server", code: "handshake_failed", during: "Cannot open VERIFY" },
    defences: ["handshake seal", "client proof"],
    play: (stage) =>
      play(stage, { message: "VERIFY", isIdentitySigned: true }, ({ isTakenForSender }) => ({
        hasSucceeded: isTakenForSender,
        evidence: isTakenForSender
          ? "the receiver has opened a session, and says that it is the attacker's"
          : "the receiver has opened no session for the attacker",
      })),
  },
  {
    name: "misbound-receiver",
    protocol: "stx",
    by: "path",
    goal:
      "The sender begins a session with the attacker, so it believes, while its keys are shared with another.",
    does:
      "In WELCOME it puts its own identity in place of the receiver's and signs as an end has to sign: the sender " +
      "knows the attacker and sends files to it too.",
    why:
      "WELCOME does not open once it was changed. Could the attacker change it, the receiver's proof in it would not " +
      "fit another identity, and the attacker does not have the key to make one that does.",
    promises: PROMISES,
    expected: { kind: "stopped", at: "client", code: "handshake_failed", during: "Cannot open WELCOME" },
    defences: ["handshake seal", "server proof"],
    play: (stage) =>
      play(stage, { message: "WELCOME", isIdentitySigned: true }, ({ isTakenForReceiver }) => ({
        hasSucceeded: isTakenForReceiver,
        evidence: isTakenForReceiver
          ? "the sender takes the attacker for the receiver, and answers under keys that it shares with another"
          : "the sender has not accepted the attacker as the receiver",
      })),
  },
];

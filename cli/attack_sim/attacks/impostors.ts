/**
 * Attacks on the handshake of STX/1 by somebody who connects, or is connected to, and is not who it should be.
 * @module
 */
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { type AuthorizedKey, parseAuthorizedKeys } from "../../../lib/identity/authorized_keys.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import type { Identity, Random } from "../../../lib/ports.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { ServerWithoutSharedKey } from "../rogue_server.ts";
import {
  newIdentities,
  newIdentity,
  type StxWorld,
  type StxWorldOptions,
  withStxWorld,
} from "../stx_world.ts";
import { authorizeBy, checkKnown, checkNamed } from "../trust.ts";

/** One transfer in a world of impostors, whose goal is that the file arrives. */
async function playArrival(stage: Stage, options: StxWorldOptions, arrived: string): Promise<Played> {
  return await playOne(stage, options, (world) => ({
    hasSucceeded: world.isIntact,
    evidence: world.isIntact ? arrived : "no file has arrived",
  }));
}

async function playOne(
  stage: Stage,
  options: StxWorldOptions,
  judge: (world: StxWorld) => { readonly hasSucceeded: boolean; readonly evidence: string },
): Promise<Played> {
  return await withStxWorld(stage, options, async (world) => {
    await world.send();
    await world.settle();
    const { hasSucceeded, evidence } = judge(world);
    return world.played(hasSucceeded, evidence);
  });
}

/** The options of a world in which somebody else's machine answers in the receiver's place. */
function answeredBy(identity: Identity): Pick<StxWorldOptions, "server" | "receiver"> {
  return { server: { identity }, receiver: { identity } };
}

/** The options of a world in which somebody else connects in the sender's place. */
function begunBy(identity: Identity): Pick<StxWorldOptions, "client" | "sender"> {
  return { client: { identity }, sender: { identity: identity.publicKey } };
}

/** The lines of authorized_keys that name these keys. */
function listed(...identities: readonly Identity[]): readonly AuthorizedKey[] {
  const lines = identities.map(({ publicKey }) => `${formatPublicKeyLine(publicKey, "somebody")}\n`);
  return parseAuthorizedKeys(lines.join("")).keys;
}

/** Somebody who shows a public key without having its private half. */
function pretender({ publicKey }: Identity): Identity {
  return { publicKey, sign: () => Promise.resolve(systemRandom.bytes(64)) };
}

/** The neutral point of the curve: under it the signature `01 00... 00...` fits every message. */
const NEUTRAL_POINT = Uint8Array.of(1, ...new Uint8Array(31));
const OWNERLESS: Identity = {
  publicKey: NEUTRAL_POINT,
  sign: () => Promise.resolve(Uint8Array.of(...NEUTRAL_POINT, ...new Uint8Array(32))),
};

/** Counts what is drawn: keys and nonces, which are drawn where public-key work begins. */
class CountingRandom implements Random {
  drawnCount = 0;

  bytes(size: number): Uint8Array<ArrayBuffer> {
    this.drawnCount += 1;
    return systemRandom.bytes(size);
  }
}

const BOTH_AUTHENTICATED =
  "Both ends are authenticated, and the sender's identity goes to nobody but the receiver that it means";

/** See the module's text. */
export const IMPOSTOR_ATTACKS: readonly Attack[] = [
  {
    name: "changed-server-key",
    protocol: "stx",
    by: "path",
    plays: "server",
    goal: "The sender gives its file to another receiver than the one that it has sent to before.",
    does:
      "Answers at the receiver's address with a machine of its own, which runs the same program with a key of its " +
      "own. The sender has sent to that address before.",
    why:
      "The sender has remembered the receiver's key. Another one in its place is refused, before the sender has shown " +
      "who it is or what it wants to send.",
    promises: [BOTH_AUTHENTICATED],
    expected: { kind: "stopped", at: "client", code: "receiver_changed", during: "is changed" },
    defences: ["receiver pin"],
    async play(stage) {
      const identities = await newIdentities(stage);
      return await playArrival(stage, {
        identities,
        ...answeredBy(await newIdentity(stage)),
        client: { checkServer: checkKnown(stage.off, identities.receiver.publicKey) },
      }, "the other receiver has the file");
    },
  },
  {
    name: "unnamed-receiver",
    protocol: "stx",
    by: "path",
    plays: "server",
    goal: "The sender gives its file to another receiver than the one that its user has named.",
    does:
      "Answers at the receiver's address with a machine of its own. The sender has never been there, but its user has " +
      "given the receiver's fingerprint by --peer.",
    why: "A receiver that shows another key than the named one is refused, and no question is asked.",
    promises: [BOTH_AUTHENTICATED],
    expected: { kind: "stopped", at: "client", code: "receiver_changed", during: "not the named one" },
    defences: ["named receiver"],
    async play(stage) {
      const identities = await newIdentities(stage);
      return await playArrival(stage, {
        identities,
        ...answeredBy(await newIdentity(stage)),
        client: { checkServer: checkNamed(stage.off, identities.receiver.publicKey) },
      }, "the other receiver has the file");
    },
  },
  {
    name: "pretended-receiver",
    protocol: "stx",
    by: "path",
    plays: "server",
    goal: "Somebody who shows the receiver's public key, and has no private one, gets the file.",
    does:
      "Answers at the receiver's address, shows the receiver's own public key, which is no secret, and sends random " +
      "bytes for a signature.",
    why: "The receiver has to sign the handshake with the private half of the key that it shows.",
    promises: [BOTH_AUTHENTICATED],
    expected: { kind: "stopped", at: "client", code: "bad_signature", during: "server's signature" },
    defences: ["server signature"],
    async play(stage) {
      const identities = await newIdentities(stage);
      return await playArrival(stage, {
        identities,
        ...answeredBy(pretender(identities.receiver)),
        client: { checkServer: checkKnown(stage.off, identities.receiver.publicKey) },
      }, "the one who pretends to be the receiver has the file");
    },
  },
  {
    name: "pretended-sender",
    protocol: "stx",
    by: "stranger",
    goal: "Somebody who shows an authorized public key, and has no private one, puts a file in place.",
    does:
      "Connects to the receiver, shows the public key of somebody who may send, and sends random bytes for a " +
      "signature.",
    why: "The sender has to sign the handshake with the private half of the key that it shows.",
    promises: [BOTH_AUTHENTICATED],
    expected: { kind: "stopped", at: "server", code: "bad_signature", during: "client's signature" },
    defences: ["client signature"],
    async play(stage) {
      const identities = await newIdentities(stage);
      return await playArrival(stage, {
        identities,
        ...begunBy(pretender(identities.sender)),
        server: { authorize: authorizeBy(stage.off, listed(identities.sender)) },
      }, "the receiver has a file of somebody who only pretends to be the sender");
    },
  },
  {
    name: "wrong-key",
    protocol: "stx",
    by: "stranger",
    goal: "Somebody whom nobody has authorized puts a file in place.",
    does: "Connects to the receiver with a key of its own, which it can prove, and sends a file.",
    why: "The receiver takes files from the owners of the keys in its authorized_keys, and from nobody else.",
    promises: [BOTH_AUTHENTICATED],
    expected: { kind: "stopped", at: "server", code: "unauthorized", during: "is not in authorized_keys" },
    defences: ["authorized keys"],
    async play(stage) {
      const identities = await newIdentities(stage);
      return await playArrival(stage, {
        identities,
        ...begunBy(await newIdentity(stage)),
        server: { authorize: authorizeBy(stage.off, listed(identities.sender)) },
      }, "the receiver has a file of somebody whom nobody has authorized");
    },
  },
  {
    name: "revoked-key",
    protocol: "stx",
    by: "thief",
    plays: "client",
    goal: "Somebody with a stolen key, which its owner has revoked, puts a file in place.",
    does:
      "Connects to the receiver with the stolen private key. Its public half still stands in authorized_keys, and its " +
      "fingerprint in revoked_keys.",
    why: "The list of revoked keys counts before every other list, from the next connection on.",
    promises: ["A key that is revoked can neither start nor continue, from the next connection on"],
    expected: { kind: "stopped", at: "server", code: "unauthorized", during: "is revoked" },
    defences: ["revoked keys"],
    async play(stage) {
      const identities = await newIdentities(stage);
      const revokedText = `${fingerprint(identities.sender.publicKey)} lost with the laptop\n`;
      return await playArrival(stage, {
        identities,
        server: { authorize: authorizeBy(stage.off, listed(identities.sender), revokedText) },
      }, "the receiver has a file of somebody with a revoked key");
    },
  },
  {
    name: "weak-identity",
    protocol: "stx",
    by: "stranger",
    goal: "Somebody without any private key puts a file in place, under an identity that the receiver lists.",
    does:
      "Shows the neutral point of the curve for a public key, under which one and the same signature fits every " +
      "message. Here it has been smuggled into the receiver's list, past the check that skips such a line.",
    why:
      "Points of small order are refused before a signature is looked at. The platform's own verification would take " +
      "this one.",
    promises: ["An identity under which anybody can sign is refused"],
    expected: { kind: "stopped", at: "server", code: "bad_identity", during: "a point of small order" },
    defences: ["identity check"],
    play: (stage) =>
      playArrival(stage, {
        ...begunBy(OWNERLESS),
        server: {
          authorize: authorizeBy(stage.off, [{
            publicKey: NEUTRAL_POINT,
            comment: "",
            line: 1,
            expiresMs: undefined,
            from: undefined,
          }]),
        },
      }, "the receiver has a file of somebody who has no private key at all"),
  },
  {
    name: "self-reflection",
    protocol: "stx",
    by: "path",
    goal: "A sender gives its file to itself and believes that it has reached another machine.",
    does:
      "Leads the sender's connection back to the receiver that runs on the sender's own machine, with the same " +
      "identity and the same shared key. To the address that it means it has never sent before.",
    why: "Where a shared key decides, an end refuses a peer that shows its own identity.",
    promises: ["No misbinding and no reflection"],
    expected: { kind: "stopped", at: "client", code: "bad_identity", during: "this may be a reflection" },
    defences: ["own identity refused"],
    async play(stage) {
      const identities = await newIdentities(stage);
      const sharedKey = prepareSharedKey(systemRandom.bytes(32));
      const self = answeredBy(identities.sender);
      return await playArrival(stage, {
        identities,
        ...self,
        // In this mode a receiver that is not known yet is remembered without a question.
        client: { authModes: ["psk"], sharedKey, checkServer: () => {} },
        server: { ...self.server, authModes: ["psk"], sharedKeys: [sharedKey] },
      }, "the file has arrived where it came from");
    },
  },
  {
    name: "wrong-shared-key",
    protocol: "stx",
    by: "stranger",
    goal: "Somebody without the shared key puts a file in place where one is required.",
    does:
      "Connects with a shared key of its own, chosen at random. Its identity is on the receiver's list: somebody may " +
      "have lent it that much.",
    why:
      "HELLO ends in a proof of the shared key, and one that was made with another key does not fit. Were it not looked " +
      "at, the keys of the handshake depend on the shared key too: the VERIFY of such a sender would not open.",
    promises: [BOTH_AUTHENTICATED],
    expected: {
      kind: "stopped",
      at: "server",
      code: "handshake_failed",
      during: "its binder fits no shared key",
    },
    defences: ["binder", "shared key in the key schedule"],
    play: (stage) => playArrival(stage, withoutSharedKey(), "the receiver has a file without the shared key"),
  },
  {
    name: "public-key-work",
    protocol: "stx",
    by: "stranger",
    goal: "Somebody without the shared key makes a receiver that requires one do public-key work.",
    does:
      "The same as wrong-shared-key; what counts is whether the receiver draws a single key for the stranger.",
    why:
      "The proof at the end of HELLO is looked at first, and costs one HMAC for each of the receiver's shared keys.",
    promises: ["A receiver that requires a shared key does no public-key work for whoever has none"],
    expected: {
      kind: "stopped",
      at: "server",
      code: "handshake_failed",
      during: "its binder fits no shared key",
    },
    defences: ["binder"],
    async play(stage) {
      const random = new CountingRandom();
      const options = withoutSharedKey();
      return await playOne(stage, { ...options, server: { ...options.server, random } }, () => ({
        hasSucceeded: random.drawnCount > 0,
        evidence: `the receiver has drawn ${random.drawnCount} keys and nonces for the stranger`,
      }));
    },
  },
  {
    name: "mode-not-offered",
    protocol: "stx",
    by: "thief",
    plays: "server",
    goal: "Somebody with the receiver's stolen identity, but without the shared key, gets the file.",
    does:
      "Answers in the receiver's place with its private key. The sender requires a shared key as well, and the thief " +
      "answers that none is to be used.",
    why: "The sender takes no way to authenticate that it has not offered, whatever the receiver says.",
    promises: ["No downgrade"],
    expected: { kind: "stopped", at: "client", code: "handshake_failed", during: "was not offered" },
    defences: ["only what was offered"],
    async play(stage) {
      const identities = await newIdentities(stage);
      return await playArrival(stage, {
        identities,
        client: {
          authModes: ["identity+psk"],
          sharedKey: prepareSharedKey(systemRandom.bytes(32)),
          checkServer: checkKnown(stage.off, identities.receiver.publicKey),
        },
        makeServer: (options, nowMs) => new ServerWithoutSharedKey(options, nowMs),
      }, "the thief has the file, without the shared key that the sender requires");
    },
  },
];

/** The options of a world in which the sender is authorized, but has another shared key than the receiver. */
function withoutSharedKey(): StxWorldOptions {
  const [own, right] = [prepareSharedKey(systemRandom.bytes(32)), prepareSharedKey(systemRandom.bytes(32))];
  return {
    client: { authModes: ["identity+psk"], sharedKey: own },
    server: { authModes: ["identity+psk"], sharedKeys: [right] },
  };
}

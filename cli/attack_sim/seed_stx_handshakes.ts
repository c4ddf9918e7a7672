/**
 * What the attacks on the handshake of STX/1 come to on its first design.
 * @module
 */
import { Buffer } from "node:buffer";
import { generateKeyPairSync, sign } from "node:crypto";
import {
  decodeSeedHello,
  decodeSeedVerify,
  decodeSeedWelcome,
  encodeSeedVerify,
  encodeSeedWelcome,
  SEED_SUITES,
  seedFrameBody,
} from "../../lib/attacks/seed_stx_units.ts";
import { replaySession } from "../../lib/attacks/transforms/replay_session.ts";
import {
  downgradeSeed,
  flipSeedSuite,
  reflectSeedProof,
  substituteSeedKeys,
} from "../../lib/attacks/transforms/seed_stx.ts";
import { publicX25519 } from "../../lib/attacks/weak/seed_stx_keys.ts";
import { type Attacker, type End, pass, replace } from "../../lib/attacks/wire.ts";
import { type Bytes, equal } from "../../lib/bytes/bytes.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import type { Played, SeedPlay, Stage } from "./attack.ts";
import { type SeedStxWorld, withSeedStxWorld } from "./seed_stx_world.ts";
import { newIdentity } from "./stx_world.ts";

async function playDowngrade(stage: Stage, attacker: () => Attacker): Promise<Played> {
  return await withSeedStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.wires.settle();
    const suites = [...world.sessions.client, ...world.sessions.server].map(({ suite }) => suite);
    const hasSucceeded = suites.length === 2 && suites.every((suite) => suite !== SEED_SUITES["aes-256-gcm"]);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "both ends work with the suite that the attacker has left them: no signature covers the list"
        : "the ends do not work with another suite than the client's first",
    );
  });
}

async function playReflect(stage: Stage): Promise<Played> {
  return await withSeedStxWorld(stage, { attacker: () => reflectSeedProof() }, async (world) => {
    await world.send(1);
    await world.wires.settle();
    const { client, server } = world.sessions;
    const hasSucceeded = client.length === 1 && server.length === 0;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the client takes its own proof for the server's and sends the name, although the server has opened no session"
        : "the client opens no session without the server",
    );
  });
}

async function playSessionReplay(stage: Stage, restarts: boolean): Promise<Played> {
  const attacker = (_connection: number, world: SeedStxWorld): Attacker => {
    const recorder = replaySession();
    return {
      ...recorder,
      afterwards() {
        if (restarts) world.restartReceiver();
        return recorder.afterwards!();
      },
    };
  };
  return await withSeedStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.wires.settle();
    const count = world.sessions.server.length;
    return world.played(
      count > 1,
      `the receiver has opened ${count === 1 ? "one session" : `${count} sessions`}`,
    );
  });
}

/** Another sender puts its signature in place of the client's, and leaves everything else. */
function misbindSender(signNow: (message: Bytes) => Bytes): Attacker {
  let client: { readonly nonce: Bytes; readonly share: Bytes } | undefined;
  let serverNonce: Bytes | undefined;
  return {
    take(unit) {
      if (unit.name === "HELLO") client = decodeSeedHello(seedFrameBody(unit.bytes));
      if (unit.name === "WELCOME") serverNonce = decodeSeedWelcome(seedFrameBody(unit.bytes)).nonce;
      if (unit.name !== "VERIFY" || client === undefined || serverNonce === undefined) return [pass(unit)];
      const { proof } = decodeSeedVerify(seedFrameBody(unit.bytes));
      const signature = signNow(sha256(serverNonce, client.nonce, client.share));
      return [replace(unit, encodeSeedVerify({ signature, proof }), "the attacker's signature in it")];
    },
  };
}

/** An identity that can sign while a message passes. */
function quickIdentity() {
  const pair = generateKeyPairSync("ed25519");
  const publicKey = Uint8Array.from(Buffer.from(pair.publicKey.export({ format: "jwk" }).x!, "base64url"));
  const signNow = (message: Bytes) => Uint8Array.from(sign(null, message, pair.privateKey));
  return { publicKey, signNow, sign: (message: Bytes) => Promise.resolve(signNow(message)) };
}

async function playMisbinding(stage: Stage): Promise<Played> {
  const other = quickIdentity();
  return await withSeedStxWorld(
    stage,
    { other, attacker: () => misbindSender(other.signNow) },
    async (world) => {
      const isDone = await world.send();
      await world.wires.settle();
      const hasSucceeded = isDone && world.received.some(({ client }) => equal(client, other.publicKey));
      return world.played(
        hasSucceeded,
        hasSucceeded
          ? "the client's file has arrived as the attacker's: no signature and no proof names the two identities"
          : "no file has arrived as the attacker's",
      );
    },
  );
}

/** The client means the attacker, who passes everything on to another server and puts its signature in place of that one's. */
async function playMisboundReceiver(stage: Stage): Promise<Played> {
  const { publicKey, signNow } = quickIdentity();
  let clientNonce: Bytes | undefined;
  const attacker: Attacker = {
    take(unit) {
      if (unit.name === "HELLO") clientNonce = decodeSeedHello(seedFrameBody(unit.bytes)).nonce;
      if (unit.name !== "WELCOME" || clientNonce === undefined) return [pass(unit)];
      const welcome = decodeSeedWelcome(seedFrameBody(unit.bytes));
      const signature = signNow(sha256(clientNonce, welcome.nonce, welcome.share));
      return [replace(unit, encodeSeedWelcome({ ...welcome, signature }), "the attacker's signature in it")];
    },
  };
  return await withSeedStxWorld(stage, { meantKey: publicKey, attacker: () => attacker }, async (world) => {
    const isDone = await world.send();
    await world.wires.settle();
    const hasSucceeded = isDone && world.isIntact;
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the client has sent its file to the attacker, as it believes, and another server has it"
        : "the client has not taken the attacker for the server",
    );
  });
}

async function playKeySubstitution(stage: Stage): Promise<Played> {
  const share = await publicX25519(stage.seeded.bytes(32));
  return await withSeedStxWorld(stage, { attacker: () => substituteSeedKeys(share) }, async (world) => {
    await world.send();
    await world.wires.settle();
    const count = world.sessions.client.length + world.sessions.server.length;
    return world.played(
      count > 0,
      count > 0
        ? "a session was opened under the attacker's key"
        : "each end has signed its own ephemeral key",
    );
  });
}

/** An end that has a key of its own, which it can prove, and which the other end has never heard of. */
async function playStrangeEnd(stage: Stage, end: End): Promise<Played> {
  const stranger = await newIdentity(stage);
  const options = end === "client" ? { clientIdentity: stranger } : { serverIdentity: stranger };
  return await withSeedStxWorld(stage, options, async (world) => {
    await world.send();
    await world.wires.settle();
    const count = world.sessions[end === "client" ? "server" : "client"].length;
    return world.played(
      count > 0,
      count > 0 ? "a stranger's key was taken" : "the signature fits no trusted key",
    );
  });
}

/** See the module's text. */
export const SEED_STX_HANDSHAKE_PLAYS: Readonly<Record<string, SeedPlay>> = {
  "stx downgrade": { succeeds: true, play: (stage) => playDowngrade(stage, downgradeSeed) },
  "stx bit-flip": { succeeds: true, play: (stage) => playDowngrade(stage, flipSeedSuite) },
  "stx reflect": { succeeds: true, play: playReflect },
  "stx key-substitution": { succeeds: false, play: playKeySubstitution },
  "stx session-replay": { succeeds: false, play: (stage) => playSessionReplay(stage, false) },
  "stx session-replay-restart": { succeeds: false, play: (stage) => playSessionReplay(stage, true) },
  "stx identity-misbinding": { succeeds: true, play: playMisbinding },
  "stx wrong-key": { succeeds: false, play: (stage) => playStrangeEnd(stage, "client") },
  "stx changed-server-key": { succeeds: false, play: (stage) => playStrangeEnd(stage, "server") },
  "stx misbound-session": { succeeds: true, play: playMisbinding },
  "stx misbound-receiver": { succeeds: true, play: playMisboundReceiver },
};

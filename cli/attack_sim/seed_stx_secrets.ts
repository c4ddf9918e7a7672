/**
 * What the attacks on the secrets of STX/1 come to on its first design.
 * @module
 */
import { createHash } from "node:crypto";
import {
  decodeSeedHello,
  decodeSeedVerify,
  decodeSeedWelcome,
  seedFrameBody,
} from "../../lib/attacks/seed_stx_units.ts";
import { readRecord } from "../../lib/attacks/stx_units.ts";
import { eavesdrop } from "../../lib/attacks/transforms/ciphertexts.ts";
import { listen } from "../../lib/attacks/transforms/listen.ts";
import { provokeSeedResend, xor } from "../../lib/attacks/transforms/seed_stx.ts";
import { findSigner } from "../../lib/attacks/weak/seed_stx.ts";
import {
  agreeX25519,
  deriveSeedKeys,
  publicX25519,
  type SeedKeys,
} from "../../lib/attacks/weak/seed_stx_keys.ts";
import { openMessage, SEED_PAYLOAD_HEADER_SIZE } from "../../lib/attacks/weak/seed_stx_transfer.ts";
import type { Unit } from "../../lib/attacks/wire.ts";
import { type Bytes, concatAll, equal, utf8 } from "../../lib/bytes/bytes.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { generateSeed, identityFromSeed } from "../../lib/identity/identity.ts";
import { BLOCK_SIZE_MIN, TAG_SIZE } from "../../lib/limits.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import type { Random } from "../../lib/ports.ts";
import type { Played, SeedPlay, Stage } from "./attack.ts";
import { type SeedStxWorld, withSeedStxWorld } from "./seed_stx_world.ts";
import { FILE_NAME, newIdentity } from "./stx_world.ts";

async function playEavesdropIdentities(stage: Stage): Promise<Played> {
  const units: Unit[] = [];
  const others = await Promise.all([newIdentity(stage), newIdentity(stage), newIdentity(stage)]);
  return await withSeedStxWorld(stage, { attacker: () => listen(units) }, async (world) => {
    await world.send();
    await world.wires.settle();
    const { hello, welcome } = readHandshake(units);
    const { signature } = decodeSeedVerify(bodyOf(units, "VERIFY"));
    const candidates = [...others, world.sender, world.receiver].map(({ publicKey }) => publicKey);
    const signed = sha256(welcome.nonce, hello.nonce, hello.share);
    const found = await findSigner(candidates, signed, signature);
    const hasSucceeded = found !== undefined && equal(found, world.sender.publicKey);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the listener tells the sender out of five public keys: its signature passes in the clear"
        : "the listener cannot tell who has signed",
    );
  });
}

async function playNonceReuse(stage: Stage): Promise<Played> {
  const changed = stage.seeded.bytes(5 * BLOCK_SIZE_MIN - 100);
  let file = "";
  let resent = 0;
  const provoked = provokeSeedResend(stage.seeded, (number) => {
    resent = number;
    // The file's owner writes a new version meanwhile.
    Deno.writeFileSync(file, changed);
  });
  return await withSeedStxWorld(stage, { attacker: () => provoked.attacker }, async (world) => {
    file = world.outboxFile;
    await world.send();
    await world.wires.settle();
    const [first, second] = provoked.versions;
    const at = (resent - 1) * BLOCK_SIZE_MIN;
    const known = world.content.slice(at, at + BLOCK_SIZE_MIN);
    const difference = first === undefined || second === undefined ? new Uint8Array(0) : xor(first, second);
    const read = xor(known, difference.slice(SEED_PAYLOAD_HEADER_SIZE, -TAG_SIZE));
    const hasSucceeded = equal(read, changed.subarray(at, at + BLOCK_SIZE_MIN));
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "who knows the block's first version reads the new one without a key: both were sealed under one nonce"
        : "the two versions of the block tell nothing of each other",
    );
  });
}

async function playHarvest(stage: Stage): Promise<Played> {
  const units: Unit[] = [];
  const drawn: Bytes[] = [];
  const random: Random = {
    bytes(size) {
      const bytes = systemRandom.bytes(size);
      drawn.push(bytes.slice());
      return bytes;
    },
  };
  return await withSeedStxWorld(stage, { attacker: () => listen(units), random }, async (world) => {
    await world.send();
    await world.wires.settle();
    const { hello, welcome } = readHandshake(units);
    // What a quantum computer would compute from HELLO's public key stands here as the client drew it.
    const secret = await secretOf(hello.share, drawn);
    const shared = await agreeX25519(secret, welcome.share);
    const keys = await deriveSeedKeys(shared, hello.nonce, welcome.nonce, welcome.suite);
    const hasSucceeded = equal(await readRecording(units, keys), world.content);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "with the secret half of one X25519 key the whole recorded file is read: there is no other agreement beside it"
        : "the recorded file was not read",
    );
  });
}

async function playSessionLeak(stage: Stage): Promise<Played> {
  const units: Unit[] = [];
  return await withSeedStxWorld(stage, { attacker: () => listen(units) }, async (world) => {
    await world.send();
    await world.wires.settle();
    const { keys } = world.sessions.server[0]!;
    const hasSucceeded = equal(await readRecording(units, keys), world.content);
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "with the key that an end holds at the session's end every block is read from the first on: it never changes"
        : "the recorded file was not read",
    );
  });
}

/** The private keys of both identities are stolen afterwards, and tried as whatever they could be good for. */
async function playForwardSecrecy(stage: Stage): Promise<Played> {
  const units: Unit[] = [];
  const seeds = [generateSeed(systemRandom), generateSeed(systemRandom)];
  const [client, server] = await Promise.all(seeds.map((seed) => identityFromSeed(seed)));
  const options = { attacker: () => listen(units), identities: { client: client!, server: server! } };
  return await withSeedStxWorld(stage, options, async (world) => {
    await world.send();
    await world.wires.settle();
    const { hello, welcome } = readHandshake(units);
    // An Ed25519 seed as it is, and the scalar that it stands for (RFC 8032, section 5.1.5).
    const secrets = seeds.flatMap((seed) => [
      seed,
      Uint8Array.from(createHash("sha512").update(seed).digest().subarray(0, 32)),
    ]);
    let hasSucceeded = false;
    for (const secret of secrets) {
      for (const { share } of [hello, welcome]) {
        const shared = await agreeX25519(secret, share);
        const keys = await deriveSeedKeys(shared, hello.nonce, welcome.nonce, welcome.suite);
        hasSucceeded ||= equal(await readRecording(units, keys), world.content);
      }
    }
    return world.played(
      hasSucceeded,
      hasSucceeded
        ? "the recorded file was read with the private keys of the identities"
        : "the private keys of both identities open nothing: they only sign, and the keys that agreed were ephemeral",
    );
  });
}

/** Somebody listens who would know the file's name and pieces of its content if they came past. */
async function playEavesdropping(stage: Stage): Promise<Played> {
  let found = 0;
  const attacker = (_connection: number, world: SeedStxWorld) => {
    const pieces = Array.from({ length: 8 }, () => {
      const at = stage.seeded.below(world.content.length - 16);
      return world.content.slice(at, at + 16);
    });
    return eavesdrop([utf8(FILE_NAME), ...pieces], () => found += 1);
  };
  return await withSeedStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.wires.settle();
    return world.played(found > 0, `the name and pieces of the content were to be read ${found} times`);
  });
}

function bodyOf(units: readonly Unit[], name: string): Bytes {
  return seedFrameBody(units.find((unit) => unit.name === name)?.bytes ?? new Uint8Array(0));
}

function readHandshake(units: readonly Unit[]) {
  return {
    hello: decodeSeedHello(bodyOf(units, "HELLO")),
    welcome: decodeSeedWelcome(bodyOf(units, "WELCOME")),
  };
}

/** Which of some secrets belongs to a public key. */
async function secretOf(share: Bytes, secrets: readonly Bytes[]): Promise<Bytes> {
  for (const secret of secrets) {
    if (secret.length === share.length && equal(await publicX25519(secret), share)) return secret;
  }
  throw new Error("The client's secret is not among what it drew");
}

/** The file inside a recorded session, for whoever has its keys. */
async function readRecording(units: readonly Unit[], keys: SeedKeys): Promise<Bytes> {
  const contents: Bytes[] = [];
  for (const unit of units) {
    if (unit.kind !== "record" || unit.from !== "client" || unit.number === 0) continue;
    const message = await openMessage(keys, readRecord(unit.bytes));
    contents.push(message?.content ?? new Uint8Array(0));
  }
  return concatAll(contents);
}

/** See the module's text. */
export const SEED_STX_SECRET_PLAYS: Readonly<Record<string, SeedPlay>> = {
  "stx eavesdrop": { succeeds: false, play: playEavesdropping },
  "stx eavesdrop-identities": { succeeds: true, play: playEavesdropIdentities },
  "stx nonce-reuse": { succeeds: true, play: playNonceReuse },
  "stx forward-secrecy": { succeeds: false, play: playForwardSecrecy },
  "stx rekey-leak": { succeeds: true, play: playSessionLeak },
  "stx harvest-now": { succeeds: true, play: playHarvest },
};

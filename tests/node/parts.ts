/**
 * Tries every part of the library that needs no Deno, under whatever runtime this is. It prints "has: " and what the
 * runtime has, "offers: " and the suites that the library finds, then a line for each part: "PART: runs",
 * "PART: missing ALGORITHM", or "PART: failed: WHY".
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { type Bytes, concat, equal, fromHex, toHex, utf8 } from "../../lib/bytes/bytes.ts";
import { crc32 } from "../../lib/bytes/crc32.ts";
import { keepLargeBlocks, release } from "../../lib/bytes/memory.ts";
import { hkdfExtract } from "../../lib/crypto/hkdf.ts";
import { answerClientShare, makeClientShare } from "../../lib/crypto/key_agreement.ts";
import { importAeadKey } from "../../lib/crypto/suite.ts";
import { Session } from "../../lib/records/session.ts";
import type { ReceivedTransfer } from "../../lib/transfer/receiver_options.ts";
import { decodeManifest, encodeManifest } from "../../lib/wire/manifest.ts";
import * as stx from "../../mod.ts";
import { ChannelPair } from "../support/channel_pair.ts";
import { type Need, PART_NEEDS, type PartName, present } from "./algorithms.ts";
import { MemoryFolder, MemorySource } from "./memory_files.ts";

const SEED = new Uint8Array(32).fill(9);
const SMALL_WINDOW = { windowRecords: 16, windowSizeBytes: 256 * 1024 };

function random(sizeBytes: number): Bytes {
  return new Uint8Array(randomBytes(sizeBytes));
}

/** What a server keeps, and two identities: a seed's public half is always computed, a signature needs Ed25519. */
async function people() {
  const [alice, bob] = [await stx.identityFromSeed(SEED), await stx.identityFromSeed(random(32))];
  const files = { "a.bin": random(3_000_001), "b.txt": utf8("Dear Bob") };
  const source = new MemorySource(files);
  const manifest = stx.makeManifest(source.entries, true);
  const folder = new MemoryFolder();
  const place = {
    identity: bob,
    store: new stx.MemoryTransferStore(),
    folder,
    folderPath: "memory",
    active: new stx.ActiveTransfers(),
  };
  const assertArrived = ({ facts, signature }: stx.SentReceipt) => {
    assert.deepEqual([...folder.files.keys()], Object.keys(files));
    for (const [name, bytes] of Object.entries(files)) assert.ok(equal(folder.files.get(name)!, bytes));
    assert.match(stx.receiptText(facts), /^bytes: 3000009$/m);
    assert.match(stx.armorSshsig(signature), /^-----BEGIN SSH SIGNATURE-----\n/);
  };
  return { alice, bob, source, manifest, place, assertArrived };
}

/** A transfer between two linked queues: once cut, then continued. */
async function transfer(): Promise<void> {
  const { alice, bob, source, manifest, place, assertArrived } = await people();
  const attempt = async (cutAfter: number): Promise<[stx.SentReceipt, ReceivedTransfer]> => {
    const pair = new ChannelPair({ sender: alice.publicKey, receiver: bob.publicKey, cutAfter });
    return await Promise.all([
      stx.sendTransfer(pair.sender, {
        identity: alice.publicKey,
        manifest,
        source,
        blockSizeBytes: 64 * 1024,
        withDigests: true,
        random: stx.systemRandom,
        clock: stx.systemClock,
        onEvent: () => {},
      }).finally(() => pair.sender.close()),
      stx.receiveTransfer(pair.receiver, {
        ...place,
        clock: stx.systemClock,
        conflict: "refuse",
        maxSizeBytes: Infinity,
        allowDotfiles: false,
        claim: (id) => place.active.claim(alice.publicKey, id, 0, () => {}),
        onEvent: () => {},
      }).finally(() => pair.receiver.close()),
    ]);
  };
  await assert.rejects(attempt(20), { code: "connection_lost" });
  const [receipt, received] = await attempt(Infinity);
  assert.ok(received.receivedBytes < 3_000_009, "only the rest came");
  assertArrived(receipt);
}

/** Two ends of a session with keys that nobody has agreed on. */
async function session(suite: stx.Suite): Promise<void> {
  // A session takes it for granted that its suite is there.
  await cipher(suite);
  const make = (sendSecret: Bytes, receiveSecret: Bytes): Session =>
    new Session(
      {
        suite,
        sendSecret: sendSecret.slice(),
        receiveSecret: receiveSecret.slice(),
        limits: SMALL_WINDOW,
        onOutput: () => signal(),
        onRotation: () => {},
      },
      0,
    );
  let signal = () => {};
  const [one, other] = [random(32), random(32)];
  const [left, right] = [make(one, other), make(other, one)];
  const body = random(100_000);
  const output = new Promise<void>((resolve) => signal = resolve);
  left.send("data", body);
  await output;
  const messages = await right.receive(concat(...left.takeOutput()), 0);
  assert.deepEqual(messages.map(({ type }) => type), ["data"]);
  assert.ok(equal(messages[0]!.body, body));
  left.erase();
  right.erase();
}

/** A whole session over Web Streams in memory: handshake, transfer, receipt. */
async function whole(suite: stx.Suite): Promise<void> {
  const { alice, bob, source, manifest, place, assertArrived } = await people();
  const [there, back] = [
    new TransformStream<Uint8Array, Uint8Array>(),
    new TransformStream<Uint8Array, Uint8Array>(),
  ];
  const key = stx.prepareSharedKey(random(32));
  const sending = (async () => {
    const duplex = stx.streamDuplex({ readable: back.readable, writable: there.writable });
    const channel = await stx.connect(duplex, {
      identity: alice,
      suites: [suite],
      authModes: ["identity+psk"],
      sharedKey: key,
      checkServer: (server) => assert.deepEqual(server, bob.publicKey),
    });
    return await stx.send(channel, { identity: alice.publicKey, manifest, source });
  })();
  const receiving = (async () => {
    const duplex = stx.streamDuplex({ readable: there.readable, writable: back.writable });
    const channel = await stx.accept(duplex, {
      identity: bob,
      sharedKeys: [key],
      guard: new stx.HelloGuard(),
      nonces: new stx.MemoryNonceStore(),
      authorize: (client) => assert.deepEqual(client, alice.publicKey),
    });
    return await stx.receive(channel, place);
  })();
  const [receipt] = await Promise.all([sending, receiving]);
  assertArrived(receipt);
}

function bytes(): void {
  assert.equal(toHex(fromHex("00ff10")), "00ff10");
  assert.equal(crc32(utf8("123456789")), 0xcbf43926);
  release(new Uint8Array(1024 * 1024));
  keepLargeBlocks();
  const entries = [{ path: "a", kind: "file", sizeBytes: 1, mtimeMs: -1, mode: 0o644 } as const];
  assert.deepEqual(decodeManifest(concat(...encodeManifest(entries))), entries);
}

function hashes(): void {
  // RFC 5869, test case 1.
  const prk = hkdfExtract(fromHex("000102030405060708090a0b0c"), new Uint8Array(22).fill(0x0b));
  assert.equal(toHex(prk), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
}

function keyFiles(): void {
  const key = stx.parsePrivateKey(stx.formatPrivateKey(SEED, "alice"));
  const line = stx.formatPublicKeyLine(key.publicKey, "alice");
  assert.equal(stx.fingerprint(key.publicKey).length, 50);
  const { keys, warnings } = stx.parseAuthorizedKeys(`from="2001:db8::/32" ${line}`);
  assert.deepEqual(warnings, []);
  assert.equal(stx.findAuthorized(keys, key.publicKey, "2001:db8::1", 0), "authorized");
  const shared = stx.generateSharedKey(stx.systemRandom);
  assert.deepEqual(stx.parseSharedKeys(stx.formatSharedKey(shared, "")), [shared]);
}

async function identities(): Promise<void> {
  const identity = await stx.identityFromSeed(SEED);
  const signature = await identity.sign(utf8("message"));
  assert.ok(await stx.verifySignature(identity.publicKey, utf8("message"), signature));
  assert.equal(await stx.verifySignature(identity.publicKey, utf8("massage"), signature), false);
}

async function cipher(suite: stx.Suite): Promise<void> {
  const key = await importAeadKey(suite, random(32));
  const [nonce, header] = [random(12), random(8)];
  const sealed = await key.seal(nonce, header, utf8("text"));
  assert.deepEqual(await key.open(nonce, header, sealed), utf8("text"));
  sealed[0]! ^= 1;
  assert.equal(await key.open(nonce, header, sealed), undefined);
}

async function keyAgreement(): Promise<void> {
  const client = await makeClientShare(stx.systemRandom).catch((error: unknown) => {
    // Where there is no ML-KEM, this is how it is said.
    assert.match(String(error), /no ML-KEM-768/);
    throw error;
  });
  const server = await answerClientShare(client.publicShare, stx.systemRandom);
  assert.deepEqual(await client.finish(server.publicShare), server.secret);
  // The library leaves it to the runtime to refuse points of small order.
  const zero = concat(client.publicShare.slice(0, -32), new Uint8Array(32));
  await assert.rejects(answerClientShare(zero, stx.systemRandom), { code: "handshake_failed" });
}

function state(): void {
  const folder = mkdtempSync(`${tmpdir()}/stx-node-`);
  try {
    const file = new stx.SqliteState(`${folder}/state.db`);
    const nonces = new stx.SqliteNonceStore(file);
    assert.deepEqual([1, 2].map(() => nonces.claim(SEED, 1, 0)), [true, false]);
    file.close();
  } catch (error) {
    // Where there is no SQLite, this is how it is said.
    assert.match(String(error), /this runtime has no SQLite/);
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PARTS: Readonly<Record<PartName, () => Promise<void> | void>> = {
  "bytes": bytes,
  "hashes": hashes,
  "key files and lists": keyFiles,
  "identities": identities,
  "suite aes-256-gcm": () => cipher("aes-256-gcm"),
  "suite chacha20-poly1305": () => cipher("chacha20-poly1305"),
  "session, aes-256-gcm": () => session("aes-256-gcm"),
  "session, chacha20-poly1305": () => session("chacha20-poly1305"),
  "key agreement": keyAgreement,
  "transfer": transfer,
  "whole, aes-256-gcm": () => whole("aes-256-gcm"),
  "whole, chacha20-poly1305": () => whole("chacha20-poly1305"),
  "state in a file": state,
};

/** How a part fares. */
async function outcome(name: PartName, has: readonly Need[]): Promise<string> {
  try {
    await PARTS[name]();
    return "runs";
  } catch (error) {
    const missing = PART_NEEDS[name].filter((need) => !has.includes(need));
    if (missing.length > 0 && !(error instanceof assert.AssertionError)) {
      return `missing ${missing.join(" and ")}`;
    }
    return `failed: ${error instanceof Error ? error.stack : String(error)}`;
  }
}

const has = await present();
process.stdout.write(`has: ${has.join(", ")}\n`);
process.stdout.write(`offers: ${(await stx.availableSuites()).join(", ")}\n`);
for (const name of Object.keys(PARTS) as PartName[]) {
  process.stdout.write(`${name}: ${await outcome(name, has)}\n`);
}

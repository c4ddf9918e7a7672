/** The first design of STX, end against end: what each of its rules refuses. */
import assert from "node:assert/strict";
import { newIdentity } from "../../../cli/attack_sim/stx_world.ts";
import {
  decodeSeedControl,
  SEED_CONTROL_SIZE,
  SEED_CONTROLS,
  SEED_SUITES,
  SeedStxUnits,
} from "../../../lib/attacks/seed_stx_units.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { writeRecord } from "../../../lib/attacks/stx_units.ts";
import { SeedLine } from "../../../lib/attacks/weak/seed_line.ts";
import {
  acceptSeedSession,
  openSeedSession,
  type SeedSession,
  type SeedStxClient,
  type SeedStxServer,
} from "../../../lib/attacks/weak/seed_stx.ts";
import {
  agreeX25519,
  checkSeedControl,
  checkSeedProof,
  makeSeedControl,
  publicX25519,
  sealSeedBlock,
  sealSeedProof,
} from "../../../lib/attacks/weak/seed_stx_keys.ts";
import { receiveSeedFile, sendSeedFile } from "../../../lib/attacks/weak/seed_stx_transfer.ts";
import type { End } from "../../../lib/attacks/wire.ts";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf, type ErrorCode } from "../../../lib/errors.ts";
import { systemClock, systemRandom } from "../../../lib/net/tcp.ts";
import { u32, u64 } from "../../../lib/wire/fields.ts";
import { type MemoryDuplex, memoryLine } from "../../support/memory_duplex.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";

const seeded = new Seeded(1);
const [SENDER, RECEIVER] = [await newIdentity({ seeded }), await newIdentity({ seeded })];
const GCM = SEED_SUITES["aes-256-gcm"];

/** What becomes of a handshake: the two sessions, or how each end failed. */
type Outcome = Readonly<Record<End, SeedSession | ErrorCode | undefined>>;

interface HandshakeOptions {
  readonly client?: Partial<SeedStxClient>;
  readonly server?: Partial<SeedStxServer>;
  /** The line before it is used. */
  readonly prepare?: (client: MemoryDuplex, server: MemoryDuplex) => void;
}

async function shakeHands({ client, server, prepare }: HandshakeOptions = {}): Promise<Outcome> {
  const [left, right] = memoryLine();
  prepare?.(left, right);
  const settle = async (end: MemoryDuplex, session: Promise<SeedSession>) => {
    try {
      return await session;
    } catch (error) {
      end.close();
      return codeOf(error);
    }
  };
  const ends = { random: systemRandom, clock: systemClock };
  const clientOptions: SeedStxClient = {
    ...ends,
    identity: SENDER,
    serverKey: RECEIVER.publicKey,
    suites: [GCM],
    ...client,
  };
  const serverOptions: SeedStxServer = {
    ...ends,
    identity: RECEIVER,
    clientKeys: [SENDER.publicKey],
    nonces: new Set(),
    ...server,
  };
  const [ours, theirs] = await Promise.all([
    settle(left, openSeedSession(new SeedLine(left), clientOptions)),
    settle(right, acceptSeedSession(new SeedLine(right), serverOptions)),
  ]);
  return { client: ours, server: theirs };
}

async function openSession(): Promise<SeedSession> {
  const { client, server } = await shakeHands();
  assert.ok(typeof client === "object" && typeof server === "object");
  assert.deepEqual(client.peer, RECEIVER.publicKey);
  assert.deepEqual(server.peer, SENDER.publicKey);
  return client;
}

/** Changes a byte of the n-th message that an end writes. */
function damaged(number: number, at: number): (bytes: Bytes) => Bytes {
  let count = 0;
  return (bytes) => {
    if (count++ === number) bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    return bytes;
  };
}

Deno.test("both ends open a session with each other's identity, the suite and the same keys", async () => {
  const { client, server } = await shakeHands();
  assert.ok(typeof client === "object" && typeof server === "object");
  assert.equal(client.suite, GCM);
  assert.equal(server.suite, GCM);
  assert.deepEqual(client.keys.mac, server.keys.mac);
  assert.deepEqual(client.keys.iv, server.keys.iv);
});

Deno.test("a nonce whose time is not now is clock_skew at the end that hears it", async () => {
  const late = new VirtualClock(Date.now() - 61_000);
  assert.equal((await shakeHands({ client: { clock: late } })).server, "clock_skew");
  // The server hears the client's time, and then its clock goes wrong before it says its own.
  let asked = 0;
  const wrong = { ...systemClock, nowMs: () => asked++ === 0 ? Date.now() : Date.now() + 61_000 };
  assert.equal((await shakeHands({ server: { clock: wrong } })).client, "clock_skew");
});

Deno.test("a nonce that was here before is handshake_failed", async () => {
  const nonces = new Set<string>();
  const random = { bytes: (size: number) => new Uint8Array(size).fill(7) };
  const clock = new VirtualClock();
  const options = { client: { random, clock }, server: { nonces, clock } };
  assert.equal(typeof (await shakeHands(options)).server, "object");
  assert.equal((await shakeHands(options)).server, "handshake_failed");
});

Deno.test("a suite that the server does not have, or the client has not offered, is handshake_failed", async () => {
  assert.equal((await shakeHands({ client: { suites: [9] } })).server, "handshake_failed");
  // WELCOME: frame header, nonce, share, suite.
  const prepare = (_client: MemoryDuplex, server: MemoryDuplex) => server.tap = damaged(0, 4 + 32 + 32);
  assert.equal((await shakeHands({ prepare })).client, "handshake_failed");
});

Deno.test("a message of another kind is unexpected_message", async () => {
  const prepare = (client: MemoryDuplex) => client.tap = damaged(0, 0);
  assert.equal((await shakeHands({ prepare })).server, "unexpected_message");
});

Deno.test("two secrets agree, and a public key of small order is handshake_failed", async () => {
  const [left, right] = [systemRandom.bytes(32), systemRandom.bytes(32)];
  assert.deepEqual(
    await agreeX25519(left, await publicX25519(right)),
    await agreeX25519(right, await publicX25519(left)),
  );
  await assert.rejects(agreeX25519(left, new Uint8Array(32)), { code: "handshake_failed" });
});

Deno.test("a proof that is not the peer's is bad_proof", async () => {
  const inVerify = (client: MemoryDuplex) => client.tap = damaged(1, -1);
  assert.equal((await shakeHands({ prepare: inVerify })).server, "bad_proof");
  const inReady = (_client: MemoryDuplex, server: MemoryDuplex) => server.tap = damaged(1, -1);
  assert.equal((await shakeHands({ prepare: inReady })).client, "bad_proof");
});

Deno.test("a proof of other nonces under the right key is bad_proof", async () => {
  const { keys } = await openSession();
  const proof = await sealSeedProof(keys, utf8("these"), systemRandom);
  await checkSeedProof(keys, utf8("these"), proof, "READY");
  await assert.rejects(checkSeedProof(keys, utf8("those"), proof, "READY"), { code: "bad_proof" });
});

Deno.test("a control message whose HMAC does not hold is bad_record", async () => {
  const { keys } = await openSession();
  const ack = makeSeedControl(keys, SEED_CONTROLS.ack, 5);
  checkSeedControl(keys, ack);
  assert.throws(() => checkSeedControl(keys, { ...ack, number: 6 }), { code: "bad_record" });
  assert.throws(() => checkSeedControl(keys, { ...ack, kind: SEED_CONTROLS.resend }), { code: "bad_record" });
});

/** Has a receiver of its own read blocks that are made here, and tells what it said and what it kept. */
async function receive(session: SeedSession, blocks: readonly Bytes[], clock = systemClock) {
  const [left, right] = memoryLine();
  const kept: Bytes[] = [];
  const inbox = {
    lastBlock: () => 0,
    append: (_client: Bytes, _name: string, content: Bytes) => kept.push(content),
  };
  const receiving = receiveSeedFile(new SeedLine(right), session, inbox, clock);
  for (const block of blocks) await left.write(block);
  await left.closeWrite();
  const name = await receiving;
  await right.closeWrite();
  const line = new SeedLine(left);
  const said: string[] = [];
  for (;;) {
    const bytes = await line.take(SEED_CONTROL_SIZE);
    if (bytes === undefined) return { name, kept, said };
    const control = decodeSeedControl(bytes);
    checkSeedControl(session.keys, control);
    said.push(`${control.kind === SEED_CONTROLS.ack ? "ACK" : "RESEND"} ${control.number}`);
  }
}

async function block(
  { keys }: SeedSession,
  sequence: number,
  content: string,
  { messageNumber = sequence, timeMs = Date.now() } = {},
): Promise<Bytes> {
  const payload = concat(u32(messageNumber), u64(timeMs), utf8(content));
  return writeRecord({ sequence, sealed: await sealSeedBlock(keys, sequence, payload) });
}

function text(parts: readonly Bytes[]): string {
  return new TextDecoder().decode(concat(...parts));
}

Deno.test("blocks are kept in their order, and each is acknowledged", async () => {
  const session = await openSession();
  const { name, kept, said } = await receive(session, [
    await block(session, 0, "letter"),
    await block(session, 1, "a"),
    await block(session, 2, "b"),
  ]);
  assert.equal(name, "letter");
  assert.equal(text(kept), "ab");
  assert.deepEqual(said, ["ACK 0", "ACK 1", "ACK 2"]);
});

Deno.test("a block that was here before is let go", async () => {
  const session = await openSession();
  const first = await block(session, 1, "a");
  const again = await block(session, 1, "a", { messageNumber: 7 });
  const { kept, said } = await receive(session, [await block(session, 0, "letter"), first, first, again]);
  assert.equal(text(kept), "a");
  assert.deepEqual(said, ["ACK 0", "ACK 1"]);
});

Deno.test("a message with a number that was here before is let go, whatever its block", async () => {
  const session = await openSession();
  const { kept, said } = await receive(session, [
    await block(session, 0, "letter"),
    await block(session, 1, "a", { messageNumber: 0 }),
  ]);
  assert.equal(text(kept), "");
  assert.deepEqual(said, ["ACK 0"]);
});

Deno.test("a message that is too old is let go", async () => {
  const session = await openSession();
  const { kept, said } = await receive(session, [
    await block(session, 0, "letter"),
    await block(session, 1, "a", { timeMs: Date.now() - 61_000 }),
  ]);
  assert.equal(text(kept), "");
  assert.deepEqual(said, ["ACK 0"]);
});

Deno.test("a missing block is asked for once, and again if it comes damaged", async () => {
  const session = await openSession();
  const first = await block(session, 1, "a");
  const damagedCrc = first.slice();
  damagedCrc[damagedCrc.length - 1]! ^= 1;
  const { kept, said } = await receive(session, [
    await block(session, 0, "letter"),
    await block(session, 2, "b"),
    await block(session, 3, "c"),
    damagedCrc,
    first,
    await block(session, 2, "b", { messageNumber: 9 }),
  ]);
  assert.equal(text(kept), "ab");
  assert.deepEqual(said, ["ACK 0", "RESEND 1", "RESEND 1", "ACK 1", "ACK 2"]);
});

Deno.test("a block with a wrong tag and a right CRC is asked for again", async () => {
  const session = await openSession();
  const sealed = await sealSeedBlock(session.keys, 2, concat(u32(1), u64(Date.now()), utf8("a")));
  const { said } = await receive(session, [
    await block(session, 0, "letter"),
    writeRecord({ sequence: 1, sealed }),
  ]);
  assert.deepEqual(said, ["ACK 0", "RESEND 1"]);
});

Deno.test("an end inside a block, or before the name, is connection_lost", async () => {
  const session = await openSession();
  const name = await block(session, 0, "letter");
  await assert.rejects(receive(session, []), { code: "connection_lost" });
  await assert.rejects(receive(session, [name.slice(0, 20)]), { code: "connection_lost" });
  await assert.rejects(receive(session, [name, name.slice(0, 3)]), { code: "connection_lost" });
});

Deno.test("a sender goes on behind the last acknowledged block, and sends again what is asked for", async () => {
  const session = await openSession();
  const [left, right] = memoryLine();
  const asked: number[] = [];
  const source = {
    name: "letter",
    blockCount: 4,
    block(number: number) {
      asked.push(number);
      return utf8(`${number}`);
    },
  };
  const sending = sendSeedFile(new SeedLine(left), session, source, systemClock);
  const line = new SeedLine(right);
  for (
    const [kind, number] of [[SEED_CONTROLS.resend, 0], [SEED_CONTROLS.ack, 2], [SEED_CONTROLS.resend, 3], [
      SEED_CONTROLS.ack,
      3,
    ], [SEED_CONTROLS.ack, 4]] as const
  ) {
    const { mac } = makeSeedControl(session.keys, kind, number);
    await line.write(concat(Uint8Array.of(kind), u32(number), mac));
  }
  await sending;
  assert.deepEqual(asked, [3, 4, 3, 4]);
});

Deno.test("units are the same however the stream is cut", async () => {
  const streams: Record<End, Bytes[]> = { client: [], server: [] };
  const { client: session } = await shakeHands({
    prepare(client, server) {
      client.tap = (bytes) => (streams.client.push(bytes), bytes);
      server.tap = (bytes) => (streams.server.push(bytes), bytes);
    },
  });
  assert.ok(typeof session === "object");
  streams.client.push(await block(session, 0, "letter"));
  const ack = makeSeedControl(session.keys, SEED_CONTROLS.ack, 0);
  streams.server.push(concat(Uint8Array.of(ack.kind), u32(ack.number), ack.mac));
  const names = { client: ["HELLO", "VERIFY", "block 0"], server: ["WELCOME", "READY", "ACK 0"] };
  for (const end of ["client", "server"] as const) {
    const whole = concat(...streams[end]);
    for (const size of [whole.length, Math.ceil(whole.length / 2), 1]) {
      const reader = new SeedStxUnits(end);
      const units = [];
      for (let at = 0; at < whole.length; at += size) units.push(...reader.push(whole.slice(at, at + size)));
      assert.deepEqual(units.map(({ name }) => name), names[end]);
      assert.deepEqual(concat(...units.map(({ bytes }) => bytes)), whole);
      assert.equal(reader.rest().length, 0);
    }
  }
});

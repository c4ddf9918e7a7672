/** How the man in the middle cuts what passes into units, and what becomes of what is none. */
import assert from "node:assert/strict";
import { runMiddle } from "../../../cli/attack_sim/relay.ts";
import { Middle, type UnitReader } from "../../../lib/attacks/middle.ts";
import { packetOffsets, RoundsUnits } from "../../../lib/attacks/rounds_units.ts";
import { encodeSeedHello, SeedStxUnits } from "../../../lib/attacks/seed_stx_units.ts";
import { Seeded } from "../../../lib/attacks/seeded.ts";
import { StxUnits, writeRecord } from "../../../lib/attacks/stx_units.ts";
import { replaySession } from "../../../lib/attacks/transforms/replay_session.ts";
import type { Unit } from "../../../lib/attacks/wire.ts";
import { type Bytes, concat, equal, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  HANDSHAKE_BODY_SIZE_MAX,
  RECORD_CIPHERTEXT_SIZE_MAX,
  ROUNDS_CIPHERTEXT_SIZE_MAX,
  TAG_SIZE,
} from "../../../lib/limits.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";
import { memoryLine } from "../../support/memory_duplex.ts";

const HELLO = encodeFrame("hello", new Uint8Array(300));
const VERIFY = encodeFrame("verify", new Uint8Array(HANDSHAKE_BODY_SIZE_MAX));

/** A packet of the rounds with so large a ciphertext, of which less need be there. */
function packet(opcode: number, sizeBytes: number, thereBytes = sizeBytes): Bytes {
  return concat(
    Uint8Array.of(1, opcode, 0, 3),
    utf8("ada"),
    u32(0),
    u32(1),
    u32(sizeBytes),
    new Uint8Array(16 + thereBytes + 32),
  );
}

interface Case {
  readonly reader: () => UnitReader;
  /** Whole units, with their names. */
  readonly units: readonly (readonly [string, Bytes])[];
  /** The beginning of one that is too large, if there is such a thing, and where it may come. */
  readonly tooLarge: readonly Bytes[];
}

const CASES: Readonly<Record<string, Case>> = {
  "STX/1": {
    reader: () => new StxUnits("client"),
    units: [
      ["HELLO", HELLO],
      ["VERIFY", VERIFY],
      ["record 0", writeRecord({ sequence: 0, sealed: new Uint8Array(TAG_SIZE) })],
      [
        "record 7",
        writeRecord({ sequence: 7, sealed: new Uint8Array(RECORD_CIPHERTEXT_SIZE_MAX + TAG_SIZE) }),
      ],
    ],
    tooLarge: [concat(u32(8), u32(RECORD_CIPHERTEXT_SIZE_MAX + 1)), concat(u32(8), u32(2 ** 32 - 1))],
  },
  "a handshake of STX/1": {
    reader: () => new StxUnits("client"),
    units: [["HELLO", HELLO]],
    tooLarge: [u32(2 ** 24 + HANDSHAKE_BODY_SIZE_MAX + 1), u32(2 ** 32 - 1)],
  },
  "the rounds protocol": {
    reader: () => new RoundsUnits("client"),
    units: [["HELLO", packet(1, 32)], ["DATA", packet(3, ROUNDS_CIPHERTEXT_SIZE_MAX)], [
      "packet of opcode 9",
      packet(9, 16),
    ]],
    tooLarge: [packet(3, ROUNDS_CIPHERTEXT_SIZE_MAX + 1, 0), packet(3, 2 ** 32 - 1, 0)],
  },
  "the first design": {
    reader: () => new SeedStxUnits("client"),
    units: [
      [
        "HELLO",
        encodeSeedHello({ nonce: new Uint8Array(32), share: new Uint8Array(32), suites: [1] }),
      ],
      ["VERIFY", VERIFY],
      ["block 3", writeRecord({ sequence: 3, sealed: new Uint8Array(TAG_SIZE + 1) })],
    ],
    tooLarge: [],
  },
};

/** Pieces of some bytes, each a copy, as sockets give them. */
function* piecesOf(bytes: Bytes, next: () => number): Generator<Bytes> {
  for (let at = 0; at < bytes.length;) {
    const size = next();
    yield bytes.slice(at, at + size);
    at += size;
  }
}

for (const [name, { reader, units, tooLarge }] of Object.entries(CASES)) {
  const stream = concat(...units.map(([, bytes]) => bytes));

  Deno.test(`${name} is cut into the same units whatever the pieces it comes in`, () => {
    const seeded = new Seeded(4);
    const pieces: readonly (() => number)[] = [
      () => 7,
      () => stream.length,
      () => 1 + seeded.below(40),
      () => 1 + seeded.below(100_000),
    ];
    for (const next of pieces) {
      const cutter = reader();
      const found: Unit[] = [];
      for (const piece of piecesOf(concat(stream, HELLO.subarray(0, 3)), next)) {
        found.push(...cutter.push(piece));
      }
      assert.deepEqual(found.map((unit) => unit.name), units.map(([name]) => name));
      assert.ok(equal(concat(...found.map(({ bytes }) => bytes)), stream));
      assert.deepEqual(cutter.rest(), HELLO.slice(0, 3));
      assert.equal(cutter.rest().length, 0);
    }
  });

  for (const header of tooLarge) {
    Deno.test(`${name}: behind a size of no unit (${toHex(header.slice(0, 20))}) nothing is kept`, () => {
      const cutter = reader();
      assert.equal(cutter.push(stream).length, units.length);
      const passed: Bytes[] = [];
      const piece = new Uint8Array(1000).fill(7);
      for (const bytes of [...piecesOf(header, () => 1), piece, HELLO]) {
        for (const unit of cutter.push(bytes)) {
          assert.equal(unit.kind, "bytes");
          passed.push(unit.bytes);
        }
      }
      assert.deepEqual(concat(...passed), concat(header, piece, HELLO));
      assert.equal(cutter.rest().length, 0);
    });
  }
}

Deno.test("a packet's ciphertext ends where its MAC begins", () => {
  const { ciphertextAt, macAt } = packetOffsets(packet(3, 48));
  assert.equal(macAt! - ciphertextAt, 48);
});

Deno.test("of a long session no more is recorded than its beginning", () => {
  const attacker = replaySession();
  const size = 1024 * 1024;
  for (let number = 0; number < 40; number++) {
    for (const from of ["client", "server"] as const) {
      const unit: Unit = {
        from,
        kind: "record",
        name: `record ${number}`,
        number,
        bytes: new Uint8Array(size),
      };
      assert.equal(attacker.take(unit).length, 1);
    }
  }
  const sizes = attacker.afterwards!().map((move) => move.kind === "send" ? move.bytes.length : 0);
  assert.deepEqual(sizes, Array.from({ length: 16 }, () => size));
});

Deno.test("where an attacker stumbles, neither end is left waiting", async () => {
  const [client, clientInside] = memoryLine();
  const [serverInside, server] = memoryLine();
  const attacker = {
    take: () => {
      throw new Error("The attacker stumbles");
    },
  };
  const middle = runMiddle(
    { client: clientInside, server: serverInside },
    new Middle("stx", attacker, () => {}),
    () => Promise.reject(new Error("Nobody dials")),
  );
  await client.write(HELLO);
  await assert.rejects(middle, /stumbles/);
  const buffer = new Uint8Array(10);
  for (const end of [client, server]) assert.equal(await end.read(buffer).catch(() => null), null);
});

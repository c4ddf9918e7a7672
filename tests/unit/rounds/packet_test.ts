import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { encodeHeader, isClientId, type Packet, PacketAssembler } from "../../../lib/rounds/packet.ts";
import { everyCut, piecesOf } from "../../support/pieces.ts";
import { fails, HEADER } from "./ends.ts";

/** A packet of whatever content. */
function packetOf(ciphertextSize: number, id = "a", fill = 1): Bytes {
  const header = encodeHeader({ ...HEADER, id, epoch: 0x01020304, round: 0x05060708 }, ciphertextSize);
  return concat(header, new Uint8Array(16 + ciphertextSize + 32).fill(fill));
}

function all(pieces: readonly Bytes[]): readonly Packet[] {
  const assembler = new PacketAssembler();
  const packets: Packet[] = [];
  for (const piece of pieces) {
    assembler.push(piece);
    for (let packet; (packet = assembler.next()) !== undefined;) packets.push(packet);
  }
  return packets;
}

/** A header's first bytes, up to the size. */
function start(idSize: number, ciphertextSize: number): Bytes {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, ciphertextSize);
  return concat(Uint8Array.of(1, 3, 0, idSize), new Uint8Array(idSize).fill(0x61), new Uint8Array(8), size);
}

Deno.test("a header is laid out as the document says", () => {
  const header = { version: 1, opcode: 3, direction: 1, id: "ab", epoch: 0x01020304, round: 0x05060708 };
  assert.equal(toHex(encodeHeader(header, 0x20)), "01030102616201020304" + "05060708" + "00000020");
});

Deno.test("a packet is taken apart", () => {
  const iv = "11".repeat(16);
  const ciphertext = "22".repeat(32);
  const mac = "33".repeat(32);
  const head = "ff0902034142ff00000007fffffffe00000020";
  const [packet, ...rest] = all([fromHex(head + iv + ciphertext + mac)]);
  assert.deepEqual(rest, []);
  assert.deepEqual(packet!.header, {
    version: 255,
    opcode: 9,
    direction: 2,
    id: "AB\xff",
    epoch: 7,
    round: 0xfffffffe,
  });
  assert.equal(toHex(packet!.iv), iv);
  assert.equal(toHex(packet!.ciphertext), ciphertext);
  assert.equal(toHex(packet!.mac), mac);
  assert.equal(toHex(packet!.covered), head + iv + ciphertext);
  assert.equal(toHex(packet!.bytes), head + iv + ciphertext + mac);
});

Deno.test("how packets are cut changes nothing", () => {
  const packets = [packetOf(16, "a", 1), packetOf(48, "x".repeat(64), 2), packetOf(32, "bc", 3)];
  const stream = concat(...packets);
  for (const pieces of everyCut(stream)) {
    assert.deepEqual(all(pieces).map(({ bytes }) => bytes), packets);
  }
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }), (sizes) => {
    assert.deepEqual(all(piecesOf(stream, sizes)).map(({ bytes }) => bytes), packets);
  }));
});

Deno.test("a packet of the largest size, with others around it, arrives in pieces of any size", () => {
  const packets = [packetOf(16), packetOf(131_072), packetOf(16), packetOf(131_072), packetOf(16)];
  for (const size of [1_000, 65_536, 200_000, 1_000_000]) {
    assert.deepEqual(all(piecesOf(concat(...packets), [size])).map(({ bytes }) => bytes), packets);
  }
});

Deno.test("a packet does not change with what comes behind it", () => {
  const assembler = new PacketAssembler();
  assembler.push(packetOf(16, "a", 1));
  const packet = assembler.next()!;
  const input = packetOf(16, "a", 2);
  assembler.push(input);
  input.fill(9);
  assert.deepEqual(packet.bytes, packetOf(16, "a", 1));
  assert.deepEqual(assembler.next()!.bytes, packetOf(16, "a", 2));
});

Deno.test("an id of no byte or of more than 64 is refused by its size alone", () => {
  for (const size of [0, 65, 255]) {
    const assembler = new PacketAssembler();
    assembler.push(Uint8Array.of(1, 3, 0));
    assert.equal(assembler.next(), undefined);
    assembler.push(Uint8Array.of(size));
    fails("limit", () => assembler.next(), new RegExp(`its id has ${size} bytes, 1 to 64 may be`));
  }
});

Deno.test("a ciphertext of no block, of parts of one, or of more than 128 KiB is refused by its size alone", () => {
  for (const size of [0, 1, 15, 17, 131_071, 131_073, 131_088, 0xffffffff, 0x80000000]) {
    const assembler = new PacketAssembler();
    assembler.push(start(1, size).slice(0, -1));
    assert.equal(assembler.next(), undefined);
    assembler.push(start(1, size).slice(-1));
    fails("limit", () => assembler.next(), new RegExp(`its ciphertext has ${size} bytes, 16 to 131072`));
  }
  for (const size of [16, 131_072]) {
    const assembler = new PacketAssembler();
    assembler.push(start(64, size));
    assert.equal(assembler.next(), undefined);
  }
});

Deno.test("a smaller bound than 128 KiB can be set for the next packet", () => {
  const assembler = new PacketAssembler();
  assembler.push(packetOf(48));
  fails("limit", () => assembler.next(32), /its ciphertext has 48 bytes, 16 to 32/);
  const other = new PacketAssembler();
  other.push(packetOf(32));
  assert.equal(other.next(32)?.ciphertext.length, 32);
});

Deno.test("ids are 1 to 64 letters, digits, dots, lines and underscores", () => {
  for (const id of ["a", "Z9", "sensor-1.north_wing", "-", ".", "x".repeat(64)]) {
    assert.ok(isClientId(id), id);
  }
  for (const id of ["", "x".repeat(65), "a b", "a\n", "\na", "ü", "a/b", "a\0", "a:b", "ａ", "*"]) {
    assert.ok(!isClientId(id), JSON.stringify(id));
  }
});

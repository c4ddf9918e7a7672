import assert from "node:assert/strict";
import { type Bytes, concat, toHex } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import {
  DirectionError,
  LimitError,
  MacError,
  ProtocolError,
  type ProtocolErrorKind,
  RoundError,
  StateError,
} from "../../../lib/rounds/errors.ts";
import { OPCODES, type PacketHeader } from "../../../lib/rounds/packet.ts";
import { flipBit } from "../../support/pieces.ts";
import { AGGREGATE, chainOf, Ends, enrolled, fails, forge, HEADER, ID } from "./ends.ts";

type Side = "client" | "server";

/** Where the fields of a packet from {@link ID} stand. */
const AT = { version: 0, opcode: 1, direction: 2, idSize: 3, id: 4, epoch: 12, round: 16, size: 20, iv: 24 };

/** A session whose `side` has the peer's next packet before it: a DATA, or an AGGREGATE. */
function before(side: Side): { readonly ends: Ends; readonly packet: Bytes } {
  const ends = new Ends().sent();
  if (side === "server") {
    ends.server.answer(AGGREGATE);
    ends.toClient();
    ends.client.sendData("2");
    return { ends, packet: concat(...ends.client.takeOutput()) };
  }
  ends.server.answer(AGGREGATE);
  return { ends, packet: concat(...ends.server.takeOutput()) };
}

/** A copy with other bytes at a place. */
function withBytes(packet: Bytes, at: number, ...bytes: readonly number[]): Bytes {
  const copy = packet.slice();
  copy.set(bytes, at);
  return copy;
}

/** Faults of one packet in a session, none of which needs a key. */
const FAULTS: Readonly<Record<string, readonly [ProtocolErrorKind, (packet: Bytes) => Bytes]>> = {
  "an id of no bytes": ["limit", (packet) => withBytes(packet, AT.idSize, 0)],
  "an id of 65 bytes": ["limit", (packet) => withBytes(packet, AT.idSize, 65)],
  "a ciphertext of 0 bytes": ["limit", (packet) => withBytes(packet, AT.size, 0, 0, 0, 0)],
  "a ciphertext of 17 bytes": ["limit", (packet) => withBytes(packet, AT.size, 0, 0, 0, 17)],
  "a ciphertext of 128 KiB and a block": ["limit", (packet) => withBytes(packet, AT.size, 0, 2, 0, 16)],
  "a ciphertext of 4 GiB": ["limit", (packet) => withBytes(packet, AT.size, 255, 255, 255, 240)],
  "version 0": ["state", (packet) => withBytes(packet, AT.version, 0)],
  "version 2": ["state", (packet) => withBytes(packet, AT.version, 2)],
  "the other direction": [
    "direction",
    (packet) => withBytes(packet, AT.direction, 1 - packet[AT.direction]!),
  ],
  "a direction that there is not": ["direction", (packet) => withBytes(packet, AT.direction, 2)],
  "another client": ["round", (packet) => withBytes(packet, AT.id, 0x53)],
  "the next epoch": ["round", (packet) => withBytes(packet, AT.epoch, 0, 0, 0, 1)],
  "another epoch by its highest bit": ["round", (packet) => withBytes(packet, AT.epoch, 0x80)],
  "the round before": ["round", (packet) => withBytes(packet, AT.round + 3, packet[AT.round + 3]! - 1)],
  "the round after": ["round", (packet) => withBytes(packet, AT.round + 3, packet[AT.round + 3]! + 1)],
  "another round by its highest bit": ["round", (packet) => withBytes(packet, AT.round, 0x80)],
  "HELLO again": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.hello)],
  "CHALLENGE again": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.challenge)],
  "what the other end says": [
    "state",
    (packet) =>
      withBytes(packet, AT.opcode, packet[AT.opcode] === OPCODES.data ? OPCODES.aggregate : OPCODES.data),
  ],
  "opcode 0": ["state", (packet) => withBytes(packet, AT.opcode, 0)],
  "opcode 6": ["state", (packet) => withBytes(packet, AT.opcode, 6)],
  "a flipped bit in the IV": ["mac", (packet) => flipBit(packet, 8 * AT.iv)],
  "a flipped bit in the ciphertext": ["mac", (packet) => flipBit(packet, 8 * (AT.iv + 16))],
  "a flipped bit in the MAC": ["mac", (packet) => flipBit(packet, 8 * packet.length - 1)],
  "a MAC of zeros": ["mac", (packet) => withBytes(packet, packet.length - 32, ...new Uint8Array(32))],
  "CLOSE with this packet's MAC": ["mac", (packet) => withBytes(packet, AT.opcode, OPCODES.close)],
};

for (const side of ["client", "server"] as const) {
  for (const [name, [kind, fault]] of Object.entries(FAULTS)) {
    Deno.test(`${name} is a ${kind} error at the ${side}, which ends it without a word`, () => {
      const { ends, packet } = before(side);
      const end = ends[side];
      const error = fails(kind, () => [...end.receive(fault(packet))]);
      assert.equal(end.state, "closed");
      assert.deepEqual(end.takeOutput(), []);
      assert.throws(() => [...end.receive(packet)], (again) => again === error);
    });
  }
}

Deno.test("the packets that these faults are made of are taken", () => {
  for (const side of ["client", "server"] as const) {
    const { ends, packet } = before(side);
    assert.equal([...ends[side].receive(packet)].length, 1);
  }
});

Deno.test("the first of several faults decides, in the order of the document", () => {
  const order: readonly (readonly [string, ProtocolErrorKind, (packet: Bytes) => Bytes])[] = [
    ["size", "limit", (packet) => withBytes(packet, AT.size, 255)],
    ["version", "state", (packet) => withBytes(packet, AT.version, 9)],
    ["direction", "direction", (packet) => withBytes(packet, AT.direction, 9)],
    ["epoch", "round", (packet) => withBytes(packet, AT.epoch, 9)],
    ["round", "round", (packet) => withBytes(packet, AT.round, 9)],
    ["opcode", "state", (packet) => withBytes(packet, AT.opcode, 9)],
    ["MAC", "mac", (packet) => flipBit(packet, 8 * packet.length - 1)],
  ];
  const messages: Readonly<Record<string, RegExp>> = {
    size: /its ciphertext has/,
    version: /its version is 9/,
    direction: /its direction is 9/,
    epoch: /of epoch 150994944/,
    round: /its round is 150994/,
    opcode: /unknown opcode/,
    MAC: /its MAC/,
  };
  for (const side of ["client", "server"] as const) {
    for (const [i, [name, kind]] of order.entries()) {
      const { ends, packet } = before(side);
      const wrong = order.slice(i).reduce((bytes, [, , fault]) => fault(bytes), packet);
      fails(kind, () => [...ends[side].receive(wrong)], messages[name]);
    }
  }
});

Deno.test("nothing changes before a MAC holds", () => {
  for (const [name, [kind, fault]] of Object.entries(FAULTS)) {
    const { ends, packet } = before("server");
    const keys = [chainOf(ends.server, "c2s"), chainOf(ends.server, "s2c")].map((chain) => toHex(chain.key));
    // Erasing comes after everything else; what is erased is looked at before.
    const chains = [chainOf(ends.server, "c2s"), chainOf(ends.server, "s2c")];
    const erasedAs: string[] = [];
    for (const chain of chains) {
      const erase = chain.erase.bind(chain);
      chain.erase = () => {
        erasedAs.push(toHex(chain.key));
        erase();
      };
    }
    fails(kind, () => [...ends.server.receive(fault(packet))]);
    assert.deepEqual(erasedAs, keys, name);
  }
});

const HELLO_FAULTS: Readonly<Record<string, readonly [ProtocolErrorKind, (packet: Bytes) => Bytes]>> = {
  "a ciphertext of three blocks": ["limit", (packet) => withBytes(packet, AT.size, 0, 0, 0, 48)],
  "a round": ["round", (packet) => withBytes(packet, AT.round + 3, 1)],
  "DATA in place of HELLO": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.data)],
  "CLOSE in place of HELLO": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.close)],
  "CHALLENGE in place of HELLO": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.challenge)],
  "a server's HELLO": ["direction", (packet) => withBytes(packet, AT.direction, 1)],
  "a name that nobody has": ["mac", (packet) => withBytes(packet, AT.id, 0)],
  "an epoch that is too large": ["round", (packet) => withBytes(packet, AT.epoch, 255)],
  "another epoch": ["mac", (packet) => withBytes(packet, AT.epoch + 3, 1)],
  "a flipped bit": ["mac", (packet) => flipBit(packet, 8 * AT.iv)],
};

for (const [name, [kind, fault]] of Object.entries(HELLO_FAULTS)) {
  Deno.test(`a HELLO with ${name} is a ${kind} error, and commits nothing`, () => {
    const keys = enrolled();
    const ends = new Ends(keys);
    const packet = concat(...ends.client.takeOutput());
    fails(kind, () => [...ends.server.receive(fault(packet))]);
    assert.equal(keys.find(ID)!.epoch, 0);
    assert.equal(ends.server.id, undefined);
    assert.deepEqual(ends.server.takeOutput(), []);
  });
}

Deno.test("a HELLO without a nonce's 16 bytes commits nothing", () => {
  for (const size of [0, 15, 17]) {
    const keys = enrolled();
    const { server } = new Ends(keys);
    fails("state", () => [...server.receive(helloOf(new Uint8Array(size)))], /HELLO/);
    assert.equal(keys.find(ID)!.epoch, 0);
  }
});

/** A HELLO with another body, by somebody who has the key. */
function helloOf(body: Bytes): Bytes {
  const random = { bytes: () => body };
  const ivs = { bytes: (size: number) => new Uint8Array(size) };
  let count = 0;
  return concat(
    ...new Ends(enrolled(), { random: { bytes: (size) => (count++ === 0 ? random : ivs).bytes(size) } })
      .client
      .takeOutput(),
  );
}

const CHALLENGE_FAULTS: Readonly<Record<string, readonly [ProtocolErrorKind, (packet: Bytes) => Bytes]>> = {
  "a round": ["round", (packet) => withBytes(packet, AT.round + 3, 1)],
  "another epoch": ["round", (packet) => withBytes(packet, AT.epoch + 3, 1)],
  "AGGREGATE in its place": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.aggregate)],
  "CLOSE in its place": ["state", (packet) => withBytes(packet, AT.opcode, OPCODES.close)],
  "a flipped bit": ["mac", (packet) => flipBit(packet, 8 * AT.iv)],
};

for (const [name, [kind, fault]] of Object.entries(CHALLENGE_FAULTS)) {
  Deno.test(`a CHALLENGE with ${name} is a ${kind} error, and opens nothing`, () => {
    const ends = new Ends();
    ends.toServer();
    const packet = concat(...ends.server.takeOutput());
    fails(kind, () => [...ends.client.receive(fault(packet))]);
    assert.equal(ends.client.state, "closed");
  });
}

Deno.test("a client's own HELLO comes back as a direction error", () => {
  const { client } = new Ends();
  fails("direction", () => [...client.receive(concat(...client.takeOutput()))]);
});

Deno.test("a challenge that is not the server's is a MAC error, and its value counts nowhere", () => {
  const ends = new Ends().open();
  const body = concat(new Uint8Array(16), Uint8Array.of(0x31));
  fails(
    "mac",
    () => [...ends.server.receive(forge(ends.client, HEADER, body))],
    /does not return the challenge/,
  );
});

Deno.test("bodies that cannot be read are state errors at their reader, however well they are sealed", () => {
  const s2c: PacketHeader = { ...HEADER, direction: 1, opcode: OPCODES.aggregate };
  const cases: readonly (readonly [Side, PacketHeader, Bytes, RegExp])[] = [
    ["server", HEADER, new Uint8Array(15), /DATA/],
    ["server", HEADER, new Uint8Array(0), /DATA/],
    ["server", { ...HEADER, opcode: OPCODES.close }, new Uint8Array(0), /CLOSE/],
    ["server", { ...HEADER, opcode: OPCODES.close }, new Uint8Array(2), /CLOSE/],
    ["client", s2c, new Uint8Array(15), /AGGREGATE/],
    ["client", { ...s2c, opcode: OPCODES.close }, new Uint8Array(0), /CLOSE/],
  ];
  for (const [side, header, body, message] of cases) {
    const ends = side === "server" ? new Ends().open() : new Ends().sent();
    const packet = forge(side === "server" ? ends.client : ends.server, header, body);
    fails("state", () => [...ends[side].receive(packet)], message);
  }
  const ends = new Ends().sent();
  ends.server.answer(AGGREGATE);
  ends.toClient();
  const text = forge(ends.client, { ...HEADER, round: 2 }, Uint8Array.of(0xff));
  fails("state", () => [...ends.server.receive(text)], /no UTF-8/);
});

Deno.test("a recorded session is dead: its HELLO is of an epoch before, and so is all the rest", () => {
  const keys = enrolled();
  const ends = new Ends(keys);
  const hello = concat(...ends.client.takeOutput());
  for (const _ of ends.server.receive(hello));
  ends.toClient();
  ends.client.sendData("1");
  const data = concat(...ends.client.takeOutput());
  fails("round", () => [...new Ends(keys).server.receive(concat(hello, data))]);
  fails(
    "state",
    () => [...new Ends(keys).server.receive(data.map((byte, i) => i === AT.round + 3 ? 0 : byte))],
  );
});

Deno.test("a value that comes again, or before its turn, is refused", () => {
  const again = new Ends().open();
  again.client.sendData("1");
  const data = concat(...again.client.takeOutput());
  for (const _ of again.server.receive(data));
  fails("state", () => [...again.server.receive(data)], /in state inRound/);

  const later = new Ends().open();
  later.client.sendData("1");
  const recorded = concat(...later.client.takeOutput());
  for (const _ of later.server.receive(recorded));
  later.server.answer(AGGREGATE);
  fails("round", () => [...later.server.receive(recorded)], /its round is 1, expected 2/);
});

Deno.test("the five errors have one parent, names and codes", () => {
  const errors = [
    new RoundError("r", "h"),
    new MacError("m", "h"),
    new DirectionError("d"),
    new StateError("s"),
    new LimitError("l"),
  ];
  assert.deepEqual(errors.map(({ name, code, kind, message, hint }) => [name, code, kind, message, hint]), [
    ["RoundError", "bad_round", "round", "r", "h"],
    ["MacError", "bad_mac", "mac", "m", "h"],
    ["DirectionError", "bad_direction", "direction", "d", undefined],
    ["StateError", "bad_state", "state", "s", undefined],
    ["LimitError", "limit_exceeded", "limit", "l", undefined],
  ]);
  for (const error of errors) assert.ok(error instanceof ProtocolError && error instanceof StxError);
  assert.equal(new RoundError("r").hint, undefined);
});

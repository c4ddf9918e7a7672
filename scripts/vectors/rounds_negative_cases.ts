/**
 * Faults that either end of a rounds session must notice, and a few that do no harm.
 * @module
 */
import { type Bytes, flipped, join, NOTHING, number, overwritten, pseudorandom, text } from "./primitives.ts";
import {
  aggregateBody,
  C2S,
  ROUNDS_OPCODES,
  type RoundsHeader,
  roundsHeader,
  S2C,
  sealRounds,
} from "./rounds.ts";
import {
  ANSWER,
  type RoundsCase,
  roundsCase,
  type RoundsEnd,
  type RoundsShape,
  type RoundsTalk,
} from "./rounds_case.ts";

/** Where the fields of a packet of "sensor-1" stand. */
const AT = { version: 0, opcode: 1, direction: 2, idSize: 3, id: 4, epoch: 12, round: 16, size: 20, iv: 24 };
const PLACES = Object.entries({ "the IV": AT.iv, "the ciphertext": AT.iv + 16, "the MAC": -1 });

type Change = readonly [name: string, error: string, change: (packet: Bytes) => Bytes];

function written(name: string, error: string, at: number, ...bytes: readonly number[]): Change {
  return [name, error, (packet) => overwritten(packet, at, Uint8Array.from(bytes))];
}

/** Changes of any packet in a session, for which nobody needs a key. */
const ANYBODYS: readonly Change[] = [
  written("an id of no bytes", "limit_exceeded", AT.idSize, 0),
  written("an id of 65 bytes", "limit_exceeded", AT.idSize, 65),
  written("a ciphertext of no bytes", "limit_exceeded", AT.size, 0, 0, 0, 0),
  written("a ciphertext of 15 bytes", "limit_exceeded", AT.size, 0, 0, 0, 15),
  written("a ciphertext of 33 bytes", "limit_exceeded", AT.size, 0, 0, 0, 33),
  written("a ciphertext of 131,088 bytes", "limit_exceeded", AT.size, 0, 2, 0, 16),
  written("a ciphertext of 4,294,967,280 bytes", "limit_exceeded", AT.size, 255, 255, 255, 240),
  written("version 0", "bad_state", AT.version, 0),
  written("version 2", "bad_state", AT.version, 2),
  written("direction 2", "bad_direction", AT.direction, 2),
  ["the other direction", "bad_direction", (packet) => flipped(packet, AT.direction)],
  written("another client's id", "bad_round", AT.id + 7, 0x32),
  written("the next epoch", "bad_round", AT.epoch + 3, 1),
  written("an epoch of four bytes", "bad_round", AT.epoch, 255, 255, 255, 255),
  written("round 0", "bad_round", AT.round, 0, 0, 0, 0),
  written("a round of four bytes", "bad_round", AT.round, 1),
  written("opcode 0", "bad_state", AT.opcode, 0),
  written("opcode 6", "bad_state", AT.opcode, 6),
  written("HELLO", "bad_state", AT.opcode, ROUNDS_OPCODES.hello),
  written("CHALLENGE", "bad_state", AT.opcode, ROUNDS_OPCODES.challenge),
  ...PLACES.map((
    [what, at],
  ): Change => [`a flipped bit in ${what}`, "bad_mac", (packet) => flipped(packet, at)]),
  written("CLOSE under another packet's MAC", "bad_mac", AT.opcode, ROUNDS_OPCODES.close),
  // The earlier of two faults decides.
  [
    "a size and a version",
    "limit_exceeded",
    (packet) => overwritten(overwritten(packet, AT.version, number(2, 1)), AT.size, number(17, 4)),
  ],
  [
    "a version and a direction",
    "bad_state",
    (packet) => overwritten(packet, AT.version, Uint8Array.of(2, 3, 9)),
  ],
  ["a direction and an id", "bad_direction", (packet) => flipped(flipped(packet, AT.direction), AT.id)],
  [
    "an epoch and an opcode",
    "bad_round",
    (packet) => flipped(overwritten(packet, AT.opcode, number(9, 1)), AT.epoch),
  ],
  [
    "an opcode and the MAC",
    "bad_state",
    (packet) => flipped(overwritten(packet, AT.opcode, number(9, 1)), -1),
  ],
];

/** Each change of the second DATA, and of the first AGGREGATE. */
function changedPackets(): readonly RoundsCase[] {
  return ANYBODYS.flatMap(([name, error, change]) => [
    roundsCase("server", name, error, (talk) => {
      talk.open();
      talk.data("1.5");
      talk.aggregate(ANSWER);
      talk.comes(change(talk.seal(talk.header(C2S, "data"), text("2")).packet));
    }),
    roundsCase("client", name, error, (talk) => {
      talk.open();
      talk.data("1.5");
      talk.comes(change(talk.seal(talk.header(S2C, "aggregate"), aggregateBody(ANSWER)).packet));
    }),
  ]);
}

/** A HELLO that is changed on its way, or made with something else. */
function hello(
  name: string,
  error: string,
  packet: (talk: RoundsTalk) => Uint8Array,
  shape: Partial<RoundsShape> = {},
): RoundsCase {
  return roundsCase("server", `HELLO: ${name}`, error, (talk) => talk.comes(packet(talk)), shape);
}

/** HELLO as it should be, save for what is given. */
function sealedHello(
  talk: RoundsTalk,
  header: Partial<RoundsHeader> = {},
  body: Uint8Array = talk.nonce,
): Bytes {
  return talk.seal(talk.header(C2S, "hello", header), body).packet;
}

const STRANGERS_KEY = pseudorandom("rounds chain of a stranger", 32);
const IV = pseudorandom("rounds IV of a stranger", 16);

function helloCases(): readonly RoundsCase[] {
  return [
    hello("an id that nobody has", "bad_mac", (talk) => sealedHello(talk, { id: "sensor-2" })),
    hello(
      "an id that is no name",
      "bad_mac",
      (talk) => overwritten(sealedHello(talk), AT.id, Uint8Array.of(0, 255)),
    ),
    hello("under a stranger's key", "bad_mac", (talk) => {
      return sealRounds(STRANGERS_KEY, talk.header(C2S, "hello"), IV, talk.nonce).packet;
    }),
    hello("under the other direction's key", "bad_mac", (talk) => {
      return sealRounds(talk.chains[S2C], talk.header(C2S, "hello"), IV, talk.nonce).packet;
    }),
    hello("an epoch before the server's", "bad_round", (talk) => sealedHello(talk), {
      epoch: 2,
      serverEpoch: 3,
    }),
    hello("an epoch 1,025 ahead", "bad_round", (talk) => sealedHello(talk), { epoch: 1_025 }),
    hello("the root of another epoch", "bad_mac", (talk) => sealedHello(talk, { epoch: 1 })),
    hello("a round", "bad_round", (talk) => sealedHello(talk, { round: 1 })),
    hello("from a server", "bad_direction", (talk) => sealedHello(talk, { direction: S2C })),
    hello("three blocks", "limit_exceeded", (talk) => sealedHello(talk, {}, new Uint8Array(32))),
    hello("a nonce of 15 bytes", "bad_state", (talk) => sealedHello(talk, {}, new Uint8Array(15))),
    hello("a nonce of 17 bytes", "bad_state", (talk) => sealedHello(talk, {}, new Uint8Array(17))),
    hello("an empty body", "bad_state", (talk) => sealedHello(talk, {}, NOTHING)),
    ...Object.entries(ROUNDS_OPCODES).filter(([name]) => name !== "hello").map(([name]) =>
      hello(`${name.toUpperCase()} in its place`, "bad_state", (talk) => {
        return sealedHello(talk, { opcode: ROUNDS_OPCODES[name as keyof typeof ROUNDS_OPCODES] });
      })
    ),
    roundsCase("server", "HELLO again", "bad_round", (talk) => {
      talk.open();
      talk.comes(talk.packets[0]!.packet);
    }),
    roundsCase("server", "HELLO 1,024 epochs ahead", null, (talk) => talk.open(), { epoch: 1_024 }),
  ];
}

function challenge(name: string, error: string, packet: (talk: RoundsTalk) => Uint8Array): RoundsCase {
  return roundsCase("client", `CHALLENGE: ${name}`, error, (talk) => {
    talk.hello();
    talk.comes(packet(talk));
  });
}

function challengeCases(): readonly RoundsCase[] {
  const sealed = (
    talk: RoundsTalk,
    header: Partial<RoundsHeader> = {},
    body = join(talk.challenge, number(0, 8)),
  ) => talk.seal(talk.header(S2C, "challenge", header), body).packet;
  return [
    challenge("the client's own HELLO", "bad_direction", (talk) => talk.packets[0]!.packet),
    challenge("a flipped bit", "bad_mac", (talk) => flipped(sealed(talk), AT.iv)),
    challenge("under the key of HELLO", "bad_mac", (talk) => {
      return sealRounds(talk.chains[C2S], talk.header(S2C, "challenge"), IV, new Uint8Array(24)).packet;
    }),
    challenge("of another epoch", "bad_round", (talk) => sealed(talk, { epoch: 1 })),
    challenge("with a round", "bad_round", (talk) => sealed(talk, { round: 1 })),
    challenge("of 23 bytes", "bad_state", (talk) => sealed(talk, {}, new Uint8Array(23))),
    challenge("of 25 bytes", "bad_state", (talk) => sealed(talk, {}, new Uint8Array(25))),
    challenge("a server round of 2^53", "bad_state", (talk) => {
      return sealed(talk, {}, join(talk.challenge, number(2n ** 53n, 8)));
    }),
    challenge(
      "AGGREGATE in its place",
      "bad_state",
      (talk) => sealed(talk, { opcode: ROUNDS_OPCODES.aggregate }),
    ),
    challenge("CLOSE in its place", "bad_state", (talk) => sealed(talk, { opcode: ROUNDS_OPCODES.close })),
  ];
}

/** Packets of somebody who holds the keys, and does something else with them. */
function keyHolders(): readonly RoundsCase[] {
  const data = (
    name: string,
    error: string | null,
    then: (talk: RoundsTalk) => void,
    before: (talk: RoundsTalk) => void = (talk) => talk.open(),
  ): RoundsCase =>
    roundsCase("server", name, error, (talk) => {
      before(talk);
      then(talk);
    });
  const answered = (talk: RoundsTalk) => {
    talk.open();
    talk.data("1.5");
    talk.aggregate(ANSWER);
  };
  const aggregate = (name: string, error: string, body: Bytes): RoundsCase =>
    roundsCase("client", name, error, (talk) => {
      talk.open();
      talk.data("1.5");
      talk.comes(talk.seal(talk.header(S2C, "aggregate"), body).packet);
    });
  const sealed = (talk: RoundsTalk, body: Bytes, behind?: Bytes) =>
    talk.seal(talk.header(C2S, "data"), body, behind).packet;
  return [
    data("the first DATA returns another challenge", "bad_mac", (talk) => {
      talk.comes(sealed(talk, join(flipped(talk.challenge, 0), text("1"))));
    }),
    data("the first DATA is shorter than a challenge", "bad_state", (talk) => {
      talk.comes(sealed(talk, talk.challenge.slice(1)));
    }),
    ...[[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]].map((bytes) =>
      data(`a value of the bytes ${bytes.join(" ")}, which is no UTF-8`, "bad_state", (talk) => {
        talk.comes(sealed(talk, Uint8Array.from(bytes)));
      }, answered)
    ),
    ...[
      ["padding of 0", [0]],
      ["padding of 17", [17]],
      ["padding whose bytes differ", [2, 3, 3]],
      ["padding longer than a block", Array<number>(32).fill(32)],
    ].map(([name, bytes]) =>
      data(name as string, "bad_mac", (talk) => {
        const behind = Uint8Array.from(bytes as number[]);
        const body = new Uint8Array((32 - behind.length) % 16 + 16).fill(0x31);
        talk.comes(sealed(talk, body, behind));
      }, answered)
    ),
    data("DATA again", "bad_state", (talk) => {
      const { packet } = talk.data("1.5");
      talk.comes(packet);
    }),
    data("DATA again, once it is answered", "bad_round", (talk) => {
      const { packet } = talk.data("1.5");
      talk.aggregate(ANSWER);
      talk.comes(packet);
    }),
    data("a second DATA before the first is answered", "bad_state", (talk) => {
      talk.data("1.5");
      talk.comes(sealed(talk, text("2")));
    }),
    data("DATA and a wrong packet in one piece", "bad_state", (talk) => {
      const first = talk.seal(talk.header(C2S, "data"), talk.dataBody("1.5"));
      talk.comes(
        join(first.packet, roundsHeader({ ...talk.header(C2S, "data"), version: 9 }, 16), new Uint8Array(64)),
        {
          data: "1.5",
          is_first: true,
        },
      );
    }),
    data("the server's AGGREGATE comes back", "bad_direction", (talk) => {
      talk.data("1.5");
      const { packet } = talk.aggregate(ANSWER);
      talk.comes(packet);
    }),
    data("CLOSE of the round after", "bad_round", (talk) => {
      talk.comes(talk.seal(talk.header(C2S, "close", { round: talk.round + 1 }), number(0, 1)).packet);
    }, answered),
    data("CLOSE two rounds old", "bad_round", (talk) => {
      talk.data("1.5");
      talk.aggregate(ANSWER);
      talk.comes(talk.seal(talk.header(C2S, "close", { round: 1 }), number(0, 1)).packet);
    }, answered),
    data("CLOSE of the round before, in a round", "bad_round", (talk) => {
      talk.data("1.5");
      talk.comes(talk.seal(talk.header(C2S, "close", { round: talk.round - 1 }), number(0, 1)).packet);
    }, answered),
    data("CLOSE of round 0", "bad_round", (talk) => {
      talk.comes(talk.seal(talk.header(C2S, "close", { round: 0 }), number(0, 1)).packet);
    }),
    data("CLOSE without a reason", "bad_state", (talk) => {
      talk.comes(talk.seal(talk.header(C2S, "close"), NOTHING).packet);
    }),
    data("CLOSE that crosses the answer to its round", null, (talk) => {
      talk.close(C2S, 0, { round: 1 });
    }, answered),
    data("CLOSE in a round", null, (talk) => {
      talk.data("1.5");
      talk.close(C2S, 0);
    }),
    data("CLOSE before any round", null, (talk) => void talk.close(C2S, 0)),
    aggregate("AGGREGATE that ends early", "bad_state", aggregateBody(ANSWER).slice(0, -1)),
    aggregate("AGGREGATE that goes on", "bad_state", join(aggregateBody(ANSWER), number(0, 1))),
    aggregate("AGGREGATE without a sum", "bad_state", aggregateBody({ ...ANSWER, sum: "" })),
    aggregate("AGGREGATE with an exponent", "bad_state", aggregateBody({ ...ANSWER, product: "1e3" })),
    aggregate("AGGREGATE with a plus sign", "bad_state", aggregateBody({ ...ANSWER, sum: "+1" })),
    aggregate(
      "AGGREGATE with a control character",
      "bad_state",
      aggregateBody({ ...ANSWER, sum: "1\u001b" }),
    ),
    roundsCase("client", "AGGREGATE again", "bad_round", (talk) => {
      talk.open();
      talk.data("1.5");
      const { packet } = talk.aggregate(ANSWER);
      talk.comes(packet);
    }),
    roundsCase("client", "AGGREGATE without a value", "bad_state", (talk) => {
      talk.open();
      talk.comes(talk.seal(talk.header(S2C, "aggregate"), aggregateBody(ANSWER)).packet);
    }),
    ...(["client", "server"] as const).map((end: RoundsEnd) =>
      roundsCase(end, "CLOSE with a reason that is not known", null, (talk) => {
        talk.open();
        const direction = end === "client" ? S2C : C2S;
        talk.comes(talk.seal(talk.header(direction, "close"), number(200, 1)).packet, { close: 0 });
      })
    ),
  ];
}

/** Every case of rounds_negative.json. */
export function roundsNegativeCases(): readonly RoundsCase[] {
  return [...helloCases(), ...challengeCases(), ...changedPackets(), ...keyHolders()];
}

/**
 * What tests/vectors has of the rounds protocol: rounds.json and rounds_negative.json.
 * @module
 */
import { hex, pseudorandom } from "./primitives.ts";
import {
  C2S,
  firstRoot,
  laterRoot,
  numberOf,
  padding,
  productOf,
  ROUNDS_OPCODES,
  type RoundsAggregate,
  S2C,
} from "./rounds.ts";
import { BASE_KEY, CLIENT_ID, ENROLMENT_SALT, ROOT_0, type RoundsShape, RoundsTalk } from "./rounds_case.ts";
import { roundsNegativeCases } from "./rounds_negative_cases.ts";

// ---- rounds.json ----

/** Ids of one letter, of every kind of letter, of the largest size. */
const IDS = ["a", CLIENT_ID, "Z._-9", "x".repeat(64)];

function enrolments(): unknown {
  return IDS.map((id) => {
    const salt = id === CLIENT_ID ? ENROLMENT_SALT : pseudorandom(`rounds salt of ${id}`, 16);
    const root = firstRoot(BASE_KEY, id, salt);
    const roots = [0, 1, 2, 1_024].map((epoch) => ({ epoch, root: hex(laterRoot(root, epoch)) }));
    return { base_key: hex(BASE_KEY), id, salt: hex(salt), roots };
  });
}

/** A value, and what it is answered. */
type Exchange = readonly [string, RoundsAggregate];

interface SessionPlan {
  readonly name: string;
  readonly shape: Partial<RoundsShape>;
  readonly exchanges: readonly Exchange[];
  /** Who ends it, and with which reason. */
  readonly close: readonly [direction: number, reason: number];
}

function answer(server_round: number, clients: number, sum: string, product: string): RoundsAggregate {
  return { server_round, clients, sum, product };
}

const SESSIONS: readonly SessionPlan[] = [
  {
    name: "three rounds, ended by the client",
    shape: {},
    exchanges: [
      ["1, 2", answer(1, 3, "3", "-37.5")],
      ["hello", answer(2, 3, "5", "30")],
      ["", answer(3, 2, "0", "0")],
    ],
    close: [C2S, 0],
  },
  {
    name: "a client that is some epochs ahead, and comes late in its second round",
    shape: { epoch: 3, serverEpoch: 1, serverRound: 4_294_967_296 },
    exchanges: [["-0.25 é", answer(4_294_967_297, 100, "8", "-0.0000000000000000000000000000000001")]],
    close: [S2C, 1],
  },
  {
    name: "no round at all",
    shape: { id: "x".repeat(64), epoch: 1_024 },
    exchanges: [],
    close: [S2C, 2],
  },
  {
    name: "the last epoch",
    shape: { epoch: 4_294_967_295, serverEpoch: 4_294_967_290 },
    exchanges: [["7", answer(1, 1, "7", "7")]],
    close: [S2C, 3],
  },
];

const OPCODE_NAMES = new Map<number, string>(
  Object.entries(ROUNDS_OPCODES).map(([name, opcode]) => [opcode, name]),
);

/** A session from either end, and every packet with all that is computed on the way. */
function session({ name, shape, exchanges, close }: SessionPlan): unknown {
  const play = (talk: RoundsTalk) => {
    talk.open();
    for (const [value, aggregate] of exchanges) {
      talk.data(value);
      talk.aggregate(aggregate);
    }
    talk.close(...close);
    return talk;
  };
  const [client, server] = [play(new RoundsTalk("client", shape)), play(new RoundsTalk("server", shape))];
  return {
    name,
    client: { setup: client.setup, steps: client.steps },
    server: { setup: server.setup, steps: server.steps, epoch_after: client.shape.epoch + 1 },
    packets: client.packets.map((packet) => ({
      what: OPCODE_NAMES.get(packet.what.opcode),
      direction: packet.what.direction,
      epoch: packet.what.epoch,
      round: packet.what.round,
      body: hex(packet.body),
      chain: hex(packet.chain),
      encryption_key: hex(packet.encryptionKey),
      mac_key: hex(packet.macKey),
      header: hex(packet.header),
      iv: hex(packet.iv),
      plaintext: hex(packet.body) + hex(padding(packet.body.length)),
      ciphertext: hex(packet.ciphertext),
      mac: hex(packet.mac),
      packet: hex(packet.packet),
      next_chain: hex(packet.nextChain),
    })),
  };
}

const NINES = "9".repeat(64);
const LARGEST = `${NINES}.${"9".repeat(32)}`;

/** Values that are numbers, and values that only look like it. */
const VALUES: readonly string[] = [
  ...["0", "-0", "+7", "007", "1.50", "-0.05", "1,2,3", "1 2 3", " 1 ,\t2\r\n3\n", "0.1 0.2", "5 -5.00"],
  ...[NINES, `-${LARGEST}`, `${LARGEST} ${LARGEST}`, Array<string>(1_000).fill("1").join(",")],
  ...[
    "",
    " ",
    "-",
    "+",
    ".",
    "1.",
    ".5",
    "1e3",
    "1e999999",
    "0x10",
    "1,,2",
    ",1",
    "1,",
    "--1",
    "1_000",
    "NaN",
  ],
  ...["٣", "１", "−1", "1\u00a02", "1\u20282", "1\v2", "\ufeff1", "hello", "é", "🎉"],
  ...[`1${NINES}`, `0.${"0".repeat(33)}`, Array<string>(1_001).fill("1").join(",")],
];

const PRODUCTS: readonly (readonly string[])[] = [
  ["5"],
  ["2", "-3.5", "0.5"],
  ["1,2", "hello", "-0.5"],
  ["0", "-7"],
  ["", "5"],
  [LARGEST, `-${LARGEST}`, "0.1"],
  [`0.${"0".repeat(31)}1`, `0.${"0".repeat(31)}1`],
];

/** rounds.json */
export function roundsFile(): unknown {
  return {
    enrolments: enrolments(),
    sessions: SESSIONS.map(session),
    values: VALUES.map((value) => {
      const { sum, isSum } = numberOf(value);
      return { value, counts_as: isSum ? "sum" : "length", sum };
    }),
    products: PRODUCTS.map((values) => ({ values, product: productOf(values) })),
  };
}

// ---- rounds_negative.json ----

/** rounds_negative.json */
export function roundsNegativeFile(): unknown {
  const cases = roundsNegativeCases();
  const names = cases.map(({ end, name }) => `${end}: ${name}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`There are two cases of the name ${twice}`);
  return { root_0: hex(ROOT_0), cases };
}

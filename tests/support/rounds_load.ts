/**
 * Many clients of one server, round after round, everything that comes of it computed anew.
 * @module
 */
import assert from "node:assert/strict";
import { cpuSecondsOf, peakMemoryOf } from "../../scripts/process_cost.ts";
import { seededFractions } from "./random.ts";
import type { RoundsGroup } from "./rounds_group.ts";

/** How large a load. */
export interface LoadOptions {
  readonly clientCount: number;
  readonly roundCount: number;
  readonly seed: number;
}

/** What it came to. */
export interface LoadResult {
  readonly seconds: number;
  /** The most memory that the server has held. */
  readonly serverPeakBytes: number;
  /** The server's processor time. */
  readonly serverCpuSeconds: number;
  /** Characters of the longest product. */
  readonly productLength: number;
}

/** Digits behind the point of every number here. */
const SCALE = 4;

/** A value for one round, and its number in units of 10^-{@link SCALE}. */
interface Value {
  readonly text: string;
  readonly units: bigint;
}

/** The names of so many clients. */
export function clientNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `client-${index}`);
}

/**
 * Holds rounds of all clients over sockets, with a server in a process of its own. Asserts that each client got every
 * round once, that all got the same product, and that this is the product of what they sent, as computed here.
 */
export async function makeLoad(group: RoundsGroup, options: LoadOptions): Promise<LoadResult> {
  const { clientCount, roundCount, seed } = options;
  const random = seededFractions(seed);
  const names = clientNames(clientCount);
  const server = await group.serve([
    "--min-clients",
    `${clientCount}`,
    "--rounds",
    `${roundCount}`,
    "--deadline",
    "5m",
  ]);
  const members = await Promise.all(names.map((id) => group.member(server, id)));
  const expected: { sums: Record<string, string>; product: string }[] = [];
  const startMs = performance.now();
  let serverPeakBytes = 0;
  let serverCpuSeconds = 0;
  for (let round = 1; round <= roundCount; round++) {
    const values = names.map(() => makeValue(random));
    // The server may be gone as soon as it has answered the last round.
    serverPeakBytes = peakMemoryOf(server.process.pid);
    serverCpuSeconds = cpuSecondsOf(server.process.pid, "own and children");
    const answers = await Promise.all(members.map((member, index) => member.round(values[index]!.text)));
    const sums = values.map(({ units }) => format(units, SCALE));
    const product = format(values.reduce((all, { units }) => all * units, 1n), SCALE * clientCount);
    answers.forEach((answer, index) => {
      const told = `seed ${seed}, round ${round}, ${names[index]}`;
      assert.deepEqual(answer, { serverRound: round, sum: sums[index], product, clients: clientCount }, told);
    });
    expected.push({ sums: Object.fromEntries(names.map((id, index) => [id, sums[index]!])), product });
  }
  const seconds = (performance.now() - startMs) / 1000;
  await Promise.all(members.map((member) => member.close()));
  const { code, stderr, events } = await server.process.ended;
  assert.equal(code, 0, stderr);
  const rounds = events.flatMap((event) => event.event === "round" ? [event] : []);
  assert.equal(rounds.length, roundCount);
  rounds.forEach(({ round, clients, product, sums, late }, index) => {
    assert.deepEqual(
      { round, clients, late, product, sums },
      { round: `${index + 1}`, clients: `${clientCount}`, late: [], ...expected[index]! },
    );
  });
  const productLength = Math.max(...expected.map(({ product }) => product.length));
  return { seconds, serverPeakBytes, serverCpuSeconds, productLength };
}

/** One to three numbers of up to eight digits before the point, or once in a while a text. */
function makeValue(random: () => number): Value {
  const below = (end: number) => Math.floor(random() * end);
  if (below(20) === 0) {
    const length = 1 + below(40);
    return { text: "é".repeat(length), units: BigInt(2 * length) * 10n ** BigInt(SCALE) };
  }
  let units = 0n;
  const fields = Array.from({ length: 1 + below(3) }, () => {
    const [whole, fractionSize] = [below(10 ** (1 + below(8))), below(SCALE + 1)];
    const fraction = String(below(10 ** fractionSize)).padStart(fractionSize, "0");
    const isNegative = below(3) === 0;
    const size = BigInt(whole) * 10n ** BigInt(SCALE) +
      (fractionSize === 0 ? 0n : BigInt(fraction) * 10n ** BigInt(SCALE - fractionSize));
    units += isNegative ? -size : size;
    return `${isNegative ? "-" : ["", "+"][below(2)]}${whole}${fractionSize === 0 ? "" : `.${fraction}`}`;
  });
  return { text: fields.join([", ", " ", ","][below(3)]), units };
}

/** Units of 10^-scale as a decimal number, by division. */
function format(units: bigint, scale: number): string {
  const one = 10n ** BigInt(scale);
  const [size, sign] = units < 0n ? [-units, "-"] : [units, ""];
  let text = `${sign}${size / one}`;
  let rest = size % one;
  if (rest === 0n) return text;
  text += ".";
  const digits: string[] = [];
  // A digit at a time would take long for hundreds of them.
  for (let left = scale; left > 0; left -= 15) {
    const step = Math.min(left, 15);
    const unit = 10n ** BigInt(left - step);
    digits.push(String(rest / unit).padStart(step, "0"));
    rest %= unit;
  }
  return text + digits.join("").replace(/0+$/, "");
}

/**
 * Rounds as lines for people.
 * @module
 */
import type { Aggregate } from "../lib/rounds/messages.ts";

/** Characters of a number that are shown whole on a terminal. */
const NUMBER_LENGTH = 24;

/** A round as its server knows it. */
export interface RoundResult {
  readonly number: number;
  readonly product: string;
  /** The clients' numbers by their ids. */
  readonly sums: Readonly<Record<string, string>>;
  /** The ids of the clients that were late. */
  readonly late: readonly string[];
}

/** A round as its server tells it: on a terminal of so many columns in one of its lines; in full elsewhere. */
export function roundLine({ number, product, sums, late }: RoundResult, columns?: number): string {
  const values = Object.entries(sums).map(([id, sum]) => `${id} ${shortened(sum, columns)}`);
  const head = `round ${number}: product ${shortened(product, columns)}, ${clientCount(values.length)}`;
  // The last column stays free, since some terminals wrap there.
  const room = (columns ?? Infinity) - 1 - head.length;
  const tail = lateTail(late, room / 2);
  const list = fitted(values, room - tail.length - " ()".length);
  return `${head}${list === "" ? "" : ` (${list})`}${tail}`;
}

function lateTail(late: readonly string[], room: number): string {
  if (late.length === 0) return "";
  const list = fitted(late, room - ", late: ".length);
  return list === "" ? `, ${late.length} late` : `, late: ${list}`;
}

/** A round as a client tells it; `columns` is as with {@link roundLine}. */
export function aggregateLine({ serverRound, sum, product, clients }: Aggregate, columns?: number): string {
  return `round ${serverRound}: sum ${shortened(sum, columns)}, product ${shortened(product, columns)}, ` +
    clientCount(clients);
}

function clientCount(count: number): string {
  return count === 1 ? "1 client" : `${count} clients`;
}

/** On a terminal, the beginning and the end of a long number, and how long it is. */
function shortened(number: string, columns: number | undefined): string {
  if (columns === undefined || number.length <= NUMBER_LENGTH) return number;
  return `${number.slice(0, 8)}..${number.slice(-4)} (${number.length} long)`;
}

/** As many of a list as have room, and how many more there are; nothing where there is no room for that. */
function fitted(items: readonly string[], room: number): string {
  for (let shown = items.length; shown > 0; shown--) {
    const more = items.length - shown;
    const text = items.slice(0, shown).join(", ") + (more === 0 ? "" : ` and ${more} more`);
    if (text.length <= room) return text;
  }
  return "";
}

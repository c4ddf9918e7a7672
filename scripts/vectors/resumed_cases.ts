/**
 * Transfers that a receiver knows from an earlier session.
 * @module
 */
import type { Case } from "./cases.ts";
import * as m from "./messages.ts";
import { join, number } from "./primitives.ts";
import {
  acceptOf,
  BLOCK_SIZE,
  dataOf,
  doneOf,
  earlier,
  EARLIER_SESSION_ID,
  type Ending,
  endOf,
  fileDigests,
  hears,
  HELLO,
  manifestOf,
  offerOf,
  receiverCase,
  rejects,
  says,
  startOf,
  THREE_BLOCKS,
} from "./transfer_cases.ts";

const FINE: Ending = [null, null];

const BLOCKS = dataOf(THREE_BLOCKS);
/** Two of three blocks have come. */
const CUT = earlier(
  offerOf(THREE_BLOCKS),
  manifestOf(THREE_BLOCKS),
  startOf(0),
  ...BLOCKS.slice(0, 2),
);
const TWO_BLOCKS = acceptOf(THREE_BLOCKS.content.slice(0, 2 * BLOCK_SIZE));
/** All has come, and is in place. */
const FINISHED = earlier(offerOf(HELLO), manifestOf(HELLO), startOf(0), ...dataOf(HELLO), endOf(HELLO));
const ALL = acceptOf(HELLO.content);

const WITH_DIGESTS = 2;
const REPEATED = 4;

/** All of them. */
export function resumedCases(): readonly Case[] {
  return [
    receiverCase("a transfer goes on where it was cut", FINE, [
      ...hears(offerOf(THREE_BLOCKS)),
      ...says(TWO_BLOCKS),
      ...hears(startOf(2 * BLOCK_SIZE), ...BLOCKS.slice(2), endOf(THREE_BLOCKS)),
      ...says(doneOf(THREE_BLOCKS)),
    ], CUT),
    receiverCase("a transfer that was cut begins anew, as its sender wishes", FINE, [
      ...hears(offerOf(THREE_BLOCKS)),
      ...says(TWO_BLOCKS),
      ...hears(startOf(0), ...BLOCKS, endOf(THREE_BLOCKS)),
      ...says(m.message("durable", number(2 * BLOCK_SIZE, 8)), doneOf(THREE_BLOCKS)),
    ], CUT),
    receiverCase("START before where ACCEPT says", ["malformed", 5], [
      ...hears(offerOf(THREE_BLOCKS)),
      ...says(TWO_BLOCKS),
      ...hears(startOf(BLOCK_SIZE)),
    ], CUT),
    receiverCase("DATA from the beginning, behind START where ACCEPT says", ["malformed", 5], [
      ...hears(offerOf(THREE_BLOCKS)),
      ...says(TWO_BLOCKS),
      ...hears(startOf(2 * BLOCK_SIZE), BLOCKS[0]!),
    ], CUT),
    receiverCase("a transfer that was finished before is compared", FINE, [
      ...hears(offerOf(HELLO)),
      ...says(ALL),
      ...hears(startOf(HELLO.content.length), endOf(HELLO)),
      ...says(doneOf(HELLO)),
    ], FINISHED),
    receiverCase("a transfer that was finished before has another content now", ["exists", 8], [
      ...hears(offerOf(HELLO)),
      ...says(ALL),
      ...hears(startOf(0)),
      ...rejects(4),
    ], FINISHED),
    receiverCase("a transfer whose answer was lost is answered again", FINE, [
      ...hears(offerOf(HELLO, { flags: REPEATED })),
      ...says(doneOf(HELLO, { sessionId: EARLIER_SESSION_ID })),
    ], FINISHED),
    receiverCase("a transfer whose answer was lost, with hashes that it did not have", FINE, [
      ...hears(offerOf(HELLO, { flags: REPEATED | WITH_DIGESTS })),
      ...says(ALL),
      ...hears(
        startOf(HELLO.content.length),
        m.message("digests", join(...fileDigests(HELLO))),
        endOf(HELLO),
      ),
      ...says(doneOf(HELLO, { digests: fileDigests(HELLO) })),
    ], FINISHED),
    receiverCase(
      "a transfer of unknown size under the name of one that was finished",
      ["bad_transfer_id", 5],
      [
        ...hears(offerOf(HELLO, { flags: 1, size: 0 })),
      ],
      FINISHED,
    ),
  ];
}

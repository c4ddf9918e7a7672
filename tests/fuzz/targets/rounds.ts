/**
 * The decoders of the rounds protocol.
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { ROUNDS_CIPHERTEXT_SIZE_MAX, ROUNDS_DIGITS_MAX, ROUNDS_ID_SIZE_MAX } from "../../../lib/limits.ts";
import { productOf, sumOf } from "../../../lib/rounds/aggregation.ts";
import { formatDecimal, parseDecimal } from "../../../lib/rounds/decimal.ts";
import {
  formatBaseKey,
  formatClientKey,
  parseBaseKey,
  parseClientKey,
} from "../../../lib/rounds/key_files.ts";
import {
  decodeAggregate,
  decodeChallenge,
  decodeClose,
  decodeData,
  decodeHelloNonce,
  encodeAggregate,
  encodeChallenge,
  encodeClose,
  encodeData,
} from "../../../lib/rounds/messages.ts";
import { RoundsClient } from "../../../lib/rounds/client.ts";
import { RoundsServerSession } from "../../../lib/rounds/server.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { encodeHeader, isClientId, type Packet, PacketAssembler } from "../../../lib/rounds/packet.ts";
import { piecesOf } from "../../support/pieces.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { readVectors } from "../../unit/vectors/files.ts";
import { wordsOf } from "../mutation.ts";
import { canonicalTarget, settlingTarget, type Target, target, textTarget } from "../target.ts";

interface RoundsVectors {
  readonly sessions: readonly { readonly packets: readonly { readonly packet: string }[] }[];
  readonly values: readonly { readonly value: string }[];
}

const VECTORS = readVectors<RoundsVectors>("rounds");
const STREAMS = VECTORS.sessions.map(({ packets }) =>
  concat(...packets.map(({ packet }) => fromHex(packet)))
);
const PACKETS = VECTORS.sessions.flatMap(({ packets }) => packets.map(({ packet }) => fromHex(packet)));
const VALUES = VECTORS.values.map(({ value }) => value).filter((value) => value.length < 4000);
const ROOT = seededRandom("a root").bytes(32);

function assemble(pieces: readonly Bytes[]): { packets: readonly Packet[]; code: string | undefined } {
  const assembler = new PacketAssembler();
  const packets: Packet[] = [];
  try {
    for (const piece of pieces) {
      assembler.push(piece);
      for (let packet; (packet = assembler.next()) !== undefined;) packets.push(packet);
    }
    return { packets, code: undefined };
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { packets, code };
  }
}

function checkPackets(input: Bytes): void {
  const { packets, code } = assemble([input]);
  assert.ok(code === undefined || code === "limit_exceeded", code);
  assert.deepEqual(
    concat(...packets.map(({ bytes }) => bytes)),
    input.slice(0, packets.reduce((sum, { bytes }) => sum + bytes.length, 0)),
  );
  for (const { header, iv, ciphertext, mac, bytes } of packets) {
    assert.ok(header.id.length <= ROUNDS_ID_SIZE_MAX && ciphertext.length <= ROUNDS_CIPHERTEXT_SIZE_MAX);
    if (!isClientId(header.id)) continue;
    assert.deepEqual(concat(encodeHeader(header, ciphertext.length), iv, ciphertext, mac), bytes);
  }
  assert.deepEqual(assemble(piecesOf(input, [input.length > 20_000 ? 4000 : 3, 1])), { packets, code });
}

/** A value has one sum, which is written as a number that is read as the same. */
function checkValue(text: string): void {
  const sum = sumOf(text);
  const written = formatDecimal(sum);
  const again = parseDecimal(written);
  if (again === undefined) assert.ok(written.replace(/^-|\..*$/g, "").length > 64 || written.length > 96);
  else assert.equal(formatDecimal(again), written);
  assert.match(written, /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?$/);
  try {
    assert.ok(formatDecimal(productOf([sum, sum, sum])).length <= ROUNDS_DIGITS_MAX + 2);
  } catch (error) {
    assert.equal(codeOf(error), "limit_exceeded");
  }
}

const SESSION_CODES = ["bad_state", "limit_exceeded", "bad_mac", "bad_round", "bad_direction"] as const;

/** What a stranger sends to a server, which knows a client of that name. */
function checkServer(input: Bytes): void {
  const keys = new MemoryRoundsKeys();
  for (const packet of assemble([input]).packets.slice(0, 2)) {
    if (isClientId(packet.header.id)) keys.enroll(packet.header.id, ROOT.slice());
  }
  const session = new RoundsServerSession({ keys, random: seededRandom("server"), serverRound: () => 7 });
  for (const _ of session.receive(input)) assert.fail("a packet was taken whose sender has no key");
  assert.equal(session.takeOutput().length, 0, "a stranger was answered");
}

/** What somebody who is no server sends to a client. */
function checkClient(input: Bytes): void {
  const session = RoundsClient.start({
    id: "alice",
    epoch: 0,
    root: ROOT.slice(),
    random: seededRandom("client"),
  });
  session.takeOutput();
  for (const _ of session.receive(input)) assert.fail("a packet was taken whose sender has no key");
  assert.equal(session.takeOutput().length, 0, "a stranger was answered");
}

const NUMBER_WORDS = wordsOf(
  "-",
  "+",
  ".",
  ",",
  " ",
  "\t",
  "0",
  "00",
  "9".repeat(64),
  "." + "1".repeat(32),
  "1e5",
  "٣",
  "\u00a0",
  "NaN",
  "0x10",
);

/** Everything of the rounds protocol. */
export const ROUNDS_TARGETS: readonly Target[] = [
  target("rounds packets", [...PACKETS, ...STREAMS], checkPackets, { cost: 4 }),
  target("rounds server", [...PACKETS, ...STREAMS], checkServer, { codes: SESSION_CODES, cost: 10 }),
  target("rounds client", [...PACKETS, ...STREAMS], checkClient, { codes: SESSION_CODES, cost: 10 }),
  canonicalTarget("rounds HELLO", [new Uint8Array(16)], decodeHelloNonce, (nonce) => nonce, {
    codes: ["bad_state"],
  }),
  canonicalTarget(
    "rounds CHALLENGE",
    [0, 2 ** 53 - 1].map((serverRound) => encodeChallenge({ challenge: new Uint8Array(16), serverRound })),
    decodeChallenge,
    encodeChallenge,
    { codes: ["bad_state"] },
  ),
  ...[true, false].map((isFirst) =>
    canonicalTarget(
      `rounds DATA ${isFirst ? "first" : "later"}`,
      VALUES.map((value) => encodeData(isFirst ? new Uint8Array(16) : undefined, value)),
      (input) => decodeData(input, isFirst),
      ({ challenge, text }) => encodeData(challenge, text),
      { codes: ["bad_state"], words: NUMBER_WORDS },
    )
  ),
  canonicalTarget(
    "rounds AGGREGATE",
    [encodeAggregate({ serverRound: 1, clients: 2, sum: "-1.5", product: "3" })],
    decodeAggregate,
    encodeAggregate,
    { codes: ["bad_state"], words: NUMBER_WORDS },
  ),
  settlingTarget("rounds CLOSE", [encodeClose("late")], decodeClose, encodeClose, { codes: ["bad_state"] }),
  textTarget("rounds value", [...VALUES, "1, 2, 3", "1.5 -2"], checkValue, { words: NUMBER_WORDS, cost: 2 }),
  textTarget("rounds decimal", VALUES, (text) => {
    const number = parseDecimal(text);
    if (number === undefined) return;
    const written = formatDecimal(number);
    assert.equal(formatDecimal(parseDecimal(written)!), written);
  }, { words: NUMBER_WORDS }),
  target("rounds base key file", [`# made\n${formatBaseKey(ROOT, "a comment")}\n`], (input) => {
    assert.deepEqual(parseBaseKey(utf8(formatBaseKey(parseBaseKey(input), ""))), parseBaseKey(input));
  }, { codes: ["bad_key_file"], words: wordsOf("stx-base-key ", " ", "\t", "\n", "\r", "#", "=", "\u2028") }),
  target("rounds client key file", [
    formatClientKey({ id: "alice", epoch: 4294967296, root: ROOT, comment: "é" }),
  ], (input) => {
    const key = parseClientKey(input);
    // Whatever is no character of a line has become a space, and a line does not end in spaces.
    const comment = key.comment.trim();
    assert.deepEqual(parseClientKey(utf8(formatClientKey(key))), { ...key, comment });
  }, {
    codes: ["bad_key_file"],
    words: wordsOf("stx-rounds-key ", " ", "\t", "\n", "\r", "#", "=", "4294967297", "\u2028"),
  }),
];

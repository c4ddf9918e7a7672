/**
 * Faults in the records of an open session.
 * @module
 */
import { type Case, goes } from "./cases.ts";
import * as m from "./messages.ts";
import { flipped, join, number, overwritten, repeated } from "./primitives.ts";
import { badRecord, badSequence, FINE, LOST, malformed, OFFER, session, THEIRS } from "./session_case.ts";

const TAGS: readonly Case[] = [
  session("one bit of the tag flipped, the CRC made right", ...badRecord(), (talk) => {
    talk.comes(m.crcMended(flipped(talk.peer.record(OFFER, 0), -5)));
  }),
  session("one bit of the ciphertext flipped, the CRC made right", ...badRecord(1), (talk) => {
    talk.hears(OFFER, 0);
    talk.comes(m.crcMended(flipped(talk.peer.record(OFFER, 0), 8)));
  }, { suite: 2 }),
  session("a record under the key of the generation before", ...badRecord(65_536), (talk) => {
    talk.comes(talk.peer.at(65_536, m.plaintextOf(OFFER, 65_536), { generation: 0 }));
  }, { first: 65_536 }),
  session("a record under the key of the generation behind", ...badRecord(65_535), (talk) => {
    talk.comes(talk.peer.at(65_535, m.plaintextOf(OFFER, 65_535), { generation: 1 }));
  }, { first: 65_535 }),
  session("a record with the nonce of another number", ...badRecord(), (talk) => {
    talk.comes(talk.peer.at(0, m.plaintextOf(OFFER, 0), { nonce: 1 }));
  }),
  session("its own first record comes back", ...badRecord(), (talk) => {
    talk.comes(talk.says(OFFER, 0));
  }),
  session("a record of the other suite", ...badRecord(), (talk) => {
    talk.comes(new m.Direction(2, THEIRS).record(OFFER, 0));
  }),
  session("a record that is sealed right and numbered anew", ...badRecord(1), (talk) => {
    const record = talk.hears(OFFER, 0);
    talk.comes(m.crcMended(overwritten(record, 0, number(1, 4))));
  }),
];

const SEQUENCES: readonly Case[] = [
  session("a number too far", ...badSequence(0), (talk) => {
    talk.comes(talk.peer.at(1, m.plaintextOf(OFFER, 0)));
  }),
  session("a record that comes twice", ...badSequence(1), (talk) => {
    talk.comes(talk.hears(OFFER, 0));
  }),
  session("a record that comes twice, after one NAK", ...badSequence(1), (talk) => {
    const record = talk.peer.record(OFFER, 0);
    talk.comes(flipped(record, -1));
    talk.answers(m.message("nak", number(0, 4)), 0);
    talk.comes(record, OFFER);
    talk.comes(record);
  }),
  session("a repetition of a record that was not asked for twice", ...badSequence(2), (talk) => {
    const first = talk.hears(OFFER, 0);
    const second = talk.peer.record(OFFER, 0);
    for (const place of [-1, -2]) {
      talk.comes(flipped(second, place));
      talk.answers(m.message("nak", number(1, 4)), 1);
    }
    talk.comes(second, OFFER);
    talk.comes(first);
  }),
  session("number 2^32 - 2^16", "bad_sequence", null, (talk) => {
    talk.comes(talk.peer.at(4_294_901_760, m.plaintextOf(OFFER, 0), { generation: 0 }));
  }, { first: 4_294_901_760 }),
];

const NAK_0 = m.message("nak", number(0, 4));
const NAK_1 = m.message("nak", number(1, 4));

const NOISE: readonly Case[] = [
  session("one bit of the CRC flipped: NAK, then accepted", ...FINE, (talk) => {
    const record = talk.peer.record(OFFER, 0);
    talk.comes(flipped(record, -1));
    talk.answers(NAK_0, 0);
    talk.comes(record, OFFER);
  }),
  session("one bit of the ciphertext flipped on the way: NAK, then accepted", ...FINE, (talk) => {
    const record = talk.peer.record(OFFER, 0);
    talk.comes(flipped(record, 10));
    talk.answers(NAK_0, 0);
    talk.comes(record, OFFER);
  }, { suite: 2 }),
  session("one bit of the number flipped on the way, two records behind it", ...FINE, (talk) => {
    const records = [0, 1, 2].map(() => talk.peer.record(OFFER, 0));
    talk.comes(join(flipped(records[0]!, 3), records[1]!, records[2]!));
    talk.answers(NAK_0, 0);
    talk.comes(join(...records), OFFER, OFFER, OFFER);
  }),
  session("damaged three times: three NAKs, then accepted, and repetitions passed over", ...FINE, (talk) => {
    talk.hears(OFFER, 0);
    const [first, second] = [talk.peer.record(OFFER, 0), talk.peer.record(OFFER, 0)];
    for (let i = 0; i < 3; i++) {
      talk.comes(flipped(first, -1 - i));
      talk.answers(NAK_1, 1);
    }
    talk.comes(first, OFFER);
    // The answers to the other two NAKs.
    talk.comes(join(first, second), OFFER);
    talk.comes(join(first, second));
  }),
  session("record 0 damaged twice: two NAKs, then accepted", ...FINE, (talk) => {
    const record = talk.peer.record(OFFER, 0);
    for (const place of [-1, -2]) {
      talk.comes(flipped(record, place));
      talk.answers(NAK_0, 0);
    }
    talk.comes(record, OFFER);
  }),
  session("damaged twice at once: one NAK, then accepted", ...FINE, (talk) => {
    talk.hears(OFFER, 0);
    const record = talk.peer.record(OFFER, 0);
    talk.comes(join(flipped(record, -1), flipped(record, -2)));
    talk.answers(NAK_1, 1);
    talk.comes(record, OFFER);
  }),
  session("damaged four times", ...LOST, (talk) => {
    talk.hears(OFFER, 0);
    const record = talk.peer.record(OFFER, 0);
    for (let i = 0; i < 3; i++) {
      talk.comes(flipped(record, -1));
      talk.answers(NAK_1, 1);
    }
    talk.comes(flipped(record, -1));
  }),
  session("the 65th damaged record", ...LOST, (talk) => {
    for (let i = 0; i < 65; i++) {
      const record = talk.peer.record(m.message("ack"), 0);
      talk.comes(flipped(record, -1));
      if (i === 64) return;
      talk.answers(m.message("nak", number(i, 4)), i);
      talk.comes(record);
    }
  }),
  session("no intact record 5 s after a damaged one", ...LOST, (talk) => {
    talk.comes(flipped(talk.peer.record(OFFER, 0), -1));
    talk.answers(NAK_0, 0);
    talk.at(4_999);
    talk.at(5_000);
  }),
  session("33,554,432 bytes without an intact record", ...LOST, (talk) => {
    talk.comes(flipped(talk.peer.record(OFFER, 0), -1));
    talk.answers(NAK_0, 0);
    talk.steps.push({ in: "ff", then: { byte: "ff", count: 33_554_500 } });
  }),
  session("twice 17,000,000 bytes without an intact record, and one between them", ...FINE, (talk) => {
    for (const number_ of [0, 1]) {
      const record = talk.peer.record(OFFER, 0);
      talk.comes(flipped(record, -1));
      talk.answers(m.message("nak", number(number_, 4)), number_);
      talk.steps.push({ in: "ff", then: { byte: "ff", count: 17_000_000 } });
      talk.comes(record, OFFER);
    }
  }),
];

const SIZES: readonly Case[] = [0, 4, 1_048_577, 0xffff_ffff].map((size) =>
  session(`a record of ${size} bytes is announced`, ...LOST, (talk) => {
    talk.comes(join(number(0, 4), number(size, 4)));
  })
);

const ACKNOWLEDGEMENTS: readonly Case[] = [
  session("an acknowledgement beyond what was sent", ...malformed(0), (talk) => {
    talk.says(OFFER, 0);
    talk.comes(talk.peer.record(m.message("ack"), 2));
  }),
  session("an acknowledgement lower than the one before", ...FINE, (talk) => {
    talk.says(OFFER, 0);
    talk.says(OFFER, 0);
    talk.hears(OFFER, 2);
    talk.hears(OFFER, 1);
    talk.says(OFFER, 2);
  }),
  session("a quarter of the window has come: ACK", ...FINE, (talk) => {
    for (let i = 0; i < 4; i++) talk.hears(OFFER, 0);
    talk.answers(m.message("ack"), 4);
    talk.hears(OFFER, 0);
  }, { windowRecords: 16 }),
  session("a quarter of the window's bytes has come: ACK", ...FINE, (talk) => {
    talk.hears(m.message("data", m.data(0, repeated(7, 600))), 0);
    talk.hears(m.message("data", m.data(1, repeated(7, 342))), 0);
    talk.answers(m.message("ack"), 2);
  }, { windowBytes: 4_096 }),
];

const REPEATING: readonly Case[] = [
  session("NAK: the same bytes again", ...FINE, (talk) => {
    const records = [0, 1, 2].map(() => talk.says(OFFER, 0));
    talk.hears(m.message("nak", number(1, 4)), 0);
    talk.steps.push(goes(join(records[1]!, records[2]!)));
    talk.says(OFFER, 1);
  }),
  session("NAK for a number that was never sent", ...malformed(1), (talk) => {
    talk.comes(talk.peer.record(m.message("nak", number(1, 4)), 0));
  }),
  session("NAK for a number that was acknowledged before", ...malformed(2), (talk) => {
    talk.says(OFFER, 0);
    talk.hears(m.message("ack"), 1);
    talk.comes(talk.peer.record(NAK_0, 1));
  }),
  session("the fourth NAK for one number", ...LOST, (talk) => {
    const record = talk.says(OFFER, 0);
    for (let i = 0; i < 3; i++) {
      talk.hears(NAK_0, 0);
      talk.steps.push(goes(record));
    }
    talk.comes(talk.peer.record(NAK_0, 0));
  }),
  session("the 65th NAK", ...LOST, (talk) => {
    for (let i = 0; i < 65; i++) {
      const record = talk.says(m.message("ping"), i);
      const nak = talk.peer.record(m.message("nak", number(i, 4)), i);
      talk.comes(nak);
      if (i < 64) talk.steps.push(goes(record));
    }
  }),
];

/** All of them. */
export function recordCases(): readonly Case[] {
  return [...TAGS, ...SEQUENCES, ...NOISE, ...SIZES, ...ACKNOWLEDGEMENTS, ...REPEATING];
}

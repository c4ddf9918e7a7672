import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  decodeAggregate,
  decodeChallenge,
  decodeClose,
  decodeData,
  decodeHelloNonce,
  encodeAggregate,
  encodeChallenge,
  encodeClose,
  encodeData,
  HELLO_CIPHERTEXT_SIZE,
} from "../../../lib/rounds/messages.ts";
import { fails } from "./ends.ts";

const NONCE = new Uint8Array(16).fill(0xab);
const NONCE_HEX = "ab".repeat(16);

Deno.test("bodies are laid out as the document says", () => {
  assert.equal(
    toHex(encodeChallenge({ challenge: NONCE, serverRound: 258 })),
    `${NONCE_HEX}0000000000000102`,
  );
  assert.equal(toHex(encodeData(NONCE, "1é")), `${NONCE_HEX}31c3a9`);
  assert.equal(toHex(encodeData(undefined, "1")), "31");
  assert.equal(
    toHex(encodeAggregate({ serverRound: 2 ** 53 - 1, clients: 258, sum: "-1.5", product: "7" })),
    "001fffffffffffff" + "00000102" + "00042d312e35" + "000137",
  );
  assert.deepEqual(Object.keys(CLOSE_REASONS).map((reason) => toHex(encodeClose(reason as CloseReason))), [
    ...["00", "01", "02", "03"],
  ]);
  assert.equal(HELLO_CIPHERTEXT_SIZE, 32);
});

Deno.test("what is written can be read", () => {
  assert.deepEqual(decodeHelloNonce(NONCE), NONCE);
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.bigInt(),
      fc.nat(),
      fc.string({ unit: "binary" }),
      (serverRound, clients, sum, fraction, text) => {
        const challenge = { challenge: NONCE, serverRound };
        assert.deepEqual(decodeChallenge(encodeChallenge(challenge)), challenge);
        const aggregate = { serverRound, clients, sum: `${sum}`, product: `${sum}.${fraction}` };
        assert.deepEqual(decodeAggregate(encodeAggregate(aggregate)), aggregate);
        const written = new TextDecoder("utf-8", { ignoreBOM: true }).decode(utf8(text));
        assert.deepEqual(decodeData(encodeData(NONCE, text), true), { challenge: NONCE, text: written });
        assert.deepEqual(decodeData(encodeData(undefined, text), false), {
          challenge: undefined,
          text: written,
        });
      },
    ),
    { numRuns: 50 },
  );
  for (const reason of Object.keys(CLOSE_REASONS) as CloseReason[]) {
    assert.equal(decodeClose(encodeClose(reason)), reason);
  }
});

Deno.test("a reason of a later version is as good as none", () => {
  for (const number of [4, 255]) assert.equal(decodeClose(Uint8Array.of(number)), "done");
});

Deno.test("a text keeps a leading U+FEFF", () => {
  assert.equal(decodeData(fromHex("efbbbf31"), false).text, "\ufeff1");
});

const READERS: Readonly<Record<string, readonly [(body: Bytes) => unknown, Bytes]>> = {
  HELLO: [decodeHelloNonce, NONCE],
  CHALLENGE: [decodeChallenge, encodeChallenge({ challenge: NONCE, serverRound: 1 })],
  AGGREGATE: [decodeAggregate, encodeAggregate({ serverRound: 1, clients: 2, sum: "3", product: "-4.5" })],
  CLOSE: [decodeClose, encodeClose("late")],
};

for (const [name, [read, body]] of Object.entries(READERS)) {
  Deno.test(`${name} that ends early, or does not end, is a state error`, () => {
    read(body);
    for (let size = 0; size < body.length; size++) {
      fails("state", () => read(body.slice(0, size)), new RegExp(`Cannot read ${name}: `));
    }
    fails("state", () => read(concat(body, Uint8Array.of(0))), /1 bytes follow its end/);
  });
}

Deno.test("a first DATA without a whole challenge is a state error", () => {
  for (let size = 0; size < 16; size++) fails("state", () => decodeData(NONCE.slice(0, size), true), /DATA/);
  assert.equal(decodeData(NONCE, true).text, "");
});

Deno.test("a value that is no UTF-8 is a state error", () => {
  for (const hex of ["ff", "c3", "c080", "eda080", "f4908080", "3180"]) {
    fails("state", () => decodeData(fromHex(hex), false), /no UTF-8/);
    fails("state", () => decodeData(concat(NONCE, fromHex(hex)), true), /no UTF-8/);
  }
});

Deno.test("a result that is no number never reaches a script", () => {
  for (const text of ["", "-", "1.", ".5", "+1", "1e5", " 1", "1\n", "1\u001b[31m", "1;2", "0x1", "--1"]) {
    for (const [sum, product] of [[text, "1"], ["1", text]] as const) {
      const body = encodeAggregate({ serverRound: 1, clients: 1, sum, product });
      fails("state", () => decodeAggregate(body), /a result is no number/);
    }
  }
});

Deno.test("results of 65,535 characters are read, numbers beyond 2^53 - 1 are not", () => {
  const sum = "9".repeat(65_535);
  const body = encodeAggregate({ serverRound: 1, clients: 1, sum, product: sum });
  assert.equal(decodeAggregate(body).product, sum);
  fails("state", () => decodeAggregate(concat(fromHex("0020000000000000"), body.slice(8))), /2\^53/);
  fails("state", () => decodeChallenge(concat(NONCE, fromHex("0020000000000000"))), /2\^53/);
});

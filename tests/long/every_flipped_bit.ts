/**
 * Every bit of every handshake message, changed one at a time: some 23,000 handshakes, a minute or two. The suite
 * runs a part of them (tests/unit/handshake/flipped_bits_test.ts); all of them run with
 * `deno test -A tests/long/every_flipped_bit.ts`.
 */
import { flipHello, flipReady, flipVerify, flipWelcome, record } from "../support/flipped_bits.ts";

const recording = await record();

for (
  const [name, flip] of [
    ["hello", flipHello],
    ["welcome", flipWelcome],
    ["verify", flipVerify],
    ["ready", flipReady],
  ] as const
) {
  Deno.test(`every bit of ${name.toUpperCase()}, changed one at a time, opens nothing`, async () => {
    for (let bit = 0; bit < 8 * recording[name].length; bit++) await flip(recording, bit);
  });
}

/** Every bit of what a server receives, changed one at a time: some 11,000 handshakes, 15 seconds of one core. */
import { flipHello, flipVerify, record } from "../../support/flipped_bits.ts";

const recording = await record();

Deno.test("a changed bit in HELLO never opens either end", async () => {
  for (let bit = 0; bit < 8 * recording.hello.length; bit++) await flipHello(recording, bit);
});

Deno.test("a changed bit in VERIFY never opens the server", async () => {
  for (let bit = 0; bit < 8 * recording.verify.length; bit++) await flipVerify(recording, bit);
});

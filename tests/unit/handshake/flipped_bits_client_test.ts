/** Every bit of what a client receives, changed one at a time: some 11,000 handshakes, 15 seconds of one core. */
import assert from "node:assert/strict";
import { flipReady, flipWelcome, record } from "../../support/flipped_bits.ts";
import { startClient } from "../../support/handshake_ends.ts";

const recording = await record();

Deno.test("the recording can be replayed: its client comes to READY and opens", async () => {
  const client = await startClient();
  assert.deepEqual(client.takeOutput(), [recording.hello]);
  await client.receive(recording.welcome, 0);
  assert.deepEqual(client.takeOutput(), [recording.verify]);
  const [open] = await client.receive(recording.ready, 0);
  assert.equal(open?.kind, "open");
});

Deno.test("a changed bit in WELCOME never opens the client nor brings out its identity", async () => {
  for (let bit = 0; bit < 8 * recording.welcome.length; bit++) await flipWelcome(recording, bit);
});

Deno.test("a changed bit in READY never opens the client", async () => {
  for (let bit = 0; bit < 8 * recording.ready.length; bit++) await flipReady(recording, bit);
});

/**
 * Every bit of every message, changed one at a time; of the key shares one bit of each byte. All bits of those too
 * take a minute or two: `deno test -A tests/long/every_flipped_bit.ts`.
 */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { CLIENT_SHARE_SIZE, SERVER_SHARE_SIZE } from "../../../lib/limits.ts";
import { flipHello, flipReady, flipVerify, flipWelcome, record } from "../../support/flipped_bits.ts";
import { startClient } from "../../support/handshake_ends.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const recording = await record();
/** Frame header, magic, version, time and nonce come before the client's share; header, time and nonce before the server's. */
const CLIENT_SHARE_AT = 4 + 3 + 1 + 8 + 32;
const SERVER_SHARE_AT = 4 + 8 + 32;

/** Every bit outside a share, and in each byte of the share one that the seed chooses. */
function bitsOf(message: Bytes, shareAt: number, shareSize: number): number[] {
  const places = seededRandom("places").bytes(message.length);
  const bits: number[] = [];
  for (let at = 0; at < message.length; at++) {
    if (at >= shareAt && at < shareAt + shareSize) bits.push(8 * at + (places[at]! & 7));
    else for (let bit = 0; bit < 8; bit++) bits.push(8 * at + bit);
  }
  return bits;
}

Deno.test("the recording can be replayed: its client comes to READY and opens", async () => {
  const client = await startClient();
  assert.deepEqual(client.takeOutput(), [recording.hello]);
  await client.receive(recording.welcome, 0);
  assert.deepEqual(client.takeOutput(), [recording.verify]);
  const [open] = await client.receive(recording.ready, 0);
  assert.equal(open?.kind, "open");
});

Deno.test("a changed bit in HELLO never opens either end", async () => {
  const bits = bitsOf(recording.hello, CLIENT_SHARE_AT, CLIENT_SHARE_SIZE);
  for (const bit of bits) await flipHello(recording, bit);
});

Deno.test("a changed bit in WELCOME never opens the client nor brings out its identity", async () => {
  const bits = bitsOf(recording.welcome, SERVER_SHARE_AT, SERVER_SHARE_SIZE);
  for (const bit of bits) await flipWelcome(recording, bit);
});

Deno.test("a changed bit in VERIFY never opens the server", async () => {
  for (let bit = 0; bit < 8 * recording.verify.length; bit++) await flipVerify(recording, bit);
});

Deno.test("a changed bit in READY never opens the client", async () => {
  for (let bit = 0; bit < 8 * recording.ready.length; bit++) await flipReady(recording, bit);
});

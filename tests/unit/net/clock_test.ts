/** A clock that is set while connections stand. */
import assert from "node:assert/strict";
import { utf8 } from "../../../lib/bytes/bytes.ts";
import {
  DRAIN_TIMEOUT_MS,
  HANDSHAKE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  PING_AFTER_MS,
} from "../../../lib/limits.ts";
import { accept } from "../../../lib/net/server.ts";
import { memoryLine } from "../../support/memory_duplex.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { assertRejects } from "../identity/failures.ts";
import { assertNothingLeft, meet, quiet, serverOptions } from "./meeting.ts";

const HOUR_MS = 3_600_000;

/**
 * Sets a server's clock back at a time after it has accepted a client, which says two bytes of a HELLO at others, and
 * nothing more. How long before the clock was set it was looked at last, nobody can know, so there is more time.
 */
async function giveUpAfterSettingBack(atMs: number, ...saysMs: readonly number[]): Promise<void> {
  const [client, server] = memoryLine();
  const clock = new VirtualClock();
  const accepting = accept(server, serverOptions(), clock);
  accepting.catch(() => {});
  await quiet(client, server);
  for (let ms = 0; ms < HANDSHAKE_TIMEOUT_MS + 4_000; ms += 1_000) {
    if (ms === atMs) clock.set(-HOUR_MS);
    if (saysMs.includes(ms)) await client.write(Uint8Array.of(ms === saysMs[0] ? 1 : 0));
    await quiet(client, server);
    clock.advance(1_000);
  }
  await quiet(client, server);
  clock.advance(DRAIN_TIMEOUT_MS);
  await assertRejects(() => accepting, "connection_lost", /within 10 seconds/);
  client.close();
  assertNothingLeft(clock, client, server);
}

cryptoTest("a clock that is set back does not put off the end of a handshake", async () => {
  await giveUpAfterSettingBack(2_000);
  // Whatever arrives has the time looked at anew.
  await giveUpAfterSettingBack(3_000, 2_000, 4_000);
});

cryptoTest("a clock that is set back does not hide that a line is dead", async () => {
  const meeting = await meet();
  meeting.lines[0].pause();
  meeting.clock.set(-HOUR_MS);
  await meeting.pass(IDLE_TIMEOUT_MS);
  await assertRejects(() => meeting.client.receive(), "connection_lost", /60 seconds/);
  meeting.lines[0].resume();
  await meeting.end();
});

cryptoTest("where the clock is set back, both ends go on keeping each other company", async () => {
  const meeting = await meet();
  await meeting.pass(PING_AFTER_MS / 2);
  meeting.clock.set(-HOUR_MS);
  meeting.client.send("data", utf8("one"));
  await meeting.server.receive();
  await meeting.pass(3 * IDLE_TIMEOUT_MS, PING_AFTER_MS / 2);
  meeting.client.send("data", utf8("two"));
  assert.deepEqual((await meeting.server.receive()).body, utf8("two"));
  await meeting.end();
});

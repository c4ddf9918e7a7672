/**
 * A transfer whose ends are killed, told to end, or stopped for a while, at random moments until it is through.
 * @module
 */
import assert from "node:assert/strict";
import { seededFractions } from "./random.ts";
import { Relay } from "./relay.ts";
import type { Receiver, Stage } from "./stage.ts";
import type { StxProcess } from "./stx_process.ts";
import { names, tree } from "./tree.ts";

/** What happens to an end: killed without warning, told to end, or stopped for up to `stopMsMax` and continued. */
export type Blow = "SIGKILL" | "SIGTERM" | "SIGSTOP";

/** What a round is made of. */
export interface KillsOptions {
  readonly sizeBytes: number;
  /** How often something happens to an end. */
  readonly killCount: number;
  /** What happens, each equally likely; kills alone if not given. */
  readonly blows?: readonly Blow[];
  /** Milliseconds that an end is stopped for, at least and at most. */
  readonly stopMs?: readonly [number, number];
  readonly seed: number;
}

/** What came of it. */
export interface KillsResult {
  /** What happened to whom, in order, and after how many bytes on the line in all. */
  readonly kills: readonly string[];
  /** Bytes that went over the line beside those of the file. */
  readonly extraBytes: number;
}

/**
 * Sends one random file while sender and receiver are killed and started again, or stopped and continued. Asserts that
 * nothing is ever in place but the whole file, that who is told to end says by which signal it did unless all was done,
 * that in the end the file is there, and nothing else.
 */
export async function sendUnderKills(stage: Stage, options: KillsOptions): Promise<KillsResult> {
  const { sizeBytes, killCount, seed, blows = ["SIGKILL"], stopMs = [100, 2_000] } = options;
  const random = seededFractions(seed);
  const file = stage.file("big", sizeBytes);
  const expected = tree(file);
  const kills: string[] = [];
  const told = () => `seed ${seed}, killed: ${kills.join(", ")}`;
  const checkInbox = () => {
    for (const name of names(stage.inbox)) {
      if (name === ".stx-partial") continue;
      assert.equal(name, "big", told());
      assert.deepEqual(tree(`${stage.inbox}/big`), expected, told());
    }
  };

  let receiver: Receiver = await stage.receive();
  await using relay = new Relay(receiver);
  let sender: StxProcess = stage.startSend(relay, file);
  while (kills.length < killCount) {
    const bytes = relay.bytesFromClient + Math.floor(random() * sizeBytes * 0.6);
    const isThrough = await Promise.race([
      relay.passed(bytes).then(() => false),
      sender.ended.then(() => true),
    ]);
    if (isThrough) break;
    const who = ["receiver", "sender", "both"][Math.floor(random() * 3)]!;
    const blow = blows[Math.floor(random() * blows.length)]!;
    if (who !== "receiver") sender.kill(blow);
    if (who !== "sender") receiver.process.kill(blow);
    kills.push(`${blow} ${who} at ${relay.bytesFromClient}`);
    if (blow === "SIGSTOP") {
      await pause(stopMs[0] + random() * (stopMs[1] - stopMs[0]));
      sender.kill("SIGCONT");
      receiver.process.kill("SIGCONT");
      continue;
    }
    const status = blow === "SIGKILL" ? 137 : 143;
    if (who !== "sender") {
      const ended = await receiver.process.ended;
      assert.equal(ended.code, status, `${told()}: ${ended.stderr}`);
      checkInbox();
      receiver = await stage.receive({ port: receiver.port });
    }
    if (who !== "receiver") {
      const ended = await sender.ended;
      assert.ok(ended.code === status || ended.code === 0, `${told()}: ${ended.code} ${ended.stderr}`);
      if (ended.code === 0) assert.deepEqual(tree(`${stage.inbox}/big`), expected, told());
      sender = stage.startSend(relay, file);
    }
  }
  const sent = await sender.ended;
  assert.equal(sent.code, 0, `${told()}: ${sent.stderr}`);
  assert.deepEqual(names(stage.inbox), ["big"], told());
  assert.deepEqual(tree(`${stage.inbox}/big`), expected, told());
  return { kills, extraBytes: relay.bytesFromClient - sizeBytes };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

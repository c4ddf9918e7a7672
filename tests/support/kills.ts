/**
 * A transfer whose ends are killed without warning at random moments until it is through.
 * @module
 */
import assert from "node:assert/strict";
import { seededFractions } from "./random.ts";
import { Relay } from "./relay.ts";
import type { Receiver, Stage } from "./stage.ts";
import type { StxProcess } from "./stx_process.ts";
import { names, tree } from "./tree.ts";

/** What a round is made of. */
export interface KillsOptions {
  readonly sizeBytes: number;
  /** How often an end is killed. */
  readonly killCount: number;
  readonly seed: number;
}

/** What came of it. */
export interface KillsResult {
  /** Who was killed, in order, and after how many bytes on the line in all. */
  readonly kills: readonly string[];
  /** Bytes that went over the line beside those of the file. */
  readonly extraBytes: number;
}

/**
 * Sends one random file while sender and receiver are killed (SIGKILL) and started again. Asserts that nothing is
 * ever in place but the whole file, that in the end it is there, and nothing else.
 */
export async function sendUnderKills(stage: Stage, options: KillsOptions): Promise<KillsResult> {
  const { sizeBytes, killCount, seed } = options;
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
    if (who !== "receiver") sender.kill("SIGKILL");
    if (who !== "sender") receiver.process.kill("SIGKILL");
    kills.push(`${who} at ${relay.bytesFromClient}`);
    if (who !== "sender") {
      await receiver.process.ended;
      checkInbox();
      receiver = await stage.receive({ port: receiver.port });
    }
    if (who !== "receiver") {
      await sender.ended;
      sender = stage.startSend(relay, file);
    }
  }
  const sent = await sender.ended;
  assert.equal(sent.code, 0, `${told()}: ${sent.stderr}`);
  assert.deepEqual(names(stage.inbox), ["big"], told());
  assert.deepEqual(tree(`${stage.inbox}/big`), expected, told());
  return { kills, extraBytes: relay.bytesFromClient - sizeBytes };
}

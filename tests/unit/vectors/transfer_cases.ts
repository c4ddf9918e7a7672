/** The cases of negative.json about either end of a transfer. */
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex } from "../../../lib/bytes/bytes.ts";
import { importTrafficKey } from "../../../lib/crypto/traffic_key.ts";
import { Session } from "../../../lib/records/session.ts";
import { MESSAGE_TYPES, REJECT_REASONS, type RejectReason } from "../../../lib/wire/message.ts";
import type { VirtualClock } from "../../support/virtual_clock.ts";
import { assertEnding, type Case, messageOf, printed, type PrintedMessage } from "./negative_cases.ts";
import type { ScriptedChannel } from "./scripted_channel.ts";

/** How a transfer ended. */
export type Result<T> = { readonly value: T } | { readonly error: unknown };

/** The result of a promise; never rejects. */
export async function settle<T>(promise: Promise<T>): Promise<Result<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** Does to an end of a transfer what a case says, and holds what it does against that. */
export async function runTransferCase<T>(
  each: Case<unknown>,
  channel: ScriptedChannel,
  clock: VirtualClock,
  ending: Promise<Result<T>>,
): Promise<Result<T>> {
  const startMs = clock.nowMs();
  let isOver = false;
  ending.then(() => isOver = true);
  for (const { in_message: comes, out_message: goes, at } of each.steps) {
    if (goes === undefined) {
      // What failed by now has had its turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
      assert.ok(!isOver, "it is over too early");
    }
    if (comes !== undefined) channel.deliver(messageOf(comes));
    else if (at !== undefined) clock.advance(startMs + at - clock.nowMs());
    else if (goes === undefined) channel.end();
    else {
      const sent = await channel.nextSent(ending);
      assert.ok(sent !== undefined, `it does not send ${JSON.stringify(goes).slice(0, 100)}`);
      if (goes.reason === undefined) assert.deepEqual(printed(sent), goes);
      else {
        assert.equal(MESSAGE_TYPES[sent.type], goes.type);
        const names = Object.keys(REJECT_REASONS) as RejectReason[];
        assert.equal(REJECT_REASONS[names[sent.body[0]! - 1]!], goes.reason);
      }
    }
  }
  const result = await ending;
  const more = await channel.nextSent(ending);
  assert.equal(more, undefined, `it sends ${more?.type}, too`);
  const error = "error" in result ? result.error : undefined;
  assertEnding(each, error);
  if (error !== undefined) assert.deepEqual(await alertFor(error), each.alert?.number);
  return result;
}

/** The alert that a session says when its transfer fails. */
async function alertFor(error: unknown): Promise<number | undefined> {
  const secret = new Uint8Array(32);
  const output = Promise.withResolvers<void>();
  const session = new Session({
    suite: "aes-256-gcm",
    sendSecret: secret.slice(),
    receiveSecret: secret.slice(),
    limits: { windowRecords: 16, windowSizeBytes: 262_144 },
    onOutput: () => output.resolve(),
    onRotation: () => {},
  }, 0);
  session.fail(error);
  if (session.waitingCount === 0) return undefined;
  await output.promise;
  const record: Bytes = concat(...session.takeOutput());
  const key = await importTrafficKey("aes-256-gcm", secret);
  const plaintext = await key.open(0, record.slice(0, 8), record.slice(8, -4));
  assert.equal(plaintext?.[0], MESSAGE_TYPES.alert);
  return plaintext?.[5];
}

/** The messages that come to an end in a case. */
export function messagesIn(each: Case<unknown>): readonly PrintedMessage[] {
  return each.steps.flatMap(({ in_message: comes }) => comes === undefined ? [] : [comes]);
}

/** The stream that DATA messages make; one that comes again takes the place of the first. */
export function contentOf(messages: readonly PrintedMessage[]): Bytes {
  const blocks = new Map<string, Bytes>();
  for (const { type, body } of messages) {
    if (type === MESSAGE_TYPES.data) blocks.set(body!.slice(0, 16), fromHex(body!.slice(16)));
  }
  return concat(...blocks.values());
}

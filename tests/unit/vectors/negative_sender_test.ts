import assert from "node:assert/strict";
import { type Bytes, fromHex } from "../../../lib/bytes/bytes.ts";
import type { Source } from "../../../lib/ports.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { sendTransfer } from "../../../lib/transfer/sender.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { drawing, entryOf, type PrintedEntry } from "./files.ts";
import { testCases } from "./negative_cases.ts";
import { ScriptedChannel } from "./scripted_channel.ts";
import { runTransferCase, settle } from "./transfer_cases.ts";

interface SenderSetup {
  readonly sender: string;
  readonly receiver: string;
  readonly session_id: string;
  readonly entries: readonly PrintedEntry[];
  readonly content: string;
  readonly block_size: number;
  readonly with_digests: boolean;
  readonly repeated: boolean;
  readonly random_transfer_id: string | null;
}

/** All contents, as if they were read from a disk. */
function sourceOf(content: Bytes): Source {
  let at = 0;
  return {
    read(into) {
      const part = content.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return part.length;
    },
    seek: (offset) => void (at = offset),
    checkUnchanged() {},
    close() {},
  };
}

testCases<SenderSetup>("sender", async (each) => {
  const { setup } = each;
  const channel = new ScriptedChannel(fromHex(setup.receiver), fromHex(setup.session_id));
  const clock = new VirtualClock();
  const sending = settle(sendTransfer(channel, {
    identity: fromHex(setup.sender),
    manifest: makeManifest(setup.entries.map(entryOf), setup.random_transfer_id === null),
    source: sourceOf(fromHex(setup.content)),
    blockSizeBytes: setup.block_size,
    withDigests: setup.with_digests,
    isRepeated: setup.repeated,
    random: drawing(...(setup.random_transfer_id === null ? [] : [setup.random_transfer_id])),
    clock,
    onEvent: () => {},
  }));
  const result = await runTransferCase(each, channel, clock, sending);
  assert.equal("value" in result, each.error === null);
});

import assert from "node:assert/strict";
import { fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { receiveTransfer } from "../../../lib/transfer/receiver.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { messageOf, type PrintedMessage, testCases } from "./negative_cases.ts";
import { ScriptedChannel } from "./scripted_channel.ts";
import { contentOf, messagesIn, runTransferCase, settle } from "./transfer_cases.ts";

interface ReceiverSetup {
  readonly identity_seed: string;
  readonly sender: string;
  readonly session_id: string;
  readonly time_ms: number;
  readonly max_size: number | null;
  readonly allow_dotfiles: boolean;
  readonly existing: readonly string[];
  readonly earlier: { readonly session_id: string; readonly messages: readonly PrintedMessage[] } | null;
}

testCases<ReceiverSetup>("receiver", async (each) => {
  const { setup } = each;
  await withTempFolder(async (temporary) => {
    const folderPath = await Deno.realPath(temporary);
    for (const name of setup.existing) Deno.writeTextFileSync(`${folderPath}/${name}`, "was here before");
    const identity = await identityFromSeed(fromHex(setup.identity_seed));
    const clock = new VirtualClock(setup.time_ms);
    const store = new MemoryTransferStore();
    const receive = (channel: ScriptedChannel) =>
      settle(receiveTransfer(channel, {
        identity,
        clock,
        store,
        folder: openReceivingFolder(folderPath),
        folderPath,
        conflict: "refuse",
        maxSizeBytes: setup.max_size ?? Infinity,
        allowDotfiles: setup.allow_dotfiles,
        claim: () => Promise.resolve(() => {}),
        onEvent: () => {},
      }));
    if (setup.earlier !== null) {
      const channel = new ScriptedChannel(fromHex(setup.sender), fromHex(setup.earlier.session_id));
      for (const message of setup.earlier.messages) channel.deliver(messageOf(message));
      channel.end();
      await receive(channel);
    }
    const before = namesIn(folderPath);
    const channel = new ScriptedChannel(fromHex(setup.sender), fromHex(setup.session_id));
    const result = await runTransferCase(each, channel, clock, receive(channel));
    if ("error" in result) {
      // Nothing more stands under a final name.
      assert.deepEqual(namesIn(folderPath), before);
      return;
    }
    const arrived = result.value.entries.filter(({ kind }) => kind === "file")
      .map(({ path }) => toHex(Deno.readFileSync(`${folderPath}/${path}`))).join("");
    assert.equal(arrived, toHex(contentOf([...setup.earlier?.messages ?? [], ...messagesIn(each)])));
  });
});

function namesIn(folder: string): readonly string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name !== ".stx-partial");
}

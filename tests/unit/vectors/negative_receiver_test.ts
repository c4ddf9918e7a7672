import assert from "node:assert/strict";
import { fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { receiveTransfer } from "../../../lib/transfer/receiver.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { testCases } from "./negative_cases.ts";
import { ScriptedChannel } from "./scripted_channel.ts";
import { contentOf, runTransferCase, settle } from "./transfer_cases.ts";

interface ReceiverSetup {
  readonly identity_seed: string;
  readonly sender: string;
  readonly session_id: string;
  readonly time_ms: number;
  readonly max_size: number | null;
  readonly allow_dotfiles: boolean;
  readonly existing: readonly string[];
}

testCases<ReceiverSetup>("receiver", async (each) => {
  const { setup } = each;
  await withTempFolder(async (temporary) => {
    const folderPath = await Deno.realPath(temporary);
    for (const name of setup.existing) Deno.writeTextFileSync(`${folderPath}/${name}`, "was here before");
    const channel = new ScriptedChannel(fromHex(setup.sender), fromHex(setup.session_id));
    const clock = new VirtualClock(setup.time_ms);
    const receiving = settle(receiveTransfer(channel, {
      identity: await identityFromSeed(fromHex(setup.identity_seed)),
      clock,
      store: new MemoryTransferStore(),
      folder: openReceivingFolder(folderPath),
      folderPath,
      conflict: "refuse",
      maxSizeBytes: setup.max_size ?? Infinity,
      allowDotfiles: setup.allow_dotfiles,
      claim: () => Promise.resolve(() => {}),
      onEvent: () => {},
    }));
    const result = await runTransferCase(each, channel, clock, receiving);
    if ("error" in result) {
      // Nothing of it stands under a final name.
      const names = Array.from(Deno.readDirSync(folderPath), ({ name }) => name);
      assert.deepEqual(names.filter((name) => name !== ".stx-partial"), setup.existing);
      return;
    }
    const arrived = result.value.entries.filter(({ kind }) => kind === "file")
      .map(({ path }) => toHex(Deno.readFileSync(`${folderPath}/${path}`))).join("");
    assert.equal(arrived, toHex(contentOf(each)));
  });
});

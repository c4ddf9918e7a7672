import assert from "node:assert/strict";
import { ConnectionEnd } from "./connection_end.ts";
import type { ClientSetup } from "./files.ts";
import { startClient } from "./handshake_ends.ts";
import { runByteCase, testCases } from "./negative_cases.ts";

testCases<ClientSetup>("client", async (each) => {
  const { machine, random } = await startClient(each.setup);
  assert.equal(random.leftCount, 0);
  const end = new ConnectionEnd(machine);
  await runByteCase(each, end, each.setup.time * 1000);
  // Where nothing is wrong READY has come.
  assert.equal(end.isOpen, each.error === null);
});

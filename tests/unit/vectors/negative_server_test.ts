import assert from "node:assert/strict";
import { fromHex } from "../../../lib/bytes/bytes.ts";
import { ConnectionEnd } from "./connection_end.ts";
import type { ServerSetup } from "./files.ts";
import { withFixedKem } from "./fixed_kem.ts";
import { startServer } from "./handshake_ends.ts";
import { runByteCase, testCases } from "./negative_cases.ts";

testCases<ServerSetup>("server", async (each) => {
  const { machine, random } = await startServer(each.setup);
  const end = new ConnectionEnd(machine);
  const count = await withFixedKem(
    fromHex(each.setup.kem_randomness),
    () => runByteCase(each, end, each.setup.time * 1000),
  );
  if (each.public_key_work === false) {
    assert.equal(count, 0, "it has encapsulated");
    assert.equal(random.leftCount, 2, "it has drawn randomness");
  }
  if (each.error === null) assert.ok(end.isOpen);
});

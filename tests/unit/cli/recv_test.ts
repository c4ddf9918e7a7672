import assert from "node:assert/strict";
import { parseArguments } from "../../../cli/parse.ts";
import { run } from "../../../cli/recv.ts";
import { Output } from "../../../cli/terminal.ts";
import { toHex } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import { openPrivateFolder } from "../../../lib/files/private_folder.ts";
import { listen } from "../../../lib/net/tcp.ts";
import type { StoredTransfer } from "../../../lib/ports.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { encodeManifest } from "../../../lib/wire/manifest.ts";
import { run as keygen } from "../../../cli/keygen.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { withPatched } from "../files/tree.ts";
import { fakeStreams } from "./fake_streams.ts";

const DAY_MS = 24 * 3600 * 1000;

/** Runs a command of stx in this process. */
async function stx(of: typeof run, ...args: readonly string[]): Promise<void> {
  const request = parseArguments(args);
  assert.ok(request.kind === "run");
  const exit = (): never => assert.fail("the process was ended");
  const streams = fakeStreams();
  await of(
    request.parsed,
    new Output({ command: request.parsed.command, json: false, quiet: true, verbose: false, exit, streams }),
  );
}

Deno.test("a receiver that starts removes partial folders that no transfer needs, and trials", async () => {
  await withTempFolder(async (temp) => {
    const inbox = `${temp}/in`;
    Deno.mkdirSync(inbox);
    await stx(keygen, "keygen", "--out", `${temp}/identity`);
    const state = new SqliteState(`${temp}/recv.db`);
    const store = new SqliteTransferStore(state);
    const ids = ["12", "34", "56"].map((digits) => digits.repeat(32));
    for (const id of ids) openPrivateFolder(inbox, id).close();
    for (const [i, transferState] of (["receiving", "committing"] as const).entries()) {
      const manifest = encodeManifest([
        { path: "a", kind: "file", sizeBytes: 5, mtimeMs: 0, mode: 0o600 },
      ])[0]!;
      const row: StoredTransfer = {
        state: transferState,
        manifestDigest: sha256(manifest),
        manifestSizeBytes: manifest.length,
        blockSizeBytes: 65_536,
        durableBytes: 0,
        // The same folder, as it was named another time.
        folder: "/by/another/path",
        placement: { topNames: { a: "a" }, conflict: "refuse" },
        receipt: new Uint8Array(0),
        // Somebody goes on with it.
        updatedMs: Date.now() + 60 * DAY_MS,
      };
      store.save(new Uint8Array(32), Uint8Array.fromHex(ids[i]!), row, manifest);
    }
    assert.equal(toHex(store.list("receiving")[0]!.transferId), ids[0]);
    state.close();
    const trial = Deno.makeTempDirSync({ dir: inbox, prefix: ".stx-" });
    // It comes as far as this address.
    const listener = listen("127.0.0.1", 0);
    const recv = (days: number) => {
      const nowMs = Date.now() + days * DAY_MS;
      return withPatched(Date, "now", () => nowMs, () =>
        assert.rejects(
          stx(
            run,
            ...["recv", "--dir", inbox, "--identity", `${temp}/identity`, "--state", `${temp}/recv.db`],
            ...["--authorized-keys", `${temp}/identity.pub`, "--listen", `127.0.0.1:${listener.addr.port}`],
          ),
          { code: "address_in_use" },
        ));
    };
    const names = (path: string) => Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
    try {
      await recv(0);
      assert.deepEqual(names(`${inbox}/.stx-partial`), ids);
      assert.deepEqual(names(inbox), [".stx-partial", trial.slice(inbox.length + 1)].sort());
      await recv(31);
      assert.deepEqual(names(`${inbox}/.stx-partial`), ids.slice(0, 2));
      assert.deepEqual(names(inbox), [".stx-partial"]);
    } finally {
      listener.close();
    }
  });
});

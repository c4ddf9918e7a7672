import assert from "node:assert/strict";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import { FileHasher } from "../../../lib/files/hashing.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { sha256 } from "./receiving.ts";
import { content, withPatched } from "./tree.ts";

Deno.test("files are hashed as one stream, and each finish begins anew", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/file`;
    const bytes = content(3_000_000);
    Deno.writeFileSync(path, bytes);
    const hasher = new FileHasher();
    for (let round = 0; round < 2; round++) {
      using file = Deno.openSync(path);
      await hasher.add(file, 1, path);
      await hasher.add(file, 0, path);
      await hasher.add(file, 2_500_000, path);
      const part = bytes.subarray(0, 2_500_001);
      assert.deepEqual(hasher.finish(), { sha256: sha256(part), crc32: crc32(part) });
    }
    assert.deepEqual(hasher.finish(), { sha256: sha256(new Uint8Array(0)), crc32: 0 });
  });
});

Deno.test("a file that ends too early or cannot be read is an error", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/file`;
    Deno.writeFileSync(path, content(10));
    using file = Deno.openSync(path);
    await assert.rejects(() => new FileHasher().add(file, 11, path), {
      code: "state_corrupt",
      message: /too short/,
    });
    const fail = () => {
      throw Object.assign(new Error("it failed"), { code: "EIO" });
    };
    await withPatched(Deno.FsFile.prototype, "readSync", fail, async () => {
      await assert.rejects(() => new FileHasher().add(file, 1, path), { code: "disk" });
    });
  });
});

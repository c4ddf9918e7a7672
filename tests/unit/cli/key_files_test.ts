import assert from "node:assert/strict";
import { loadIdentity, replaceFile } from "../../../cli/key_files.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

Deno.test("a file is replaced whole, with the mode that was asked for", async () => {
  await withTempFolder((folder) => {
    replaceFile(`${folder}/sub/f`, "one", 0o600);
    replaceFile(`${folder}/sub/f`, "two", 0o600);
    assert.equal(Deno.readTextFileSync(`${folder}/sub/f`), "two");
    assert.equal(Deno.statSync(`${folder}/sub/f`).mode! & 0o777, 0o600);
    assert.deepEqual(names(`${folder}/sub`), ["f"]);
  });
});

Deno.test("a file that cannot be replaced leaves nothing in the way of the next attempt", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/f/full`, { recursive: true });
    assert.throws(() => replaceFile(`${folder}/f`, "text", 0o644), { code: "disk" });
    assert.deepEqual(names(folder), ["f"]);
    Deno.removeSync(`${folder}/f`, { recursive: true });
    replaceFile(`${folder}/f`, "text", 0o644);
    assert.equal(Deno.readTextFileSync(`${folder}/f`), "text");
  });
});

Deno.test("a file that another program is just writing is left alone", async () => {
  await withTempFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/f.new`, "theirs");
    assert.throws(() => replaceFile(`${folder}/f`, "mine", 0o644), { code: "disk", message: /f\.new/ });
    assert.equal(Deno.readTextFileSync(`${folder}/f.new`), "theirs");
  });
});

Deno.test("a private key that others may read is not used", async () => {
  await withTempFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/id`, "whatever", { mode: 0o644 });
    await assert.rejects(loadIdentity(`${folder}/id`), { code: "bad_key_file", hint: /chmod 600/ });
    await assert.rejects(loadIdentity(`${folder}/none`), { code: "bad_key_file", hint: /stx keygen/ });
  });
});

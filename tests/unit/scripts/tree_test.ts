import assert from "node:assert/strict";
import { removeChecksums, sha256OfFile, writeChecksums } from "../../../scripts/checksums.ts";
import { differences, filesBelow, writeRandomFile } from "../../../scripts/tree.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

Deno.test("writeRandomFile writes as many bytes as it is told, never the same", async () => {
  await withTempFolder((folder) => {
    for (const size of [0, 1, 1024 * 1024 + 1]) {
      writeRandomFile(`${folder}/${size}`, size);
      assert.equal(Deno.statSync(`${folder}/${size}`).size, size);
    }
    writeRandomFile(`${folder}/again`, 1024 * 1024 + 1);
    assert.notEqual(sha256OfFile(`${folder}/again`), sha256OfFile(`${folder}/${1024 * 1024 + 1}`));
    assert.throws(() => writeRandomFile(`${folder}/again`, 1), Deno.errors.AlreadyExists);
  });
});

Deno.test("filesBelow lists files in order with their sizes, and follows no links", async () => {
  await withTempFolder((folder) => {
    Deno.mkdirSync(`${folder}/tree/below`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/tree/b`, "12");
    Deno.writeTextFileSync(`${folder}/tree/below/a`, "1");
    Deno.symlinkSync(folder, `${folder}/tree/a-link`);
    assert.deepEqual(filesBelow(`${folder}/tree`), [{ path: "b", sizeBytes: 2 }, {
      path: "below/a",
      sizeBytes: 1,
    }]);
    assert.deepEqual(filesBelow(`${folder}/tree/b`), [{ path: "", sizeBytes: 2 }]);
  });
});

Deno.test("differences names what is absent and what has another content", async () => {
  await withTempFolder((folder) => {
    for (const side of ["left", "right"]) {
      Deno.mkdirSync(`${folder}/${side}/below`, { recursive: true });
      Deno.writeTextFileSync(`${folder}/${side}/same`, "same");
      Deno.writeTextFileSync(`${folder}/${side}/below/other`, side);
    }
    Deno.writeTextFileSync(`${folder}/left/absent`, "");
    assert.deepEqual(differences(`${folder}/left`, `${folder}/right`), ["absent", "below/other"]);
    assert.deepEqual(differences(`${folder}/left/same`, `${folder}/right/same`), []);
    assert.deepEqual(differences(`${folder}/left/same`, `${folder}/right/below/other`), [""]);
  });
});

Deno.test("SHA256SUMS has a line for each file of stx, in order, and none for others", async () => {
  await withTempFolder((folder) => {
    for (const name of ["stx.js", "stx-a", "other", "SHA256SUMS"]) {
      Deno.writeTextFileSync(`${folder}/${name}`, "abc");
    }
    writeChecksums(folder);
    // SHA-256 of "abc": FIPS 180-2, appendix B.1.
    const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(Deno.readTextFileSync(`${folder}/SHA256SUMS`), `${digest}  stx-a\n${digest}  stx.js\n`);
    removeChecksums(folder);
    removeChecksums(folder);
    assert.throws(() => Deno.statSync(`${folder}/SHA256SUMS`), Deno.errors.NotFound);
  });
});

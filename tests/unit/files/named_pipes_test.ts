/** Somebody puts a named pipe in the place of a file or folder, just before it is opened: nothing waits for its other end. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { openSource } from "../../../lib/files/disk_source.ts";
import { makeDurable } from "../../../lib/files/durable.ts";
import { FileHasher } from "../../../lib/files/hashing.ts";
import { openExisting, openToRead } from "../../../lib/files/inspect.ts";
import { takeBits } from "../../../lib/files/modes.ts";
import { requireWritable } from "../../../lib/files/private_folder.ts";
import { setFolderTime } from "../../../lib/files/times.ts";
import { HAS_PIPES, makePipe, withoutWaiting } from "../../support/named_pipe.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { entry, withPatched } from "./tree.ts";

/** Defines a test, where there are pipes, in a folder with a file and a folder. */
function test(name: string, body: (folder: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !HAS_PIPES,
    fn: () =>
      withTempFolder(async (folder) => {
        Deno.writeTextFileSync(`${folder}/file`, "text", { mode: 0o700 });
        Deno.chmodSync(`${folder}/file`, 0o700);
        Deno.mkdirSync(`${folder}/folder`, { mode: 0o700 });
        await body(folder);
      }),
  });
}

/** Puts a named pipe in the place of what is at `path`. */
function exchange(path: string): void {
  Deno.renameSync(path, `${path}.aside`);
  makePipe(path);
}

/** Runs `body`, which looks at `path` by `lstatSync` of Deno's or of node:fs; after that look a pipe is there. */
function exchangingAfterLook(path: string, body: () => Promise<void> | void): Promise<void> {
  const looks = { deno: Deno.lstatSync, node: fs.lstatSync };
  let isExchanged = false;
  const after = <T>(info: T): T => {
    if (!isExchanged) exchange(path);
    isExchanged = true;
    return info;
  };
  return withoutWaiting(path, () =>
    withPatched(
      Deno,
      "lstatSync",
      (each) => after(looks.deno(each)),
      () =>
        withPatched(
          fs,
          "lstatSync",
          ((each: string) => after(looks.node(each))) as typeof fs.lstatSync,
          body,
        ),
    ));
}

for (const [how, msEachLook] of [["a fast", 0], ["a slow", 100]] as const) {
  test(`on ${how} disk, a pipe is not made durable`, async (folder) => {
    makePipe(`${folder}/pipe`);
    let nowMs = 0;
    await withoutWaiting(
      `${folder}/pipe`,
      () =>
        withPatched(
          performance,
          "now",
          () => nowMs += msEachLook,
          () =>
            assert.rejects(makeDurable([folder, `${folder}/pipe`]), {
              code: "disk",
              message: `Cannot make durable "${folder}/pipe": it is neither a file nor a folder`,
            }),
        ),
    );
  });
}

test("a socket is not made durable either", async (folder) => {
  using _socket = Deno.listen({ transport: "unix", path: `${folder}/socket` });
  await assert.rejects(makeDurable([`${folder}/socket`]), { code: "disk", message: /neither a file nor/ });
});

test("a pipe gets no mode", async (folder) => {
  for (const [name, item, rights] of [["file", "file", 0o400], ["folder", "folder/", 0o500]] as const) {
    await exchangingAfterLook(`${folder}/${name}`, async () => {
      await assert.rejects(() => takeBits(`${folder}/${name}`, entry(item, 0, rights)), {
        code: "state_corrupt",
        message: /another took its place/,
      });
    });
  }
});

test("a pipe is not made durable where the mode was right already", async (folder) => {
  await exchangingAfterLook(`${folder}/file`, async () => {
    await assert.rejects(() => takeBits(`${folder}/file`, entry("file", 0, 0o700)), {
      code: "disk",
      message: /neither a file nor a folder/,
    });
  });
});

test("a pipe gets no time", async (folder) => {
  await exchangingAfterLook(`${folder}/folder`, () => {
    assert.throws(() => setFolderTime(`${folder}/folder`, entry("folder/")), {
      code: "state_corrupt",
      message: /another took its place/,
    });
  });
});

test("a pipe is not opened as a file that was there, for reading or for both", async (folder) => {
  for (const open of [openExisting, (path: string) => openToRead(path, "file")]) {
    await exchangingAfterLook(`${folder}/file`, () => {
      assert.throws(() => open(`${folder}/file`), {
        code: "state_corrupt",
        message: /another took its place/,
      });
    });
    Deno.removeSync(`${folder}/file`);
    Deno.renameSync(`${folder}/file.aside`, `${folder}/file`);
  }
});

test("a pipe is not hashed", async (folder) => {
  await exchangingAfterLook(`${folder}/file`, async () => {
    await assert.rejects(new FileHasher().addFile(`${folder}/file`, 4), { code: "state_corrupt" });
  });
});

test("a pipe is no folder that names can be made in", async (folder) => {
  Deno.chmodSync(`${folder}/folder`, 0o500);
  await exchangingAfterLook(`${folder}/folder`, () => {
    assert.throws(() => requireWritable(`${folder}/folder`), { code: "disk", message: /not a folder/ });
  });
});

test("a file that has become a pipe since it was listed is not sent", async (folder) => {
  for (const followLinks of [false, true]) {
    const source = openSource([`${folder}/file`], { followLinks, onWarning: assert.fail });
    await withoutWaiting(`${folder}/file`, () => {
      exchange(`${folder}/file`);
      const error = { code: "source_changed", message: /file": another file has taken its place/ };
      assert.throws(() => source.read(new Uint8Array(10)), error);
      assert.throws(() => source.checkUnchanged(), error);
    });
    source.close();
    Deno.removeSync(`${folder}/file`);
    Deno.renameSync(`${folder}/file.aside`, `${folder}/file`);
  }
});

import assert from "node:assert/strict";
import {
  makeSharedKey,
  readSharedKey,
  readSharedKeys,
  sharedKeysReader,
} from "../../../cli/shared_key_files.ts";
import { StxError } from "../../../lib/errors.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { formatSharedKey, generateSharedKey, parseSharedKeys } from "../../../lib/identity/shared_key.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

const random = seededRandom("shared key files");
const [KEY, OTHER] = [generateSharedKey(random), generateSharedKey(random)];
const [LINE, OTHER_LINE] = [formatSharedKey(KEY, "here"), formatSharedKey(OTHER, "there")];

/** Puts another file in the place of the one at `path`, as most editors do. */
function put(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.new`, text, { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path);
}

Deno.test("a shared key is made: one line, for the owner's eyes alone, another each time", async () => {
  await withTempFolder((folder) => {
    makeSharedKey(`${folder}/new/a`, "backup", false);
    makeSharedKey(`${folder}/new/b`, "", false);
    const text = Deno.readTextFileSync(`${folder}/new/a`);
    assert.match(text, /^stx-psk [A-Za-z0-9+/]{43}= backup\n$/);
    assert.match(Deno.readTextFileSync(`${folder}/new/b`), /^stx-psk \S+=\n$/);
    assert.equal(Deno.statSync(`${folder}/new/a`).mode! & 0o777, 0o600);
    assert.deepEqual(readSharedKeys(`${folder}/new/a`), parseSharedKeys(text).map(prepareSharedKey));
    assert.notDeepEqual(readSharedKey(`${folder}/new/a`), readSharedKey(`${folder}/new/b`));
  });
});

Deno.test("a file that is there is not replaced by a new key, unless told", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    Deno.writeTextFileSync(path, "mine", { mode: 0o644 });
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/link`);
    for (const taken of [path, `${folder}/link`]) {
      assert.throws(() => makeSharedKey(taken, "", false), { code: "exists", hint: /--force/ });
    }
    assert.equal(Deno.readTextFileSync(path), "mine");
    makeSharedKey(path, "", true);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    readSharedKey(path);
  });
});

Deno.test("a comment of two lines makes no key", async () => {
  await withTempFolder((folder) => {
    assert.throws(() => makeSharedKey(`${folder}/key`, "a\nb", false), { code: "usage" });
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a receiver has every key of the file, ready for handshakes; a sender has exactly one", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    put(path, `${LINE}\n`);
    assert.deepEqual(readSharedKey(path), prepareSharedKey(KEY));
    put(path, `# both\n${LINE}\n${OTHER_LINE}\n`);
    assert.deepEqual(readSharedKeys(path), [prepareSharedKey(KEY), prepareSharedKey(OTHER)]);
    assert.throws(() => readSharedKey(path), {
      code: "bad_key_file",
      message: `Cannot use the shared key ${path}: it holds 2 keys, and a sender has one`,
      hint: /into a file of its own/,
    });
    Deno.renameSync(path, `${folder}/\x1b[2J`);
    assert.throws(() => readSharedKey(`${folder}/\x1b[2J`), { message: /\\x1b\[2J: it holds 2 keys/ });
  });
});

Deno.test("a file that others may read is refused, with the command that mends it", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/my key`;
    put(path, LINE);
    for (const mode of [0o640, 0o604, 0o660, 0o644]) {
      Deno.chmodSync(path, mode);
      for (const read of [readSharedKeys, readSharedKey]) {
        assert.throws(() => read(path), {
          code: "bad_key_file",
          message: `Will not use the shared key ${path}: others may read it (mode ${mode.toString(8)})`,
          hint: `run: chmod 600 '${path}'`,
        });
      }
    }
    Deno.chmodSync(path, 0o400);
    readSharedKey(path);
  });
});

Deno.test("a file that is missing, is none, or holds anything but keys is refused, and told by name", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    assert.throws(() => readSharedKeys(path), {
      code: "bad_key_file",
      message: `Cannot read the shared key ${path}: there is no such file`,
      hint: `copy it from the other machine, or make one with: stx keygen --psk --out ${path}`,
    });
    assert.throws(() => readSharedKeys(`${folder}/my key`), { hint: /--out '.*\/my key'$/ });
    assert.throws(() => readSharedKeys(`${folder}/\x1b[2J`), {
      message: /\\x1b\[2J: there is no such file$/,
    });
    assert.throws(() => readSharedKeys(folder), { code: "bad_key_file", message: /it is not a text file$/ });
    put(path, `${LINE}\nhorse battery staple\n`);
    assert.throws(() => readSharedKeys(path), (error) => {
      assert(error instanceof StxError);
      assert.equal(error.code, "bad_key_file");
      assert.equal(error.message, `${path}: Cannot use line 2: it is not a whole shared key`);
      assert.match(error.hint!, /stx keygen --psk/);
      const told = Deno.inspect(error);
      assert(!told.includes("horse") && !told.includes(LINE.split(" ")[1]!), told);
      return true;
    });
  });
});

Deno.test("a key that is taken out of the file counts no longer, one that is added counts at once", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    const read = sharedKeysReader(path);
    put(path, `${LINE}\n${OTHER_LINE}\n`);
    const both = read();
    assert.equal(both.length, 2);
    assert.equal(read(), both, "what has not changed is not prepared again");
    put(path, OTHER_LINE);
    assert.deepEqual(read(), [prepareSharedKey(OTHER)]);
    put(path, `${OTHER_LINE}\n${LINE}`);
    assert.deepEqual(read(), [prepareSharedKey(OTHER), prepareSharedKey(KEY)]);
  });
});

Deno.test("keys that cannot be read any more authorize nobody, until they can be read again", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/key`;
    const read = sharedKeysReader(path);
    put(path, LINE);
    assert.equal(read().length, 1);
    const refuses = (words: RegExp) => {
      // Every time, not only the first.
      for (let times = 0; times < 2; times++) {
        assert.throws(read, { code: "bad_key_file", message: words });
      }
    };
    Deno.chmodSync(path, 0o644);
    refuses(/others may read it/);
    Deno.chmodSync(path, 0o600);
    assert.equal(read().length, 1);
    put(path, `${LINE}\n${LINE}\n`);
    refuses(/the same key/);
    put(path, "# none\n");
    refuses(/no shared key/);
    Deno.removeSync(path);
    refuses(/no such file/);
    put(path, OTHER_LINE);
    assert.deepEqual(read(), [prepareSharedKey(OTHER)]);
  });
});

import assert from "node:assert/strict";
import { loadIdentity, makeIdentity } from "../../../cli/key_files.ts";
import { draftOf } from "../../../cli/replace_file.ts";
import {
  beginRotation,
  finishRotation,
  ownRotationReader,
  publicHalf,
  readStatement,
  rotationPaths,
} from "../../../cli/rotation_files.ts";
import { Output } from "../../../cli/terminal.ts";
import { parsePublicKeyLine } from "../../../lib/identity/public_key.ts";
import { formatRotation, signRotation } from "../../../lib/identity/rotation.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { fakeStreams } from "./fake_streams.ts";

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
}

/** Runs `body` with an identity in a folder of its own. */
async function withIdentity(body: (key: string, folder: string) => Promise<void> | void): Promise<void> {
  await withTempFolder(async (folder) => {
    await makeIdentity(`${folder}/id`, "me@home", false);
    await body(`${folder}/id`, folder);
  });
}

/** Copies files as they stand; returns what puts them back. */
function snapshot(folder: string): () => void {
  const files = names(folder).map((name) =>
    [`${folder}/${name}`, Deno.readFileSync(`${folder}/${name}`)] as const
  );
  return () => {
    for (const name of names(folder)) Deno.removeSync(`${folder}/${name}`);
    for (const [path, bytes] of files) Deno.writeFileSync(path, bytes, { mode: 0o600 });
  };
}

Deno.test("the files of a change stand beside the key, whichever half of it is named", () => {
  const paths = rotationPaths("/k/id");
  assert.deepEqual(paths, {
    key: "/k/id",
    keyPublic: "/k/id.pub",
    next: "/k/id.next",
    nextPublic: "/k/id.next.pub",
    statement: "/k/id.rotation",
  });
  assert.deepEqual(rotationPaths("/k/id.pub"), paths);
});

Deno.test("a change begins with another key and a statement; the key in use stays", async () => {
  await withIdentity(async (key, folder) => {
    const before = Deno.readTextFileSync(key);
    const { oldKey, newKey } = await beginRotation(key, false);
    assert.equal(Deno.readTextFileSync(key), before);
    assert.deepEqual(names(folder), ["id", "id.next", "id.next.pub", "id.pub", "id.rotation"]);
    assert.equal(Deno.statSync(`${key}.next`).mode! & 0o777, 0o600);
    assert.deepEqual((await loadIdentity(key)).publicKey, oldKey);
    assert.deepEqual((await loadIdentity(`${key}.next`)).publicKey, newKey);
    const line = parsePublicKeyLine(Deno.readTextFileSync(`${key}.next.pub`));
    assert.deepEqual(line, { publicKey: newKey, comment: "me@home" });
    const { rotation } = readStatement(`${key}.rotation`)!;
    assert.deepEqual([rotation.oldKey, rotation.newKey], [oldKey, newKey]);
    assert.ok(Math.abs(rotation.timeMs - Date.now()) < 60_000);
  });
});

Deno.test("finishing puts the next key in place, and the old one is gone", async () => {
  await withIdentity(async (key, folder) => {
    const old = Deno.readTextFileSync(key);
    const { newKey } = await beginRotation(key, false);
    const next = Deno.readTextFileSync(`${key}.next`);
    const publicLine = Deno.readTextFileSync(`${key}.next.pub`);
    const finished = finishRotation(key);
    assert.deepEqual(finished.newKey, newKey);
    assert.deepEqual(names(folder), ["id", "id.pub", "id.rotation"]);
    assert.equal(Deno.readTextFileSync(key), next);
    assert.equal(Deno.readTextFileSync(`${key}.pub`), publicLine);
    for (const name of names(folder)) assert.notEqual(Deno.readTextFileSync(`${folder}/${name}`), old);
    assert.throws(() => finishRotation(key), { code: "usage", message: /no change/ });
    await beginRotation(key, false);
    finishRotation(key);
  });
});

Deno.test("finishing that was cut short at any point is finished by the next attempt", async () => {
  await withIdentity(async (key, folder) => {
    const { newKey } = await beginRotation(key, false);
    const publicLine = Deno.readTextFileSync(`${key}.next.pub`);
    const putBack = snapshot(folder);
    const steps = [
      () => {},
      () => Deno.renameSync(`${key}.next`, key),
      // The file that was being written when it was cut short.
      () => Deno.writeTextFileSync(draftOf(`${key}.pub`), publicLine.slice(0, 9)),
      () => Deno.writeTextFileSync(`${key}.pub`, publicLine),
    ];
    for (let done = 1; done <= steps.length; done++) {
      putBack();
      for (const step of steps.slice(0, done)) step();
      assert.deepEqual(finishRotation(key).newKey, newKey);
      assert.deepEqual(names(folder), ["id", "id.pub", "id.rotation"]);
      assert.equal(Deno.readTextFileSync(`${key}.pub`), publicLine);
      assert.deepEqual((await loadIdentity(key)).publicKey, newKey);
    }
  });
});

Deno.test("beginning that was cut short is begun anew by force", async () => {
  await withIdentity(async (key, folder) => {
    for (const name of ["id.next", "id.next.pub", "id.rotation"]) {
      Deno.writeTextFileSync(draftOf(`${folder}/${name}`), "half", { mode: 0o600 });
    }
    const { newKey } = await beginRotation(key, true);
    assert.deepEqual(names(folder), ["id", "id.next", "id.next.pub", "id.pub", "id.rotation"]);
    assert.deepEqual(finishRotation(key).newKey, newKey);
  });
});

Deno.test("finishing writes the public half anew where it is missing or another's", async () => {
  await withIdentity(async (key) => {
    const { newKey } = await beginRotation(key, false);
    Deno.writeTextFileSync(`${key}.next.pub`, Deno.readTextFileSync(`${key}.pub`));
    finishRotation(key);
    const line = parsePublicKeyLine(Deno.readTextFileSync(`${key}.pub`));
    assert.deepEqual(line, { publicKey: newKey, comment: "stx" });
    const again = await beginRotation(key, false);
    Deno.removeSync(`${key}.next.pub`);
    finishRotation(key);
    assert.deepEqual(parsePublicKeyLine(Deno.readTextFileSync(`${key}.pub`)).publicKey, again.newKey);
  });
});

Deno.test("a second change is begun only by force, and has another key", async () => {
  await withIdentity(async (key) => {
    const first = await beginRotation(key, false);
    await assert.rejects(beginRotation(key, false), { code: "exists", hint: /--finish.*--force/ });
    Deno.removeSync(`${key}.next`);
    await assert.rejects(beginRotation(key, false), { code: "exists" });
    const second = await beginRotation(key, true);
    assert.notDeepEqual(second.newKey, first.newKey);
    assert.deepEqual(finishRotation(key).newKey, second.newKey);
  });
});

Deno.test("files that do not belong together are not put in place", async () => {
  await withIdentity(async (key, folder) => {
    const { newKey } = await beginRotation(key, false);
    await makeIdentity(`${folder}/other`, "", false);
    const putBack = snapshot(folder);
    const next = await loadIdentity(`${key}.next`);
    const other = await loadIdentity(`${folder}/other`);
    const { statement } = readStatement(`${key}.rotation`)!;
    const forged = formatRotation(statement.with(100, statement[100]! ^ 1));
    const foreign = formatRotation(await signRotation(other, next, 1));
    const wrong: readonly (() => void)[] = [
      () => Deno.copyFileSync(`${folder}/other`, `${key}.next`),
      () => Deno.copyFileSync(`${folder}/other`, key),
      () => Deno.removeSync(`${key}.rotation`),
      () => Deno.writeTextFileSync(`${key}.rotation`, "nonsense"),
      () => Deno.writeTextFileSync(`${key}.rotation`, foreign),
      () => Deno.writeTextFileSync(`${key}.rotation`, forged),
      () => Deno.chmodSync(`${key}.next`, 0o644),
    ];
    for (const damage of wrong) {
      putBack();
      damage();
      const before = Deno.readTextFileSync(key);
      assert.throws(() => finishRotation(key), { code: "bad_key_file" }, `${damage}`);
      assert.equal(Deno.readTextFileSync(key), before);
    }
    putBack();
    assert.deepEqual(finishRotation(key).newKey, newKey);
  });
});

Deno.test("without the next key nothing is finished, and the public half stays that of the key in use", async () => {
  await withIdentity(async (key) => {
    await beginRotation(key, false);
    Deno.removeSync(`${key}.next`);
    const before = Deno.readTextFileSync(`${key}.pub`);
    assert.throws(() => finishRotation(key), { code: "usage" });
    assert.equal(Deno.readTextFileSync(`${key}.pub`), before);
  });
});

Deno.test("a key behind a symbolic link is not changed: the old one would stay where the link leads", async () => {
  await withIdentity(async (key, folder) => {
    Deno.symlinkSync(key, `${folder}/link`);
    await assert.rejects(beginRotation(`${folder}/link`, false), {
      code: "bad_key_file",
      message: /link/,
      hint: `name the file itself with --identity ${Deno.realPathSync(key)}`,
    });
    await beginRotation(key, false);
    for (const end of ["next", "next.pub", "rotation"]) {
      Deno.renameSync(`${key}.${end}`, `${folder}/link.${end}`);
    }
    Deno.copyFileSync(`${key}.pub`, `${folder}/link.pub`);
    assert.throws(() => finishRotation(`${folder}/link`), { code: "bad_key_file", message: /link/ });
  });
});

Deno.test("a comment that cannot stand in a line is left out", async () => {
  await withIdentity(async (key) => {
    const line = Deno.readTextFileSync(`${key}.pub`).trimEnd();
    Deno.writeTextFileSync(`${key}.pub`, `${line}\x1b[2J\n`);
    await beginRotation(key, false);
    assert.match(Deno.readTextFileSync(`${key}.next.pub`), / stx\n$/);
    const next = Deno.readTextFileSync(`${key}.next.pub`).trimEnd();
    Deno.writeTextFileSync(`${key}.next.pub`, `${next}\tx\x1b[2J\n`);
    finishRotation(key);
    assert.match(Deno.readTextFileSync(`${key}.pub`), / stx\n$/);
  });
});

Deno.test("the public half comes from the private key, and from its own file where there is none", async () => {
  await withIdentity(async (key, folder) => {
    const { publicKey } = await loadIdentity(key);
    assert.deepEqual(publicHalf(key, `${key}.pub`), { publicKey, comment: "me@home" });
    await makeIdentity(`${folder}/other`, "other", false);
    assert.deepEqual(publicHalf(key, `${folder}/other.pub`), { publicKey, comment: "" });
    Deno.removeSync(key);
    assert.deepEqual(publicHalf(key, `${key}.pub`), { publicKey, comment: "me@home" });
    Deno.removeSync(`${key}.pub`);
    assert.equal(publicHalf(key, `${key}.pub`), undefined);
  });
});

/** A reader of what an identity announces, and what it has printed. */
async function reader(key: string, identityFile = key) {
  const streams = fakeStreams();
  const exit = (status: number): never => {
    throw new Error(`exit ${status}`);
  };
  const output = new Output({ command: "send", json: false, quiet: false, verbose: false, exit, streams });
  const { publicKey } = await loadIdentity(key);
  return { read: ownRotationReader(identityFile, publicKey, output), error: () => streams.error() };
}

Deno.test("the statement is announced by the old key and by the new one, from when it is there", async () => {
  await withIdentity(async (key) => {
    const { read, error } = await reader(key, `${key}.pub`);
    assert.equal(read(), undefined);
    await beginRotation(key, false);
    const { statement } = readStatement(`${key}.rotation`)!;
    assert.deepEqual(read(), statement);
    finishRotation(key);
    assert.deepEqual((await reader(key)).read(), statement);
    assert.deepEqual(read(), statement, "a receiver that still runs with the old key");
    assert.equal(error(), "");
  });
});

Deno.test("what is about other keys, or is none, is warned of once and not announced", async () => {
  await withIdentity(async (key, folder) => {
    await makeIdentity(`${folder}/other`, "", false);
    await beginRotation(`${folder}/other`, false);
    Deno.renameSync(`${folder}/other.rotation`, `${key}.rotation`);
    const { read, error } = await reader(key);
    assert.deepEqual([read(), read()], [undefined, undefined]);
    assert.match(error(), /^stx send: warning: .*id\.rotation is about other keys[^\n]*\n$/);
    Deno.writeTextFileSync(`${key}.rotation`, "\x1b[2Jnonsense");
    assert.equal(read(), undefined);
    assert.match(error(), /\n.*cannot announce[^\n]*\n$/);
    assert.ok(!error().includes("\x1b"));
  });
});

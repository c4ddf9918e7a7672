import assert from "node:assert/strict";
import { dispatch } from "../../../cli/dispatch.ts";
import * as keygen from "../../../cli/keygen.ts";
import { parseArguments, valueOf } from "../../../cli/parse.ts";
import { readBaseKey } from "../../../cli/rounds_key_files.ts";
import { readSharedKey } from "../../../cli/shared_key_files.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { fakeStreams } from "./fake_streams.ts";

/** Runs `stx keygen` with these words behind it. */
async function run(...words: string[]) {
  const streams = fakeStreams();
  const status = await dispatch(["keygen", ...words], {
    load: () => Promise.resolve(keygen),
    exit: (exit) => {
      throw new Error(`exit ${exit}`);
    },
    streams,
  });
  return { status, out: streams.out(), error: streams.error() };
}

Deno.test("keygen --psk prints the file's name, what to do with it, and nothing of the key", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/it's a key`;
    const { status, out, error } = await run("--psk", "--out", path, "--comment", "office");
    assert.deepEqual([status, out], [0, `${path}\n`]);
    const text = Deno.readTextFileSync(path);
    assert.match(text, /^stx-psk \S+ office\n$/);
    assert(!error.includes(text.split(" ")[1]!.slice(0, 8)));
    assert.match(error, /over a channel that is already safe/);
    readSharedKey(path);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["it's a key"]);
  });
});

Deno.test("the lines that keygen --psk prints are command lines that stx takes, for a shell too", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/it's a key`;
    const { error } = await run("--psk", "--out", path);
    const lines = [...error.matchAll(/^\w+ with: +stx (.*)$/gm)].map(([, line]) => line!);
    assert.equal(lines.length, 2, error);
    for (const [index, command] of ["recv", "send"].entries()) {
      const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${lines[index]}`] })
        .output();
      const request = parseArguments(new TextDecoder().decode(stdout).trimEnd().split("\n"));
      assert(request.kind === "run" && request.parsed.command === command);
      assert.equal(valueOf(request.parsed, "psk-file"), path);
    }
  });
});

Deno.test("keygen --psk --quiet prints the file's name alone", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/key`;
    assert.deepEqual(await run("--psk", "-q", "--out", path), { status: 0, out: `${path}\n`, error: "" });
    assert.match(Deno.readTextFileSync(path), /^stx-psk \S+\n$/);
  });
});

Deno.test("keygen --base-key prints the file's name, what to do with it, and nothing of the key", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/it's a key`;
    const { status, out, error } = await run("--base-key", "--out", path, "--comment", "office");
    assert.deepEqual([status, out], [0, `${path}\n`]);
    const text = Deno.readTextFileSync(path);
    assert.match(text, /^stx-base-key \S+ office\n$/);
    assert(!error.includes(text.split(" ")[1]!.slice(0, 8)));
    assert.match(error, /keep it where clients are enrolled, and nowhere else/);
    readBaseKey(path);
    const line = /^enroll with: stx (.*)$/m.exec(error)![1]!;
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${line}`] }).output();
    const request = parseArguments(new TextDecoder().decode(stdout).trimEnd().split("\n"));
    assert(request.kind === "run" && valueOf(request.parsed, "base-key") === path);
    const refused = await run("--base-key", "--out", path);
    assert.deepEqual([refused.status, refused.out], [7, ""]);
    assert.equal(Deno.readTextFileSync(path), text);
    assert.equal((await run("--base-key", "--out", path, "--force")).status, 0);
    assert.notEqual(Deno.readTextFileSync(path), text);
  });
});

Deno.test("keygen makes one kind of key", async () => {
  const { status, error } = await run("--psk", "--base-key");
  assert.equal(status, 2);
  assert.match(error, /^stx keygen: Options --psk and --base-key exclude each other; /);
});

Deno.test("keygen --psk replaces a key only with --force", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/key`;
    await run("--psk", "--out", path);
    const before = Deno.readTextFileSync(path);
    const refused = await run("--psk", "--out", path);
    assert.deepEqual([refused.status, refused.out], [7, ""]);
    assert.match(refused.error, /^stx keygen: Will not overwrite .*--force.*\n$/);
    assert.equal(Deno.readTextFileSync(path), before);
    assert.equal((await run("--psk", "--out", path, "--force")).status, 0);
    assert.notEqual(Deno.readTextFileSync(path), before);
  });
});

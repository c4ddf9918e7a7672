import assert from "node:assert/strict";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import { diskError, isNotFound, isTaken, leadsNowhere } from "../../../lib/files/disk_error.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { runAlone } from "./run_alone.ts";

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  assert.fail("expected a failure");
}

function numbered(code: string): Error {
  return Object.assign(new Error("no such thing"), { code });
}

Deno.test("what the operating system says becomes an error with a code", async () => {
  await withTempFolder((folder) => {
    const file = `${folder}/file`;
    Deno.writeTextFileSync(file, "");
    const cases: readonly [ErrorCode, RegExp, () => unknown][] = [
      ["disk", /no such file/, () => Deno.lstatSync(`${folder}/none`)],
      ["disk", /not a folder/, () => Deno.readDirSync(file)],
      ["disk", /too long/, () => Deno.lstatSync(`${folder}/${"a".repeat(300)}`)],
      ["disk", /is a folder/, () => Deno.readFileSync(folder)],
      ["disk", /already taken/, () => Deno.mkdirSync(file)],
      ["disk", /not empty/, () => Deno.removeSync(folder)],
      ["disk_full", /no space/, () => Deno.writeFileSync("/dev/full", new Uint8Array(1))],
    ];
    for (const [code, why, body] of cases) {
      const error = diskError(caught(body), "read", file);
      assert.equal(error.code, code, error.message);
      assert.match(error.message, why);
      assert.ok(error.message.startsWith(`Cannot read "${file}": `), error.message);
    }
  });
});

Deno.test("what is rare has its code as well", () => {
  const codes = {
    EDQUOT: "disk_full",
    ENOSPC: "disk_full",
    EROFS: "permission",
    EPERM: "permission",
    EIO: "disk",
    EXDEV: "disk",
  };
  for (const [number, code] of Object.entries(codes)) {
    assert.equal(diskError(numbered(number), "write", "f").code, code, number);
  }
  const held = diskError(numbered("EAGAIN"), "read", "f");
  assert.equal(held.message, 'Cannot read "f": another program keeps it to itself');
  assert.equal(held.hint, "Try again in a minute.");
  for (const number of ["EUNHEARD", "constructor", "__proto__"]) {
    const error = diskError(numbered(number), "write", "f");
    assert.equal(error.code, "disk");
    assert.equal(error.message, 'Cannot write "f": no such thing');
  }
  assert.equal(diskError("a text", "write", "f").message, 'Cannot write "f": a text');
});

Deno.test("what is denied comes with the command that shows why, for the file and its folder", () => {
  const cases = [
    ["/srv/in/f", "/srv/in /srv/in/f"],
    ["/f", "/ /f"],
    ["f", ". f"],
    ["a b/it's\x1b", "'a b' 'a b/it'\\''s\\x1b'"],
  ] as const;
  for (const number of ["EACCES", "EPERM"]) {
    for (const [path, words] of cases) {
      const { code, hint } = diskError(numbered(number), "write", path);
      assert.equal(code, "permission");
      assert.equal(hint, `Check the owners and the modes with: ls -ld ${words}`);
    }
  }
});

Deno.test("a denied file is a matter of permission", async () => {
  await runAlone("denied file");
});

Deno.test("what Deno itself denies is a matter of permission", () => {
  const error = diskError(new Deno.errors.NotCapable("no"), "read", "file");
  assert.equal(error.code, "permission");
  assert.match(error.hint!, /--allow-read/);
});

Deno.test("nothing of a name or of a text reaches the message raw", () => {
  const error = diskError(new Error("bad \x1b[2J"), "read", "a\nb");
  assert.equal(error.message, 'Cannot read "a\\x0ab": bad \\x1b[2J');
});

Deno.test("an error that has a code already keeps it", () => {
  const error = new StxError("source_changed", "it changed");
  assert.equal(diskError(error, "read", "file"), error);
});

Deno.test("the few errors that are asked about are told apart", () => {
  assert.deepEqual(["ENOENT", "EEXIST", "ELOOP", "ENOTDIR"].map((code) => isNotFound(numbered(code))), [
    true,
    false,
    false,
    false,
  ]);
  assert.deepEqual(["ENOENT", "EEXIST", "ENOTEMPTY"].map((code) => isTaken(numbered(code))), [
    false,
    true,
    true,
  ]);
  assert.deepEqual(["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].map((code) => leadsNowhere(numbered(code))), [
    true,
    true,
    true,
    false,
  ]);
  assert.equal(isNotFound("ENOENT"), false);
});

Deno.test("in a folder of the system, the hint does not promise that another permission helps", () => {
  const refused = new Deno.errors.NotCapable("no");
  assert.match(diskError(refused, "read", "/dev/shm/x").hint!, /take another folder/);
  assert.match(diskError(refused, "read", "/devices/x").hint!, /--allow-read/);
  assert.doesNotMatch(diskError(refused, "read", "/devices/x").hint!, /take another folder/);
});

import assert from "node:assert/strict";
import { codeOf } from "../../../lib/errors.ts";
import { NAME_SIZE_MAX, PATH_DEPTH_MAX, PATH_SIZE_MAX } from "../../../lib/limits.ts";
import type { Entry } from "../../../lib/ports.ts";
import { checkEntries, entryChecks } from "../../../lib/transfer/names.ts";

/** Entries for paths; one that ends in a slash is a folder. */
function entriesOf(...paths: readonly string[]): readonly Entry[] {
  return paths.map((path) => ({
    path: path.endsWith("/") && path !== "/" ? path.slice(0, -1) : path,
    kind: path.endsWith("/") && path !== "/" ? "directory" : "file",
    sizeBytes: 0,
    mtimeMs: 0,
    mode: 0o644,
  }));
}

function accepts(paths: readonly string[], allowDotfiles = false): void {
  checkEntries(entriesOf(...paths), { allowDotfiles });
}

/** Checks that `paths` are refused, all but the last one accepted, and that the message is safe to print. */
function refuses(paths: readonly string[], why: RegExp, allowDotfiles = false): void {
  accepts(paths.slice(0, -1), allowDotfiles);
  assert.throws(() => accepts(paths, allowDotfiles), (error: Error) => {
    assert.equal(codeOf(error), "bad_name");
    assert.match(error.message, why);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
    return true;
  }, JSON.stringify(paths));
}

/** Folders for every level of `path`, so that only the last entry can be at fault. */
function withParents(path: string): readonly string[] {
  const parts = path.split("/");
  return [...parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join("/") + "/"), path];
}

Deno.test("ordinary names are accepted", () => {
  accepts([]);
  accepts(["a"]);
  accepts(["a/", "a/b/", "a/b/c", "a/d", "e"]);
  accepts(["été.txt", "中文/", "中文/文件", "👩‍👩‍👧.png", " leading", "-rf", "~", "$(id)", "`id`", ";rm"]);
  accepts(["what?.txt", "a*b", '"quoted"', "<tag>", "a|b", "%41", "a'b", "#"]);
  accepts(["a/", "a/.hidden", "a/...b", "a/..b", "a/.stx-partial"]);
  accepts(["console", "com", "com10", "lpt", "nullify.txt", "auxiliary", "a.con", "COMET", "conin", "lpt¼"]);
});

Deno.test("paths that lead out of the folder are refused", () => {
  refuses(["/"], /absolute/);
  refuses(["/etc/passwd"], /absolute/);
  refuses(["//a"], /absolute/);
  refuses([".."], /part of it is "\.\."/, true);
  refuses(["."], /part of it is "\."/, true);
  refuses(["../a"], /part of it is "\.\."/, true);
  refuses(["a/", "a/.."], /part of it is "\.\."/);
  refuses(["a/", "a/../../b"], /part of it is "\.\."/);
  refuses(["a/", "a/./b"], /part of it is "\."/);
});

Deno.test("empty parts are refused", () => {
  refuses([""], /empty/);
  refuses(["a/", "a//b"], /empty/);
  assert.throws(() => checkEntries([{ ...entriesOf("a")[0]!, path: "a/" }], { allowDotfiles: false }), {
    code: "bad_name",
    message: /empty/,
  });
});

Deno.test("names that Windows reads in another way are refused", () => {
  refuses(["a\\b"], /backslash/);
  refuses(["..\\..\\a"], /backslash/, true);
  refuses(["C:"], /colon/);
  refuses(["c:/windows"], /colon/);
  refuses(["a.txt:stream"], /colon/);
  refuses(["a."], /dot or a space/);
  refuses(["a "], /dot or a space/);
  refuses(["..."], /dot or a space/, true);
  refuses(["a/", "a/b. "], /dot or a space/);
  refuses(["a./"], /dot or a space/);
});

Deno.test("Windows devices are refused with any case and extension", () => {
  const names = ["con", "prn", "aux", "nul", "conin$", "conout$"];
  for (const digit of "0123456789¹²³") names.push(`com${digit}`, `lpt${digit}`);
  for (const name of names) {
    refuses([name], /device/);
    refuses([name.toUpperCase()], /device/);
    refuses([`${name}.txt`], /device/);
    refuses([`${name}.tar.gz`], /device/);
    refuses([`${name} .txt`], /device/);
    refuses(["a/", `a/${name}`], /device/);
  }
});

Deno.test("control characters, bidirectional controls and line separators are refused", () => {
  for (let code = 0; code < 0x20; code++) refuses([`a${String.fromCharCode(code)}b`], /control/);
  for (let code = 0x7f; code < 0xa0; code++) refuses([`a${String.fromCharCode(code)}b`], /control/);
  for (const character of "\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069") {
    refuses(["d/", `d/a${character}b`], /control/);
  }
});

Deno.test("names and paths have the sizes that file systems have, in bytes of UTF-8", () => {
  accepts(["a".repeat(NAME_SIZE_MAX)]);
  refuses(["a".repeat(NAME_SIZE_MAX + 1)], /more than 255 bytes/);
  accepts(["é".repeat(127)]);
  refuses(["é".repeat(128)], /more than 255 bytes/);
  accepts(["中".repeat(85)]);
  refuses(["中".repeat(86)], /more than 255 bytes/);
  const longest = Array(11).fill("é".repeat(127) + "a").join("/") + "/b/";
  const size = new TextEncoder().encode(longest).length;
  accepts(withParents(longest + "a".repeat(PATH_SIZE_MAX - size)));
  const parents = withParents(longest + "a").slice(0, -1);
  refuses([...parents, longest + "a".repeat(PATH_SIZE_MAX - size + 1)], /more than 3072 bytes/);
});

Deno.test("paths are not too deep", () => {
  accepts(withParents(Array(PATH_DEPTH_MAX).fill("a").join("/")));
  refuses(withParents(Array(PATH_DEPTH_MAX + 1).fill("a").join("/")), /more than 128 parts/);
});

Deno.test("hidden files are refused at the top unless they are allowed", () => {
  refuses([".bashrc"], /begins with a dot/);
  refuses([".ssh/"], /begins with a dot/);
  accepts([".bashrc", ".ssh/", ".ssh/authorized_keys"], true);
});

Deno.test("names of the receiver's own folders are refused in every spelling", () => {
  for (
    const name of [
      ".stx-partial",
      ".stx-deadbeef",
      ".stx-partial-12345678",
      ".STX-Partial",
      ".stx-p\u0101rtial".normalize("NFD").replace("\u0304", "\u200d"),
    ]
  ) {
    refuses([name], /own/, true);
    refuses([`${name}/`], /own/, true);
  }
});

Deno.test("two names that meet are refused", () => {
  refuses(["a", "a"], /another name/);
  refuses(["a/", "a/"], /another name/);
  refuses(["a/", "a"], /another name/);
  refuses(["a", "A"], /another name/);
  refuses(["a/", "A/"], /another name/);
  refuses(["a/", "a/b", "a/B"], /another name/);
  refuses(["\u00e9", "e\u0301"], /another name/);
  refuses(["É", "e\u0301"], /another name/);
  refuses(["straße", "STRASSE"], /another name/);
  refuses(["s", "ſ"], /another name/);
  refuses(["\u212a", "k"], /another name/);
  refuses(["ΟΔΟΣ", "οδος"], /another name/);
  refuses(["e\u0323\u0302", "\u1ec7"], /another name/);
  refuses(["a\u200db", "ab"], /another name/);
  refuses(["a\ufeff", "a"], /another name/);
  accepts(["a/", "b/", "a/c", "b/c", "é", "e"]);
});

Deno.test("a path must lie in a folder that was listed before it", () => {
  refuses(["a/b"], /not listed before/);
  refuses(["a/", "a/b/c"], /not listed before/);
  refuses(["ab/", "a/b"], /not listed before/);
  refuses(["a/", "a/b", "a/b/c"], /below a file/);
  refuses(["a", "a/b"], /below a file/);
  refuses(["a/", "a/b", "ac/d"], /not listed before/);
  assert.throws(() => accepts(["a/b", "a/"]), { code: "bad_name" });
  // Only the exact spelling of a folder counts.
  refuses(["A/", "a/b"], /not listed before/);
});

Deno.test("what a hostile name does to a terminal is not in the message", () => {
  assert.throws(() => accepts(["\x1b]0;owned\x07"]), { code: "bad_name", message: /"\\x1b\]0;owned\\x07"/ });
});

Deno.test("the message shows no more than the start of a long name", () => {
  assert.throws(() => accepts(["a".repeat(60_000)]), (error: Error) => error.message.length < 400);
});

Deno.test("many names are checked a part at a time, and long ones in smaller parts", () => {
  const partsOf = (paths: readonly string[]) =>
    [...entryChecks(entriesOf(...paths), { allowDotfiles: false })].length;
  const folders = ["f", "g", "h", "i"].map((name) => name.repeat(250));
  const parents = folders.map((_, depth) => `${folders.slice(0, depth + 1).join("/")}/`);
  const long = Array.from({ length: 1_000 }, (_, index) => `${parents[3]}${index}`);
  assert.equal(partsOf([...parents, ...long.slice(0, 200)]), 0);
  assert.equal(partsOf([...parents, ...long]), 3);
  const short = Array.from({ length: 10_001 }, (_, index) => `${index}`);
  assert.equal(partsOf(short.slice(0, 5_000)), 0);
  assert.equal(partsOf(short), 2);
});

Deno.test("long names that meet are refused as short ones are", () => {
  const long = "a".repeat(200);
  refuses([long, long.toUpperCase()], /the same/);
  refuses([`${long}\u00e9`, `${long}e\u0301`], /the same/);
  refuses([`${long}/`, `${long}/${long}`, `${long}/${long.toUpperCase()}`], /the same/);
  checkEntries(entriesOf(long, `${long}b`, "a".repeat(64), "a".repeat(65)), { allowDotfiles: false });
});

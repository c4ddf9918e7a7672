import assert from "node:assert/strict";
import { withStage } from "../support/stage.ts";

/** Each of these is a wrong line: nothing is done, exit 2. */
const WRONG_LINES: readonly (readonly string[])[] = [
  ["frobnicate"],
  ["--frobnicate"],
  ["send"],
  ["send", "only-one-word"],
  ["send", "file", "host", "--frobnicate"],
  ["send", "file", "host:70000"],
  ["send", "file", "host:0"],
  ["send", "file", "host:/tmp"],
  ["send", "file", "user@host"],
  ["send", "file", "host", "--retry-for", "soon"],
  ["send", "file", "host", "--cipher", "rot13"],
  ["send", "file", "host", "--name", "a/b"],
  ["send", "file", "other", "host", "--name", "one"],
  ["send", "file", "host", "--auth", "psk"],
  ["send", "-r", "file", "host"],
  ["send", "file", "folder/file", "host"],
  ["recv", "extra"],
  ["recv", "--listen", "127.0.0.1:99999"],
  ["recv", "--listen", "nonsense:port"],
  ["recv", "--listen="],
  ["recv", "--max-size", "huge"],
  ["recv", "--on-conflict", "shrug"],
  ["recv", "--auth", "either"],
  ["recv", "--auth", "identity", "--psk-file", "file"],
  ["recv", "--dir"],
  ["keygen", "extra"],
  ["completions", "tcsh"],
];

Deno.test("a wrong command line ends with 2 and one line that says what is wrong", async () => {
  await withStage(async (stage) => {
    stage.file("file", "content");
    stage.file("other", "content");
    stage.file("folder/file", "content");
    for (let at = 0; at < WRONG_LINES.length; at += 6) {
      await Promise.all(
        WRONG_LINES.slice(at, at + 6).map(async (line) => {
          const { code, stdout, stderr } = await stage.run(line, { cwd: stage.outbox });
          assert.equal(code, 2, `stx ${line.join(" ")}: ${stderr}`);
          assert.match(stderr, /^stx[^\n]*: [^\n]+\n$/, `stx ${line.join(" ")}`);
          assert.equal(stdout, "");
        }),
      );
    }
  });
});

Deno.test("a wrong command line with --json is an event too", async () => {
  await withStage(async (stage) => {
    const { code, events } = await stage.run(["recv", "--json", "--frobnicate"]);
    assert.equal(code, 2);
    assert.deepEqual(events.map((event) => event.event === "error" && [event.code, event.exit]), [[
      "usage",
      2,
    ]]);
  });
});

Deno.test("stx alone shows how it is called and ends with 2; help and --version end with 0", async () => {
  await withStage(async (stage) => {
    const alone = await stage.run([]);
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /stx help/);
    for (const line of [["help"], ["--help"], ["help", "send"], ["recv", "--help"], ["--version"]]) {
      const { code, stdout, stderr } = await stage.run(line);
      assert.deepEqual([code, stderr], [0, ""], `stx ${line.join(" ")}`);
      assert.match(stdout, /stx/);
    }
  });
});

Deno.test("without a home and without options: exit 2, and which option helps", async () => {
  await withStage(async (stage) => {
    const { code, stderr } = await stage.run(["recv", "--listen", "127.0.0.1:0"], { env: {} });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^stx recv: .*HOME.*--identity.*\n$/);
  });
});

import assert from "node:assert/strict";
import { works } from "../support/programs.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";

/** The beginning of an error's colour. */
const RED = "\x1b[1;31m";
const HAS_SCRIPT = works("script", "--version");

Deno.test("without a terminal there is no progress and no control character on either side", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 4_000_000);
    const receiver = stage.start(["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--once"], {
      env: stage.receiver.env,
    });
    await receiver.says(/Send with: .*\n/);
    const port = Number(/Send with: .*:(\d+)\n/.exec(receiver.stderr)![1]);
    await using relay = new Relay({ port }, { bytesPerSecond: 8_000_000 });

    const sent = await stage.run([
      "send",
      file,
      `127.0.0.1:${relay.port}`,
      "--peer",
      stage.receiver.fingerprint,
    ]);

    const received = await receiver.ended;
    for (const { code, stdout, stderr } of [sent, received]) {
      assert.deepEqual([code, stdout], [0, ""], stderr);
      assert.match(stderr, /^[\P{Cc}\n]*$/u, "no control character but line feeds");
      assert.ok(stderr.split("\n").length < 8, stderr);
    }
  });
});

Deno.test("--quiet says nothing on either side when all is well", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive({ args: ["--quiet", "--once"] });

    const sent = await stage.send(receiver, file, { args: ["--quiet"] });

    assert.deepEqual([sent.code, sent.stderr], [0, ""]);
    assert.equal((await receiver.process.ended).stderr, "");
  });
});

Deno.test({
  name: "on a terminal progress has name, bytes, rate and time left, and its line stays (needs script)",
  ignore: !HAS_SCRIPT,
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("film.mp4", 8_000_000);
      const receiver = await stage.receive();
      await using relay = new Relay(receiver, { bytesPerSecond: 8_000_000 });

      const sender = stage.start(["send", file, `127.0.0.1:${relay.port}`, "--peer", receiver.fingerprint], {
        env: stage.sender.env,
        terminal: true,
      });

      const { code, stdout } = await sender.ended;
      assert.equal(code, 0, stdout);
      const drawings = stdout.split("\r\x1b[K").filter((text) => text.includes("film.mp4"));
      assert.ok(drawings.length >= 4, stdout);
      assert.ok(drawings.some((text) => /MiB\/s/.test(text) && /\d%/.test(text)), stdout);
      assert.match(stdout, /film\.mp4[^\r\n]*100%[^\r\n]*\r?\n$/);
    });
  },
});

Deno.test({
  name: "NO_COLOR takes the colours away (needs script)",
  ignore: !HAS_SCRIPT,
  fn: async () => {
    await withStage(async (stage) => {
      const args = ["send", `${stage.outbox}/absent`, "127.0.0.1:1", "--peer", stage.receiver.fingerprint];
      const plain = await stage.start(args, { env: { ...stage.sender.env, NO_COLOR: "1" }, terminal: true })
        .ended;
      const coloured = await stage.start(args, { env: stage.sender.env, terminal: true }).ended;
      assert.ok(!plain.stdout.includes(RED), plain.stdout);
      assert.ok(coloured.stdout.includes(RED), coloured.stdout);
    });
  },
});

Deno.test("when nobody reads the events any more, stx ends as by SIGPIPE", async () => {
  await withStage(async (stage) => {
    const { code, stderr } = await stage.run([
      "recv",
      "--json",
      "--listen",
      "127.0.0.1:0",
      "--dir",
      stage.inbox,
    ], {
      person: stage.receiver,
      // The reader is gone before the first event.
      prefix: ["bash", "-c", 'exec {pipe}> >(exit 0); wait $!; exec "$@" >&$pipe', "bash"],
    });
    assert.equal(code, 141, stderr);
  });
});

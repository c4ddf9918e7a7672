import assert from "node:assert/strict";
import { entry, offerAsIs, withHostileReceiver } from "../support/hostile_peer.ts";
import { works } from "../support/programs.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";
import { encodeReject } from "../../lib/wire/message.ts";

/** What a terminal obeys, what forges a line of a log, and what shows a name in another order than it has. */
const RAW = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

const ACTING_NAMES = [
  "\x1b]0;owned\x07",
  "\x1b[31mred",
  "two\nlines",
  "carriage\rreturn",
  "bell\x07",
  "c1\x9b31m",
  "gpj\u202eexe.txt",
  "line\u2028separator",
];

/** Manifests that no receiver may take; each by what is wrong with it. */
const HOSTILE_MANIFESTS = {
  "a way up": [entry("../escaped")],
  "a way up from below": [
    entry("folder", { kind: "directory", sizeBytes: 0 }),
    entry("folder/../../escaped"),
  ],
  "an absolute path": [entry("/tmp/escaped")],
  "a backslash": [entry("..\\escaped")],
  "a drive": [entry("C:escaped")],
  "a device of Windows": [entry("NUL.txt")],
  "an empty part": [entry("a//b")],
  "a NUL": [entry("a\0b")],
  "a dot at the end": [entry("name.")],
  "a name that is too long": [entry("x".repeat(256))],
  "a hidden file": [entry(".bashrc")],
  "a hidden folder": [entry(".ssh", { kind: "directory", sizeBytes: 0 }), entry(".ssh/authorized_keys")],
  "the place of partial transfers": [entry(".stx-partial", { kind: "directory", sizeBytes: 0 })],
  "two names that meet": [entry("Name"), entry("name")],
  "a name twice": [entry("name"), entry("name")],
  "a file below a file": [entry("a"), entry("a/b")],
  "a file in no folder": [entry("a/b")],
};

Deno.test("a malicious sender's names are refused, and nothing is written inside or outside", async () => {
  await withStage(async (stage) => {
    Deno.writeTextFileSync(`${stage.folder}/canary`, "alive");
    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
    const outside = () => tree(stage.folder).filter(({ path }) => !/^\/receiver|^\/inbox|^$/.test(path));
    const before = outside();

    for (const [what, entries] of Object.entries(HOSTILE_MANIFESTS)) {
      assert.equal(await offerAsIs(receiver, stage.sender, entries), "rejected", what);
      assert.deepEqual(names(stage.inbox), [], what);
    }

    assert.deepEqual(outside(), before);
    assert.equal(await offerAsIs(receiver, stage.sender, [entry("honest")]), undefined);
    assert.deepEqual(names(stage.inbox), ["honest"]);
  });
});

Deno.test("what a malicious sender's names hold does not act on the receiver's terminal or log", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();

    for (const name of ACTING_NAMES) {
      assert.equal(await offerAsIs(receiver, stage.sender, [entry(name)]), "rejected", JSON.stringify(name));
    }

    receiver.process.kill("SIGTERM");
    const { stdout, stderr, events } = await receiver.process.ended;
    assert.doesNotMatch(stderr, RAW);
    assert.match(stderr, /\\x1b\]0;owned\\x07/);
    // That each line of standard output is printable ASCII is checked as it is read.
    assert.equal(stdout.split("\n").length - 1, events.length);
    const offers = events.flatMap((event) => event.event === "offer" ? event.names : []);
    assert.deepEqual(offers, ACTING_NAMES, "in JSON, the names are whole");
    assert.equal(stderr.match(/^stx recv: /gm)?.length, ACTING_NAMES.length, "a line each");
  });
});

Deno.test("what a malicious receiver says does not act on the sender's terminal or log", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const text = ACTING_NAMES.join(" ");
    await withHostileReceiver(stage.receiver, async (channel) => {
      await channel.receive();
      channel.send("reject", encodeReject({ reason: "policy", text }));
      await channel.peerClosed();
    }, async (receiver) => {
      const { code, stderr, events } = await stage.send(receiver, file);

      assert.equal(code, 4, stderr);
      assert.doesNotMatch(stderr, RAW);
      assert.match(stderr, /^stx send: [^\n]*owned[^\n]*two\\x0alines[^\n]*\n$/);
      const last = events.at(-1)!;
      assert.ok(last.event === "error" && last.message.includes(text));
    });
  });
});

Deno.test("names that the sender itself has are shown escaped by the sender", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    for (const name of ACTING_NAMES) {
      const sent = await stage.send(receiver, stage.file(name, "content"));
      assert.equal(sent.code, 4, sent.stderr);
      assert.doesNotMatch(sent.stderr, RAW);
      assert.match(sent.stderr, /^stx send: [^\n]+\n$/);
    }
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test({
  name: "progress on a terminal shows a name escaped (needs script)",
  ignore: !works("script", "--version"),
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("\x1b]0;owned\x07", "content");
      const receiver = await stage.receive();
      const args = ["send", file, `127.0.0.1:${receiver.port}`, "--peer", receiver.fingerprint];
      const { code, stdout } = await stage.start(args, { env: stage.sender.env, terminal: true }).ended;
      assert.equal(code, 4, stdout);
      assert.ok(!stdout.includes("\x1b]0") && !stdout.includes("\x07"), JSON.stringify(stdout));
      assert.ok(stdout.includes("\\x1b]0;owned\\x07"), JSON.stringify(stdout));
    });
  },
});

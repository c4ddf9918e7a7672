/** Two machines that share a key and nothing else. */
import assert from "node:assert/strict";
import { type Stage, withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

/** Makes a shared key with `stx keygen`, and copies its file, as a user would, to where the receiver has it. */
async function share(stage: Stage, name = "shared_key"): Promise<{ here: string; there: string }> {
  const here = `${stage.folder}/sender-${name}`;
  const there = `${stage.folder}/receiver-${name}`;
  const made = await stage.run(["keygen", "--psk", "--out", here]);
  assert.equal(made.code, 0, made.stderr);
  Deno.copyFileSync(here, there);
  Deno.chmodSync(there, 0o600);
  return { here, there };
}

Deno.test("a shared key alone moves a file: nobody is authorized, and nobody is asked", async () => {
  await withStage(async (stage) => {
    stage.authorize();
    const { here, there } = await share(stage);
    const file = stage.file("file", 3_000_000);
    const receiver = await stage.receive({ args: ["--psk-file", there] });

    const sent = await stage.run(["send", file, `127.0.0.1:${receiver.port}`, "--psk-file", here]);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    // The receiver's key is remembered on first sight.
    const known = Deno.readTextFileSync(`${stage.sender.config}/known_receivers`);
    assert.match(known, new RegExp(`^\\[127\\.0\\.0\\.1\\]:${receiver.port} ssh-ed25519 \\S+\n$`));
  });
});

Deno.test("another shared key moves nothing: exit 3, and the receiver's key is not remembered", async () => {
  await withStage(async (stage) => {
    const { there } = await share(stage);
    const other = await share(stage, "other");
    const receiver = await stage.receive({ args: ["--psk-file", there] });

    const to = `127.0.0.1:${receiver.port}`;
    const sent = await stage.run(["send", stage.file("file", "content"), to, "--psk-file", other.here]);

    assert.equal(sent.code, 3, sent.stderr);
    assert.match(sent.stderr, /another shared key/);
    assert.deepEqual(names(stage.inbox), []);
    assert.throws(() => Deno.statSync(`${stage.sender.config}/known_receivers`), Deno.errors.NotFound);
  });
});

Deno.test("an authorized sender without the shared key is refused where it is required: exit 3", async () => {
  await withStage(async (stage) => {
    const { there } = await share(stage);
    const receiver = await stage.receive({ args: ["--psk-file", there] });
    const sent = await stage.send(receiver, stage.file("file", "content"));
    assert.equal(sent.code, 3, sent.stderr);
    const { message, hint } = await receiver.process.event("error");
    assert.match(message, /without a shared key/);
    assert.match(hint!, /compare --psk-file and --auth/);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("a receiver with both files takes either, unless it is told to require both", async () => {
  await withStage(async (stage) => {
    const { here, there } = await share(stage);
    const keys = `${stage.receiver.config}/authorized_keys`;
    const either = await stage.receive({ args: ["--psk-file", there, "--authorized-keys", keys] });
    const stranger = await stage.newPerson("stranger");
    const first = await stage.send(either, stage.file("first", "1"));
    assert.equal(first.code, 0, first.stderr);
    const second = await stage.send(either, stage.file("second", "2"), {
      person: stranger,
      args: ["--psk-file", here],
    });
    assert.equal(second.code, 0, second.stderr);

    const both = await stage.receive({ args: ["--psk-file", there, "--auth", "identity+psk"] });
    const withKey = ["--psk-file", here];
    const third = await stage.send(both, stage.file("third", "3"), { args: withKey });
    assert.equal(third.code, 0, third.stderr);
    const fourth = await stage.send(both, stage.file("fourth", "4"), { person: stranger, args: withKey });
    assert.equal(fourth.code, 3, fourth.stderr);
    assert.match(fourth.stderr, /authorized_keys/);
    const fifth = await stage.send(both, stage.file("fifth", "5"));
    assert.equal(fifth.code, 3, fifth.stderr);
    assert.deepEqual(names(stage.inbox), ["first", "second", "third"]);
  });
});

Deno.test("where both are required, an unknown receiver is refused without a terminal: exit 3", async () => {
  await withStage(async (stage) => {
    const { here, there } = await share(stage);
    const receiver = await stage.receive({ args: ["--psk-file", there, "--auth", "identity+psk"] });
    const line = ["send", stage.file("file", "content"), `127.0.0.1:${receiver.port}`, "--psk-file", here];
    // Whether the sender asks for both itself, or the receiver does.
    for (const args of [["--auth", "identity+psk"], []]) {
      const sent = await stage.run(line, { args });
      assert.equal(sent.code, 3, sent.stderr);
      assert.match(sent.stderr, /is not known/);
    }
    assert.throws(() => Deno.statSync(`${stage.sender.config}/known_receivers`), Deno.errors.NotFound);
  });
});

Deno.test("the shared key does not excuse a receiver whose remembered key has changed: exit 3", async () => {
  await withStage(async (stage) => {
    const { here, there } = await share(stage);
    const line = (
      port: number,
    ) => ["send", stage.file("file", "content"), `127.0.0.1:${port}`, "--psk-file", here];
    const first = await stage.receive({ args: ["--psk-file", there, "--once"] });
    const sent = await stage.run(line(first.port));
    assert.equal(sent.code, 0, sent.stderr);
    await first.process.ended;
    const other = await stage.newPerson("other");
    const second = await stage.receive({ args: ["--psk-file", there], person: other, port: first.port });
    const again = await stage.run(line(second.port));
    assert.equal(again.code, 3, again.stderr);
    assert.match(again.stderr, /HAS CHANGED/);
  });
});

Deno.test("one identity at both ends of a shared key is refused as a reflection: exit 3", async () => {
  await withStage(async (stage) => {
    const { here, there } = await share(stage);
    const receiver = await stage.receive({ args: ["--psk-file", there] });
    const sent = await stage.send(receiver, stage.file("file", "content"), {
      person: stage.receiver,
      args: ["--psk-file", here],
    });
    assert.equal(sent.code, 3, sent.stderr);
    assert.match(sent.stderr, /same identity/);
  });
});

Deno.test("a shared key that is taken out of the receiver's file counts no longer, while it runs", async () => {
  await withStage(async (stage) => {
    const mine = await share(stage);
    const other = await share(stage, "other");
    const lines = [mine.there, other.there].map((path) => Deno.readTextFileSync(path)).join("");
    Deno.writeTextFileSync(mine.there, lines);
    const receiver = await stage.receive({ args: ["--psk-file", mine.there] });
    const args = ["--psk-file", mine.here];
    const first = await stage.send(receiver, stage.file("first", "1"), { args });
    assert.equal(first.code, 0, first.stderr);
    Deno.writeTextFileSync(mine.there, Deno.readTextFileSync(other.there));
    const second = await stage.send(receiver, stage.file("second", "2"), { args });
    assert.equal(second.code, 3, second.stderr);
    const third = await stage.send(receiver, stage.file("third", "3"), { args: ["--psk-file", other.here] });
    assert.equal(third.code, 0, third.stderr);
  });
});

Deno.test("a shared key that others may read lets nobody in, and no number of strangers ends the receiver", async () => {
  await withStage(async (stage) => {
    const { here, there } = await share(stage);
    const receiver = await stage.receive({ args: ["--psk-file", there] });
    Deno.chmodSync(there, 0o644);
    // More than one network has places.
    for (let i = 0; i < 80; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: receiver.port });
      assert.equal(await conn.read(new Uint8Array(1)).catch(() => null), null);
      conn.close();
    }
    Deno.chmodSync(there, 0o600);
    const sent = await stage.send(receiver, stage.file("file", "content"), { args: ["--psk-file", here] });
    assert.equal(sent.code, 0, sent.stderr);
  });
});

Deno.test("nothing that either end prints contains the shared key", async () => {
  await withStage(async (stage) => {
    const { here, there } = await share(stage);
    const secret = Deno.readTextFileSync(here).split(" ")[1]!.trim();
    assert.ok(secret.length === 44);
    const args = ["--psk-file", there, "--verbose", "--once"];
    const receiver = await stage.receive({ args });
    const file = stage.file("file", "content");
    const sent = await stage.send(receiver, file, { args: ["--psk-file", here, "--verbose"] });
    assert.equal(sent.code, 0, sent.stderr);
    const received = await receiver.process.ended;
    for (const text of [sent.stdout, sent.stderr, received.stdout, received.stderr]) {
      assert.ok(!text.includes(secret.slice(0, 12)));
    }
  });
});

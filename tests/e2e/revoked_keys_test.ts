import assert from "node:assert/strict";
import { fingerprint } from "../../lib/identity/public_key.ts";
import { Relay } from "../support/relay.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

/** Lets the receiver's owner revoke a key. */
async function revokeAtReceiver(stage: Stage, key: string): Promise<void> {
  const { code, stderr } = await stage.run(["keys", "revoke", key], { person: stage.receiver });
  assert.equal(code, 0, stderr);
}

Deno.test("a revoked sender cannot begin, and the running receiver needs no restart", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    const before = await stage.send(receiver, file);
    assert.equal(before.code, 0, before.stderr);
    await revokeAtReceiver(stage, stage.sender.fingerprint);

    const after = await stage.send(receiver, file);

    assert.equal(after.code, 3, after.stderr);
    const { code, message } = await receiver.process.event("error");
    assert.equal(code, "unauthorized");
    assert.match(message, /is revoked/);
    assert.deepEqual(names(stage.inbox), ["file"]);
  });
});

Deno.test("a revoked sender cannot continue what it began", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
    const cut = await stage.send(relay, file, { args: ["--retry-for", "0"] });
    assert.equal(cut.code, 5, cut.stderr);
    await revokeAtReceiver(stage, `${stage.sender.identity}.pub`);

    const continued = await stage.send(receiver, file);

    assert.equal(continued.code, 3, continued.stderr);
    assert.ok(!continued.events.some(({ event }) => event === "resumed"));
    assert.deepEqual(names(stage.inbox).filter((name) => !name.startsWith(".")), []);
  });
});

Deno.test("a sender that is revoked during a transfer cannot go on after a cut", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { bytesPerSecond: 8_000_000 });
    const sender = stage.startSend(relay, file);
    await relay.passed(4_000_000);
    Deno.writeTextFileSync(`${stage.receiver.config}/revoked_keys`, stage.sender.fingerprint);
    relay.cut();

    const { code, stderr } = await sender.ended;

    assert.equal(code, 3, stderr);
  });
});

Deno.test("a key that only follows a revoked one is refused, until it is entered", async () => {
  await withStage(async (stage) => {
    const { sender } = stage;
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    assert.equal((await stage.run(["keys", "rotate"])).code, 0);
    assert.equal((await stage.send(receiver, file)).code, 0);
    assert.equal((await stage.run(["keys", "rotate", "--finish"])).code, 0);
    assert.equal((await stage.send(receiver, file)).code, 0);
    await revokeAtReceiver(stage, sender.fingerprint);

    const refused = await stage.send(receiver, file);
    assert.equal(refused.code, 3, refused.stderr);

    const key = `${sender.identity}.pub`;
    const trusted = await stage.run(["keys", "trust", key], { person: stage.receiver });
    assert.equal(trusted.code, 0, trusted.stderr);
    const sent = await stage.send(receiver, file);
    assert.equal(sent.code, 0, sent.stderr);
  });
});

Deno.test("a shared key does not help a revoked identity", async () => {
  await withStage(async (stage) => {
    const psk = `${stage.folder}/psk`;
    await stage.run(["keygen", "--psk", "--out", psk]);
    const receiver = await stage.receive({ args: ["--psk-file", psk, "--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    const before = await stage.send(receiver, file, { args: ["--psk-file", psk] });
    assert.equal(before.code, 0, before.stderr);
    await revokeAtReceiver(stage, stage.sender.fingerprint);

    const after = await stage.send(receiver, file, { args: ["--psk-file", psk] });

    assert.equal(after.code, 3, after.stderr);
  });
});

Deno.test("keys that are revoked at the same time are all revoked", async () => {
  await withStage(async (stage) => {
    const keys = Array.from({ length: 6 }, (_, i) => fingerprint(new Uint8Array(32).fill(i)));
    // One of these was killed while it wrote.
    Deno.writeTextFileSync(`${stage.receiver.config}/revoked_keys.stx-new`, keys[0]!.slice(0, 20));
    await Promise.all(keys.map((key) => revokeAtReceiver(stage, key)));
    const list = Deno.readTextFileSync(`${stage.receiver.config}/revoked_keys`);
    assert.deepEqual(list.trimEnd().split("\n").sort(), keys.sort());
  });
});

Deno.test("a list that cannot be used lets nobody in, and both ends say so clearly", async () => {
  await withStage(async (stage) => {
    const path = `${stage.receiver.config}/revoked_keys`;
    const receiver = await stage.receive();
    const file = stage.file("file", "content");
    const unusable: readonly [string, () => void][] = [
      ["Line 1", () => Deno.writeTextFileSync(path, "nonsense\n")],
      ["others may change it", () => {
        Deno.writeTextFileSync(path, "");
        Deno.chmodSync(path, 0o664);
      }],
      ["not a text file", () => {
        Deno.removeSync(path);
        Deno.mkdirSync(path);
      }],
    ];
    for (const [words, damage] of unusable) {
      damage();
      const refused = await stage.send(receiver, file, { args: ["--retry-for", "0"] });
      assert.equal(refused.code, 5, `${words}: ${refused.stderr}`);
      await receiver.process.event("error", ({ message }) => message.includes(words));
      const started = stage.startReceive();
      assert.equal((await started.ended).code, 7, words);
      assert.ok(started.stderr.includes(words), started.stderr);
    }
    Deno.removeSync(path);
    const sent = await stage.send(receiver, file);
    assert.equal(sent.code, 0, sent.stderr);
  });
});

Deno.test("--revoked-keys names another list, which has to exist", async () => {
  await withStage(async (stage) => {
    const path = `${stage.folder}/no`;
    const missing = stage.startReceive({ args: ["--revoked-keys", path] });
    assert.equal((await missing.ended).code, 7);
    assert.match(missing.stderr, /no such file/);
    Deno.writeTextFileSync(path, "");
    const receiver = await stage.receive({ args: ["--revoked-keys", path, "--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    assert.equal((await stage.send(receiver, file)).code, 0);

    Deno.writeTextFileSync(path, `${stage.sender.fingerprint}\n`);
    const refused = await stage.send(receiver, file);
    assert.equal(refused.code, 3, refused.stderr);
    Deno.removeSync(path);
    const without = await stage.send(receiver, file, { args: ["--retry-for", "0"] });
    assert.equal(without.code, 5, without.stderr);
  });
});

Deno.test("a sender refuses a receiver whose key it has revoked, named by --peer or known", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();
    const to = `127.0.0.1:${receiver.port}`;
    const key = `${stage.receiver.identity}.pub`;
    assert.equal((await stage.run(["keys", "trust", key, to])).code, 0);
    assert.equal((await stage.run(["keys", "revoke", key])).code, 0);

    for (const args of [[], ["--peer", key]]) {
      const sent = await stage.run(["send", file, to, "--json", ...args]);
      assert.equal(sent.code, 3, sent.stderr);
      assert.match(sent.stderr, /is revoked/);
      assert.ok(!sent.events.some(({ event }) => event === "connected"));
    }
    const list = `${stage.folder}/none`;
    Deno.writeTextFileSync(list, "# none\n");
    const sent = await stage.run(["send", file, to, "--revoked-keys", list]);
    assert.equal(sent.code, 0, sent.stderr);
    Deno.writeTextFileSync(list, "nonsense\n");
    const unusable = await stage.run(["send", file, to, "--revoked-keys", list]);
    assert.equal(unusable.code, 7, unusable.stderr);
  });
});

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

Deno.test("a sender that is not authorized: exit 3 and nothing written, until its key is added", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    stage.authorize();
    const receiver = await stage.receive();

    const refused = await stage.send(receiver, file);

    assert.equal(refused.code, 3, refused.stderr);
    assert.equal(refused.events.at(-1)!.event, "error");
    const key = Deno.readTextFileSync(`${stage.sender.identity}.pub`).split(" ").slice(0, 2).join(" ");
    assert.ok(refused.stderr.includes(`stx keys trust "${key}"\n`), refused.stderr);
    const { code, exit, message } = await receiver.process.event("error");
    assert.deepEqual([code, exit], ["unauthorized", null]);
    assert.ok(message.includes(stage.sender.fingerprint), message);
    assert.deepEqual(names(stage.inbox), []);

    stage.authorize(stage.sender);
    const accepted = await stage.send(receiver, file);
    assert.equal(accepted.code, 0, accepted.stderr);
  });
});

Deno.test("a sender whose key is taken away cannot continue what it began", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
    const cut = await stage.send(relay, file, { args: ["--retry-for", "0"] });
    assert.equal(cut.code, 5, cut.stderr);
    stage.authorize();

    const continued = await stage.send(receiver, file);

    assert.equal(continued.code, 3, continued.stderr);
    assert.ok(!continued.events.some(({ event }) => event === "resumed"));
  });
});

Deno.test("expiry-time and from in authorized_keys are honoured", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const authorized = `${stage.receiver.config}/authorized_keys`;
    const key = Deno.readTextFileSync(`${stage.sender.identity}.pub`);
    const receiver = await stage.receive();

    for (const options of ['expiry-time="20200101Z"', 'from="192.0.2.0/24"', 'command="rm"']) {
      Deno.writeTextFileSync(authorized, `${options} ${key}`);
      const { code, stderr } = await stage.send(receiver, file);
      assert.equal(code, 3, `${options}: ${stderr}`);
    }
    Deno.writeTextFileSync(authorized, `expiry-time="29990101Z",from="127.0.0.0/8" ${key}`);
    const { code, stderr } = await stage.send(receiver, file);
    assert.equal(code, 0, stderr);
  });
});

Deno.test("a receiver with another key than --peer names: exit 3 and nothing sent", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();

    const sent = await stage.send(receiver, file, { args: ["--peer", stage.sender.fingerprint] });

    assert.equal(sent.code, 3, sent.stderr);
    const failure = sent.events.find(({ event }) => event === "error");
    assert.ok(failure?.event === "error" && failure.code === "receiver_changed");
    assert.ok(!sent.events.some(({ event }) => event === "connected"));
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("a receiver whose remembered key has changed is refused loudly: exit 3, nothing forgotten", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();
    const known = `${stage.sender.config}/known_receivers`;
    const line = `[127.0.0.1]:${receiver.port} ${Deno.readTextFileSync(`${stage.sender.identity}.pub`)}`;
    Deno.writeTextFileSync(known, line);

    const sent = await stage.run(["send", file, `127.0.0.1:${receiver.port}`]);

    assert.equal(sent.code, 3, sent.stderr);
    assert.match(sent.stderr, /^stx send: .*HAS CHANGED.*\n$/);
    assert.equal(Deno.readTextFileSync(known), line);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("a receiver whose key is revoked is refused: exit 3", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();
    const key = Deno.readTextFileSync(`${stage.receiver.identity}.pub`);
    const known = `[127.0.0.1]:${receiver.port} ${key}@revoked * ${key}`;
    Deno.writeTextFileSync(`${stage.sender.config}/known_receivers`, known);

    const sent = await stage.run(["send", file, `127.0.0.1:${receiver.port}`]);

    assert.equal(sent.code, 3, sent.stderr);
    assert.match(sent.stderr, /^stx send: .*revoked.*\n$/);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("a receiver that is replaced by another during a transfer gets nothing more: exit 3", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    const other = await stage.newPerson("other");
    const replacement = await stage.receive({ person: other });
    await using relay = new Relay(receiver, { bytesPerSecond: 8_000_000 });
    const sender = stage.startSend(relay, file);
    await relay.passed(4_000_000);
    relay.upstreamPort = replacement.port;
    relay.cut();

    const { code, stderr } = await sender.ended;

    assert.equal(code, 3, stderr);
    assert.ok(!replacement.process.events.some(({ event }) => event === "connected"));
  });
});

Deno.test("an unknown receiver without a terminal: exit 3, its fingerprint shown, nothing remembered", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();

    const sent = await stage.run(["send", file, `127.0.0.1:${receiver.port}`]);

    assert.equal(sent.code, 3, sent.stderr);
    assert.match(sent.stderr, /^stx send: .*not known.*\n$/);
    assert.ok(sent.stderr.includes(receiver.fingerprint), sent.stderr);
    assert.deepEqual(names(stage.sender.config), ["identity", "identity.pub"]);
    assert.deepEqual(names(stage.inbox), []);
  });
});

Deno.test("what one sender left unfinished, another neither sees nor continues", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const other = await stage.newPerson("other");
    stage.authorize(stage.sender, other);
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
    const cut = await stage.send(relay, file, { args: ["--retry-for", "0"] });
    assert.equal(cut.code, 5, cut.stderr);

    const stranger = await stage.send(receiver, file, { person: other });
    const owner = await stage.send(receiver, file);

    assert.equal(stranger.code, 0, stranger.stderr);
    assert.ok(!stranger.events.some(({ event }) => event === "resumed"));
    assert.equal(owner.code, 0, owner.stderr);
    assert.ok(owner.events.some(({ event }) => event === "resumed"));
    assert.deepEqual(names(stage.inbox), ["file", "file-1"]);
  });
});

Deno.test("who listens in on the line sees no name, no content and no key", async () => {
  await withStage(async (stage) => {
    const content = "THIS-IS-NOBODY-ELSE'S-BUSINESS. ".repeat(4000);
    const file = stage.file("confidential-name.txt", content);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { capture: true });

    const sent = await stage.send(relay, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/confidential-name.txt`), tree(file));
    const line = Buffer.from(relay.captured());
    assert.ok(line.length > content.length);
    const keys = [stage.sender, stage.receiver].map(({ identity }) => {
      // The 32 bytes of the key are the last of its OpenSSH encoding.
      return Buffer.from(Deno.readTextFileSync(`${identity}.pub`).split(" ")[1]!, "base64").subarray(-32);
    });
    for (const secret of ["confidential-name", "NOBODY-ELSE", "inbox", ...keys]) {
      assert.ok(!line.includes(secret), `${secret} is on the line`);
    }
  });
});

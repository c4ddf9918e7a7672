import assert from "node:assert/strict";
import { Relay } from "../support/relay.ts";
import { isInstalled, runProgram } from "../support/programs.ts";
import { withAgent } from "../support/ssh_agent.ts";
import { type Person, type Stage, withStage } from "../support/stage.ts";
import type { StxEvent } from "../support/events.ts";
import { names } from "../support/tree.ts";

/** Begins or finishes a change of somebody's identity; returns the fingerprint that it prints. */
async function rotate(stage: Stage, person: Person, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await stage.run(["keys", "rotate", ...args], { person });
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

function rotations(events: readonly StxEvent[]) {
  return events.flatMap((event) =>
    event.event === "rotation" ? [[event.peer, event.oldKey, event.newKey, event.complete]] : []
  );
}

Deno.test("a sender changes its key, and the receiver learns it from the sender", async () => {
  await withStage(async (stage) => {
    const { sender } = stage;
    const [authorized, stolen] = [`${stage.receiver.config}/authorized_keys`, `${stage.folder}/stolen`];
    const list = Deno.readTextFileSync(authorized);
    Deno.copyFileSync(sender.identity, stolen);
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    const file = stage.file("file", "content");

    const next = await rotate(stage, sender);
    assert.equal(Deno.statSync(`${sender.identity}.next`).mode! & 0o777, 0o600);
    const withOld = await stage.send(receiver, file);
    assert.equal(withOld.code, 0, withOld.stderr);
    const learned = [sender.fingerprint, sender.fingerprint, next, false];
    assert.deepEqual(rotations(receiver.process.events), [learned]);

    assert.equal(await rotate(stage, sender, "--finish"), next);
    assert.deepEqual(names(sender.config), ["identity", "identity.pub", "identity.rotation"]);
    const withNew = await stage.send(receiver, file);
    assert.equal(withNew.code, 0, withNew.stderr);
    await receiver.process.event("rotation", ({ complete }) => complete);
    assert.deepEqual(rotations(receiver.process.events), [learned, [next, sender.fingerprint, next, true]]);

    const withStolen = await stage.send(receiver, file, { args: ["--identity", stolen] });
    assert.equal(withStolen.code, 3, withStolen.stderr);
    const { code, message } = await receiver.process.event("error");
    assert.equal(code, "unauthorized");
    assert.match(message, /replaced by another key/);

    assert.equal(Deno.readTextFileSync(authorized), list, "the list is its owner's alone");
    assert.deepEqual(names(stage.inbox), ["file", "file-1"]);
  });
});

Deno.test("what a receiver has learned outlives it, and the options of the line hold for the new key", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const first = await stage.receive({ args: ["--once", "--on-conflict", "rename"] });
    await rotate(stage, stage.sender);
    const told = await stage.send(first, file);
    assert.equal(told.code, 0, told.stderr);
    await first.process.ended;
    await rotate(stage, stage.sender, "--finish");

    const second = await stage.receive({ args: ["--on-conflict", "rename"] });
    const sent = await stage.send(second, file);
    assert.equal(sent.code, 0, sent.stderr);

    const authorized = `${stage.receiver.config}/authorized_keys`;
    const list = Deno.readTextFileSync(authorized);
    for (const options of ['expiry-time="20200101Z"', 'from="192.0.2.0/24"']) {
      Deno.writeTextFileSync(authorized, `${options} ${list}`);
      const refused = await stage.send(second, file);
      assert.equal(refused.code, 3, `${options}: ${refused.stderr}`);
    }
  });
});

Deno.test("a sender that changes its key before the receiver has heard of it is refused", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    await rotate(stage, stage.sender);
    await rotate(stage, stage.sender, "--finish");

    const sent = await stage.send(receiver, stage.file("file", "content"));

    assert.equal(sent.code, 3, sent.stderr);
    assert.match((await receiver.process.event("error")).message, /not in authorized_keys/);
    assert.deepEqual(rotations(receiver.process.events), []);
  });
});

Deno.test("the first session under the new key ends the old one, announced or not", async () => {
  await withStage(async (stage) => {
    const { identity } = stage.sender;
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    await rotate(stage, stage.sender);
    assert.equal((await stage.send(receiver, file)).code, 0);
    // There is no statement beside this name.
    Deno.renameSync(`${identity}.next`, `${stage.folder}/moved`);
    assert.equal((await stage.send(receiver, file, { args: ["-i", `${stage.folder}/moved`] })).code, 0);

    const refused = await stage.send(receiver, file);

    assert.equal(refused.code, 3, refused.stderr);
    assert.match((await receiver.process.event("error")).message, /replaced/);
  });
});

Deno.test("of two next keys of a sender the later one counts", async () => {
  await withStage(async (stage) => {
    const { identity } = stage.sender;
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    await rotate(stage, stage.sender);
    Deno.copyFileSync(`${identity}.next`, `${stage.folder}/abandoned`);
    const told = await stage.send(receiver, file);
    assert.equal(told.code, 0, told.stderr);

    await rotate(stage, stage.sender, "--force");
    const toldAgain = await stage.send(receiver, file);
    assert.equal(toldAgain.code, 0, toldAgain.stderr);
    const abandoned = await stage.send(receiver, file, { args: ["-i", `${stage.folder}/abandoned`] });
    assert.equal(abandoned.code, 3, abandoned.stderr);
    await rotate(stage, stage.sender, "--finish");
    const sent = await stage.send(receiver, file);
    assert.equal(sent.code, 0, sent.stderr);
  });
});

Deno.test("a receiver changes its key, and a sender that knew it learns it from the receiver", async () => {
  await withStage(async (stage) => {
    const person = stage.receiver;
    const known = `${stage.sender.config}/known_receivers`;
    const file = stage.file("file", "content");
    const send = (port: number) => stage.run(["send", file, `127.0.0.1:${port}`, "--json"]);
    const first = await stage.receive({ args: ["--on-conflict", "rename"] });
    const { port } = first;
    const key = `${person.identity}.pub`;
    const trusted = await stage.run(["keys", "trust", key, `127.0.0.1:${port}`]);
    assert.equal(trusted.code, 0, trusted.stderr);
    const before = Deno.readTextFileSync(known);

    // While it runs: it announces from the next connection on.
    const next = await rotate(stage, person);
    const withOld = await send(port);
    assert.equal(withOld.code, 0, withOld.stderr);
    assert.deepEqual(rotations(withOld.events), [[person.fingerprint, person.fingerprint, next, false]]);
    const both = Deno.readTextFileSync(known);
    assert.ok(both.startsWith(before) && both.includes(`follows ${person.fingerprint} `), both);
    assert.equal((await send(port)).code, 0);
    assert.equal(Deno.readTextFileSync(known), both, "what is known is not written again");

    first.process.kill("SIGTERM");
    await first.process.ended;
    await rotate(stage, person, "--finish");
    const second = await stage.receive({ port, args: ["--on-conflict", "rename"] });
    assert.equal(second.fingerprint, next);
    const withNew = await send(port);
    assert.equal(withNew.code, 0, withNew.stderr);
    assert.deepEqual(rotations(withNew.events), [[next, person.fingerprint, next, true]]);
    assert.equal(Deno.readTextFileSync(known), both.slice(before.length));
  });
});

Deno.test("a receiver's old key is known no longer once the new one was met, though nobody announced it", async () => {
  await withStage(async (stage) => {
    const person = stage.receiver;
    const [file, stolen] = [stage.file("file", "content"), `${stage.folder}/stolen`];
    Deno.copyFileSync(person.identity, stolen);
    const send = (port: number) => stage.run(["send", file, `127.0.0.1:${port}`, "--json"]);
    const args = ["--on-conflict", "rename"];
    const first = await stage.receive({ args });
    const { port } = first;
    assert.equal((await stage.run(["keys", "trust", `${person.identity}.pub`, `127.0.0.1:${port}`])).code, 0);
    const next = await rotate(stage, person);
    assert.equal((await send(port)).code, 0);
    first.process.kill("SIGTERM");
    await first.process.ended;
    await rotate(stage, person, "--finish");
    Deno.removeSync(`${person.identity}.rotation`);
    const second = await stage.receive({ port, args });
    const withNew = await send(port);
    assert.equal(withNew.code, 0, withNew.stderr);
    assert.deepEqual(rotations(withNew.events), [[next, person.fingerprint, next, true]]);
    second.process.kill("SIGTERM");
    await second.process.ended;

    await stage.receive({ port, args: [...args, "--identity", stolen] });
    const toThief = await send(port);

    assert.equal(toThief.code, 3, toThief.stderr);
  });
});

Deno.test("a sender that is told the receiver by --peer is told what to give from now on, and writes nothing", async () => {
  await withStage(async (stage) => {
    const known = `${stage.sender.config}/known_receivers`;
    const receiver = await stage.receive();
    const line = `[127.0.0.1]:${receiver.port} ${Deno.readTextFileSync(`${stage.receiver.identity}.pub`)}`;
    Deno.writeTextFileSync(known, line);
    const next = await rotate(stage, stage.receiver);

    const sent = await stage.send(receiver, stage.file("file", "content"));

    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(sent.stderr.includes(`--peer ${next}`), sent.stderr);
    assert.deepEqual(rotations(sent.events), []);
    assert.equal(Deno.readTextFileSync(known), line);
  });
});

Deno.test("a receiver that is not the one that was meant teaches nothing", async () => {
  await withStage(async (stage) => {
    const known = `${stage.sender.config}/known_receivers`;
    const other = await stage.newPerson("other");
    const receiver = await stage.receive({ person: other });
    const line = `[127.0.0.1]:${receiver.port} ${Deno.readTextFileSync(`${stage.receiver.identity}.pub`)}`;
    Deno.writeTextFileSync(known, line);
    await rotate(stage, other);

    const file = stage.file("file", "content");
    const sent = await stage.run(["send", file, `127.0.0.1:${receiver.port}`, "--json"]);

    assert.equal(sent.code, 3, sent.stderr);
    assert.deepEqual(rotations(sent.events), []);
    assert.equal(Deno.readTextFileSync(known), line);
  });
});

Deno.test("a transfer that was cut goes on under the old key while a change is under way", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 8_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, { cutAfter: () => 4_000_000 });
    const cut = await stage.send(relay, file, { args: ["--retry-for", "0"] });
    assert.equal(cut.code, 5, cut.stderr);
    await rotate(stage, stage.sender);

    const continued = await stage.send(receiver, file);

    assert.equal(continued.code, 0, continued.stderr);
    assert.ok(continued.events.some(({ event }) => event === "resumed"));
  });
});

Deno.test("a shared key does not help under a key that its owner has replaced", async () => {
  await withStage(async (stage) => {
    const [psk, stolen] = [`${stage.folder}/psk`, `${stage.folder}/stolen`];
    await stage.run(["keygen", "--psk", "--out", psk]);
    Deno.copyFileSync(stage.sender.identity, stolen);
    const keys = `${stage.receiver.config}/authorized_keys`;
    const receiver = await stage.receive({
      args: ["--psk-file", psk, "--authorized-keys", keys, "--on-conflict", "rename"],
    });
    const file = stage.file("file", "content");
    const send = (...args: string[]) => stage.send(receiver, file, { args: ["--psk-file", psk, ...args] });
    await rotate(stage, stage.sender);
    assert.equal((await send()).code, 0);
    assert.equal((await send("-i", stolen)).code, 0);
    await rotate(stage, stage.sender, "--finish");
    assert.equal((await send()).code, 0);

    const refused = await send("-i", stolen);

    assert.equal(refused.code, 3, refused.stderr);
  });
});

Deno.test("with a shared key alone, a change is announced and nothing is kept of it", async () => {
  await withStage(async (stage) => {
    const psk = `${stage.folder}/psk`;
    await stage.run(["keygen", "--psk", "--out", psk]);
    const receiver = await stage.receive({ args: ["--psk-file", psk, "--on-conflict", "rename"] });
    await rotate(stage, stage.sender);
    const file = stage.file("file", "content");
    for (const finish of [true, false]) {
      const sent = await stage.send(receiver, file, { args: ["--psk-file", psk] });
      assert.equal(sent.code, 0, sent.stderr);
      if (finish) await rotate(stage, stage.sender, "--finish");
    }
    receiver.process.kill("SIGTERM");
    await receiver.process.ended;
    assert.deepEqual(rotations(receiver.process.events), []);
    const list = await stage.run(["keys", "list", "--json"], { person: stage.receiver });
    assert.ok(!list.events.some((event) => event.event === "key" && event.kind === "rotation"));
  });
});

Deno.test("a statement that is of no use is warned of, and no transfer fails for it", async () => {
  await withStage(async (stage) => {
    const { identity } = stage.sender;
    const other = await stage.newPerson("other");
    await rotate(stage, other);
    const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
    const file = stage.file("file", "content");
    const foreign = Deno.readTextFileSync(`${other.identity}.rotation`);
    for (const [text, words] of [[foreign, /other keys/], ["nonsense", /cannot announce/]] as const) {
      Deno.writeTextFileSync(`${identity}.rotation`, text);
      const sent = await stage.send(receiver, file);
      assert.equal(sent.code, 0, sent.stderr);
      assert.match(sent.stderr, words);
    }
    assert.deepEqual(rotations(receiver.process.events), []);
  });
});

Deno.test({
  name: "a key in ssh-agent signs for the one that follows it (needs OpenSSH)",
  ignore: !["ssh-keygen", "ssh-agent", "ssh-add"].every(isInstalled),
  fn: async () => {
    await withStage(async (stage) => {
      const { identity } = stage.sender;
      await withAgent(stage.folder, async (SSH_AUTH_SOCK) => {
        const added = await runProgram("ssh-add", ["-q", identity], { env: { SSH_AUTH_SOCK } });
        assert.equal(added.code, 0, added.stderr);
        const locked = ["-q", "-p", "-P", "", "-N", "secret", "-f", identity];
        assert.equal((await runProgram("ssh-keygen", locked)).code, 0);
        const env = { ...stage.sender.env, SSH_AUTH_SOCK };
        const receiver = await stage.receive({ args: ["--on-conflict", "rename"] });
        const file = stage.file("file", "content");

        const rotated = await stage.run(["keys", "rotate"], { env });
        assert.equal(rotated.code, 0, rotated.stderr);
        const withOld = await stage.send(receiver, file, { env });
        assert.equal(withOld.code, 0, withOld.stderr);
        const finished = await stage.run(["keys", "rotate", "--finish"], { env });
        assert.equal(finished.code, 0, finished.stderr);
        const withNew = await stage.send(receiver, file);
        assert.equal(withNew.code, 0, withNew.stderr);
      });
    });
  },
});

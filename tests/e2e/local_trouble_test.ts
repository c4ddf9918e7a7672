import assert from "node:assert/strict";
import { OBEYING_MODES } from "../support/programs.ts";
import { type Stage, withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";
import { names } from "../support/tree.ts";

/** Asserts the failure of something on this machine: exit 7 and one line. */
function assertTrouble({ code, stderr }: Ended, why: RegExp): void {
  assert.equal(code, 7, stderr);
  assert.match(stderr, /^stx (send|recv|keygen): [^\n]+\n$/);
  assert.match(stderr, why);
}

/** Runs a receiver that is expected not to start. */
async function receiveInVain(
  stage: Stage,
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<Ended> {
  const listen = args.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  return await stage.run(["recv", ...listen, ...args], { person: stage.receiver, prefix });
}

Deno.test("sending what does not exist, or is no file: exit 7", async () => {
  await withStage(async (stage) => {
    assertTrouble(await stage.send({ port: 1 }, `${stage.outbox}/absent`), /no such file/);
    assertTrouble(await stage.send({ port: 1 }, "/dev/null"), /neither a file nor a folder/);
    Deno.symlinkSync("nowhere", `${stage.outbox}/link`);
    assertTrouble(await stage.send({ port: 1 }, `${stage.outbox}/link`), /symbolic link/);
    assert.match(
      (await stage.send({ port: 1 }, `${stage.outbox}/link`, { args: ["-L"] })).stderr,
      /no such file/,
    );
  });
});

Deno.test({
  name: "sending a file or folder that may not be read: exit 7 (as root, needs setpriv)",
  ignore: OBEYING_MODES === undefined,
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("folder/file", "secret");
      const receiver = await stage.receive();
      Deno.chmodSync(file, 0o000);
      const options = { prefix: OBEYING_MODES! };
      assertTrouble(await stage.send(receiver, file, options), /permission denied/);
      Deno.chmodSync(`${stage.outbox}/folder`, 0o000);
      assertTrouble(await stage.send(receiver, `${stage.outbox}/folder`, options), /permission denied/);
      Deno.chmodSync(`${stage.outbox}/folder`, 0o700);
      assert.deepEqual(names(stage.inbox).filter((name) => name !== ".stx-partial"), []);
    });
  },
});

Deno.test("receiving into what is no folder, or does not exist: exit 7", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    assertTrouble(await receiveInVain(stage, ["--dir", file]), /not a folder/);
    assertTrouble(await receiveInVain(stage, ["--dir", `${stage.folder}/absent`]), /no such file or folder/);
  });
});

Deno.test({
  name: "a receiving folder that may not be written: exit 7 (as root, needs setpriv)",
  ignore: OBEYING_MODES === undefined,
  fn: async () => {
    await withStage(async (stage) => {
      Deno.chmodSync(stage.inbox, 0o500);
      assertTrouble(await receiveInVain(stage, ["--dir", stage.inbox], OBEYING_MODES!), /permission denied/);
    });
  },
});

Deno.test({
  name:
    "a receiving folder that is closed later: the sender ends with 4, recv says why (as root, needs setpriv)",
  ignore: OBEYING_MODES === undefined,
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("file", "content");
      const receiver = await stage.receive({ prefix: OBEYING_MODES! });
      Deno.chmodSync(stage.inbox, 0o500);

      const sent = await stage.send(receiver, file);

      assert.equal(sent.code, 4, sent.stderr);
      assert.ok(
        !sent.stderr.includes(stage.inbox),
        "the receiver's own path is none of the sender's business",
      );
      const { code, message } = await receiver.process.event("error");
      assert.equal(code, "permission");
      assert.ok(message.includes(stage.inbox), message);
    });
  },
});

Deno.test("a port that is taken: exit 7", async () => {
  await withStage(async (stage) => {
    const receiver = await stage.receive();
    const args = [
      "--listen",
      `127.0.0.1:${receiver.port}`,
      "--dir",
      stage.inbox,
      "--state",
      `${stage.folder}/other`,
    ];
    assertTrouble(await receiveInVain(stage, args), /another process/);
  });
});

Deno.test("a private key that others may read: exit 7, and the chmod to run", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    Deno.chmodSync(stage.sender.identity, 0o644);
    Deno.chmodSync(stage.receiver.identity, 0o640);
    assertTrouble(await stage.send({ port: 1 }, file), /chmod 600/);
    assertTrouble(await receiveInVain(stage, ["--dir", stage.inbox]), /chmod 600/);
  });
});

Deno.test("a private key that is damaged, absent or of another kind: exit 7", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const key = Deno.readTextFileSync(stage.sender.identity);
    const damaged: Record<string, string> = {
      cut: key.slice(0, key.length / 2),
      changed: key.replace(/^b3Bl/m, "b3Bm"),
      text: "not a key\n",
      empty: "",
    };
    for (const [name, text] of Object.entries(damaged)) {
      const path = `${stage.folder}/${name}`;
      Deno.writeTextFileSync(path, text, { mode: 0o600 });
      assertTrouble(await stage.send({ port: 1 }, file, { args: ["-i", path] }), new RegExp(`/${name}`));
    }
    assertTrouble(
      await stage.send({ port: 1 }, file, { args: ["-i", `${stage.folder}/absent`] }),
      /stx keygen/,
    );
    assertTrouble(await stage.send({ port: 1 }, file, { args: ["--peer", "nonsense"] }), /--peer nonsense/);
  });
});

Deno.test("lists of trust that others may change: exit 7, and the chmod to run", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const known = `${stage.sender.config}/known_receivers`;
    Deno.writeTextFileSync(known, "");
    Deno.chmodSync(known, 0o666);
    Deno.chmodSync(`${stage.receiver.config}/authorized_keys`, 0o664);
    assertTrouble(await stage.run(["send", file, "127.0.0.1:1"]), /chmod go-w/);
    assertTrouble(await receiveInVain(stage, ["--dir", stage.inbox]), /chmod go-w/);
  });
});

Deno.test("a list of receivers that cannot be read: exit 7, and the line", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    Deno.writeTextFileSync(`${stage.sender.config}/known_receivers`, "# mine\n[host]:1 ssh-ed25519 AAAA\n");
    assertTrouble(await stage.run(["send", file, "127.0.0.1:1"]), /Line 2/);
  });
});

Deno.test("keygen does not replace a key unless it is told to", async () => {
  await withStage(async (stage) => {
    const before = Deno.readTextFileSync(stage.sender.identity);
    const refused = await stage.run(["keygen"]);
    assertTrouble(refused, /--force/);
    assert.equal(Deno.readTextFileSync(stage.sender.identity), before);

    const forced = await stage.run(["keygen", "--force"]);
    assert.equal(forced.code, 0, forced.stderr);
    assert.notEqual(Deno.readTextFileSync(stage.sender.identity), before);
    assert.equal(Deno.statSync(stage.sender.identity).mode! & 0o777, 0o600);
  });
});

import assert from "node:assert/strict";
import { parseSharedKeys } from "../../lib/identity/shared_key.ts";
import { isInstalled, runProgram } from "../support/programs.ts";
import { withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

Deno.test("keygen makes a key that its owner alone may read, and a public one", async () => {
  await withStage(async (stage) => {
    const key = `${stage.folder}/new folder/key`;

    const { code, stdout, stderr } = await stage.run(["keygen", "--out", key, "--comment", "nightly backup"]);

    assert.equal(code, 0, stderr);
    assert.match(stdout, /^SHA256:[A-Za-z0-9+/]{43}\n$/);
    assert.deepEqual(names(`${stage.folder}/new folder`), ["key", "key.pub"]);
    assert.equal(Deno.statSync(key).mode! & 0o777, 0o600);
    assert.match(Deno.readTextFileSync(`${key}.pub`), /^ssh-ed25519 [A-Za-z0-9+/]+=* nightly backup\n$/);
  });
});

Deno.test({
  name: "ssh-keygen reads a key of keygen, and shows its comment and fingerprint (needs OpenSSH)",
  ignore: !isInstalled("ssh-keygen"),
  fn: async () => {
    await withStage(async (stage) => {
      const key = `${stage.folder}/key`;
      const { stdout } = await stage.run(["keygen", "--out", key, "--comment", "nightly backup"]);

      for (const file of [key, `${key}.pub`]) {
        const shown = await runProgram("ssh-keygen", ["-lf", file]);
        assert.equal(shown.stdout, `256 ${stdout.trim()} nightly backup (ED25519)\n`, shown.stderr);
      }
      const half = await runProgram("ssh-keygen", ["-y", "-f", key]);
      assert.equal(half.stdout, Deno.readTextFileSync(`${key}.pub`), half.stderr);
    });
  },
});

Deno.test("keygen --psk makes a shared key that its owner alone may read, and shows nothing of it", async () => {
  await withStage(async (stage) => {
    const key = `${stage.folder}/new folder/key`;

    const { code, stdout, stderr } = await stage.run([
      "keygen",
      "--psk",
      "--out",
      key,
      "--comment",
      "office",
    ]);

    assert.deepEqual([code, stdout], [0, `${key}\n`], stderr);
    assert.deepEqual(names(`${stage.folder}/new folder`), ["key"]);
    assert.equal(Deno.statSync(key).mode! & 0o777, 0o600);
    const text = Deno.readTextFileSync(key);
    assert.match(text, /^stx-psk [A-Za-z0-9+/]{43}= office\n$/);
    assert.equal(parseSharedKeys(text).length, 1);
    assert.ok(!stderr.includes(text.split(" ")[1]!.slice(0, 8)), stderr);
    assert.match(stderr, /stx recv --psk-file .*\n.*stx send --psk-file/);
  });
});

Deno.test("keygen --psk without --out: in the configuration folder, and never over another key", async () => {
  await withStage(async (stage) => {
    const key = `${stage.sender.config}/shared_key`;
    const first = await stage.run(["keygen", "--psk"]);
    const text = Deno.readTextFileSync(key);
    const second = await stage.run(["keygen", "--psk"]);

    assert.deepEqual([first.code, first.stdout], [0, `${key}\n`], first.stderr);
    assert.deepEqual([second.code, second.stdout], [7, ""]);
    assert.match(second.stderr, /^stx keygen: .*shared_key: it exists.*\n$/);
    assert.equal(Deno.readTextFileSync(key), text);
    assert.deepEqual(names(stage.sender.config), ["identity", "identity.pub", "shared_key"]);
  });
});

Deno.test("send makes an identity when there is none yet, and says so", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const home = `${stage.folder}/new home`;
    const options = { args: ["--retry-for", "0"], env: { HOME: home } };

    const first = await stage.send(stage.closedPort(), file, options);
    const second = await stage.send(stage.closedPort(), file, options);

    assert.deepEqual([first.code, second.code], [5, 5], first.stderr + second.stderr);
    assert.match(first.stderr, /^Made a new identity in .*: SHA256:/m);
    assert.doesNotMatch(second.stderr, /identity/);
    assert.deepEqual(names(`${home}/.config/stx`), ["identity", "identity.pub"]);
    assert.equal(Deno.statSync(`${home}/.config/stx`).mode! & 0o777, 0o700);
  });
});

import assert from "node:assert/strict";
import { isInstalled, runProgram } from "../support/programs.ts";
import { withAgent } from "../support/ssh_agent.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

const HAS_OPENSSH = ["ssh-keygen", "ssh-agent", "ssh-add"].every(isInstalled);
const PASSPHRASE = "correct horse battery staple";

/** Makes a key with ssh-keygen; returns its file. */
async function sshKey(stage: Stage, name: string, passphrase = ""): Promise<string> {
  const path = `${stage.folder}/${name}`;
  const args = ["-q", "-t", "ed25519", "-N", passphrase, "-C", `${name}@example`, "-f", path];
  const { code, stderr } = await runProgram("ssh-keygen", args);
  assert.equal(code, 0, stderr);
  return path;
}

/** The fingerprint that ssh-keygen shows for a public key. */
async function fingerprintOf(publicKey: string): Promise<string> {
  const { stdout } = await runProgram("ssh-keygen", ["-lf", publicKey]);
  return stdout.split(" ")[1]!;
}

/** Runs `body` while an ssh-agent holds the key `path`; gives it the agent's variable. */
async function withKeyInAgent(
  stage: Stage,
  path: string,
  body: (env: Record<string, string>) => Promise<void>,
) {
  const askpass = `${stage.folder}/askpass`;
  Deno.writeTextFileSync(askpass, `#!/bin/sh\necho '${PASSPHRASE}'\n`, { mode: 0o700 });
  await withAgent(stage.folder, async (SSH_AUTH_SOCK) => {
    const added = await runProgram("ssh-add", ["-q", path], {
      env: { SSH_AUTH_SOCK, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" },
    });
    assert.equal(added.code, 0, added.stderr);
    await body({ SSH_AUTH_SOCK });
  });
}

Deno.test({
  name: "ssh-keygen shows the fingerprint that keygen and recv print (needs OpenSSH)",
  ignore: !HAS_OPENSSH,
  fn: async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive();

      const shown = await fingerprintOf(`${stage.receiver.identity}.pub`);

      assert.match(shown, /^SHA256:[A-Za-z0-9+/]{43}$/);
      assert.equal(stage.receiver.fingerprint, shown);
      assert.equal(receiver.fingerprint, shown);
      // From the private half too, so ssh-keygen can read it.
      const { stdout, stderr } = await runProgram("ssh-keygen", ["-y", "-f", stage.receiver.identity]);
      assert.equal(stdout, Deno.readTextFileSync(`${stage.receiver.identity}.pub`), stderr);
    });
  },
});

Deno.test({
  name: "keys of ssh-keygen and an authorized_keys file of ssh serve both sides (needs OpenSSH)",
  ignore: !HAS_OPENSSH,
  fn: async () => {
    await withStage(async (stage) => {
      const senderKey = await sshKey(stage, "sender_key");
      const receiverKey = await sshKey(stage, "receiver_key");
      const authorized = `${stage.folder}/ssh_authorized_keys`;
      const publicKey = Deno.readTextFileSync(`${senderKey}.pub`);
      Deno.writeTextFileSync(
        authorized,
        `# my keys\n\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 old\n${publicKey}`,
      );
      const file = stage.file("file", "content");
      const receiver = await stage.receive({ args: ["-i", receiverKey, "--authorized-keys", authorized] });
      assert.equal(receiver.fingerprint, await fingerprintOf(`${receiverKey}.pub`));

      for (
        const peer of [
          receiver.fingerprint,
          `${receiverKey}.pub`,
          Deno.readTextFileSync(`${receiverKey}.pub`),
        ]
      ) {
        const sent = await stage.send(receiver, file, { args: ["-i", senderKey, "--peer", peer.trim()] });
        assert.equal(sent.code, 0, sent.stderr);
      }

      const { peer } = await receiver.process.event("connected");
      assert.equal(peer, await fingerprintOf(`${senderKey}.pub`));
      assert.deepEqual(names(stage.inbox), ["file"]);
    });
  },
});

Deno.test({
  name: "keys with a passphrase are used through ssh-agent on both sides (needs OpenSSH)",
  ignore: !HAS_OPENSSH,
  fn: async () => {
    await withStage(async (stage) => {
      const key = await sshKey(stage, "locked", PASSPHRASE);
      const authorized = `${stage.folder}/ssh_authorized_keys`;
      await Deno.copyFile(`${stage.sender.identity}.pub`, authorized);
      Deno.writeTextFileSync(authorized, Deno.readTextFileSync(`${key}.pub`), { append: true });
      const file = stage.file("file", "content");
      await withKeyInAgent(stage, key, async (agent) => {
        const env = { ...stage.sender.env, ...agent };
        const toPlain = await stage.receive({ args: ["--authorized-keys", authorized] });
        const fromLocked = await stage.send(toPlain, file, { args: ["-i", key], env });
        assert.equal(fromLocked.code, 0, fromLocked.stderr);

        const toLocked = await stage.receive({
          args: [
            "-i",
            key,
            "--authorized-keys",
            authorized,
            "--state",
            `${stage.folder}/other.db`,
            "--on-conflict",
            "rename",
          ],
          env: { ...stage.receiver.env, ...agent },
        });
        const toAgent = await stage.send(toLocked, file, { args: ["--peer", `${key}.pub`] });
        assert.equal(toAgent.code, 0, toAgent.stderr);
        assert.equal(toLocked.fingerprint, await fingerprintOf(`${key}.pub`));
        assert.deepEqual(names(stage.inbox), ["file", "file-1"]);
      });
    });
  },
});

Deno.test({
  name: "a key with a passphrase and no ssh-agent: exit 7, and what to do (needs OpenSSH)",
  ignore: !HAS_OPENSSH,
  fn: async () => {
    await withStage(async (stage) => {
      const key = await sshKey(stage, "locked", PASSPHRASE);
      const file = stage.file("file", "content");

      const sent = await stage.send({ port: 1 }, file, { args: ["-i", key] });

      assert.equal(sent.code, 7, sent.stderr);
      assert.match(sent.stderr, /^stx send: .*locked .*passphrase.*ssh-add [^ ]*locked\n$/);
    });
  },
});

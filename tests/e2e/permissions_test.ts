/**
 * Every subcommand does its work with the narrowest permissions, uses all of them, and asks for nothing else. Deno
 * itself keeps the record of what is asked for (DENO_AUDIT_PERMISSIONS).
 */
import assert from "node:assert/strict";
import { formatReceiverLine } from "../../lib/identity/known_receivers.ts";
import { parsePublicKeyLine } from "../../lib/identity/public_key.ts";
import { recvPermissions, sendPermissions, STATE_VARIABLES } from "../../scripts/permissions.ts";
import { Children, findProgram } from "../../scripts/process.ts";
import { stxArguments } from "../../scripts/stx_process.ts";
import { withTempFolder } from "../support/temp_folder.ts";
import { compare, type Run, withWorkshop, Workshop } from "../support/workshop.ts";

/** Starts `recv` with every file named; resolves when it listens. */
async function receive(
  workshop: Workshop,
  keys: { readonly sender: string; readonly receiver: string },
  listen = "127.0.0.1:0",
): Promise<{ readonly run: Run; readonly port: number }> {
  const [dir, authorizedKeys, state] = [
    workshop.at("arrived"),
    `${keys.sender}.pub`,
    workshop.at("state.db"),
  ];
  const permissions = recvPermissions({ listen, dir, identity: keys.receiver, authorizedKeys, state });
  const args = ["recv", "--once", "--listen", listen, "--dir", dir, "--identity", keys.receiver];
  const run = workshop.start(
    permissions,
    [...args, "--authorized-keys", authorizedKeys, "--state", state],
    {},
  );
  return { run, port: (await run.stx.first("listening")).port };
}

async function assertArrived(workshop: Workshop, folder = "arrived"): Promise<void> {
  assert.equal(await Deno.readTextFile(workshop.at(`${folder}/data/below/file.txt`)), "content");
}

Deno.test("keygen makes a key with the narrowest permissions", async () => {
  await withTempFolder(async (folder) => {
    await using children = new Children();
    const key = await new Workshop(await Deno.realPath(folder), children).key("own");
    assert.match(await Deno.readTextFile(`${key}.pub`), /^ssh-ed25519 /);
  });
});

Deno.test("keygen --psk makes a shared key with the narrowest permissions", async () => {
  await withTempFolder(async (folder) => {
    await using children = new Children();
    const key = await new Workshop(await Deno.realPath(folder), children).key("shared", "psk");
    assert.match(await Deno.readTextFile(key), /^stx-psk /);
  });
});

Deno.test("recv and send with every file named do with the narrowest permissions", async () => {
  await withWorkshop(async (workshop, keys) => {
    const { run: receiver, port } = await receive(workshop, keys);
    const address = `127.0.0.1:${port}`;
    const [trust, receipt, paths] = [`${keys.receiver}.pub`, workshop.at("receipt"), [workshop.at("data")]];
    const permissions = sendPermissions({ paths, address, identity: keys.sender, trust, receipt });
    const args = [
      "send",
      ...paths,
      address,
      "--identity",
      keys.sender,
      "--peer",
      trust,
      "--receipt",
      receipt,
    ];
    await workshop.start(permissions, args, {}).succeed();
    await receiver.succeed();
    await assertArrived(workshop);
  });
});

Deno.test("recv and send with a shared key may read that, and need no authorized keys", async () => {
  await withWorkshop(async (workshop, keys) => {
    const [pskFile, listen, dir] = [
      await workshop.key("shared", "psk"),
      "127.0.0.1:0",
      workshop.at("arrived"),
    ];
    const [state, trust] = [workshop.at("state.db"), `${keys.receiver}.pub`];
    const shared = ["--psk-file", pskFile];
    const receiver = workshop.start(
      recvPermissions({ listen, dir, identity: keys.receiver, pskFile, state }),
      [
        ...["recv", "--once", "--listen", listen, "--dir", dir],
        ...["--identity", keys.receiver, "--state", state, ...shared],
      ],
      {},
    );
    const address = `127.0.0.1:${(await receiver.stx.first("listening")).port}`;
    const paths = [workshop.at("data")];
    await workshop.start(
      sendPermissions({ paths, address, identity: keys.sender, trust, pskFile }),
      ["send", ...paths, address, "--identity", keys.sender, "--peer", trust, ...shared],
      {},
    ).succeed();
    await receiver.succeed();
    await assertArrived(workshop);
  });
});

Deno.test("recv on every interface may look at those besides", async () => {
  await withWorkshop(async (workshop, keys) => {
    const { run: receiver, port } = await receive(workshop, keys, "0.0.0.0:0");
    const address = `127.0.0.1:${port}`;
    const [trust, paths] = [`${keys.receiver}.pub`, [workshop.at("data")]];
    const permissions = sendPermissions({ paths, address, identity: keys.sender, trust });
    await workshop.start(
      permissions,
      ["send", ...paths, address, "--identity", keys.sender, "--peer", trust],
      {},
    )
      .succeed();
    await receiver.succeed();
    await assertArrived(workshop);
  });
});

Deno.test("recv and send that find their files by STX_CONFIG_DIR and HOME may read those variables besides", async () => {
  await withWorkshop(async (workshop, keys) => {
    for (const name of ["there", "here"]) await Deno.mkdir(workshop.at(name));
    await Deno.copyFile(keys.receiver, workshop.at("there/identity"));
    await Deno.copyFile(`${keys.sender}.pub`, workshop.at("there/authorized_keys"));
    const listen = "127.0.0.1:0";
    const state = workshop.at("home/.local/state/stx");
    const receiver = workshop.start(
      recvPermissions({
        listen,
        dir: workshop.at("arrived"),
        identity: workshop.at("there/identity"),
        authorizedKeys: workshop.at("there/authorized_keys"),
        // The folder itself, for it is made.
        state,
        revokedKeys: workshop.at("there/revoked_keys"),
        variables: ["STX_CONFIG_DIR", ...STATE_VARIABLES],
      }),
      ["recv", "--once", "--listen", listen, "--dir", workshop.at("arrived")],
      { STX_CONFIG_DIR: workshop.at("there"), HOME: workshop.at("home") },
    );
    const { port } = await receiver.stx.first("listening");

    await Deno.copyFile(keys.sender, workshop.at("here/identity"));
    const { publicKey } = parsePublicKeyLine((await Deno.readTextFile(`${keys.receiver}.pub`)).trim());
    await Deno.writeTextFile(
      workshop.at("here/known_receivers"),
      `${formatReceiverLine("127.0.0.1", port, publicKey)}\n`,
      { mode: 0o600 },
    );
    const [address, paths] = [`127.0.0.1:${port}`, [workshop.at("data")]];
    const permissions = sendPermissions({
      paths,
      address,
      identity: workshop.at("here/identity"),
      trust: workshop.at("here/known_receivers"),
      revokedKeys: workshop.at("here/revoked_keys"),
      variables: ["STX_CONFIG_DIR"],
    });
    await workshop.start(permissions, ["send", ...paths, address], { STX_CONFIG_DIR: workshop.at("here") })
      .succeed();
    await receiver.succeed();
    await assertArrived(workshop);
  });
});

Deno.test({
  name: "send with a key in ssh-agent may talk to that besides, and may not read the private key",
  ignore: findProgram("ssh-agent") === undefined || Deno.build.os === "windows",
  fn: async () => {
    await withWorkshop(async (workshop, keys) => {
      const agentSocket = workshop.at("agent");
      const agent = workshop.children.start("ssh-agent", ["-D", "-a", agentSocket]);
      // Its first line comes when it listens.
      await agent.lines[Symbol.asyncIterator]().next();
      await workshop.children.run("ssh-add", ["-q", keys.sender], { env: { SSH_AUTH_SOCK: agentSocket } });

      const { run: receiver, port } = await receive(workshop, keys);
      const [address, paths, trust] = [`127.0.0.1:${port}`, [workshop.at("data")], `${keys.receiver}.pub`];
      const identity = `${keys.sender}.pub`;
      const permissions = sendPermissions({ paths, address, identity, agentSocket, trust });
      const args = ["send", ...paths, address, "--identity", identity, "--peer", trust];
      await workshop.start(permissions, args, { SSH_AUTH_SOCK: agentSocket }).succeed();
      await receiver.succeed();
      await assertArrived(workshop);
      agent.kill();
      await agent.end;
    });
  },
});

Deno.test("what needs no file, no network and no variable runs without permissions", async () => {
  await withTempFolder(async (folder) => {
    await using children = new Children();
    const audit = `${folder}/audit.jsonl`;
    for (const args of [["--version"], ["help"], ["help", "send"], ["completions", "bash"]]) {
      const flags = ["--no-prompt", "--deny-import"];
      const text = await children.run(Deno.execPath(), stxArguments(flags, args), {
        env: { DENO_AUDIT_PERMISSIONS: audit },
      });
      assert.ok(text.length > 0, args.join(" "));
    }
    // Without a request Deno does not even make the file, or leaves it empty.
    const asked = await Deno.readTextFile(audit).catch(() => "");
    assert.equal(asked, "");
  });
});

Deno.test("the comparison itself finds what is unused and what is foreign", () => {
  const permissions = { read: ["/a", "/b"], write: [], net: ["h:1"], env: ["X", "NO_COLOR"], sys: [] };
  const asked = [
    { permission: "read", value: "/a/below" },
    { permission: "read", value: "/ab" },
    { permission: "net", value: "h:12" },
    { permission: "run", value: "sh" },
  ];
  assert.deepEqual(compare(permissions, asked), {
    unused: ["read /b", "net h:1", "env X"],
    foreign: ["read /ab", "net h:12", "run sh"],
  });
});

/** Every action of `stx keys` does its work with the narrowest permissions, uses all of them, and asks for nothing else. */
import assert from "node:assert/strict";
import {
  keysPermissions,
  recvPermissions,
  sendPermissions,
  STATE_VARIABLES,
} from "../../scripts/permissions.ts";
import { findProgram } from "../../scripts/process.ts";
import { withWorkshop } from "../support/workshop.ts";

Deno.test("keys rotate and keys rotate --finish", async () => {
  await withWorkshop(async (workshop, { sender: identity }) => {
    const before = await Deno.readTextFile(identity);
    await workshop.start(
      keysPermissions({ action: "rotate", identity }),
      ["keys", "rotate", "--identity", identity],
      {},
    ).succeed();
    const next = await Deno.readTextFile(`${identity}.next`);
    assert.equal(await Deno.readTextFile(identity), before);
    await workshop.start(
      keysPermissions({ action: "finish", identity }),
      ["keys", "rotate", "--finish", "--identity", identity],
      {},
    ).succeed();
    assert.equal(await Deno.readTextFile(identity), next);
  });
});

Deno.test({
  name: "keys rotate with a key in ssh-agent may talk to that besides",
  ignore: findProgram("ssh-agent") === undefined || Deno.build.os === "windows",
  fn: async () => {
    await withWorkshop(async (workshop, { sender }) => {
      const agentSocket = workshop.at("agent");
      const agent = workshop.children.start("ssh-agent", ["-D", "-a", agentSocket]);
      // Its first line comes when it listens.
      await agent.lines[Symbol.asyncIterator]().next();
      await workshop.children.run("ssh-add", ["-q", sender], { env: { SSH_AUTH_SOCK: agentSocket } });
      await Deno.rename(sender, workshop.at("elsewhere"));
      await workshop.start(
        keysPermissions({ action: "rotate", identity: sender, agentSocket }),
        ["keys", "rotate", "--identity", `${sender}.pub`],
        { SSH_AUTH_SOCK: agentSocket },
      ).succeed();
      assert.ok((await Deno.stat(`${sender}.rotation`)).isFile);
      agent.kill();
      await agent.end;
    });
  },
});

Deno.test("keys trust and keys revoke", async () => {
  await withWorkshop(async (workshop, { sender, receiver }) => {
    await Deno.mkdir(workshop.at("config"));
    const [list, revokedKeys] = [workshop.at("config/authorized_keys"), workshop.at("config/revoked_keys")];
    const env = { STX_CONFIG_DIR: workshop.at("config") };
    const key = `${sender}.pub`;
    await workshop.start(
      keysPermissions({ action: "trust", key, list, revokedKeys }),
      ["keys", "trust", key, "--authorized-keys", list, "--revoked-keys", revokedKeys],
      {},
    ).succeed();
    assert.equal(await Deno.readTextFile(list), await Deno.readTextFile(key));

    const known = workshop.at("config/known_receivers");
    await workshop.start(
      keysPermissions({
        action: "trust",
        key: `${receiver}.pub`,
        list: known,
        revokedKeys,
        variables: ["STX_CONFIG_DIR"],
      }),
      ["keys", "trust", `${receiver}.pub`, "192.0.2.7"],
      env,
    ).succeed();
    assert.match(await Deno.readTextFile(known), /^\[192\.0\.2\.7\]:7891 ssh-ed25519 /);

    await workshop.start(
      keysPermissions({ action: "revoke", key, revokedKeys }),
      ["keys", "revoke", key, "--revoked-keys", revokedKeys],
      {},
    ).succeed();
    assert.equal(await Deno.readTextFile(revokedKeys), await Deno.readTextFile(key));
  });
});

Deno.test("keys list", async () => {
  await withWorkshop(async (workshop, { receiver, sender }) => {
    await Deno.mkdir(workshop.at("config"));
    const places = {
      identity: receiver,
      authorizedKeys: `${sender}.pub`,
      knownReceivers: workshop.at("config/known_receivers"),
      revokedKeys: workshop.at("config/revoked_keys"),
      state: workshop.at("state.db"),
    };
    const named = [
      "--identity",
      receiver,
      "--authorized-keys",
      places.authorizedKeys,
      "--state",
      places.state,
    ];
    await (await Deno.create(places.state)).close();
    const run = workshop.start(
      keysPermissions({ action: "list", places, variables: ["STX_CONFIG_DIR"] }),
      ["keys", "list", ...named],
      { STX_CONFIG_DIR: workshop.at("config") },
    );
    await run.succeed();
  });
});

Deno.test("recv and send with a list of revoked keys may read that besides, and neither may write any trust", async () => {
  await withWorkshop(async (workshop, keys) => {
    const revokedKeys = workshop.at("revoked");
    await Deno.writeTextFile(revokedKeys, "# nobody\n");
    const [listen, dir, state] = ["127.0.0.1:0", workshop.at("arrived"), workshop.at("state.db")];
    const authorizedKeys = `${keys.sender}.pub`;
    const receiver = workshop.start(
      recvPermissions({ listen, dir, identity: keys.receiver, authorizedKeys, revokedKeys, state }),
      [
        ...["recv", "--once", "--listen", listen, "--dir", dir, "--identity", keys.receiver],
        ...["--authorized-keys", authorizedKeys, "--revoked-keys", revokedKeys, "--state", state],
      ],
      {},
    );
    const { port } = await receiver.stx.first("listening");
    const [address, paths, trust] = [`127.0.0.1:${port}`, [workshop.at("data")], `${keys.receiver}.pub`];
    await workshop.start(
      sendPermissions({ paths, address, identity: keys.sender, trust, revokedKeys }),
      [
        ...["send", ...paths, address, "--identity", keys.sender],
        ...["--peer", trust, "--revoked-keys", revokedKeys],
      ],
      {},
    ).succeed();
    await receiver.succeed();
  });
});

Deno.test("recv that may not read the list of revoked keys takes nobody", async () => {
  await withWorkshop(async (workshop, keys) => {
    await Deno.mkdir(workshop.at("config"));
    const [listen, dir] = ["127.0.0.1:0", workshop.at("arrived")];
    const authorizedKeys = `${keys.sender}.pub`;
    const state = workshop.at("state.db");
    const receiver = workshop.start(
      recvPermissions({
        listen,
        dir,
        identity: keys.receiver,
        authorizedKeys,
        state,
        variables: ["STX_CONFIG_DIR", ...STATE_VARIABLES],
      }),
      [
        ...["recv", "--once", "--listen", listen, "--dir", dir, "--identity", keys.receiver],
        ...["--authorized-keys", authorizedKeys, "--state", state],
      ],
      { STX_CONFIG_DIR: workshop.at("config") },
    );
    const error = await receiver.stx.first("error");
    assert.equal(error.code, "permission");
    assert.match(error.message, /revoked_keys/);
  });
});

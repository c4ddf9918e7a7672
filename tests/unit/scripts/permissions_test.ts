import assert from "node:assert/strict";
import {
  doctorPermissions,
  flagsFor,
  GENERAL_PERMISSIONS,
  keygenPermissions,
  keysPermissions,
  recvPermissions,
  roundsPermissions,
  sendPermissions,
} from "../../../scripts/permissions.ts";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";

const SOCKET = { identity: "/k/id.pub", agentSocket: "/run/agent" };
const PLACES = {
  identity: "/i",
  authorizedKeys: "/a",
  knownReceivers: "/r",
  revokedKeys: "/no",
  state: "/s",
};
const SETS = {
  general: GENERAL_PERMISSIONS,
  keygen: keygenPermissions({ out: "/k/id" }),
  "keygen --psk": keygenPermissions({ out: "/k/psk", psk: true }),
  "keygen --base-key": keygenPermissions({ out: "/k/base", baseKey: true }),
  "rounds serve": roundsPermissions({ action: "serve", listen: "h:1", keys: "/db" }),
  "rounds join": roundsPermissions({ action: "join", address: "h:1", key: "/k/a" }),
  "rounds enroll": roundsPermissions({ action: "enroll", baseKey: "/b", keys: "/db", out: "/k/a" }),
  "rounds revoke": roundsPermissions({ action: "revoke", keys: "/db" }),
  "rounds list": roundsPermissions({ action: "list", keys: "/db" }),
  recv: recvPermissions({ ...SOCKET, listen: "0.0.0.0:0", dir: "/in", authorizedKeys: "/k/a", state: "/s" }),
  send: sendPermissions({ ...SOCKET, paths: ["/a"], address: "h:1", trust: "/k/t", receipt: "/r" }),
  doctor: doctorPermissions({
    ...SOCKET,
    listen: "0.0.0.0:0",
    dir: "/in",
    authorizedKeys: "/k/a",
    state: "/s",
    config: "/k",
  }),
  "keys list": keysPermissions({ action: "list", places: PLACES }),
  "keys trust": keysPermissions({ action: "trust", key: "/k", list: "/l", revokedKeys: "/no" }),
  "keys revoke": keysPermissions({ action: "revoke", key: "/k", revokedKeys: "/no" }),
  "keys rotate": keysPermissions({ action: "rotate", ...SOCKET }),
  "keys rotate --finish": keysPermissions({ action: "finish", ...SOCKET }),
};

for (const [name, permissions] of Object.entries(SETS)) {
  Deno.test(`the flags of ${name} run and load nothing foreign, and never ask`, () => {
    const flags = flagsFor(permissions);
    assert.deepEqual(flags.slice(0, 2), ["--no-prompt", "--deny-import"]);
    assert.deepEqual(
      flags.slice(2).filter((flag) => !/^--allow-(read|write|net|env|sys)(=|$)/.test(flag)),
      [],
    );
  });
}

Deno.test("flagsFor grants any, some or none of a kind, and doubles the commas of a path", () => {
  const permissions = { read: ["/a,b", "/c"], write: [], net: true, env: ["X", "Y"], sys: [] } as const;
  assert.deepEqual(flagsFor(permissions), [
    "--no-prompt",
    "--deny-import",
    "--allow-read=/a,,b,/c",
    "--allow-net",
    "--allow-env=X,Y",
  ]);
});

Deno.test("recv may look at the network's interfaces only if it listens on all of them", () => {
  const job = { identity: "/i", dir: "/d", authorizedKeys: "/a", state: "/s" };
  const sysFor = (listen: string) => recvPermissions({ ...job, listen }).sys;
  assert.deepEqual(sysFor("0.0.0.0:7891"), ["networkInterfaces"]);
  assert.deepEqual(sysFor("[::]:7891"), ["networkInterfaces"]);
  assert.deepEqual(sysFor("127.0.0.1:7891"), []);
  assert.deepEqual(sysFor("[::1]:7891"), []);
});

Deno.test("keygen --psk may touch the shared key's file alone", () => {
  const { read, write } = keygenPermissions({ out: "/k/psk", psk: true });
  assert.deepEqual([read, write], [["/k/psk", "/k/psk.stx-new"], ["/k/psk", "/k/psk.stx-new"]]);
});

Deno.test("only a rounds server may listen, only its client dial, and neither may touch the base key", () => {
  const serve = roundsPermissions({ action: "serve", listen: "0.0.0.0:0", keys: "/db" });
  assert.deepEqual(serve, {
    read: ["/db"],
    write: ["/db"],
    net: ["0.0.0.0:0"],
    env: ["NO_COLOR"],
    sys: ["networkInterfaces"],
  });
  const join = roundsPermissions({ action: "join", address: "h:1", key: "/k/a" });
  assert.deepEqual([join.read, join.write, join.net], [["/k"], ["/k/a", "/k/a.stx-new"], ["h:1"]]);
  const enroll = roundsPermissions({ action: "enroll", baseKey: "/b", keys: "/db", out: "/k/a" });
  assert.deepEqual([enroll.read, enroll.write, enroll.net], [["/b", "/db", "/k"], [
    "/db",
    "/k/a",
    "/k/a.stx-new",
  ], []]);
});

Deno.test("recv and send may read a file of shared keys if they are given one, and never write it", () => {
  const recv = { identity: "/i", listen: "h:1", dir: "/d", state: "/s" };
  const send = { identity: "/i", paths: ["/p"], address: "h:1", trust: "/t" };
  assert.deepEqual(recvPermissions({ ...recv, authorizedKeys: "/a" }).read, [
    "/d",
    "/i",
    "/i.rotation",
    "/a",
    "/s",
  ]);
  assert.deepEqual(recvPermissions({ ...recv, pskFile: "/psk" }).read, [
    "/d",
    "/i",
    "/i.rotation",
    "/psk",
    "/s",
  ]);
  assert.deepEqual(recvPermissions({ ...recv, pskFile: "/psk" }).write, ["/d", "/s"]);
  assert.deepEqual(sendPermissions(send).read, ["/p", "/i", "/i.rotation", "/t"]);
  assert.deepEqual(sendPermissions({ ...send, pskFile: "/psk" }).read, [
    "/p",
    "/i",
    "/i.rotation",
    "/t",
    "/psk",
  ]);
  assert.deepEqual(sendPermissions({ ...send, pskFile: "/psk" }).write, []);
});

Deno.test("recv and send may read a list of revoked keys if they are given one, and never write it", () => {
  const recv = { identity: "/i", listen: "h:1", dir: "/d", state: "/s", revokedKeys: "/no" };
  const send = { identity: "/i.pub", paths: ["/p"], address: "h:1", trust: "/t", revokedKeys: "/no" };
  assert.deepEqual(recvPermissions(recv).read, ["/d", "/i", "/i.rotation", "/no", "/s"]);
  assert.deepEqual(sendPermissions(send).read, ["/p", "/i.pub", "/i.rotation", "/t", "/no"]);
  assert.deepEqual([recvPermissions(recv).write, sendPermissions(send).write], [["/d", "/s"], []]);
});

Deno.test("the task stx has the general permissions, and no task that runs stx has more", async () => {
  const text = await Deno.readTextFile(`${PROJECT_FOLDER}/deno.json`);
  const { tasks } = JSON.parse(text) as { tasks: Readonly<Record<string, { readonly command: string }>> };
  const command = `deno run ${flagsFor(GENERAL_PERMISSIONS).join(" ")} cli/main.ts`;
  assert.equal(tasks["stx"]?.command, command);
  const others = Object.values(tasks).map((task) => task.command).filter((line) =>
    line.includes("cli/main.ts")
  );
  assert.deepEqual(others, [command]);
});

Deno.test("no document shows stx with more permissions than it needs", async () => {
  const files = ["README.md"];
  for await (const entry of Deno.readDir(`${PROJECT_FOLDER}/docs`)) {
    if (entry.name.endsWith(".md")) files.push(`docs/${entry.name}`);
  }
  for (const file of files) {
    const text = await Deno.readTextFile(`${PROJECT_FOLDER}/${file}`).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
    const runs = text.split("\n").filter((line) => /cli\/main\.ts|stx\.js/.test(line));
    const generous = runs.filter((line) => /--allow-(all|run|ffi)|\s-A\b/.test(line));
    assert.deepEqual(generous, [], file);
  }
});

/** The library under every Node on PATH. Two of different ages show most: CI puts a new one beside the system's. */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { type Bytes, toHex, utf8 } from "../../lib/bytes/bytes.ts";
import { openReceivingFolder } from "../../lib/files/receiving_folder.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import { identityFromSeed } from "../../lib/identity/identity.ts";
import { fingerprint } from "../../lib/identity/public_key.ts";
import { verifySshsig } from "../../lib/identity/sshsig.ts";
import { accept } from "../../lib/net/server.ts";
import { connDuplex, listen } from "../../lib/net/tcp.ts";
import { receive } from "../../lib/net/transfers.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { MemoryTransferStore } from "../../lib/store/memory_transfer_store.ts";
import { ActiveTransfers } from "../../lib/transfer/active_transfers.ts";
import { RECEIPT_NAMESPACE } from "../../lib/transfer/receipt.ts";
import { cryptoTest } from "../support/settled_crypto.ts";
import { withTempFolder } from "../support/temp_folder.ts";
import { type Need, PART_NEEDS } from "./algorithms.ts";
import { bundleInto, type Node, nodesOnPath, runProgram } from "./run_node.ts";

/** Whether a version, such as v20.20.2, is this one or a later one. */
function isAtLeast({ version }: Node, wantedMajor: number, wantedMinor: number): boolean {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version)!.map(Number);
  return major! > wantedMajor || (major === wantedMajor && minor! >= wantedMinor);
}

// Older ones lack what the packages need that the library is made with.
const NODES = (await nodesOnPath()).filter((node) => isAtLeast(node, 20, 19));

if (NODES.length === 0) {
  Deno.test.ignore("the library under Node: there is none of version 20.19 or later", () => {});
}

Deno.test("a Node on PATH is found once, and nothing else is taken for one", async () => {
  await withTempFolder(async (folder) => {
    const says = [
      "echo v24.7.0",
      "echo deno 2.9.6",
      "echo v20.19.5; exit 1",
      "echo v24.7.0",
      "echo v20.19.5",
    ];
    const folders = says.map((command, index) => {
      Deno.mkdirSync(`${folder}/${index}`);
      Deno.writeTextFileSync(`${folder}/${index}/node`, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
      return `${folder}/${index}`;
    });
    assert.deepEqual(await nodesOnPath([`${folder}/absent`, ...folders].join(":")), [
      { path: `${folder}/0/node`, version: "v24.7.0" },
      { path: `${folder}/4/node`, version: "v20.19.5" },
    ]);
  });
});

for (const node of NODES) {
  Deno.test(`node ${node.version}: to import the library does nothing, and prints nothing`, async () => {
    await withTempFolder(async (folder) => {
      const url = pathToFileURL(await bundleInto(folder, "mod.ts")).href;
      const script = `console.log(typeof (await import(${JSON.stringify(url)})).connect)`;
      const run = await runProgram(node.path, ["--input-type=module", "--eval", script]);
      assert.deepEqual(run, { code: 0, stdout: "function\n", stderr: "" });
    });
  });

  Deno.test(`node ${node.version}: every part runs whose algorithms are there, and no other`, async () => {
    await withTempFolder(async (folder) => {
      const path = await bundleInto(folder, "tests/node/parts.ts");
      const { code, stdout, stderr } = await runProgram(node.path, [path]);
      assert.equal(code, 0, stderr);
      const lines = stdout.trim().split("\n");
      const has = lines[0]!.replace(/^has: /, "").split(", ") as Need[];
      for (const need of needsOf(node)) assert.ok(has.includes(need), `${node.version} has no ${need}`);
      const suites = has.includes("ChaCha20-Poly1305") ? "aes-256-gcm, chacha20-poly1305" : "aes-256-gcm";
      assert.equal(lines[1], `offers: ${suites}`);
      const expected = Object.entries(PART_NEEDS).map(([name, needs]) => {
        const missing = needs.filter((need) => !has.includes(need));
        return `${name}: ${missing.length === 0 ? "runs" : `missing ${missing.join(" and ")}`}`;
      });
      assert.deepEqual(lines.slice(2), expected);
    });
  });

  const isWhole = isAtLeast(node, 24, 7);
  cryptoTest(
    isWhole
      ? `node ${node.version}: a file goes over Node's sockets to Deno's, and the receipt is good`
      : `node ${node.version}: a sender that has no ML-KEM says so, and leaves`,
    async () => await withTempFolder(async (folder) => await sendFromNode(node, folder, isWhole)),
  );
}

/** What a Node of this age has, as its makers ship it. */
function needsOf(node: Node): readonly Need[] {
  return [
    "AES-GCM",
    "Ed25519",
    "X25519",
    ...(isAtLeast(node, 22, 13) ? ["SQLite" as const] : []),
    ...(isAtLeast(node, 24, 7) ? ["ChaCha20-Poly1305" as const, "ML-KEM-768" as const] : []),
  ];
}

const SIZE = 3_000_017;

async function sendFromNode(node: Node, folder: string, isWhole: boolean): Promise<void> {
  const path = await bundleInto(folder, "tests/node/send_file.ts");
  const seed = new Uint8Array(32).fill(5);
  const sender = await identityFromSeed(seed);
  const receiver = await identityFromSeed(new Uint8Array(32).fill(6));
  const inbox = `${await Deno.realPath(folder)}/inbox`;
  Deno.mkdirSync(inbox);
  using listener = listen("127.0.0.1", 0);
  const receiving = listener.accept().then(async (conn) => {
    const channel = await accept(connDuplex(conn), {
      identity: receiver,
      guard: new HelloGuard(),
      nonces: new MemoryNonceStore(),
      authorize: (key: Bytes) => assert.deepEqual(key, sender.publicKey),
    });
    return await receive(channel, {
      identity: receiver,
      store: new MemoryTransferStore(),
      active: new ActiveTransfers(),
      folder: openReceivingFolder(inbox),
      folderPath: inbox,
    });
  });
  const [received, sent] = await Promise.allSettled([
    receiving,
    runProgram(node.path, [
      path,
      String(listener.addr.port),
      toHex(seed),
      fingerprint(receiver.publicKey),
      String(SIZE),
      // Whoever has not come by then does not come any more.
    ]).finally(() => listener.close()),
  ]);
  assert.ok(sent.status === "fulfilled");
  const { code, stdout, stderr } = sent.value;
  if (!isWhole) {
    assert.equal(code, 1);
    assert.match(stderr, /no ML-KEM-768/);
    assert.equal(received.status, "rejected");
    return;
  }
  assert.equal(code, 0, stderr);
  if (received.status === "rejected") throw received.reason;
  assert.deepEqual(
    Deno.readFileSync(`${inbox}/from node`),
    new Uint8Array(SIZE).map((_, index) => index * 7),
  );
  const [text, signature] = stdout.split(/(?=-----BEGIN)/);
  assert.match(text!, new RegExp(`^bytes: ${SIZE}$`, "m"));
  assert.ok(await verifySshsig(signature!, RECEIPT_NAMESPACE, utf8(text!), receiver.publicKey));
}

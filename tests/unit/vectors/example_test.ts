/** docs/protocol-example.md, whose bytes are read from the page itself, against the real ends of a connection. */
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { openSource } from "../../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { openChannel } from "../../../lib/net/channel.ts";
import { receive, send } from "../../../lib/net/transfers.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { ActiveTransfers } from "../../../lib/transfer/active_transfers.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";
import { EXAMPLE } from "../../../scripts/vectors/example_inputs.ts";
import { clientSetup, serverSetup } from "../../../scripts/vectors/handshake_cases.ts";
import { type MemoryDuplex, memoryLine } from "../../support/memory_duplex.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { assertBytes } from "./files.ts";
import { withFixedKem } from "./fixed_kem.ts";
import { startClient, startServer } from "./handshake_ends.ts";

type Side = "client" | "server";

/** What one side sends before the other has its turn. */
interface Flight {
  readonly from: Side;
  readonly bytes: Bytes;
}

/** The bytes on the wire as the page has them. */
function flightsOf(page: string): readonly Flight[] {
  const flights: { from: Side; bytes: Bytes }[] = [];
  for (const [, from, lines] of page.matchAll(/^```text\n# (client|server) to \w+\n([^`]*)```$/gm)) {
    const bytes = fromHex(lines!.replace(/#.*$/gm, "").replace(/\s/g, ""));
    const last = flights.at(-1);
    if (last !== undefined && last.from === from) last.bytes = concat(last.bytes, bytes);
    else flights.push({ from: from as Side, bytes });
  }
  return flights;
}

const FLIGHTS = flightsOf(Deno.readTextFileSync(`${PROJECT_FOLDER}/docs/protocol-example.md`));
const { inputs, entry, content, timeMs, blockSize } = EXAMPLE;

/** Plays one side from the page, and holds what the other says against it; ends the line if that is wrong. */
async function play(side: Side, line: MemoryDuplex): Promise<void> {
  try {
    await playFlights(side, line);
  } finally {
    line.close();
  }
}

async function playFlights(side: Side, line: MemoryDuplex): Promise<void> {
  for (const { from, bytes } of FLIGHTS) {
    if (from === side) await line.write(bytes);
    else assertBytes(await readExactly(line, bytes.length), toHex(bytes));
  }
  await line.closeWrite();
  assert.equal(await line.read(new Uint8Array(1)), null, "it says more than the page");
}

/** Both to their ends; the page's word is the first to count. */
async function both(page: Promise<void>, end: Promise<void>): Promise<void> {
  const [played, ended] = await Promise.allSettled([page, end]);
  if (played.status === "rejected") throw played.reason;
  if (ended.status === "rejected") throw ended.reason;
}

async function readExactly(line: MemoryDuplex, size: number): Promise<Bytes> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await line.read(bytes.subarray(at));
    assert.ok(count !== null, `it says ${at} bytes, the page ${size}`);
    at += count;
  }
  return bytes;
}

Deno.test("the page has a whole connection", () => {
  const turns = FLIGHTS.map(({ from }) => from);
  assert.deepEqual(turns, ["client", "server", "client", "server", "client", "server", "client", "server"]);
});

cryptoTest("a real receiver takes the client's bytes of the page and answers with the server's", async () => {
  await withTempFolder(async (temporary) => {
    const folderPath = await Deno.realPath(temporary);
    const clock = new VirtualClock(timeMs);
    const { machine } = await startServer(serverSetup(inputs));
    const [page, receiver] = memoryLine();
    const receiving = async (): Promise<void> => {
      const channel = await openChannel(receiver, machine, clock);
      await receive(channel, {
        identity: await identityFromSeed(inputs.serverSeed),
        clock,
        store: new MemoryTransferStore(),
        active: new ActiveTransfers(),
        folder: openReceivingFolder(folderPath),
        folderPath,
      });
    };
    const count = await withFixedKem(inputs.kemRandomness, () => both(play("client", page), receiving()));
    assert.equal(count, 1);
    assertBytes(Deno.readFileSync(`${folderPath}/hello.txt`), toHex(content));
    const { mtime, mode } = Deno.statSync(`${folderPath}/hello.txt`);
    assert.equal(mtime?.getTime(), entry.mtime);
    assert.equal(mode! & 0o777, entry.mode & ~Deno.umask());
    assert.deepEqual(Array.from(Deno.readDirSync(folderPath), ({ name }) => name), ["hello.txt"]);
    assert.equal(clock.pendingCount, 0);
  });
});

cryptoTest("a real sender takes the server's bytes of the page and says the client's", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/hello.txt`;
    Deno.writeFileSync(path, content);
    Deno.chmodSync(path, entry.mode);
    Deno.utimeSync(path, entry.mtime / 1000, entry.mtime / 1000);
    const clock = new VirtualClock(timeMs);
    const { machine } = await startClient(clientSetup(inputs));
    const [page, sender] = memoryLine();
    const source = openSource([path], { followLinks: false, onWarning: assert.fail });
    const sending = async (): Promise<void> => {
      const channel = await openChannel(sender, machine, clock);
      const { facts } = await send(channel, {
        identity: (await identityFromSeed(inputs.clientSeed)).publicKey,
        manifest: makeManifest(source.entries, true),
        source,
        blockSizeBytes: blockSize,
        clock,
      });
      assert.equal(facts.finishedMs, timeMs);
    };
    try {
      await both(play("server", page), sending());
    } finally {
      source.close();
    }
    assert.equal(clock.pendingCount, 0);
  });
});

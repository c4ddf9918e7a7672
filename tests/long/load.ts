/**
 * What a receiver bears: `deno task test:load [--part NAME]... [--files N] [--size GIB] [--rows N] [--senders N]`. The parts:
 *
 * - `senders`: 200 at once, each with a key of its own: all finish, and none waits much longer than the others.
 * - `manifests`: 64 sessions of one sender with a list of names of 25 MiB each, which are then left standing: what that
 *   takes of the receiver's memory, and that another sender is served meanwhile.
 * - `files`: a million empty or tiny files in one transfer: time, memory of both ends, and a second sender meanwhile.
 * - `sparse`: a large file of zeros that takes no room at the sender; the receiver writes it out, so as much must be free.
 * - `state`: a state file with a million finished transfers, which is pruned while small files arrive.
 *
 * Figures are printed; it exits 0 only if all held. The last line is "N passed, N failed". Linux only. Large parts need
 * room: `TMPDIR` says where.
 * @module
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { peakMemoryOf } from "../../scripts/process_cost.ts";
import { print, printError } from "../../scripts/print.ts";
import { formatSize, median } from "../../scripts/units.ts";
import { BLOCK_SIZE, FINISHED_COUNT_MAX } from "../../lib/limits.ts";
import { fingerprint } from "../../lib/identity/public_key.ts";
import { connect } from "../../lib/net/client.ts";
import { dial } from "../../lib/net/tcp.ts";
import type { Identity } from "../../lib/ports.ts";
import { SqliteState } from "../../lib/store/sqlite_state.ts";
import { makeManifest, transferIdOf } from "../../lib/transfer/manifest.ts";
import { encodeOffer } from "../../lib/wire/message.ts";
import { makeClients, sendAs, usageOf } from "../support/fault_clients.ts";
import { type Receiver, type Stage, withStage } from "../support/stage.ts";
import { names, sha256 } from "../support/tree.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const HOUR_MS = 3600_000;

/** How large. */
interface Sizes {
  readonly senders: number;
  readonly files: number;
  readonly gib: number;
  readonly rows: number;
}

async function senders({ senders: count }: Sizes): Promise<void> {
  const sizeBytes = 4 * MIB;
  await withStage(async (stage) => {
    const identities = await makeClients(stage, count);
    const receiver = await stage.receive({ args: ["--listen", "127.0.0.1:0"] });
    const paths = identities.map((_, index) => stage.file(`file-${index}`, sizeBytes));
    const sentBytes = new Array<number>(count).fill(0);
    // When half of all bytes have come: how they are spread over the senders says how fair it is.
    let halfWay: readonly number[] | undefined;
    const startMs = performance.now();
    const results = await Promise.all(
      identities.map((identity, index) =>
        sendAs(identity, receiver, paths[index]!, (bytes) => {
          sentBytes[index] = bytes;
          if (
            halfWay === undefined && sentBytes.reduce((sum, each) => sum + each, 0) > count * sizeBytes / 2
          ) {
            halfWay = [...sentBytes];
          }
        })
      ),
    );
    const seconds = (performance.now() - startMs) / 1000;
    const times = results.map(({ ms }) => ms);
    const ratio = Math.max(...times) / median(times);
    const begun = halfWay!.filter((bytes) => bytes > 0);
    // Jain's index: 1 where all have had the same.
    const fairness = halfWay!.reduce((sum, each) => sum + each, 0) ** 2 /
      (count * halfWay!.reduce((sum, each) => sum + each ** 2, 0));
    print(
      `senders: ${count} with ${formatSize(sizeBytes)} each in ${seconds.toFixed(1)} s; median ${
        (median(times) / 1000).toFixed(1)
      } s, slowest ${(Math.max(...times) / 1000).toFixed(1)} s (${
        ratio.toFixed(2)
      }); half-way ${begun.length} had begun, fairness ${fairness.toFixed(2)}; up to ${
        Math.max(...results.map(({ tryCount }) => tryCount))
      } connections each; receiver ${formatSize(peakMemoryOf(receiver.process.pid))} at its peak`,
    );
    assert.equal(names(stage.inbox).length, count);
    paths.forEach((path, index) => assert.equal(sha256(`${stage.inbox}/file-${index}`), sha256(path)));
    assert.ok(ratio < 5, "one of them waits much longer than the others");
    await end(receiver);
  }, HOUR_MS);
}

async function manifests(_: Sizes): Promise<void> {
  const entryCount = 700_000;
  await withStage(async (stage) => {
    const [greedy, other] = await makeClients(stage, 2);
    const receiver = await stage.receive();
    const before = usageOf(receiver.process.pid).memoryBytes;
    // Short names: many entries for few bytes, which is what costs the receiver most.
    const entries = Array.from({ length: entryCount }, (_, index) => ({
      path: `f${index.toString(36)}`,
      kind: "file" as const,
      sizeBytes: 1,
      mtimeMs: 0,
      mode: 0o644,
    }));
    const sizes: number[] = [];
    let refusedCount = 0;
    const standing = [];
    for (let session = 0; session < 64; session++) {
      // Another manifest each, or the newer session would end the older.
      const manifest = makeManifest(
        entries.map((entry, index) => index === 0 ? { ...entry, mtimeMs: session * 1000 } : entry),
        true,
      );
      const channel = await offerAndStand(greedy!, receiver, manifest);
      if (channel === undefined) refusedCount += 1;
      else standing.push(channel);
      sizes.push(usageOf(receiver.process.pid).memoryBytes - before);
      if (refusedCount >= 3) break;
    }
    const startMs = performance.now();
    await sendAs(other!, receiver, stage.file("small", "content"));
    print(
      `manifests: of ${sizes.length} sessions with ${entryCount} entries each ${standing.length} were let in; they take ${
        sizes.filter((_, index) => index < standing.length).map(formatSize).join(", ")
      } in all; then another sender's file took ${(performance.now() - startMs).toFixed(0)} ms; ${
        formatSize(peakMemoryOf(receiver.process.pid))
      } at the peak`,
    );
    assert.ok(refusedCount > 0, "nobody was refused");
    assert.ok(peakMemoryOf(receiver.process.pid) < 3 * GIB, "the memory is not bounded");
    for (const channel of standing) await channel.abort("closing");
    await end(receiver);
  }, HOUR_MS);
}

/** Offers, sends the whole list, and stays; `undefined` if the receiver hangs up. */
async function offerAndStand(
  identity: Identity,
  receiver: Receiver,
  manifest: ReturnType<typeof makeManifest>,
) {
  let receiverKey: Uint8Array<ArrayBuffer> | undefined;
  const channel = await connect(await dial("127.0.0.1", receiver.port), {
    identity,
    checkServer(key) {
      assert.equal(fingerprint(key), receiver.fingerprint);
      receiverKey = key;
    },
  });
  try {
    channel.send(
      "offer",
      encodeOffer({
        transferId: transferIdOf(identity.publicKey, receiverKey!, BLOCK_SIZE, manifest.digest),
        sizeBytes: manifest.sizeBytes,
        entryCount: manifest.entries.length,
        blockSizeBytes: BLOCK_SIZE,
        manifestDigest: manifest.digest,
        withDigests: false,
        isRepeated: false,
      }),
    );
    for (const body of manifest.bodies) {
      await channel.room(body.length);
      channel.send("manifest", body);
    }
    while ((await channel.receive()).type !== "accept");
    return channel;
  } catch {
    await channel.abort("closing");
    return undefined;
  }
}

async function files({ files: count }: Sizes): Promise<void> {
  await withStage(async (stage) => {
    const [other] = await makeClients(stage, 1);
    const folder = `${stage.outbox}/many`;
    for (let index = 0; index < count; index++) {
      if (index % 1000 === 0) Deno.mkdirSync(`${folder}/${index / 1000}`, { recursive: true });
      // Every tenth has a byte.
      Deno.writeFileSync(
        `${folder}/${Math.floor(index / 1000)}/${index}`,
        index % 10 === 0 ? Uint8Array.of(index & 255) : new Uint8Array(0),
      );
    }
    const receiver = await stage.receive();
    const before = usageOf(receiver.process.pid).memoryBytes;
    const startMs = performance.now();
    const sender = stage.startSend(receiver, folder, { args: ["--retry-for", "1h"] });
    let senderBytes = 0;
    const timer = setInterval(() => senderBytes = Math.max(senderBytes, peakMemoryOf(sender.pid)), 100);
    let isOver = false;
    const ended = sender.ended.finally(() => isOver = true);
    const latencies: number[] = [];
    for (let number = 0; !isOver; number++) {
      latencies.push((await sendAs(other!, receiver, stage.file(`small-${number}`, `${number}`))).ms);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000))]);
    }
    const { code, stderr } = await ended;
    clearInterval(timer);
    const seconds = (performance.now() - startMs) / 1000;
    const receiverBytes = peakMemoryOf(receiver.process.pid);
    print(
      `files: ${count} in ${seconds.toFixed(1)} s (${(seconds / count * 1e6).toFixed(0)} us each); sender ${
        formatSize(senderBytes)
      }, receiver ${formatSize(receiverBytes)} at their peaks: ${
        ((receiverBytes - before) / count).toFixed(0)
      } bytes of the receiver's an entry; meanwhile ${latencies.length} small files of another sender: median ${
        median(latencies).toFixed(0)
      } ms, slowest ${Math.max(...latencies).toFixed(0)} ms`,
    );
    assert.equal(code, 0, stderr);
    let arrived = 0;
    for (const name of names(`${stage.inbox}/many`)) arrived += names(`${stage.inbox}/many/${name}`).length;
    assert.equal(arrived, count);
    assert.ok(Math.max(...latencies) < 15_000, "the other sender waits too long");
    await end(receiver);
  }, HOUR_MS);
}

async function sparse({ gib }: Sizes): Promise<void> {
  await withStage(async (stage) => {
    const path = stage.file("zeros", "");
    Deno.truncateSync(path, gib * GIB);
    const receiver = await stage.receive();
    const startMs = performance.now();
    const sender = stage.startSend(receiver, path);
    const samples: { sender: number; receiver: number }[] = [];
    const timer = setInterval(() => {
      try {
        samples.push({
          sender: usageOf(sender.pid).memoryBytes,
          receiver: usageOf(receiver.process.pid).memoryBytes,
        });
      } catch {
        // It has just ended.
      }
    }, 500);
    const { code, stderr } = await sender.ended;
    clearInterval(timer);
    const seconds = (performance.now() - startMs) / 1000;
    const part = (from: number, to: number, who: "sender" | "receiver") =>
      median(
        samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).map((each) =>
          each[who]
        ),
      );
    const growth = (["sender", "receiver"] as const).map((who) =>
      [part(0.1, 0.4, who), part(0.7, 1, who)] as const
    );
    print(
      `sparse: ${gib} GiB in ${seconds.toFixed(1)} s, ${(gib / seconds * 1024).toFixed(0)} MiB/s; sender ${
        formatSize(growth[0]![0])
      } then ${formatSize(growth[0]![1])}, receiver ${formatSize(growth[1]![0])} then ${
        formatSize(growth[1]![1])
      }`,
    );
    assert.equal(code, 0, stderr);
    assert.equal(Deno.statSync(`${stage.inbox}/zeros`).size, gib * GIB);
    for (const [early, late] of growth) assert.ok(late - early < 64 * MIB, "memory grows");
    await end(receiver);
  }, HOUR_MS);
}

async function state({ rows }: Sizes): Promise<void> {
  await withStage(async (stage) => {
    const [client] = await makeClients(stage, 1);
    const path = `${stage.folder}/recv.db`;
    const startMs = performance.now();
    fillState(path, rows, stage);
    print(`state: ${rows} rows, ${formatSize(Deno.statSync(path).size)}, written in ${told(startMs)}`);
    const openMs = performance.now();
    const receiver = await stage.receive({ args: ["--state", path] });
    const opened = told(openMs);
    const latencies: number[] = [];
    const deadlineMs = performance.now() + 600_000;
    let left = rows;
    const firstMs = performance.now();
    for (let number = 0; left > FINISHED_COUNT_MAX + 1000 && performance.now() < deadlineMs; number++) {
      latencies.push((await sendAs(client!, receiver, stage.file(`small-${number}`, `${number}`))).ms);
      if (number === 0) assert.ok(performance.now() - firstMs < 5_000, "the first file waits");
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (number % 20 === 0) left = countRows(path);
    }
    print(
      `state: recv listens after ${opened}; ${left} rows are left after ${
        told(firstMs)
      }; meanwhile ${latencies.length} small files: first ${latencies[0]!.toFixed(0)} ms, median ${
        median(latencies).toFixed(0)
      } ms, slowest ${Math.max(...latencies).toFixed(0)} ms; receiver ${
        formatSize(peakMemoryOf(receiver.process.pid))
      } at its peak`,
    );
    assert.ok(left <= FINISHED_COUNT_MAX + 1000, "it is not pruned");
    assert.ok(Math.max(...latencies) < 5_000, "pruning holds up transfers");
    await end(receiver);
  }, HOUR_MS);
}

/** Writes finished transfers as the receiver does, but many in one transaction. */
function fillState(path: string, rows: number, stage: Stage): void {
  const file = new SqliteState(path);
  const insert = file.prepare("INSERT INTO transfers VALUES (?,?,?,?,?,?,?,?,?,?,?)");
  const insertPart = file.prepare("INSERT INTO manifests VALUES (?,?,0,?)");
  const manifest = makeManifest([
    { path: "a usual name.pdf", kind: "file", sizeBytes: 1, mtimeMs: 0, mode: 0o644 },
  ], true);
  const list = manifest.bodies[0]!;
  const receipt = new Uint8Array(300).fill(7);
  const placement = JSON.stringify({ topNames: {}, conflict: "refuse" });
  const nowMs = Date.now();
  const peer = new Uint8Array(32).fill(1);
  for (let first = 0; first < rows; first += 10_000) {
    file.transaction(() => {
      for (let index = first; index < Math.min(rows, first + 10_000); index++) {
        const id = crypto.getRandomValues(new Uint8Array(32));
        insert.run(
          peer,
          id,
          "done",
          manifest.digest,
          BLOCK_SIZE,
          1,
          stage.inbox,
          placement,
          receipt,
          nowMs - rows + index,
          list.length,
        );
        insertPart.run(peer, id, list);
      }
    });
  }
  file.close();
}

function countRows(path: string): number {
  const file = new SqliteState(path);
  try {
    return Number(
      file.prepare("SELECT count(*) AS count FROM transfers WHERE state = 'done'").get()!["count"],
    );
  } finally {
    file.close();
  }
}

/** A receiver that has borne it ends as it should. */
async function end(receiver: Receiver): Promise<void> {
  receiver.process.kill("SIGTERM");
  assert.equal((await receiver.process.ended).code, 143);
}

function told(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

const PARTS: Readonly<Record<string, (sizes: Sizes) => Promise<void>>> = {
  senders,
  manifests,
  files,
  sparse,
  state,
};

/** Runs the parts; returns the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      part: { type: "string", multiple: true },
      senders: { type: "string" },
      files: { type: "string" },
      size: { type: "string" },
      rows: { type: "string" },
    },
  });
  const sizes: Sizes = {
    senders: Number(values.senders ?? 200),
    files: Number(values.files ?? 1_000_000),
    gib: Number(values.size ?? 100),
    rows: Number(values.rows ?? 1_000_000),
  };
  let passed = 0;
  let failed = 0;
  for (const name of values.part ?? Object.keys(PARTS)) {
    const part = PARTS[name];
    if (part === undefined) {
      throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
    }
    try {
      await part(sizes);
      passed += 1;
    } catch (error) {
      failed += 1;
      printError(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());

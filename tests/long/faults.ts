/**
 * Real faults for real processes, by the hundred, from a seed: `deno task test:faults [--part NAME]... [--rounds N]
 * [--seed N]`. The parts:
 *
 * - `signals`: either end killed, told to end, or stopped for a while, at random moments of a transfer.
 * - `calls`: the n-th call to the file system fails, falls short or is the process's last, for every n (or `--rounds` of
 *   them), at a receiver at work, a receiver that starts, and a sender. It needs a C compiler.
 * - `disk`: small disks below the receiver's folder, its state and the sender's receipt, filled to a random level.
 * - `network`: packets lost, refused and damaged, the wire pulled out, its packets made smaller.
 * - `slow`: a line of 1 Mbit/s with 200 ms of delay, and cuts.
 * - `idle`: an end that stands still for longer than its peer waits. Takes two minutes.
 *
 * It runs in mounts and a network of its own, so that nothing of it stays on the machine; who may not make these is told
 * which parts are left out. Exits 0 only if everything held. The last line is "N passed, N failed". Linux only.
 * @module
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { BLOCK_SIZE } from "../../lib/limits.ts";
import { print, printError } from "../../scripts/print.ts";
import { FaultLink } from "../support/fault_link.ts";
import { FaultNetwork, RECEIVER_ADDRESS, TROUBLES } from "../support/fault_network.ts";
import type { FaultAction } from "../support/fault_shim.ts";
import { HAS_FAULT_SHIM } from "../support/fault_shim.ts";
import { type FaultPlace, type FaultTrial, FaultTrials } from "../support/fault_trials.ts";
import { sendUnderKills } from "../support/kills.ts";
import { runProgram, works } from "../support/programs.ts";
import { chosenSeed, seededFractions } from "../support/random.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

const MIB = 1024 * 1024;
/** Set in the process that has mounts and a network of its own. */
const INSIDE = "STX_FAULTS_INSIDE";
/** Tries on one stage; a stage that hangs is ended after a minute. */
const TRIES_PER_STAGE = 15;
/** A megabit a second. */
const SLOW_BYTES_PER_SECOND = 125_000;

/** How a part is run. */
interface PartOptions {
  readonly seed: number;
  /** How many rounds; each part has its own number if not given. */
  readonly rounds: number | undefined;
}

/** What came of it. */
interface Tally {
  passed: number;
  failed: number;
}

/** Runs one round and counts it; a failure is told, and the next round follows. */
async function count(tally: Tally, name: string, round: () => Promise<string>): Promise<void> {
  const startMs = performance.now();
  try {
    const told = await round();
    tally.passed += 1;
    if (told !== "") print(`${name}: ${told}, ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  } catch (error) {
    tally.failed += 1;
    printError(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function signals({ seed, rounds = 20 }: PartOptions, tally: Tally): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await count(tally, `signals ${round + 1}`, async () => {
      let told = "";
      await withStage(async (stage) => {
        const { kills, extraBytes } = await sendUnderKills(stage, {
          sizeBytes: 96 * MIB,
          killCount: 8,
          blows: ["SIGKILL", "SIGTERM", "SIGSTOP"],
          seed: seed + round,
        });
        told = `${kills.length} blows, ${(extraBytes / MIB).toFixed(1)} MiB beside the file`;
      });
      return told;
    });
  }
}

async function calls({ seed, rounds }: PartOptions, tally: Tally): Promise<void> {
  if (!HAS_FAULT_SHIM) return print("calls: left out, there is no C compiler");
  const random = seededFractions(seed);
  const plan: Readonly<Record<FaultPlace, readonly FaultAction[]>> = {
    receiver: ["EIO", "ENOSPC", "EDQUOT", "EROFS", "short", "killBefore", "killAfter", "torn"],
    start: ["EIO", "ENOSPC", "EROFS", "killBefore", "killAfter", "torn"],
    sender: ["EIO", "ENOSPC", "EDQUOT", "EROFS", "short", "killBefore", "killAfter", "torn"],
  };
  const trials: FaultTrial[] = [];
  const counts: string[] = [];
  await withStage(async (stage) => {
    const tries = await FaultTrials.on(stage);
    for (const place of ["receiver", "start", "sender"] as const) {
      for (const action of plan[place]) {
        const callCount = await tries.count(place, action);
        counts.push(`${place} ${action} ${callCount}`);
        for (let at = 1; at <= callCount; at++) {
          trials.push({ place, action, at, lasts: false });
          if (["EIO", "ENOSPC"].includes(action)) trials.push({ place, action, at, lasts: true });
        }
      }
    }
  });
  print(`calls: ${counts.join(", ")}`);
  const chosen = rounds === undefined || rounds >= trials.length
    ? trials
    : shuffled(trials, random).slice(0, rounds);
  const statuses = new Map<string, number>();
  for (let first = 0; first < chosen.length; first += TRIES_PER_STAGE) {
    const some = chosen.slice(first, first + TRIES_PER_STAGE);
    let done = 0;
    await withStage(async (stage) => {
      const tries = await FaultTrials.on(stage);
      for (const trial of some) {
        done += 1;
        const name = `${trial.place} ${trial.action}${trial.lasts ? " from then on" : ""}`;
        const failedBefore = tally.failed;
        await count(tally, `calls: ${name} at ${trial.at}`, async () => {
          const { code } = await tries.run(trial);
          const key = `${name}: exit ${code}`;
          statuses.set(key, (statuses.get(key) ?? 0) + 1);
          return "";
        });
        // What a failed try has left would make the next ones fail too.
        if (tally.failed > failedBefore) return;
      }
    }).catch((error) => {
      tally.failed += 1;
      printError(`calls: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (done < some.length) first -= some.length - done;
  }
  for (const [key, number] of [...statuses].sort()) print(`calls: ${key} (${number})`);
}

async function disk({ seed, rounds = 30 }: PartOptions, tally: Tally): Promise<void> {
  if (!works("mount", "-t", "tmpfs", "none", "/mnt")) {
    return print("disk: left out, mounting is not allowed here");
  }
  const random = seededFractions(seed);
  for (let round = 0; round < rounds; round++) {
    await count(tally, `disk ${round + 1}`, () => fillDisks(random));
  }
}

/** One transfer with a full disk somewhere, and the same once more with room. */
async function fillDisks(random: () => number): Promise<string> {
  const below = (end: number) => Math.floor(random() * end);
  let told = "";
  await withStage(async (stage) => {
    const state = `${stage.folder}/state`;
    const receipts = `${stage.folder}/receipts`;
    Deno.mkdirSync(state);
    Deno.mkdirSync(receipts);
    const sizes = { [stage.inbox]: 8 * MIB, [state]: MIB, [receipts]: 64 * 1024 };
    for (const [folder, size] of Object.entries(sizes)) await mount(folder, size);
    try {
      const sizeBytes = 1 + below(6 * MIB);
      stage.file("files/big", sizeBytes);
      for (let index = below(50); index >= 0; index--) stage.file(`files/small ${index}`, 1 + below(10_000));
      const args = ["--state", `${state}/recv.db`];
      const receiver = await stage.receive({ args });
      const where = [stage.inbox, state, receipts][below(3)]!;
      const ballast = `${where}/ballast`;
      const freeBytes = fill(
        ballast,
        below(where === stage.inbox ? 7 * MIB : where === state ? 128 * 1024 : 8192),
      );
      const path = `${stage.outbox}/files`;
      const send = (retryFor: string) =>
        stage.send(receiver, path, { args: ["--retry-for", retryFor, "--receipt", `${receipts}/receipt`] });
      const first = await send("1s");
      const check = (isThere: boolean) => {
        const there = names(stage.inbox).filter((name) => name !== ".stx-partial" && name !== "ballast");
        if (isThere || there.length > 0) {
          assert.deepEqual(there, ["files"]);
          assert.deepEqual(tree(`${stage.inbox}/files`), tree(path));
        }
      };
      check(first.code === 0);
      assert.ok([0, 4, 5, 7].includes(first.code), `${first.code} ${first.stderr}`);
      Deno.removeSync(ballast);
      const second = await send("10s");
      told = `${
        where.slice(stage.folder.length + 1)
      } with ${freeBytes} bytes free: ${first.code}, then ${second.code}`;
      assert.equal(second.code, 0, `${told}: ${second.stderr}`);
      check(true);
      assert.deepEqual(names(stage.inbox), ["files"], told);
      assert.deepEqual(names(receipts), ["receipt", "receipt.sig"], told);
      receiver.process.kill("SIGTERM");
      assert.equal((await receiver.process.ended).code, 143);
    } finally {
      for (const folder of Object.keys(sizes)) await runProgram("umount", ["--lazy", folder]);
    }
  });
  return told;
}

async function mount(folder: string, size: number): Promise<void> {
  const { code, stderr } = await runProgram("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", folder]);
  assert.equal(code, 0, stderr);
}

/** Fills a disk until so many bytes are free; returns how many are. */
function fill(path: string, freeBytes: number): number {
  using file = Deno.openSync(path, { write: true, create: true });
  const piece = new Uint8Array(4096);
  let size = 0;
  try {
    for (;; size += file.writeSync(piece));
  } catch {
    // Full.
  }
  file.truncateSync(Math.max(0, size - freeBytes));
  return Math.min(size, freeBytes);
}

async function network({ seed, rounds = 12 }: PartOptions, tally: Tally): Promise<void> {
  for (const program of ["ip", "tc", "nft"]) {
    if (!works("sh", "-c", `command -v ${program}`)) {
      return print(`network: left out, there is no ${program}`);
    }
  }
  if (!works("sh", "-c", "mount -t tmpfs none /run && ip netns add stx-try && ip netns delete stx-try")) {
    return print("network: left out, namespaces are not allowed here");
  }
  for (let round = 0; round < rounds; round++) {
    await count(tally, `network ${round + 1}`, () => meetTroubles(seededFractions(seed + round)));
  }
}

/** One transfer of some seconds, with one trouble after the other. */
async function meetTroubles(random: () => number): Promise<string> {
  const log: string[] = [];
  await using wire = await FaultNetwork.make(40);
  await withStage(async (stage) => {
    const file = stage.file("big", 24 * MIB);
    const process = stage.startReceive({ prefix: wire.far, args: ["--listen", `${RECEIVER_ADDRESS}:0`] });
    const { port } = await process.event("listening");
    const to = `${RECEIVER_ADDRESS}:${port}`;
    const sender = stage.start(
      ["send", file, to, "--json", "--peer", stage.receiver.fingerprint, "--retry-for", "40s"],
      { env: stage.sender.env, prefix: wire.near },
    );
    let isOver = false;
    const ended = sender.ended.finally(() => isOver = true);
    await Promise.race([sender.event("progress").catch(() => {}), ended]);
    for (let number = 0; number < 5 && !isOver; number++) {
      const trouble = TROUBLES[Math.floor(random() * TROUBLES.length)]!;
      const end = await wire.begin(trouble, random);
      const lastsMs = 100 + random() * 2_000;
      log.push(`${trouble} ${(lastsMs / 1000).toFixed(1)} s`);
      await Promise.race([pause(lastsMs), ended]);
      await end();
      await Promise.race([pause(random() * 700), ended]);
    }
    const { code, stderr, events } = await ended;
    const retryCount = events.filter(({ event }) => event === "retry").length;
    log.push(`${retryCount} new connections`);
    assert.equal(code, 0, `${log.join(", ")}: ${stderr}`);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file));
    assert.deepEqual(names(stage.inbox), ["big"]);
  });
  return log.join(", ");
}

async function slow({ rounds = 2 }: PartOptions, tally: Tally): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await count(tally, `slow ${round + 1}`, () => sendSlowly(round === 0 ? [] : [13_000, 27_000]));
  }
}

/** Sends 4 MB over a line of a megabit, which is cut at these times. */
async function sendSlowly(cutsAtMs: readonly number[]): Promise<string> {
  // A socket's buffers would swallow the whole file, and hide the line: here they are as small as that line needs.
  const small = "4096 16384 65536";
  for (const each of ["tcp_rmem", "tcp_wmem"]) {
    try {
      Deno.writeTextFileSync(`/proc/sys/net/ipv4/${each}`, small);
    } catch {
      return "left out: the socket buffers cannot be made small here";
    }
  }
  const sizeBytes = 4_000_000;
  let told = "";
  await withStage(async (stage) => {
    const file = stage.file("file", sizeBytes);
    const receiver = await stage.receive();
    await using link = new FaultLink(receiver, { bytesPerSecond: SLOW_BYTES_PER_SECOND, delayMs: 200 });
    const sender = stage.startSend(link, file);
    const startMs = performance.now();
    let lastMs = startMs;
    let silentMs = 0;
    let seenCount = 0;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const newest = sender.events.slice(seenCount);
      seenCount = sender.events.length;
      if (newest.some(({ event }) => event === "progress" || event === "retry")) lastMs = nowMs;
      else silentMs = Math.max(silentMs, nowMs - lastMs);
    }, 50);
    const cutters = cutsAtMs.map((atMs) => setTimeout(() => link.cut(), atMs));
    const { code, stderr, events } = await sender.ended;
    const seconds = (performance.now() - startMs) / 1000;
    clearInterval(timer);
    cutters.forEach(clearTimeout);
    assert.equal(code, 0, stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    const offsets = events.flatMap((event) => event.event === "resumed" ? [event.offsetBytes] : []);
    const share = sizeBytes / SLOW_BYTES_PER_SECOND / seconds;
    const extra = link.carriedBytes / sizeBytes - 1;
    told = `${seconds.toFixed(1)} s, ${(share * 100).toFixed(0)} % of the line's capacity, ${
      (extra * 100).toFixed(1)
    } % sent twice or for order, silent for ${
      (silentMs / 1000).toFixed(1)
    } s at most, resumed at [${offsets}]`;
    // A cut costs the block that was under way, and what had not been made durable yet.
    assert.equal(offsets.length, cutsAtMs.length, told);
    assert.ok(offsets.every((offset) => offset > 0 && offset % BLOCK_SIZE === 0), told);
    assert.ok(link.carriedBytes < sizeBytes + cutsAtMs.length * 2 * BLOCK_SIZE + 100_000, told);
    if (cutsAtMs.length === 0) assert.ok(share > 0.85, told);
  });
  return told;
}

/** An end that is stopped for longer than a minute: its peer gives the connection up, and all goes on later. */
async function idle(_: PartOptions, tally: Tally): Promise<void> {
  for (const who of ["sender", "receiver"] as const) {
    await count(tally, `idle ${who}`, async () => {
      const running = withLongStage(who);
      return await running;
    });
  }
}

async function withLongStage(who: "sender" | "receiver"): Promise<string> {
  let told = "";
  await withStage(async (stage: Stage) => {
    const file = stage.file("big", 8 * MIB);
    const receiver = await stage.receive();
    await using link = new FaultLink(receiver, { bytesPerSecond: 4 * MIB, delayMs: 5 });
    const sender = stage.startSend(link, file);
    await sender.event("progress", ({ bytes }) => bytes > MIB);
    const stopped = who === "sender" ? sender : receiver.process;
    stopped.kill("SIGSTOP");
    await pause(70_000);
    stopped.kill("SIGCONT");
    const { code, stderr, events } = await sender.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file));
    const resumed = events.flatMap((event) => event.event === "resumed" ? [event.offsetBytes] : []);
    assert.ok(events.some(({ event }) => event === "retry"), "the connection was not given up");
    told = `stopped for 70 s, resumed at [${resumed}]`;
  }, 150_000);
  return told;
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const all = [...items];
  for (let index = all.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [all[index], all[other]] = [all[other]!, all[index]!];
  }
  return all;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const PARTS: Readonly<Record<string, (options: PartOptions, tally: Tally) => Promise<void>>> = {
  signals,
  calls,
  disk,
  network,
  slow,
  idle,
};

/** Runs the parts; returns the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      part: { type: "string", multiple: true },
      rounds: { type: "string" },
      seed: { type: "string" },
    },
  });
  const seed = values.seed === undefined ? chosenSeed() : Number(values.seed);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (Deno.env.get(INSIDE) === undefined) {
    const isolated = ["--mount", "--net", ...Deno.uid() === 0 ? [] : ["--map-root-user"]];
    if (works("unshare", ...isolated, "ip", "link", "set", "lo", "up")) return await inside(isolated, seed);
    print("no mounts and no network of its own here: disk, network and slow are left out");
  }
  print(`seed ${seed}`);
  const tally: Tally = { passed: 0, failed: 0 };
  for (const name of values.part ?? Object.keys(PARTS)) {
    const part = PARTS[name];
    if (part === undefined) {
      throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
    }
    if (Deno.env.get(INSIDE) === undefined && ["disk", "network", "slow"].includes(name)) continue;
    await part({ seed, rounds }, tally);
  }
  print(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

/** Runs this again where mounts and network are its own. */
async function inside(isolated: readonly string[], seed: number): Promise<number> {
  const child = new Deno.Command("unshare", {
    args: [
      ...isolated,
      "sh",
      "-c",
      'ip link set lo up && exec "$@"',
      "sh",
      Deno.execPath(),
      "run",
      "-A",
      import.meta.filename!,
      ...Deno.args,
      "--seed",
      String(seed),
    ],
    env: { [INSIDE]: "1" },
  }).spawn();
  return (await child.status).code;
}

if (import.meta.main) Deno.exit(await main());

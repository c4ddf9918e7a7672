/**
 * Ten thousand short transfers through one receiver: its memory, its open files and its state file are not to grow with
 * them, once it has warmed up. `deno task test:soak [--transfers N] [--processes N] [--minutes N]`: most are sent by one
 * process, eight at a time; the last `--processes` by a `stx send` each. Ends after `--minutes` with as many as were done.
 * Exits 0 only if all held. Linux only.
 * @module
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { print } from "../../scripts/print.ts";
import { formatSize } from "../../scripts/units.ts";
import { makeClients, sendAs, usageOf } from "../support/fault_clients.ts";
import { withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

const AT_ONCE = 8;
const MIB = 1024 * 1024;
/** What a finished transfer may take of the state file: a row with its manifest and receipt. */
const ROW_SIZE_MAX = 4096;
/** What memory may grow by from the second quarter to the last: what V8 leaves lying about varies by as much. */
const GROWTH_MAX = 48 * MIB;

/** How the receiver was at one moment. */
interface Sample {
  readonly done: number;
  readonly memoryBytes: number;
  readonly fileCount: number;
  readonly stateBytes: number;
}

/** Runs it; returns the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: { transfers: { type: "string" }, processes: { type: "string" }, minutes: { type: "string" } },
  });
  const transferCount = Number(values.transfers ?? 10_000);
  const processCount = Number(values.processes ?? 200);
  const minutes = Number(values.minutes ?? 60);
  await withStage(async (stage) => {
    const endMs = performance.now() + minutes * 60_000;
    const identities = await makeClients(stage, AT_ONCE);
    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
    const state = `${stage.receiver.home}/state/stx`;
    const samples: Sample[] = [];
    let done = 0;
    const look = () => {
      const stateBytes = names(state).reduce((sum, name) => sum + Deno.statSync(`${state}/${name}`).size, 0);
      samples.push({ done, stateBytes, ...usageOf(receiver.process.pid) });
    };
    look();
    const every = Math.max(50, Math.floor(transferCount / 20));
    let next = 0;
    await Promise.all(identities.map(async (identity, lane) => {
      while (next < transferCount && performance.now() < endMs) {
        const number = next++;
        // Names come back, so that the folder does not grow; contents and times are new.
        const path = stage.file(
          `lane-${lane}/file-${number % 50}`,
          `content ${number}`.repeat(1 + number % 300),
        );
        await sendAs(identity, receiver, path);
        done += 1;
        if (done % every === 0) {
          look();
          const { memoryBytes, fileCount, stateBytes } = samples.at(-1)!;
          print(
            `${done}: ${formatSize(memoryBytes)}, ${fileCount} open files, state ${formatSize(stateBytes)}`,
          );
        }
      }
    }));
    const libraryCount = done;
    for (let sent = 0; sent < processCount && performance.now() < endMs; sent += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, processCount - sent) }, async (_, lane) => {
        const path = stage.file(`process-${lane}/file`, `content ${sent} ${lane}`);
        const { code, stderr } = await stage.send(receiver, path, { args: ["--name", `process-${lane}`] });
        assert.equal(code, 0, stderr);
        done += 1;
      }));
    }
    look();
    judge(samples, done);
    assert.ok(!names(stage.inbox).some((name) => name.startsWith(".stx-")), "something is left over");
    receiver.process.kill("SIGTERM");
    assert.equal((await receiver.process.ended).code, 143);
    print(`${libraryCount} transfers by the library, ${done - libraryCount} by stx send`);
  }, (minutes + 2) * 60_000);
  print("1 passed, 0 failed");
  return 0;
}

function judge(samples: readonly Sample[], done: number): void {
  const middle = samples.filter((sample) => sample.done >= done / 4 && sample.done <= done / 2);
  const last = samples.filter((sample) => sample.done >= done * 3 / 4);
  const least = (of: readonly Sample[], what: "memoryBytes" | "fileCount") =>
    Math.min(...of.map((sample) => sample[what]));
  const memory = [least(middle, "memoryBytes"), least(last, "memoryBytes")] as const;
  const files = [least(middle, "fileCount"), least(last, "fileCount")] as const;
  // SQLite's log is as large as it gets long before the second quarter.
  const [first, end] = [middle[0]!, samples.at(-1)!];
  const rowBytes = (end.stateBytes - first.stateBytes) / (end.done - first.done);
  print(
    `memory ${formatSize(memory[0])} then ${formatSize(memory[1])}; open files ${files[0]} then ${
      files[1]
    }; ` +
      `${rowBytes.toFixed(0)} bytes of state a transfer`,
  );
  assert.ok(memory[1] - memory[0] < GROWTH_MAX, "memory grows");
  assert.ok(files[1] <= files[0] + 2, "open files grow");
  assert.ok(rowBytes < ROW_SIZE_MAX, "the state file grows faster than its rows");
}

if (import.meta.main) Deno.exit(await main());

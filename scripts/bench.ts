/**
 * Measures stx against scp and rsync on this machine: `deno task bench [--size SIZE] [--runs N] [--json]`. One file
 * goes over loopback, from memory to memory, with every tool in turn, again and again, so that whatever else the
 * machine does meets all of them alike. `--startup` measures how long stx takes to begin instead. Linux only.
 * @module
 */
import { basename } from "node:path";
import { statfsSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Preparation, sshTools, stxTools, type Tool } from "./bench_tools.ts";
import { sha256OfFile } from "./checksums.ts";
import { cpuSecondsOf, MemoryWatch } from "./process_cost.ts";
import { flagsFor, GENERAL_PERMISSIONS } from "./permissions.ts";
import { print, printError } from "./print.ts";
import { Children } from "./process.ts";
import { SshServer } from "./ssh_server.ts";
import { stxArguments } from "./stx_process.ts";
import { writeRandomFile } from "./tree.ts";
import { formatSize, median, parseSize } from "./units.ts";

const MEMORY_FOLDER = "/dev/shm";
const STARTUP_RUNS = 20;
/** The tool that the others are compared with. */
const REFERENCE = "scp";

/** What one transfer cost. */
interface Sample {
  readonly seconds: number;
  /** Both ends together. */
  readonly cpuSeconds: number;
  readonly senderPeakBytes: number;
  readonly receiverPeakBytes: number;
}

/** What the runs of one tool came to. */
interface Result {
  readonly tool: string;
  readonly seconds: number;
  readonly secondsMin: number;
  readonly secondsMax: number;
  /** The median over the rounds of this tool's time divided by scp's in the same round; `null` without scp. */
  readonly ratioToScp: number | null;
  /** Processor seconds of both ends together for each GiB. */
  readonly cpuSecondsPerGib: number;
  readonly senderPeakBytes: number;
  readonly receiverPeakBytes: number;
}

/** Sends `source` once; the copy is compared and removed. Throws if anything fails or the copy differs. */
async function measure(tool: Tool, source: string, digest: string, target: string): Promise<Sample> {
  const cpuBefore = cpuSecondsOf("self", "children");
  const preparation: Preparation = await tool.prepare(source, target);
  const start = performance.now();
  const sender = preparation.start();
  const watch = new MemoryWatch([() => [sender.pid], () => preparation.receivers()]);
  for await (const _line of sender.lines) {
    // Nothing is expected; but a pipe that nobody reads may fill up.
  }
  const { code, stderr } = await sender.end;
  const seconds = (performance.now() - start) / 1000;
  const elsewhere = await preparation.finish();
  const [senderPeakBytes, receiverPeakBytes] = watch.stop();
  if (code !== 0) throw new Error(`${tool.name} ended with ${code}: ${stderr.trim()}`);
  const copy = `${target}/${basename(source)}`;
  if (sha256OfFile(copy) !== digest) throw new Error(`${tool.name}: the copy differs from the original`);
  for (const entry of [...Deno.readDirSync(target)]) {
    Deno.removeSync(`${target}/${entry.name}`, { recursive: true });
  }
  return {
    seconds,
    cpuSeconds: cpuSecondsOf("self", "children") - cpuBefore + elsewhere,
    senderPeakBytes: senderPeakBytes!,
    receiverPeakBytes: receiverPeakBytes!,
  };
}

/** The results of all tools, from their samples by round. */
function summarise(samples: ReadonlyMap<string, readonly Sample[]>, sizeBytes: number): readonly Result[] {
  const reference = samples.get(REFERENCE);
  return [...samples].map(([tool, runs]) => {
    const times = runs.map((run) => run.seconds);
    return {
      tool,
      seconds: median(times),
      secondsMin: Math.min(...times),
      secondsMax: Math.max(...times),
      ratioToScp: reference === undefined
        ? null
        : median(runs.map((run, round) => run.seconds / reference[round]!.seconds)),
      cpuSecondsPerGib: median(runs.map((run) => run.cpuSeconds)) / sizeBytes * 1024 ** 3,
      senderPeakBytes: Math.max(...runs.map((run) => run.senderPeakBytes)),
      receiverPeakBytes: Math.max(...runs.map((run) => run.receiverPeakBytes)),
    };
  });
}

/** The folder to work below: in memory where there is room for the file and its copy. */
function storageFor(sizeBytes: number): { readonly folder: string | undefined; readonly note: string } {
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    if (bavail * bsize > sizeBytes * 2.2) {
      return { folder: MEMORY_FOLDER, note: `in memory (${MEMORY_FOLDER})` };
    }
    return { folder: undefined, note: `in a temporary folder: ${MEMORY_FOLDER} has too little room` };
  } catch {
    return { folder: undefined, note: `in a temporary folder: there is no ${MEMORY_FOLDER}` };
  }
}

/** Sends a file with every tool in turn, `runs` times. */
async function compareTools(sizeBytes: number, runs: number, json: boolean): Promise<void> {
  const storage = storageFor(sizeBytes);
  const options = { prefix: "stx-bench-", ...(storage.folder === undefined ? {} : { dir: storage.folder }) };
  const root = await Deno.realPath(await Deno.makeTempDir(options));
  const remove = (): void => Deno.removeSync(root, { recursive: true });
  try {
    await using children = new Children(remove);
    const [source, target] = [`${root}/data.bin`, `${root}/arrived`];
    Deno.mkdirSync(target);
    printError(`${formatSize(sizeBytes)} of random data over loopback, ${storage.note}; ${runs} rounds`);
    printError(`load of the machine before the start: ${Deno.loadavg()[0]!.toFixed(2)}`);
    writeRandomFile(source, sizeBytes);
    const digest = sha256OfFile(source);

    const tools: Tool[] = [...await stxTools(children, root)];
    await using stack = new AsyncDisposableStack();
    const server = await SshServer.start(children, root);
    const peers = typeof server === "string"
      ? [`scp and rsync: ${server}`]
      : sshTools(children, stack.use(server));
    for (const peer of peers) {
      if (typeof peer === "string") printError(`left out: ${peer}`);
      else tools.push(peer);
    }

    const samples = new Map<string, Sample[]>(tools.map((tool) => [tool.name, []]));
    for (let round = 1; round <= runs; round++) {
      for (const tool of tools) {
        const sample = await measure(tool, source, digest, target);
        samples.get(tool.name)!.push(sample);
        printError(`round ${round}: ${tool.name.padEnd(22)} ${sample.seconds.toFixed(2)} s`);
      }
    }
    const results = summarise(samples, sizeBytes);
    if (json) print(JSON.stringify({ sizeBytes, runs, storage: storage.note, results }));
    else printTable(results);
  } finally {
    remove();
  }
}

function printTable(results: readonly Result[]): void {
  const rows = results.map((result) => [
    result.tool,
    `${result.seconds.toFixed(2)} s`,
    `${result.secondsMin.toFixed(2)} to ${result.secondsMax.toFixed(2)}`,
    result.ratioToScp === null ? "-" : result.ratioToScp.toFixed(2),
    result.cpuSecondsPerGib.toFixed(2),
    formatSize(result.senderPeakBytes),
    formatSize(result.receiverPeakBytes),
  ]);
  const head = ["", "median", "range", "to scp", "CPU s/GiB", "peak sender", "peak receiver"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  for (const row of [head, ...rows]) {
    print(
      row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join(
        "  ",
      ),
    );
  }
  print();
  print(
    "CPU: both ends together. Peak: resident memory, the sum over the processes of one end, shared pages included.",
  );
}

/** Compares the start of stx with that of an empty script. */
async function compareStartup(json: boolean): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "stx-bench-" });
  try {
    await using children = new Children();
    const empty = `${folder}/empty.ts`;
    await Deno.writeTextFile(empty, "export {};\n");
    const commands = [["stx --version", stxArguments(flagsFor(GENERAL_PERMISSIONS), ["--version"])], [
      "an empty script",
      [
        "run",
        empty,
      ],
    ]] as const;
    const times = new Map<string, number[]>(commands.map(([name]) => [name, []]));
    // The first run of each fills Deno's cache and does not count.
    for (let run = 0; run <= STARTUP_RUNS; run++) {
      for (const [name, args] of commands) {
        const start = performance.now();
        await children.run(Deno.execPath(), args);
        if (run > 0) times.get(name)!.push(performance.now() - start);
      }
    }
    const results = [...times].map(([command, runs]) => ({ command, medianMs: median(runs) }));
    if (json) print(JSON.stringify({ runs: STARTUP_RUNS, results }));
    else {for (const { command, medianMs } of results) {
        print(`${command.padEnd(16)} ${medianMs.toFixed(1)} ms`);
      }}
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        size: { type: "string", default: "1G" },
        runs: { type: "string", default: "5" },
        json: { type: "boolean", default: false },
        startup: { type: "boolean", default: false },
      },
    });
    const runs = Number(values.runs);
    if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: give a number from 1`);
    if (values.startup) await compareStartup(values.json);
    else if (Deno.build.os !== "linux") throw new Error("costs are read from /proc, so this needs Linux");
    else await compareTools(parseSize(values.size), runs, values.json);
  } catch (error) {
    printError(`bench: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}

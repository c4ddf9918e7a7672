/**
 * What strangers cost a receiver, and what they cost those who have business with it: 5,000 connections that prove
 * nothing, from as many addresses, each begun anew when it is dropped, while 20 files of 1 MiB are sent one after the
 * other; and the same 20 without strangers, to compare with. `--strangers N`, `--per-second N` (new connections of
 * all strangers together), `--files N` and `--v8-flags FLAGS` (of both receivers) change that. Exits 0 only if every file arrived and the strangers took no
 * more memory than is allowed here. Linux only: it reads /proc.
 * @module
 */
import { parseArgs } from "node:util";
import { sha256OfFile } from "../../scripts/checksums.ts";
import { flagsFor, GENERAL_PERMISSIONS } from "../../scripts/permissions.ts";
import { print, printError, printProgress } from "../../scripts/print.ts";
import { type Child, Children } from "../../scripts/process.ts";
import { cpuSecondsOf, peakMemoryOf } from "../../scripts/process_cost.ts";
import { stxArguments, StxProcess } from "../../scripts/stx_process.ts";
import { writeRandomFile } from "../../scripts/tree.ts";
import { formatSize, median } from "../../scripts/units.ts";
import { ownAddress, Strangers, type StrangersCount } from "../support/strangers.ts";
import { withTempFolder } from "../support/temp_folder.ts";

const MIB = 1024 * 1024;
/** What strangers may add to a receiver's peak. */
const EXTRA_MEMORY_MAX = 64 * MIB;
/** How long a sender tries before it counts as locked out. */
const RETRY_FOR = "3m";
/** How often counts are told and looked at. */
const LOOK_EVERY_MS = 200;
/**
 * V8 lets garbage lie about while the machine has memory to spare, some 100 MiB of it under a flood; this has it
 * tidy up, so that what is measured is what strangers take.
 */
const TIDY = "--optimize-for-size";
const FLAGS = flagsFor(GENERAL_PERMISSIONS);

/** How large a flood. */
interface Flood {
  readonly count: number;
  readonly perSecond: number;
}

/** One transfer. */
interface Sent {
  readonly hasArrived: boolean;
  /** Connections that it took; 1 where the first did. */
  readonly tryCount: number;
  readonly seconds: number;
  /** Why it failed, or "". */
  readonly failure: string;
}

/** What happened to a receiver. */
interface Outcome {
  readonly sent: readonly Sent[];
  readonly peakBytes: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  /** The most sockets that the receiver had at once. */
  readonly socketsMax: number;
  readonly strangers: StrangersCount | undefined;
}

/** Is the strangers, in a process of their own, and tells their counts, until it is ended. */
async function flood(port: number, { count, perSecond }: Flood): Promise<never> {
  const strangers = await Strangers.gather({ port, count, perSecond, address: ownAddress });
  for (;;) {
    print(JSON.stringify(strangers.counts));
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The strangers' process, from outside. */
class FloodProcess {
  counts: StrangersCount | undefined;
  readonly #child: Child;
  readonly #reading: Promise<void>;
  readonly #isThere = Promise.withResolvers<void>();

  constructor(children: Children, port: number, { count, perSecond }: Flood) {
    this.#child = children.start(
      Deno.execPath(),
      ["run", "-A", import.meta.filename!, "--flood", `${port}`]
        .concat("--strangers", `${count}`, "--per-second", `${perSecond}`),
    );
    this.#reading = this.#read(count);
  }

  /** Resolves when as many connections have been made as there are strangers. */
  async arrived(): Promise<void> {
    await this.#isThere.promise;
  }

  async end(): Promise<void> {
    this.#child.kill();
    await this.#reading;
  }

  async #read(count: number): Promise<void> {
    for await (const line of this.#child.lines) {
      this.counts = JSON.parse(line) as StrangersCount;
      if (this.counts.made >= count) this.#isThere.resolve();
    }
    this.#isThere.reject(new Error(`the strangers are gone: ${(await this.#child.end).stderr}`));
    // Nobody waits for it any more where they were sent home.
    this.#isThere.promise.catch(() => {});
  }
}

/** Two people, their keys, and files to send, below `folder`. */
class Scene {
  readonly #children: Children;
  readonly #folder: string;
  readonly #v8Flags: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(children: Children, folder: string, v8Flags: string) {
    this.#children = children;
    this.#folder = folder;
    this.#v8Flags = v8Flags;
    this.#env = { STX_CONFIG_DIR: `${folder}/nobody`, XDG_STATE_HOME: `${folder}/state` };
  }

  static async set(children: Children, folder: string, v8Flags: string): Promise<Scene> {
    const scene = new Scene(children, folder, v8Flags);
    for (const who of ["sender", "receiver"]) {
      const args = stxArguments(FLAGS, ["keygen", "--out", `${folder}/${who}`]);
      await children.run(Deno.execPath(), args, { env: { ...scene.#env } });
    }
    return scene;
  }

  /** Starts a receiver, sends `fileCount` files to it one after the other, and looks at what it took. */
  async play(name: string, fileCount: number, strangers: Flood | undefined): Promise<Outcome> {
    const inbox = `${this.#folder}/${name}`;
    await Deno.mkdir(inbox);
    const receiver = new StxProcess(
      this.#children,
      [...FLAGS, ...this.#v8Flags === "" ? [] : [`--v8-flags=${this.#v8Flags}`]],
      [
        ...["recv", "--listen", "127.0.0.1:0", "--dir", inbox, "--state", `${inbox}.state`],
        ...["--identity", `${this.#folder}/receiver`, "--authorized-keys", `${this.#folder}/sender.pub`],
      ],
      this.#env,
    );
    const { port } = await receiver.first("listening");
    const { pid } = receiver.child;
    let socketsMax = 0;
    const watch = setInterval(() => void (socketsMax = Math.max(socketsMax, socketsOf(pid))), LOOK_EVERY_MS);
    const flooding = strangers === undefined ? undefined : new FloodProcess(this.#children, port, strangers);
    try {
      await flooding?.arrived();
      const startMs = performance.now();
      const cpuBefore = cpuSecondsOf(pid, "own and children");
      const sent: Sent[] = [];
      // A sender would go on trying to reach a receiver that is gone.
      const isGone = receiver.child.end.then(({ stderr }) => {
        throw new Error(`the receiver ended: ${stderr}`);
      });
      isGone.catch(() => {});
      for (let index = 0; index < fileCount; index++) {
        sent.push(await Promise.race([this.#send(`${name}-${index}`, port, inbox), isGone]));
        const tries = sent.map((one) => one.tryCount).join(" ");
        printProgress(`${name}: tries ${tries}`);
      }
      return {
        sent,
        peakBytes: peakMemoryOf(pid),
        cpuSeconds: cpuSecondsOf(pid, "own and children") - cpuBefore,
        seconds: (performance.now() - startMs) / 1000,
        socketsMax,
        strangers: flooding?.counts,
      };
    } finally {
      clearInterval(watch);
      await flooding?.end();
      receiver.child.kill();
      await receiver.child.end;
      printProgress("");
    }
  }

  async #send(name: string, port: number, inbox: string): Promise<Sent> {
    const file = `${this.#folder}/${name}`;
    writeRandomFile(file, MIB);
    const startMs = performance.now();
    let tryCount = 1;
    const sender = new StxProcess(
      this.#children,
      FLAGS,
      [
        ...["send", file, `127.0.0.1:${port}`, "--retry-for", RETRY_FOR],
        ...["--identity", `${this.#folder}/sender`, "--peer", `${this.#folder}/receiver.pub`],
      ],
      this.#env,
      (event) => {
        if (event.event === "retry") tryCount += 1;
      },
    );
    let failure = "";
    try {
      await sender.succeed();
      if (sha256OfFile(file) !== sha256OfFile(`${inbox}/${name}`)) failure = `${name} arrived changed`;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    return {
      hasArrived: failure === "",
      tryCount,
      seconds: (performance.now() - startMs) / 1000,
      failure,
    };
  }
}

/** How many sockets a process has open. */
function socketsOf(pid: number): number {
  let count = 0;
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      try {
        if (Deno.readLinkSync(`/proc/${pid}/fd/${name}`).startsWith("socket:")) count += 1;
      } catch {
        // It was closed while the list was read.
      }
    }
  } catch {
    // The process has ended.
  }
  return count;
}

/** Prints one outcome. */
function report(
  name: string,
  { sent, peakBytes, cpuSeconds, seconds, strangers, socketsMax }: Outcome,
): void {
  const times = sent.map((one) => one.seconds);
  const arrived = sent.filter((one) => one.hasArrived).length;
  print(`${name}:`);
  if (strangers !== undefined) {
    const { open, openMax, made, dropped, failed } = strangers;
    print(`  half-open connections  at the strangers' end ${open}, at most ${openMax}`);
    print(`  sockets of the receiver, at most  ${socketsMax}`);
    print(`  connections  ${made} made, ${dropped} dropped, ${failed} not made`);
  }
  print(`  transfers    ${arrived} of ${sent.length} arrived`);
  print(`  tries each   ${sent.map((one) => one.tryCount).join(" ")}`);
  print(
    `  time each    ${median(times).toFixed(1)} s in the middle, ${Math.max(...times).toFixed(1)} s at most`,
  );
  print(
    `  receiver     ${(cpuSeconds / seconds * 100).toFixed(0)} % of a core, peak ${formatSize(peakBytes)}`,
  );
}

/** Runs both; returns the exit status. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      strangers: { type: "string", default: "5000" },
      "per-second": { type: "string", default: "500" },
      files: { type: "string", default: "20" },
      "v8-flags": { type: "string", default: TIDY },
      flood: { type: "string" },
    },
  });
  const strangers = { count: Number(values.strangers), perSecond: Number(values["per-second"]) };
  if (values.flood !== undefined) return await flood(Number(values.flood), strangers);
  return await withTempFolder(async (folder) => {
    await using children = new Children(() => Deno.removeSync(folder, { recursive: true }));
    const scene = await Scene.set(children, folder, values["v8-flags"]);
    const quiet = await scene.play("unbothered", Number(values.files), undefined);
    report("unbothered", quiet);
    const loud = await scene.play("bothered", Number(values.files), strangers);
    report(
      `with ${strangers.count} strangers, at most ${strangers.perSecond} new connections a second`,
      loud,
    );

    const extraBytes = loud.peakBytes - quiet.peakBytes;
    print(
      `memory for strangers: ${formatSize(Math.max(0, extraBytes))}, allowed ${formatSize(EXTRA_MEMORY_MAX)}`,
    );
    const failures = [...quiet.sent, ...loud.sent].map((one) => one.failure).filter((text) => text !== "");
    if (extraBytes > EXTRA_MEMORY_MAX) failures.push("the strangers took more memory than is allowed");
    for (const failure of failures) printError(`failed: ${failure}`);
    return failures.length === 0 ? 0 : 1;
  });
}

if (import.meta.main) Deno.exit(await main());

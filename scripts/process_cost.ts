/**
 * What processes cost, as Linux counts it in /proc: processor time, and the most memory that each has held.
 * @module
 */

/** Clock ticks a second in /proc; Linux shows 100 to programs on every platform, whatever the kernel's own is. */
const TICKS_PER_SECOND = 100;

/** How often memory is looked at. The kernel keeps the peak, so only the last look before the end matters. */
const LOOK_EVERY_MS = 20;

/** Processor time, in seconds, that a process and those of its children that have ended have used. */
export function cpuSecondsOf(pid: number | "self", whose: "own and children" | "children"): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name of the program, in parentheses, may contain anything. Behind it field 3 comes first.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15);
  const own = whose === "children" ? 0 : user! + system!;
  return (own + childrenUser! + childrenSystem!) / TICKS_PER_SECOND;
}

/** The children of a process, those of its threads among them; none if it is gone. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim();
      return text === "" ? [] : text.split(" ").map(Number);
    });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The most memory, in bytes, that a process has held at once; 0 if it is gone. */
export function peakMemoryOf(pid: number): number {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
    return match === null ? 0 : Number(match[1]) * 1024;
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

/** Reading the files of a process that ends meanwhile fails in one of these ways. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && error.message.includes("os error 3)"));
}

/** Watches trees of processes until told to stop. */
export class MemoryWatch {
  readonly #roots: readonly (() => readonly number[])[];
  /** For each root: the peak of each process that was ever seen in its tree. */
  readonly #peaks: readonly Map<number, number>[];
  readonly #timer: ReturnType<typeof setInterval>;

  /** Each of `roots` gives the processes at the top of one tree, anew for every look. */
  constructor(roots: readonly (() => readonly number[])[]) {
    this.#roots = roots;
    this.#peaks = roots.map(() => new Map());
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** Stops, and returns for each root the sum of its processes' peaks, in bytes. */
  stop(): readonly number[] {
    clearInterval(this.#timer);
    return this.#peaks.map((peaks) => [...peaks.values()].reduce((sum, peak) => sum + peak, 0));
  }

  /** Looks now, besides every few milliseconds. */
  look(): void {
    this.#roots.forEach((root, index) => {
      const open = [...root()];
      for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
        const peak = peakMemoryOf(pid);
        if (peak > 0) this.#peaks[index]!.set(pid, peak);
        open.push(...childrenOf(pid));
      }
    });
  }
}

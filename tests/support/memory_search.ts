/**
 * Many byte strings looked for at once in the memory of another process: all that it may write to, as Linux shows it to
 * whoever may trace it.
 * @module
 */

const CHUNK_SIZE = 4 * 1024 * 1024;

/**
 * The names of those byte strings that are somewhere in a process's memory, each of at least 16 bytes. The process is
 * stopped meanwhile, so that nothing moves.
 */
export function foundInMemory(pid: number, wanted: ReadonlyMap<string, Uint8Array>): ReadonlySet<string> {
  Deno.kill(pid, "SIGSTOP");
  try {
    using memory = Deno.openSync(`/proc/${pid}/mem`);
    const search = new Search(wanted);
    const chunk = new Uint8Array(search.sizeMax + CHUNK_SIZE);
    for (const [start, end] of writableRanges(pid)) {
      // What stands across the end of a chunk is found in the next one.
      let carried = 0;
      for (let at = start; at < end;) {
        memory.seekSync(at, Deno.SeekMode.Start);
        const size = readOrNull(memory, chunk.subarray(carried, carried + Math.min(CHUNK_SIZE, end - at)));
        if (size === null) break;
        const filled = carried + size;
        search.look(chunk.subarray(0, filled));
        carried = Math.min(search.sizeMax - 1, filled);
        chunk.copyWithin(0, filled - carried, filled);
        at += size;
      }
    }
    return search.found;
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
}

/** `null` for a page that nobody may read. */
function readOrNull(memory: Deno.FsFile, into: Uint8Array): number | null {
  try {
    return memory.readSync(into);
  } catch {
    return null;
  }
}

function writableRanges(pid: number): readonly (readonly [number, number])[] {
  return Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line))
    .filter((match) => match !== null)
    .map(([, start, end]) => [Number.parseInt(start!, 16), Number.parseInt(end!, 16)] as const);
}

interface Wanted {
  readonly name: string;
  readonly bytes: Uint8Array;
}

class Search {
  readonly sizeMax: number;
  readonly found = new Set<string>();
  /** By their first two bytes. */
  readonly #byStart = new Map<number, readonly Wanted[]>();
  /** The same as a table, since most of a memory begins nothing. */
  readonly #isStart = new Uint8Array(2 ** 16);

  constructor(wanted: ReadonlyMap<string, Uint8Array>) {
    this.sizeMax = Math.max(...[...wanted.values()].map(({ length }) => length));
    for (const [name, bytes] of wanted) {
      const start = bytes[0]! << 8 | bytes[1]!;
      this.#isStart[start] = 1;
      this.#byStart.set(start, [...this.#byStart.get(start) ?? [], { name, bytes }]);
    }
  }

  look(memory: Uint8Array): void {
    const isStart = this.#isStart;
    for (let at = 1, start = memory[0]!; at < memory.length; at++) {
      start = (start << 8 | memory[at]!) & 0xffff;
      if (isStart[start] === 0) continue;
      for (const { name, bytes } of this.#byStart.get(start)!) {
        if (isAt(memory, at - 1, bytes)) this.found.add(name);
      }
    }
  }
}

function isAt(memory: Uint8Array, at: number, bytes: Uint8Array): boolean {
  if (at + bytes.length > memory.length) return false;
  for (let i = 0; i < bytes.length; i++) if (memory[at + i] !== bytes[i]) return false;
  return true;
}

/**
 * What stands in the memory of another process. Linux only: it reads /proc.
 * @module
 */
import { Buffer } from "node:buffer";

/** Bytes that are looked at together. */
const WINDOW_SIZE = 4 * 1024 * 1024;
/** A larger mapping is a reservation, of which next to nothing is there. */
const MAPPING_SIZE_MAX = 2 ** 31;

/** Says whether the memory of children can be read here: not everywhere it is allowed. */
export function canReadMemory(): boolean {
  if (Deno.build.os !== "linux") return false;
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  try {
    Deno.openSync(`/proc/${child.pid}/mem`).close();
    return true;
  } catch {
    return false;
  } finally {
    child.kill("SIGKILL");
  }
}

/** How often each of `needles` stands in the memory of a process, of 64 bytes at most each. */
export function countInMemory(pid: number, needles: readonly Uint8Array[]): readonly number[] {
  const counts = needles.map(() => 0);
  using memory = Deno.openSync(`/proc/${pid}/mem`);
  const window = Buffer.alloc(64 + WINDOW_SIZE);
  for (const line of Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r(?!.*\[v)/.exec(line) ?? [];
    if (from === undefined) continue;
    const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)];
    if (end - start > MAPPING_SIZE_MAX) continue;
    memory.seekSync(start, Deno.SeekMode.Start);
    // What stands on both sides of a border between two windows is found in the second one.
    let kept = 0;
    for (let left = Number(end - start); left > 0;) {
      const size = readOrNull(memory, window.subarray(kept, kept + Math.min(left, WINDOW_SIZE)));
      if (size === null) break;
      left -= size;
      const filled = window.subarray(0, kept + size);
      needles.forEach((needle, index) => counts[index]! += countIn(filled, needle, kept));
      kept = Math.min(63, filled.length);
      window.copyWithin(0, filled.length - kept, filled.length);
    }
  }
  return counts;
}

function readOrNull(memory: Deno.FsFile, into: Uint8Array): number | null {
  try {
    return memory.readSync(into);
  } catch {
    // A page that nobody may read, of a device for one.
    return null;
  }
}

/** How often `needle` ends behind the first `known` bytes. */
function countIn(bytes: Buffer, needle: Uint8Array, known: number): number {
  let count = 0;
  const from = Math.max(0, known - needle.length + 1);
  for (let at = bytes.indexOf(needle, from); at >= 0; at = bytes.indexOf(needle, at + 1)) count += 1;
  return count;
}

/**
 * What one input may cost.
 * @module
 */
import { cpuUsage } from "node:process";

/** Bytes that may be allocated whatever the input: ssh-agent's answers are read into a buffer of up to 256 KiB. */
const ALLOCATED_MIN = 1024 * 1024;
/** Bytes that may be allocated for each byte of the input. */
const ALLOCATED_PER_BYTE = 64;
/** Milliseconds of the processor that an input may take whatever its size: what compiles or collects is among them. */
const TIME_MIN_MS = 100;
/** Milliseconds for each byte: 256 KiB in 0.9 s. Where time grows with the square, that much takes a minute. */
const TIME_PER_BYTE_MS = 0.003;
/** How often something slow is tried again: what was collected or compiled meanwhile may have been another's. */
const TRIES = 3;
/** What takes so many times too long is not tried again. */
const PLAINLY = 3;

let allocatedSizeBytes = 0;

/** From here on counts the bytes of every new Uint8Array of this process. */
export function countAllocations(): void {
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(constructor, inputs, target) {
      const made = Reflect.construct(constructor, inputs, target) as Uint8Array;
      // A view of what is there already costs nothing.
      if (!(inputs[0] instanceof ArrayBuffer)) allocatedSizeBytes += made.byteLength;
      return made;
    },
  });
}

/** Runs `body`, and throws where it takes more memory or time than an input of `sizeBytes` may. */
export async function withinBounds<T>(sizeBytes: number, body: () => Promise<T>): Promise<T> {
  const timeMaxMs = TIME_MIN_MS + sizeBytes * TIME_PER_BYTE_MS;
  for (let tries = 1;; tries++) {
    const before = allocatedSizeBytes;
    const start = cpuUsage();
    const result = await body();
    const { user, system } = cpuUsage(start);
    const tookMs = (user + system) / 1000;
    const allocated = allocatedSizeBytes - before;
    if (allocated > ALLOCATED_MIN + sizeBytes * ALLOCATED_PER_BYTE) {
      throw new Error(`It takes ${allocated} bytes of memory to read ${sizeBytes}`);
    }
    if (tookMs <= timeMaxMs) return result;
    if (tries === TRIES || tookMs > PLAINLY * timeMaxMs) {
      throw new Error(`It takes ${tookMs.toFixed(0)} ms to read ${sizeBytes} bytes`);
    }
  }
}

/**
 * Large buffers given back at once. The garbage collector does not see how much memory stands behind an
 * `ArrayBuffer`, and the system's allocator hands large blocks back page by page, only to ask for them again:
 * left alone, that costs more than the encryption.
 * @module
 */
import type { Bytes } from "./bytes.ts";

/** Smaller buffers are not worth the call. */
const LARGE_SIZE = 64 * 1024;
/** Just below the 32 MiB up to which glibc lets its threshold grow (mallopt(3), M_MMAP_THRESHOLD). */
const PROBE_SIZE = 32 * 1024 * 1024 - 64 * 1024;

/** Node 20 does not have it; there the garbage collector is left to its work. */
const CAN_TRANSFER = "transfer" in ArrayBuffer.prototype;

/**
 * Frees the memory behind `bytes` now, where the runtime can. The buffer is detached: `bytes` and every other view of
 * it are empty afterwards, so only its last user may call this.
 */
export function release(bytes: Bytes): void {
  if (CAN_TRANSFER && bytes.buffer.byteLength >= LARGE_SIZE) bytes.buffer.transfer(0);
}

/**
 * Makes the allocator keep and reuse blocks of a record's size. glibc raises its threshold for returning memory
 * to the system to the size of the largest block that was ever freed, so freeing one large block once is enough:
 * sealing 1 GiB then takes 2 thousand page faults in place of 266 thousand. Elsewhere it does nothing.
 */
export function keepLargeBlocks(): void {
  if (CAN_TRANSFER) new ArrayBuffer(PROBE_SIZE).transfer(0);
}

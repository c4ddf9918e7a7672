/**
 * Seals 128 MiB in records of 1 MiB and prints how many page faults that took; with the word `reuse`, memory is given
 * back as stx does. A process of its own: faults are counted for a whole one.
 * @module
 */
import { keepLargeBlocks, release } from "../../../lib/bytes/memory.ts";
import { importTrafficKey } from "../../../lib/crypto/traffic_key.ts";

const RECORD_SIZE = 1024 * 1024;
const RECORD_COUNT = 128;

/** The tenth field, minflt; the name in brackets before it may hold spaces. See proc_pid_stat(5). */
function faultCount(): number {
  return Number(Deno.readTextFileSync("/proc/self/stat").split(") ").at(-1)!.split(" ")[7]);
}

const isReused = Deno.args[0] === "reuse";
if (isReused) keepLargeBlocks();
const key = await importTrafficKey("chacha20-poly1305", new Uint8Array(32));
const record = new Uint8Array(RECORD_SIZE);
const before = faultCount();
for (let sequence = 0; sequence < RECORD_COUNT; sequence++) {
  const sealed = await key.seal(sequence, new Uint8Array(4), record);
  if (isReused) release(sealed);
}
Deno.stdout.writeSync(new TextEncoder().encode(`${faultCount() - before}`));

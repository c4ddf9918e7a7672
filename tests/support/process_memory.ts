/**
 * Whether tests may look into the memory of other processes.
 * @module
 */

/** Says whether the memory of children can be read here: Linux shows it in /proc, and not everywhere it is allowed. */
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

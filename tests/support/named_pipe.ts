/**
 * Named pipes, in the place of files: whoever opens one to read waits for a writer, and the other way round.
 * @module
 */

/** Whether there are any. */
export const HAS_PIPES = Deno.build.os !== "windows";

/** How long something may wait at a pipe before somebody opens its other end, so that no test hangs. */
const HANG_GUARD_S = 10;
/** To open a pipe for both waits for nobody. */
const GUARD = 'trap "kill \\$!; exit" TERM; sleep "$2" & wait $!; [ -p "$1" ] && exec 3<>"$1"';

/** Makes a named pipe. */
export function makePipe(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  if (!success) throw new Error(`mkfifo did not make ${path}`);
}

/** Runs `body`, which works with the pipe that will be at `path`; throws if it waited there. */
export async function withoutWaiting(path: string, body: () => Promise<void> | void): Promise<void> {
  const guard = new Deno.Command("sh", {
    args: ["-c", GUARD, "sh", path, String(HANG_GUARD_S)],
    stdin: "null",
  }).spawn();
  const begunMs = performance.now();
  let tookMs: number;
  try {
    await body();
  } finally {
    tookMs = performance.now() - begunMs;
    try {
      guard.kill("SIGTERM");
    } catch {
      // It has ended, and what waited has gone on.
    }
    await guard.status;
  }
  if (tookMs >= HANG_GUARD_S * 1000) throw new Error(`It waited for ${tookMs} ms`);
}

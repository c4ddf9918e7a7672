/**
 * Signals that ask a program to stop.
 * @module
 */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that stx stops for. */
export type StopSignal = keyof typeof NUMBERS;

/**
 * Whether there is a terminal that can hang up. `nohup` has SIGHUP ignored, but Deno neither keeps to that nor tells of
 * it; what shows is that `nohup` leaves no terminal. Asked at the start, since one that has hung up is none any more.
 */
const IS_ATTACHED = [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());

/** The exit status of a program that a signal ended. */
export function statusOf(signal: StopSignal): number {
  return 128 + NUMBERS[signal];
}

/**
 * Calls `onStop` at the first such signal. A second one ends the process at once, as if nobody had listened. A hang-up
 * (SIGHUP) counts where a standard stream is a terminal, and is ignored elsewhere: as under `nohup`.
 * @returns stops listening
 */
export function onStopSignal(onStop: (signal: StopSignal) => void): () => void {
  const handlers = (Object.keys(NUMBERS) as StopSignal[])
    // Windows knows the first two alone.
    .filter((signal) => Deno.build.os !== "windows" || signal === "SIGINT")
    .map((signal) => {
      const handler = () => {
        if (signal === "SIGHUP" && !IS_ATTACHED) return;
        stop();
        onStop(signal);
      };
      Deno.addSignalListener(signal, handler);
      return { signal, handler };
    });
  function stop(): void {
    for (const { signal, handler } of handlers.splice(0)) Deno.removeSignalListener(signal, handler);
  }
  return stop;
}

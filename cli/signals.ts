/**
 * Signals that ask a program to stop.
 * @module
 */

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that stx stops for. */
export type StopSignal = keyof typeof NUMBERS;

/** The exit status of a program that a signal ended. */
export function statusOf(signal: StopSignal): number {
  return 128 + NUMBERS[signal];
}

/**
 * Calls `onStop` at the first such signal. A second one ends the process at once, as if nobody had listened.
 * @returns stops listening
 */
export function onStopSignal(onStop: (signal: StopSignal) => void): () => void {
  const handlers = (Object.keys(NUMBERS) as StopSignal[])
    // Windows knows the first two alone.
    .filter((signal) => Deno.build.os !== "windows" || signal === "SIGINT")
    .map((signal) => {
      const handler = () => {
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

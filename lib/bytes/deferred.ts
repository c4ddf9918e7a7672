/**
 * A promise that is settled from outside. `Promise.withResolvers` is that too, but came after Node 20.
 * @module
 */

/** See the module's text. Made by {@link deferred}. */
export interface Deferred<T> {
  /** What is waited for. */
  readonly promise: Promise<T>;
  /** Resolves it, if it is not settled yet. */
  readonly resolve: (value: T | PromiseLike<T>) => void;
  /** Rejects it, if it is not settled yet. */
  readonly reject: (reason: unknown) => void;
}

/** A promise with the two functions that settle it. */
export function deferred<T>(): Deferred<T> {
  let resolve!: Deferred<T>["resolve"];
  let reject!: Deferred<T>["reject"];
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

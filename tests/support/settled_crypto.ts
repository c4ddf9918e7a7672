/**
 * Tests of what starts work on the runtime's crypto threads without waiting for it: an import that is not needed any
 * more, the seal of an alert that nobody hears. Nothing of a test may go on behind its end.
 */

const underWay = new Set<Promise<unknown>>();

for (const name of Object.getOwnPropertyNames(SubtleCrypto.prototype) as (keyof SubtleCrypto)[]) {
  const method = crypto.subtle[name] as unknown;
  if (typeof method !== "function" || name as string === "constructor") continue;
  const watched = (...inputs: unknown[]): unknown => {
    const result: unknown = method.apply(crypto.subtle, inputs);
    if (result instanceof Promise) {
      underWay.add(result);
      result.catch(() => {}).finally(() => underWay.delete(result));
    }
    return result;
  };
  Object.defineProperty(crypto.subtle, name, { value: watched, configurable: true });
}

/** How many calls are under way. */
export function cryptoCallCount(): number {
  return underWay.size;
}

/** Resolves when the runtime has nothing to seal, open, import, sign or the like any more. */
export async function cryptoSettled(): Promise<void> {
  do {
    await Promise.allSettled(underWay);
    // Whoever waited for it may begin something new now.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } while (underWay.size > 0);
}

/** As `Deno.test`, and waits for the crypto threads at the end, whatever came of it. */
export function cryptoTest(name: string, body: () => Promise<void> | void): void {
  Deno.test(name, async () => {
    try {
      await body();
    } finally {
      await cryptoSettled();
    }
  });
}

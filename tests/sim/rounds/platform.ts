/**
 * The platform as `cli/rounds_key_files.ts` meets it: that of the transfers' simulation, with errors of Deno's own
 * classes, and files that close with their block.
 * @module
 */
import { SimFile } from "../files.ts";
import { onPlatform, type PlatformRun } from "../platform.ts";

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  ENOENT: Deno.errors.NotFound,
  EEXIST: Deno.errors.AlreadyExists,
  EACCES: Deno.errors.PermissionDenied,
};
const CALLS = ["lstatSync", "statSync", "realPathSync", "openSync", "renameSync", "removeSync"] as const;

/** Runs `body` with the run in the platform's place. */
export function onRoundsPlatform<T>(run: PlatformRun, body: () => Promise<T>): Promise<T> {
  return onPlatform(run, async () => {
    // deno-lint-ignore no-explicit-any
    const calls = Deno as any;
    const before = CALLS.map((name) => calls[name]);
    for (const [i, name] of CALLS.entries()) {
      calls[name] = (...inputs: unknown[]) => {
        try {
          const result = before[i](...inputs);
          return result instanceof SimFile ? closingWithItsBlock(result) : result;
        } catch (error) {
          throw asDenos(error);
        }
      };
    }
    try {
      return await body();
    } finally {
      for (const [i, name] of CALLS.entries()) calls[name] = before[i];
    }
  });
}

function closingWithItsBlock(file: SimFile): SimFile & Disposable {
  return Object.assign(file, { [Symbol.dispose]: () => file.close() });
}

function asDenos(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const Class = CLASSES[String(error.code)];
  return Class === undefined ? error : Object.assign(new Class(error.message), { code: error.code });
}

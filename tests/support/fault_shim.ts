/**
 * A file system that fails on demand, for one process: a small library in C, compiled when it is needed and preloaded,
 * makes the n-th of the process's calls fail, fall short, or be its last. Linux only, and with a C compiler only.
 * @module
 */
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import { runProgram, works } from "./programs.ts";

/** Whether {@link FaultShim} works here. */
export const HAS_FAULT_SHIM = Deno.build.os === "linux" && works("cc", "--version");

/** What happens to a call: it fails with an errno, writes half, or is the last one, not made, made or half made. */
export type FaultAction =
  | "EIO"
  | "ENOSPC"
  | "EDQUOT"
  | "EROFS"
  | "short"
  | "killBefore"
  | "killAfter"
  | "torn";

/** Kinds of calls. */
export type FaultKind =
  | "write"
  | "sync"
  | "rename"
  | "open"
  | "make"
  | "truncate"
  | "attributes"
  | "remove"
  | "read";

/** As the library has them. */
const ACTIONS: Readonly<Record<FaultAction, number>> = {
  EIO: 5,
  ENOSPC: 28,
  EROFS: 30,
  EDQUOT: 122,
  short: -1,
  killBefore: -2,
  killAfter: -3,
  torn: -4,
};

/** As the library has them. */
const KINDS: Readonly<Record<FaultKind, number>> = {
  write: 1,
  sync: 2,
  rename: 4,
  open: 8,
  make: 16,
  truncate: 32,
  attributes: 64,
  remove: 128,
  read: 256,
};

/** Which call fails, and how. */
export interface Fault {
  /** The number of the call from now on, from 1; 0 for none, to count. */
  readonly at: number;
  readonly action: FaultAction;
  readonly kinds: readonly FaultKind[];
  /** Whether all later calls fail too. */
  readonly lasts?: boolean;
}

/** A call that counted. */
export interface SeenCall {
  readonly name: string;
  readonly path: string;
  readonly failed: boolean;
}

/** See the module's text. */
export class FaultShim {
  /** Words before a command line that make its calls fail. */
  readonly prefix: readonly string[];
  readonly #control: string;
  readonly #log: string;

  private constructor(folder: string, library: string, prefixes: readonly string[]) {
    this.#control = `${folder}/control`;
    this.#log = `${folder}/calls`;
    this.#write(new BigInt64Array(8));
    Deno.writeTextFileSync(this.#log, "");
    this.prefix = [
      "env",
      `LD_PRELOAD=${library}`,
      `FAULT_CONTROL=${this.#control}`,
      `FAULT_PREFIXES=${prefixes.join(":")}`,
      `FAULT_LOG=${this.#log}`,
    ];
  }

  /** Compiles the library into `folder`, which exists; only calls that concern paths with these beginnings count. */
  static async make(folder: string, prefixes: readonly string[]): Promise<FaultShim> {
    const library = `${folder}/fault_shim.so`;
    const source = `${PROJECT_FOLDER}/tests/support/fault_shim.c`;
    const { code, stderr } = await runProgram("cc", [
      "-shared",
      "-fPIC",
      "-O1",
      "-Wall",
      "-o",
      library,
      source,
      "-ldl",
    ]);
    if (code !== 0) throw new Error(`cc ended with ${code}: ${stderr}`);
    return new FaultShim(folder, library, prefixes);
  }

  /** From now on calls are counted anew, and this happens. */
  arm({ at, action, kinds, lasts = false }: Fault): void {
    Deno.writeTextFileSync(this.#log, "");
    const mask = kinds.reduce((bits, kind) => bits | KINDS[kind], 0);
    this.#write(
      BigInt64Array.of(0n, BigInt(at), BigInt(ACTIONS[action]), BigInt(mask), lasts ? 1n : 0n, 0n, 0n, 0n),
    );
  }

  /** From now on nothing happens any more. */
  disarm(): void {
    this.#write(new BigInt64Array(8));
  }

  /** The calls that counted since it was armed. */
  calls(): readonly SeenCall[] {
    return Deno.readTextFileSync(this.#log).split("\n").slice(0, -1).map((line) => {
      const [, name, path, mark] = /^\d+ (\S+) (.*?)( FAILS)?$/.exec(line)!;
      return { name: name!, path: path!, failed: mark !== undefined };
    });
  }

  /** In place, since the process has it in its memory. */
  #write(numbers: BigInt64Array<ArrayBuffer>): void {
    using file = Deno.openSync(this.#control, { write: true, create: true });
    file.writeSync(new Uint8Array(numbers.buffer));
  }
}

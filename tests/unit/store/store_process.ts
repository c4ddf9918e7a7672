/**
 * Other processes that use a state file: `deno run store_process.ts TASK PATH`. Each says "ready" when it has done
 * its work, and then keeps what it has until it is ended.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { codeOf } from "../../../lib/errors.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import { ID, OTHER_ID, PEER, TRANSFER } from "./rows.ts";

const TASKS = {
  /** Saves one transfer whole, and of another one the durable mark. */
  save(path: string): void {
    const store = new SqliteTransferStore(path);
    store.save(PEER, OTHER_ID, TRANSFER);
    store.saveDurable(PEER, OTHER_ID, 77, 88);
    store.save(PEER, ID, TRANSFER);
  },

  /** Locks the whole file, as an SQLite program may, before it is in use by stx. */
  lock(path: string): void {
    new DatabaseSync(path).exec("CREATE TABLE t (x); BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)");
  },

  /** Holds the right to write. */
  write(path: string): void {
    new DatabaseSync(path).exec("BEGIN IMMEDIATE");
  },

  /** Saves until that fails, and says how. */
  fill(path: string): void {
    try {
      const store = new SqliteTransferStore(path);
      for (let i = 0; i < 1000; i++) {
        store.save(PEER, Uint8Array.of(i >> 8, i), { ...TRANSFER, manifest: new Uint8Array(64 * 1024) });
      }
      say("never full");
    } catch (error) {
      say(String(codeOf(error)));
    }
    Deno.exit();
  },
} satisfies Readonly<Record<string, (path: string) => void>>;

/** The command line of a task. */
export function commandOf(task: keyof typeof TASKS, path: string): readonly string[] {
  return [Deno.execPath(), "run", "--allow-all", "--no-check", import.meta.filename!, task, path];
}

/** Runs `body` while a process that has done its task keeps what it has; `end` kills it at once. */
export async function withProcess(
  task: keyof typeof TASKS,
  path: string,
  body: (end: () => Promise<void>) => Promise<void> | void,
): Promise<void> {
  const [program, ...args] = commandOf(task, path);
  const child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
    await child.status;
  };
  try {
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    try {
      const { value } = await reader.read();
      if (value !== "ready\n") throw new Error(`The process said ${value}`);
      await body(end);
    } finally {
      await end();
      await reader.cancel();
    }
  } finally {
    await child.stdin.close().catch(() => {});
  }
}

if (import.meta.main) {
  const [task, path] = Deno.args;
  TASKS[task as keyof typeof TASKS](path!);
  say("ready");
  await Deno.stdin.read(new Uint8Array(1));
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

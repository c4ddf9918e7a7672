/**
 * Other processes that use a state file: `deno run store_process.ts TASK PATH`. Each says "ready" when it has done
 * its work, and then keeps what it has until it is ended, or told to go on.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { codeOf } from "../../../lib/errors.ts";
import { SqliteNonceStore } from "../../../lib/store/sqlite_nonce_store.ts";
import { SqliteRotationStore } from "../../../lib/store/sqlite_rotation_store.ts";
import { SqliteRoundsKeys } from "../../../lib/store/sqlite_rounds_keys.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { SqliteTransferStore } from "../../../lib/store/sqlite_transfer_store.ts";
import {
  CLIENT,
  FIRST_ROOT,
  ID,
  LATER_MS,
  NONCE,
  nonceOf,
  NOW_MS,
  OTHER_ID,
  PEER,
  ROTATION,
  SECOND_ROOT,
  TRANSFER,
} from "./rows.ts";
import { whenTold } from "./state_file.ts";

/** How many nonces a process claims in a race. */
export const RACE_SIZE = 100;
/** How many clients' roots. */
export const ROOT_RACE_SIZE = 20;

/** What is returned is done when the process is told to go on. */
const TASKS = {
  /** Saves one transfer whole, and of another one the durable mark. */
  save(path: string): void {
    const store = new SqliteTransferStore(new SqliteState(path));
    store.save(PEER, OTHER_ID, TRANSFER);
    store.saveDurable(PEER, OTHER_ID, 77, 88);
    store.save(PEER, ID, TRANSFER);
  },

  /** Claims a nonce. */
  claim(path: string): void {
    new SqliteNonceStore(new SqliteState(path)).claim(NONCE, LATER_MS, NOW_MS);
  },

  /** Saves a change of identity. */
  rotate(path: string): void {
    new SqliteRotationStore(new SqliteState(path)).save(ROTATION);
  },

  /** Goes on to a client's next epoch. */
  advanceRoot(path: string): void {
    new SqliteRoundsKeys(path).advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT);
  },

  /** The same, and stops when the change counts and the log is still there. */
  advanceRootHalf(path: string): void {
    const keys = new SqliteRoundsKeys(path);
    const stop = () => {
      say("ready");
      Deno.stdin.readSync(new Uint8Array(1));
    };
    whenTold("PRAGMA wal_checkpoint(TRUNCATE)", stop, () => keys.advance(CLIENT, FIRST_ROOT, 1, SECOND_ROOT));
  },

  /** Told to go on, takes many clients to their next epoch and says the numbers of those that it got. */
  raceRoots(path: string): () => void {
    const keys = new SqliteRoundsKeys(path);
    return () => {
      const numbers = Array.from({ length: ROOT_RACE_SIZE }, (_, number) => number);
      const isMine = (number: number) => keys.advance(`c${number}`, FIRST_ROOT, 1, SECOND_ROOT);
      say(JSON.stringify(numbers.filter(isMine)));
    };
  },

  /** Told to go on, claims many nonces at once and says the numbers of those that it got. */
  race(path: string): () => void {
    const store = new SqliteNonceStore(new SqliteState(path));
    return () => {
      const numbers = Array.from({ length: RACE_SIZE }, (_, number) => number);
      say(JSON.stringify(numbers.filter((number) => store.claim(nonceOf(number), LATER_MS, NOW_MS))));
    };
  },

  /** Opens the file and stops just before a change of its layout counts. */
  migrate(path: string): void {
    const stop = () => {
      say("ready");
      Deno.stdin.readSync(new Uint8Array(1));
    };
    whenTold("COMMIT", stop, () => new SqliteState(path));
  },

  /** Locks the whole file, as an SQLite program may, before it is in use by stx. */
  lock(path: string): void {
    new DatabaseSync(path).exec("CREATE TABLE t (x); BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)");
  },

  /** Holds the right to write. */
  write(path: string): void {
    new DatabaseSync(path).exec("BEGIN IMMEDIATE");
  },

  /** Saves transfers until that fails, and says how. */
  fill(path: string): void {
    try {
      const store = new SqliteTransferStore(new SqliteState(path));
      for (let i = 0; i < 1000; i++) {
        store.save(PEER, Uint8Array.of(i >> 8, i), TRANSFER, new Uint8Array(64 * 1024));
      }
      say("never full");
    } catch (error) {
      say(String(codeOf(error)));
    }
    Deno.exit();
  },

  /** Claims nonces until that fails, and says how that and the next attempt fail. */
  fillNonces(path: string): void {
    const store = new SqliteNonceStore(new SqliteState(path));
    const failures: unknown[] = [];
    for (let number = 0; failures.length < 2 && number < 1_000_000; number++) {
      try {
        store.claim(nonceOf(number), LATER_MS, NOW_MS);
      } catch (error) {
        failures.push(codeOf(error) ?? error);
      }
    }
    say(failures.join(" "));
    Deno.exit();
  },

  /** Enrols clients until that fails, and says how that and the next attempt fail. */
  fillRoots(path: string): void {
    const keys = new SqliteRoundsKeys(path);
    const failures: unknown[] = [];
    for (let number = 0; failures.length < 2 && number < 1_000_000; number++) {
      try {
        keys.enroll(`${"x".repeat(1_000)}${number}`, FIRST_ROOT);
      } catch (error) {
        failures.push(codeOf(error) ?? error);
      }
    }
    say(failures.join(" "));
    Deno.exit();
  },
} satisfies Readonly<Record<string, (path: string) => (() => void) | void>>;

/** The command line of a task. */
export function commandOf(task: keyof typeof TASKS, path: string): readonly string[] {
  return [Deno.execPath(), "run", "--allow-all", "--no-check", import.meta.filename!, task, path];
}

/** A process that has done its task. */
export interface StoreProcess {
  /** Kills it at once. */
  end(): Promise<void>;
  /** Tells it to go on; resolves to what it says from then on. */
  goOn(): Promise<string>;
}

/** Runs `body` while a process that has done its task keeps what it has. */
export async function withProcess(
  task: keyof typeof TASKS,
  path: string,
  body: (process: StoreProcess) => Promise<void> | void,
): Promise<void> {
  const [program, ...args] = commandOf(task, path);
  const child = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped" }).spawn();
  const input = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
    await child.status;
  };
  const goOn = async () => {
    await input.write(Uint8Array.of(10));
    let said = "";
    for (let next = await reader.read(); !next.done; next = await reader.read()) said += next.value;
    return said;
  };
  try {
    const { value } = await reader.read();
    if (value !== "ready\n") throw new Error(`The process said ${value}`);
    await body({ end, goOn });
  } finally {
    await end();
    await reader.cancel();
    await input.close().catch(() => {});
  }
}

if (import.meta.main) {
  const [task, path] = Deno.args;
  const rest = TASKS[task as keyof typeof TASKS](path!);
  say("ready");
  await Deno.stdin.read(new Uint8Array(1));
  rest?.();
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

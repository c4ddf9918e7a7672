/**
 * Transfers during which one call to the file system goes wrong: what may come of it, and that the same command, given
 * again, sends everything.
 * @module
 */
import assert from "node:assert/strict";
import { type FaultAction, type FaultKind, FaultShim, type SeenCall } from "./fault_shim.ts";
import type { Receiver, Stage } from "./stage.ts";
import { names, tree } from "./tree.ts";

/** Whose calls go wrong: those of a receiver at work, of one that starts, or of a sender. */
export type FaultPlace = "receiver" | "start" | "sender";

/** One try. */
export interface FaultTrial {
  readonly place: FaultPlace;
  /** The number of the call, from 1. */
  readonly at: number;
  readonly action: FaultAction;
  /** Whether it stays so until the command is given again. */
  readonly lasts: boolean;
}

/** What came of it. */
export interface FaultOutcome {
  /** The exit status of the command that met the fault. */
  readonly code: number;
  /** The call that went wrong; `undefined` if there were fewer. */
  readonly call: SeenCall | undefined;
}

const BIG_SIZE = 1_500_000;

/** All that changes something. */
const CHANGES: readonly FaultKind[] = [
  "write",
  "sync",
  "rename",
  "open",
  "make",
  "truncate",
  "attributes",
  "remove",
];

/** What each action can happen to. */
const KINDS: Readonly<Record<FaultAction, readonly FaultKind[]>> = {
  EIO: [...CHANGES, "read"],
  ENOSPC: ["write", "open", "make", "rename", "truncate", "sync"],
  EDQUOT: ["write", "open", "make", "rename"],
  EROFS: ["open", "make", "rename", "attributes", "remove"],
  short: ["write"],
  torn: ["write"],
  killBefore: CHANGES,
  killAfter: CHANGES,
};

/** See the module's text. One stage, whose receiver goes on from try to try unless the fault ends it. */
export class FaultTrials {
  readonly #stage: Stage;
  readonly #receiverShim: FaultShim;
  readonly #senderShim: FaultShim;
  #receiver: Receiver | undefined;
  #number = 0;

  private constructor(stage: Stage, receiverShim: FaultShim, senderShim: FaultShim) {
    this.#stage = stage;
    this.#receiverShim = receiverShim;
    this.#senderShim = senderShim;
  }

  /** Sets it up on a stage where nothing runs yet. */
  static async on(stage: Stage): Promise<FaultTrials> {
    const make = async (who: string, prefixes: readonly string[]) => {
      const folder = `${stage.folder}/shim-${who}`;
      Deno.mkdirSync(folder);
      return await FaultShim.make(folder, prefixes);
    };
    Deno.mkdirSync(`${stage.folder}/receipts`);
    return new FaultTrials(
      stage,
      await make("receiver", [stage.inbox, `${stage.receiver.home}/state`]),
      await make("sender", [stage.outbox, `${stage.folder}/receipts`]),
    );
  }

  /** How many calls there are to go wrong. */
  async count(place: FaultPlace, action: FaultAction): Promise<number> {
    const shim = this.#shim(place);
    if (place !== "start") await this.#listening();
    const paths = this.#files();
    shim.arm({ at: 0, action, kinds: KINDS[action] });
    if (place === "start") await this.#restart();
    else await this.#send(paths);
    const count = shim.calls().length;
    shim.disarm();
    this.#clear();
    return count;
  }

  /** Makes one try. */
  async run(trial: FaultTrial): Promise<FaultOutcome> {
    const { place, at, action, lasts } = trial;
    const shim = this.#shim(place);
    const isKill = ["killBefore", "killAfter", "torn"].includes(action);
    const paths = this.#files();
    await this.#listening();
    // A receiver that starts has something to do: an unfinished transfer lies there.
    if (place === "start") {
      shim.arm({ at: 12, action: "killAfter", kinds: ["write"] });
      await this.#send(paths, "0s");
      this.#receiver!.process.kill("SIGKILL");
      await this.#receiver!.process.ended;
      this.#receiver = undefined;
    }
    shim.arm({ at, action, kinds: KINDS[action], lasts });
    let code: number;
    if (place === "start") {
      code = await this.#start(isKill);
    } else {
      ({ code } = await this.#send(paths, lasts || isKill ? "1s" : "10s"));
      if (place === "receiver") await this.#afterFault(isKill);
    }
    const calls = shim.calls();
    const call = calls.find(({ failed }) => failed);
    shim.disarm();
    const told = `${place}, call ${at} (${call?.name} ${call?.path}): ${action}${
      lasts ? " from then on" : ""
    }, exit ${code}`;
    this.#check(paths, code === 0 && place !== "start", told);
    // Whoever could not read or write, or was killed, does not say that all is well.
    const mayBeWell = call === undefined || action === "short" || place === "receiver";
    assert.ok(code !== 1 && (code !== 0 || mayBeWell || place === "start"), told);

    await this.#listening();
    const again = await this.#send(paths);
    assert.equal(again.code, 0, `${told}; then: ${again.stderr}`);
    this.#check(paths, true, `${told}, then 0`);
    // By which a receiver finds out at its start whether it can write: it cannot take it away when it ends just then.
    const probes = names(this.#stage.inbox).filter((name) => /^\.stx-[0-9a-f]{16}$/.test(name));
    assert.ok(
      probes.length === 0 || (place === "start" && ["mkdir", "rmdir"].includes(call?.name ?? "")),
      told,
    );
    for (const probe of probes) Deno.removeSync(`${this.#stage.inbox}/${probe}`);
    assert.deepEqual(names(this.#stage.inbox), [paths.name], told);
    assert.ok(Deno.readTextFileSync(paths.receipt).length > 0, told);
    assert.deepEqual(names(`${this.#stage.folder}/receipts`), ["receipt", "receipt.sig"], told);
    this.#clear();
    return { code, call };
  }

  #shim(place: FaultPlace): FaultShim {
    return place === "sender" ? this.#senderShim : this.#receiverShim;
  }

  /** Something new to send: a file of two blocks, an empty one, a folder with a small one. */
  #files(): { readonly name: string; readonly path: string; readonly receipt: string } {
    const name = `t${this.#number++}`;
    this.#stage.file(`${name}/big`, BIG_SIZE);
    this.#stage.file(`${name}/empty`, "");
    this.#stage.file(`${name}/deep/small`, `small ${this.#number}`);
    return {
      name,
      path: `${this.#stage.outbox}/${name}`,
      receipt: `${this.#stage.folder}/receipts/receipt`,
    };
  }

  async #send(
    paths: { path: string; receipt: string },
    retryFor = "20s",
  ): Promise<{ code: number; stderr: string }> {
    return await this.#stage.send(this.#receiver!, paths.path, {
      args: ["--retry-for", retryFor, "--receipt", paths.receipt],
      prefix: this.#senderShim.prefix,
    });
  }

  async #listening(): Promise<void> {
    if (this.#receiver !== undefined) return;
    this.#receiver = await this.#stage.receive({ prefix: this.#receiverShim.prefix });
  }

  async #restart(): Promise<void> {
    this.#receiver?.process.kill("SIGKILL");
    await this.#receiver?.process.ended;
    this.#receiver = undefined;
    await this.#listening();
  }

  /** Starts a receiver that meets a fault; returns its exit status, or 0 if it listens all the same. */
  async #start(isKill: boolean): Promise<number> {
    const process = this.#stage.startReceive({ prefix: this.#receiverShim.prefix });
    try {
      const { port, fingerprint } = await process.event("listening");
      this.#receiver = { process, port, fingerprint: fingerprint! };
      return 0;
    } catch {
      const { code, stderr } = await process.ended;
      assert.equal(code, isKill ? 137 : 7, stderr);
      return code;
    }
  }

  /** A receiver outlives every fault but its own end: whether it lives, the next command finds out. */
  async #afterFault(isKill: boolean): Promise<void> {
    if (!isKill || !this.#receiverShim.calls().some(({ failed }) => failed)) return;
    const { code, stderr } = await this.#receiver!.process.ended;
    assert.equal(code, 137, stderr);
    this.#receiver = undefined;
  }

  /** Whatever has its final name is whole. */
  #check(paths: { name: string; path: string }, isThere: boolean, told: string): void {
    const there = names(this.#stage.inbox).filter((name) => !name.startsWith(".stx-"));
    if (isThere || there.length > 0) {
      assert.deepEqual(there, [paths.name], told);
      assert.deepEqual(tree(`${this.#stage.inbox}/${paths.name}`), tree(paths.path), told);
    }
  }

  #clear(): void {
    for (const folder of [this.#stage.inbox, this.#stage.outbox, `${this.#stage.folder}/receipts`]) {
      for (const name of names(folder)) {
        if (name !== ".stx-partial") Deno.removeSync(`${folder}/${name}`, { recursive: true });
      }
    }
  }
}

/**
 * Runs of stx under narrow permissions, held against what they ask for. Deno itself keeps the record of that
 * (DENO_AUDIT_PERMISSIONS).
 * @module
 */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import {
  CONFIG_VARIABLES,
  flagsFor,
  keygenPermissions,
  type Permissions,
  STATE_VARIABLES,
} from "../../scripts/permissions.ts";
import { Children } from "../../scripts/process.ts";
import { stxArguments, StxProcess } from "../../scripts/stx_process.ts";
import { withTempFolder } from "./temp_folder.ts";

/** One thing that a run has asked for. */
export interface Asked {
  readonly permission: string;
  readonly value: string;
}

/** A place to run stx in. Its environment names no folder, so that a run finds only what it is told. */
export class Workshop {
  readonly folder: string;
  readonly children: Children;
  #count = 0;

  constructor(folder: string, children: Children) {
    this.folder = folder;
    this.children = children;
  }

  /** A path in the workshop. */
  at(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** Makes a key pair, a shared key or a base key with `keygen`, under its own narrow permissions. */
  async key(name: string, kind: "identity" | "psk" | "base-key" = "identity"): Promise<string> {
    const out = this.at(name);
    const what = kind === "psk"
      ? { psk: true } as const
      : kind === "base-key"
      ? { baseKey: true } as const
      : {};
    const permissions = keygenPermissions({ out, ...what });
    const audit = this.#nextAudit();
    const args = ["keygen", "--out", out, ...(kind === "identity" ? [] : [`--${kind}`])];
    await this.children.run(Deno.execPath(), stxArguments(flagsFor(permissions), args), {
      env: environment(audit, {}),
    });
    await assertAsExpected(permissions, audit);
    return out;
  }

  /** Starts `send` or `recv` under exactly `permissions`. */
  start(permissions: Permissions, args: readonly string[], env: Readonly<Record<string, string>>): Run {
    const audit = this.#nextAudit();
    const stx = new StxProcess(this.children, flagsFor(permissions), args, environment(audit, env));
    return {
      stx,
      succeed: async () => {
        await stx.succeed();
        await assertAsExpected(permissions, audit);
      },
    };
  }

  #nextAudit(): string {
    return this.at(`audit-${this.#count++}.jsonl`);
  }
}

/** One run of stx, whose use of permissions is recorded. */
export interface Run {
  readonly stx: StxProcess;
  /** Waits until stx has succeeded; then what it asked for must be what it was given. */
  succeed(): Promise<void>;
}

/** An environment that names no folder but those in `env`, and the file for the record. */
function environment(audit: string, env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const unset = Object.fromEntries([...CONFIG_VARIABLES, ...STATE_VARIABLES].map((name) => [name, ""]));
  return { ...unset, DENO_DIR: DENO_CACHE, ...env, DENO_AUDIT_PERMISSIONS: audit };
}

/** Holds the record of a run against what it was given. */
async function assertAsExpected(permissions: Permissions, audit: string): Promise<void> {
  const lines = (await Deno.readTextFile(audit)).trimEnd().split("\n");
  const asked = lines.map((line) => JSON.parse(line) as Asked);
  assert.deepEqual(compare(permissions, asked), { unused: [], foreign: [] });
}

/** What was given and not asked for, and what was asked for and not given. */
export function compare(permissions: Permissions, asked: readonly Asked[]) {
  const granted: Asked[] = Object.entries(permissions).flatMap(([permission, values]) => {
    assert.ok(Array.isArray(values), `${permission} must be narrow`);
    return (values as readonly string[]).map((value) => ({ permission, value }));
  });
  const isNamed = (ask: Asked) => `${ask.permission} ${ask.value}`;
  return {
    unused: granted.filter((grant) => !isUnrecorded(grant) && !asked.some((ask) => covers(grant, ask))).map(
      isNamed,
    ),
    foreign: asked.filter((ask) => !granted.some((grant) => covers(grant, ask))).map(isNamed),
  };
}

/** Deno lets any program read NO_COLOR and records nothing; but stx asks first whether it may. */
function isUnrecorded(grant: Asked): boolean {
  return grant.permission === "env" && grant.value === "NO_COLOR";
}

/** Says whether the permission `grant` allows what `ask` asks for. */
function covers(grant: Asked, ask: Asked): boolean {
  if (grant.permission !== ask.permission) return false;
  // A host without a port stands for all of its ports.
  if (grant.permission === "net" && ask.value.startsWith(`${grant.value}:`)) return true;
  if (grant.permission !== "read" && grant.permission !== "write") return grant.value === ask.value;
  // Deno's name for the folder of temporary files, which TMPDIR names to it.
  if (ask.value === "<TMP>") return grant.value.endsWith("/tmp");
  const [folder, path] = [resolve(grant.value), resolve(ask.value)];
  return path === folder || path.startsWith(`${folder}/`);
}

/** Deno's cache, which it would otherwise look for below HOME. */
const DENO_CACHE = await (async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return (JSON.parse(new TextDecoder().decode(stdout)) as { denoDir: string }).denoDir;
})();

/** Runs a test in a fresh workshop with an identity for each side and something to send. */
export async function withWorkshop(
  body: (workshop: Workshop, keys: { readonly sender: string; readonly receiver: string }) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    await using children = new Children();
    const workshop = new Workshop(await Deno.realPath(folder), children);
    const keys = { sender: await workshop.key("sender"), receiver: await workshop.key("receiver") };
    await Deno.mkdir(workshop.at("data/below"), { recursive: true });
    await Deno.writeTextFile(workshop.at("data/below/file.txt"), "content");
    await Deno.mkdir(workshop.at("arrived"));
    await body(workshop, keys);
  });
}

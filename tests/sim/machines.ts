/**
 * The machines of a plan: what is on their disks before anything happens.
 * @module
 */
import { Disk, type DiskItem } from "./disk.ts";
import { put } from "./items.ts";
import type { Plan, SenderPlan } from "./plan.ts";
import type { Machine } from "./process.ts";
import { INBOX } from "./receiver.ts";
import { OUTBOX } from "./sender.ts";

/** The receiver's: a folder with what the plan has in it, and something beside it that nobody may touch. */
export function makeReceiverMachine(plan: Plan, nowMs: () => number): Machine {
  const disk = new Disk(nowMs, plan.journal);
  disk.create(INBOX, "directory", 0o755);
  disk.create("/canary", "directory", 0o755);
  disk.write(disk.create("/canary/bird", "file", 0o644), new Uint8Array([1, 2, 3]));
  plan.inbox.forEach((item) => put(disk, INBOX, item));
  disk.settle();
  return { name: "receiver", disk, isUp: true, skewMs: 0, stepMs: { sync: plan.syncMs } };
}

/** A sender's: what it sends. */
export function makeSenderMachine(
  name: string,
  { items }: SenderPlan,
  plan: Plan,
  nowMs: () => number,
): Machine {
  const disk = new Disk(nowMs, plan.journal);
  disk.create(OUTBOX, "directory", 0o755);
  items.forEach((item) => put(disk, OUTBOX, item));
  // Folders last and the deepest first: until then something is put into them.
  for (const { path, mode, mtimeMs } of items.toReversed()) {
    disk.touch(disk.find(`${OUTBOX}/${path}`), { mode, mtimeMs });
  }
  disk.settle();
  return { name, disk, isUp: true, skewMs: 0, stepMs: {} };
}

/** The receiver's user makes a small file in the folder; `undefined` if the name is taken. */
export function makeFileAppear(disk: Disk, name: string): DiskItem | undefined {
  try {
    const inode = disk.create(`${INBOX}/${name}`, "file", 0o644);
    disk.write(inode, new Uint8Array([7]));
    disk.endSync(disk.beginSync(inode));
    disk.endSync(disk.beginSync(disk.find(INBOX)));
    return { path: name, kind: "file", ...inode.now };
  } catch {
    return undefined;
  }
}

/** The receiver's user does something to one of the files at `paths`; returns which. */
export function meddleWithFile(
  disk: Disk,
  paths: readonly string[],
  item: number,
  how: "remove" | "append" | "shorten",
): string | undefined {
  const path = paths[item % Math.max(1, paths.length)];
  if (path === undefined) return undefined;
  const whole = `${INBOX}/${path}`;
  try {
    const inode = disk.find(whole);
    const { data } = inode.now;
    if (how === "remove") disk.remove(whole);
    else if (how === "append") disk.write(inode, new Uint8Array([...data, 9]));
    else if (data.length === 0) return undefined;
    else disk.write(inode, data.slice(0, data.length >> 1));
    disk.endSync(disk.beginSync(inode));
    disk.endSync(disk.beginSync(disk.find(whole.slice(0, whole.lastIndexOf("/")))));
    return path;
  } catch {
    return undefined;
  }
}

/** The receiver's user removes the folder of a transfer that nobody works on; returns which. */
export function meddleWithPartial(disk: Disk, item: number): string | undefined {
  try {
    const base = `${INBOX}/.stx-partial`;
    const ids = [...disk.find(base).names.keys()];
    const id = ids[item % Math.max(1, ids.length)];
    if (id === undefined) return undefined;
    const path = `${base}/${id}`;
    if (disk.find(path).names.get("lock")?.lockedBy !== undefined) return undefined;
    for (const { path: below } of disk.list(path).toReversed()) disk.remove(`${path}/${below}`);
    disk.remove(path);
    disk.endSync(disk.beginSync(disk.find(base)));
    return `.stx-partial/${id}`;
  } catch {
    return undefined;
  }
}

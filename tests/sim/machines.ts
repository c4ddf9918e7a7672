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

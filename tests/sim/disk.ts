/**
 * A disk in memory that knows what a crash would leave. What is written is seen at once, as through a page cache, and
 * is durable only when it was synced: a file's content, size, time and mode by a sync of the file, a name by a sync of
 * the folder that it was made, changed or removed in. It stands in for a journalling file system: a rename happens
 * whole or not at all, and nothing is kept without what it rests on.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Dice } from "./dice.ts";
import { type Contents, damaged } from "./disk_damage.ts";

/** A file or a folder, whatever its names are. */
export interface Inode {
  readonly number: number;
  readonly kind: "file" | "directory";
  /** As everybody sees it. */
  now: Contents;
  /** As it surely survives a crash. */
  kept: Contents;
  /** Whether the two may differ. */
  isDirty: boolean;
  /** Names in a folder, both ways. */
  readonly names: Map<string, Inode>;
  readonly keptNames: Map<string, Inode>;
  /** From where on content was dropped by a sync that failed: later syncs say nothing of it. */
  lostFrom: number;
  lostUntil: number;
  /** Who has locked it. */
  lockedBy: unknown;
}

/** One change of names; a rename has two parts and is whole or not at all. */
interface NameChange {
  readonly parts: readonly { readonly folder: Inode; readonly name: string; readonly child?: Inode }[];
  readonly child: Inode;
  readonly isRemoval: boolean;
}

/** A sync that was begun: what was there then is durable once it ends. */
export interface SyncJob {
  readonly inode: Inode;
  readonly contents: Contents;
  readonly changes: readonly NameChange[];
}

/** Anything on a disk, with its path. */
export interface DiskItem extends Contents {
  readonly path: string;
  readonly kind: "file" | "directory";
}

/**
 * How names become durable: each folder by itself, as POSIX has it; each folder with what its names rest on; or everything
 * before in one journal.
 */
export type JournalKind = "alone" | "folders" | "whole";

const NOTHING: Bytes = new Uint8Array(0);

/** An error as the operating system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code} (simulated)`), { code });
}

/** See the module's text. Paths are absolute; there are no links of either kind. */
export class Disk {
  readonly #nowMs: () => number;
  readonly #journal: JournalKind;
  readonly root: Inode;
  #nextNumber = 1;
  #pending: NameChange[] = [];
  /** Bytes that still fit. */
  freeBytes = Infinity;
  /** Counts changes of names. */
  version = 0;

  constructor(nowMs: () => number, journal: JournalKind) {
    this.#nowMs = nowMs;
    this.#journal = journal;
    this.root = this.#make("directory", 0o755);
  }

  /** What has this path; throws `ENOENT`, `ENOTDIR`, `EACCES`. */
  find(path: string): Inode {
    let inode = this.root;
    for (const part of path.split("/")) {
      if (part === "") continue;
      if (inode.kind !== "directory") throw systemError("ENOTDIR");
      if ((inode.now.mode & 0o100) === 0) throw systemError("EACCES");
      const child = inode.names.get(part);
      if (child === undefined) throw systemError("ENOENT");
      inode = child;
    }
    return inode;
  }

  /** Makes a file or a folder; throws `EEXIST`, `ENOSPC`, `EACCES`. */
  create(path: string, kind: Inode["kind"], mode: number): Inode {
    const { folder, name } = this.#parent(path);
    if (folder.names.has(name)) throw systemError("EEXIST");
    requireWritable(folder);
    if (this.freeBytes < 1) throw systemError("ENOSPC");
    const child = this.#make(kind, mode);
    this.#change({ parts: [{ folder, name, child }], child, isRemoval: false });
    return child;
  }

  /** Removes a file, or a folder without names in it. */
  remove(path: string): void {
    const { folder, name } = this.#parent(path);
    const child = folder.names.get(name);
    if (child === undefined) throw systemError("ENOENT");
    requireWritable(folder);
    if (child.names.size > 0) throw systemError("ENOTEMPTY");
    if (child.kind === "file") this.freeBytes += child.now.data.length;
    this.#change({ parts: [{ folder, name }], child, isRemoval: true });
  }

  /** Renames; a file takes another's place, a folder an empty folder's. */
  rename(from: string, to: string): void {
    const source = this.#parent(from);
    const target = this.#parent(to);
    const child = source.folder.names.get(source.name);
    if (child === undefined) throw systemError("ENOENT");
    requireWritable(source.folder);
    requireWritable(target.folder);
    if (child.kind === "directory" && source.folder !== target.folder) requireWritable(child);
    const other = target.folder.names.get(target.name);
    if (other === child) return;
    if (other !== undefined) {
      if (child.kind === "file" && other.kind === "directory") throw systemError("EISDIR");
      if (child.kind === "directory" && other.kind === "file") throw systemError("ENOTDIR");
      if (other.names.size > 0) throw systemError("ENOTEMPTY");
      if (other.kind === "file") this.freeBytes += other.now.data.length;
    }
    const parts = [{ folder: source.folder, name: source.name }, {
      folder: target.folder,
      name: target.name,
      child,
    }];
    this.#change({ parts, child, isRemoval: false });
  }

  /** Gives a file other content; throws `ENOSPC` where it does not fit. */
  write(inode: Inode, data: Bytes): void {
    const grown = data.length - inode.now.data.length;
    if (grown > this.freeBytes) throw systemError("ENOSPC");
    this.freeBytes -= grown;
    this.touch(inode, { data, mtimeMs: this.#nowMs() });
  }

  /** Changes something of a file or folder beside its names. */
  touch(inode: Inode, change: Partial<Contents>): void {
    inode.now = { ...inode.now, ...change };
    inode.isDirty = true;
  }

  /** Notes what a sync has to make durable. */
  beginSync(inode: Inode): SyncJob {
    const changes = this.#journal === "whole"
      ? [...this.#pending]
      : this.#restingOn(this.#pending.filter((change) => isIn(change, inode)));
    return { inode, contents: inode.now, changes };
  }

  /** A sync has failed: as on Linux, what should have been written counts as clean, and stays off the disk. */
  failSync(inode: Inode): void {
    if (inode.kind !== "file") return;
    const [now, kept] = [inode.now.data, inode.kept.data];
    let from = 0;
    while (from < now.length && now[from] === kept[from] && from < kept.length) from += 1;
    if (from === now.length) return;
    inode.lostFrom = inode.lostUntil > 0 ? Math.min(inode.lostFrom, from) : from;
    inode.lostUntil = Math.max(inode.lostUntil, now.length);
  }

  /** Content is written again, or cut off. */
  rewritten(inode: Inode, from: number, until: number): void {
    if (from <= inode.lostFrom && until > inode.lostFrom) inode.lostFrom = until;
    if (inode.lostFrom >= inode.lostUntil) inode.lostFrom = inode.lostUntil = 0;
  }

  /** Makes it durable. */
  endSync({ inode, contents: synced, changes }: SyncJob): void {
    let contents = synced;
    if (inode.lostUntil > 0) {
      const data = synced.data.slice();
      for (let at = inode.lostFrom; at < Math.min(inode.lostUntil, data.length); at++) {
        data[at] = inode.kept.data[at] ?? 0;
      }
      contents = { ...synced, data };
      inode.kept = contents;
      inode.isDirty = true;
      this.#keep(changes);
      return;
    }
    inode.kept = contents;
    inode.isDirty = inode.now !== contents;
    this.#keep(changes);
  }

  /** Everything is durable as it is. */
  settle(): void {
    this.#keep(this.#pending);
    const settle = (inode: Inode): void => {
      inode.kept = inode.now;
      inode.isDirty = false;
      for (const child of inode.names.values()) settle(child);
    };
    settle(this.root);
  }

  /** The power fails: what was not durable is there afterwards or not, or in part. */
  crash(dice: Dice): void {
    const share = dice.pick([0, 1, dice.fraction()]);
    const lost: NameChange[] = [];
    const survived: NameChange[] = [];
    for (const change of this.#pending) {
      const canStay = this.#journal === "whole"
        ? lost.length === 0
        : !lost.some((other) => this.#restsOn(change, other));
      if (canStay && dice.chance(share)) survived.push(change);
      else lost.push(change);
    }
    this.#keep(survived);
    this.#pending = [];
    const recover = (inode: Inode): void => {
      if (inode.isDirty) inode.now = damaged(inode.kind, inode.kept, inode.now, dice);
      inode.kept = inode.now;
      inode.isDirty = false;
      inode.names.clear();
      for (const [name, child] of inode.keptNames) {
        inode.names.set(name, child);
        recover(child);
      }
    };
    recover(this.root);
    this.version += 1;
  }

  /** Everything below a folder, folders before what they hold; with `isDurable` only what surely survives a crash. */
  list(path: string, isDurable = false): readonly DiskItem[] {
    const items: DiskItem[] = [];
    const add = (inode: Inode, at: string): void => {
      for (const [name, child] of isDurable ? inode.keptNames : inode.names) {
        const childPath = at === "" ? name : `${at}/${name}`;
        items.push({ path: childPath, kind: child.kind, ...(isDurable ? child.kept : child.now) });
        add(child, childPath);
      }
    };
    const start = isDurable ? this.#findKept(path) : this.find(path);
    if (start !== undefined) add(start, "");
    return items;
  }

  #findKept(path: string): Inode | undefined {
    let inode: Inode | undefined = this.root;
    for (const part of path.split("/")) if (part !== "") inode = inode?.keptNames.get(part);
    return inode;
  }

  #parent(path: string): { folder: Inode; name: string } {
    const slash = path.lastIndexOf("/");
    const folder = this.find(path.slice(0, slash));
    if (folder.kind !== "directory") throw systemError("ENOTDIR");
    return { folder, name: path.slice(slash + 1) };
  }

  #make(kind: Inode["kind"], mode: number): Inode {
    const contents = { data: NOTHING, mode, mtimeMs: this.#nowMs() };
    return {
      number: this.#nextNumber++,
      kind,
      now: contents,
      kept: contents,
      isDirty: false,
      names: new Map(),
      keptNames: new Map(),
      lostFrom: 0,
      lostUntil: 0,
      lockedBy: undefined,
    };
  }

  #change(change: NameChange): void {
    for (const { folder, name, child } of change.parts) {
      if (child === undefined) folder.names.delete(name);
      else folder.names.set(name, child);
      this.touch(folder, { mtimeMs: this.#nowMs() });
    }
    this.#pending.push(change);
    this.version += 1;
  }

  #keep(changes: readonly NameChange[]): void {
    const kept = new Set(changes);
    for (const change of this.#pending) {
      if (!kept.has(change)) continue;
      for (const { folder, name, child } of change.parts) {
        if (child === undefined) folder.keptNames.delete(name);
        else folder.keptNames.set(name, child);
      }
    }
    this.#pending = this.#pending.filter((change) => !kept.has(change));
  }

  /** Whether the later change makes no sense without the earlier one. */
  #restsOn(later: NameChange, earlier: NameChange): boolean {
    if (later.child === earlier.child) return true;
    if (this.#journal !== "alone" && isIn(later, earlier.child)) return true;
    if (later.isRemoval && isIn(earlier, later.child)) return true;
    return later.parts.some((part) =>
      earlier.parts.some((other) => other.folder === part.folder && other.name === part.name)
    );
  }

  /** These changes and all before them that they rest on. */
  #restingOn(changes: readonly NameChange[]): readonly NameChange[] {
    const needed = [...changes];
    const all = new Set(changes);
    for (const change of this.#pending.toReversed()) {
      if (all.has(change)) continue;
      const at = this.#pending.indexOf(change);
      if (!needed.some((other) => this.#pending.indexOf(other) > at && this.#restsOn(other, change))) {
        continue;
      }
      needed.push(change);
      all.add(change);
    }
    return needed;
  }
}

function isIn(change: NameChange, folder: Inode): boolean {
  return change.parts.some((part) => part.folder === folder);
}

function requireWritable(folder: Inode): void {
  if ((folder.now.mode & 0o300) !== 0o300) throw systemError("EACCES");
}

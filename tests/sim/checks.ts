/**
 * What must hold whatever goes wrong. Everything is looked at from outside: the disk with what of it is durable, the
 * journal, and what the senders were told.
 * @module
 */
import { type Bytes, equal, toHex } from "../../lib/bytes/bytes.ts";
import { finalPath } from "../../lib/files/moves.ts";
import type { ConflictPolicy, Entry, Placement, StoredTransfer } from "../../lib/ports.ts";
import { digestOf } from "../../lib/transfer/incoming_manifest.ts";
import type { Disk, DiskItem } from "./disk.ts";
import { UMASK } from "./files.ts";
import { INBOX } from "./receiver.ts";
import type { StoreWatch } from "./store.ts";

/** What a sender offered, as it was on its disk then. */
export interface Offered {
  readonly entries: readonly Entry[];
  /** Content of each file, by path: several where one took the place of another of the same size and time. */
  readonly contents: ReadonlyMap<string, readonly Bytes[]>;
  readonly isStream: boolean;
}

/** A transfer that the receiver has decided to put in place. */
interface Commit {
  readonly offered: Offered;
  readonly placement: Placement;
  isDone: boolean;
}

const PARTIAL = ".stx-partial";

/** See the module's text. */
export class Checks implements StoreWatch {
  readonly #disk: Disk;
  readonly #conflict: ConflictPolicy;
  /** What was in the folder before, or came by itself, by path. */
  readonly #others = new Map<string, DiskItem>();
  /** By peer and digest of the manifest. */
  readonly #offers = new Map<string, Offered>();
  /** By peer and local id, every decision. */
  readonly #commits = new Map<string, Commit[]>();
  readonly #outside: string;
  #seenVersion = -1;
  /** What did not hold. */
  readonly violations: string[] = [];

  constructor(disk: Disk, conflict: ConflictPolicy) {
    this.#disk = disk;
    this.#conflict = conflict;
    this.#outside = this.#listOutside();
    for (const item of disk.list(INBOX)) this.#others.set(item.path, item);
  }

  fail(text: string): void {
    if (!this.violations.includes(text)) this.violations.push(text);
  }

  /** Something came into the folder that no transfer brought. */
  appeared(item: DiskItem): void {
    this.#others.set(item.path, item);
  }

  /** A sender is going to offer this. */
  offered(peer: Bytes, digest: Bytes, offered: Offered): void {
    const key = `${toHex(peer)}/${toHex(digest)}`;
    const known = this.#offers.get(key);
    if (known === undefined) {
      this.#offers.set(key, offered);
      return;
    }
    for (const [path, contents] of offered.contents) {
      const others = known.contents.get(path) as Bytes[];
      for (const each of contents) if (others.every((other) => !equal(other, each))) others.push(each);
    }
  }

  onSave(peer: Bytes, id: Bytes, before: StoredTransfer | undefined, after: StoredTransfer): void {
    const key = `${toHex(peer)}/${toHex(id)}`;
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(digestOf(after.manifest))}`);
    if (offered === undefined) return this.fail("the journal has a transfer that nobody offered");
    if (after.state === "receiving") {
      const isLess = before?.state === "receiving" && after.durableBytes < before.durableBytes;
      if (isLess && !offered.isStream && !hasChanged(offered)) {
        this.fail(`what was durable was given up: ${before.durableBytes} bytes, now ${after.durableBytes}`);
      }
      if (!offered.isStream) this.#checkPartial(id, offered, after.durableBytes, "the durable mark");
      return;
    }
    if (after.state === "committing") {
      const isNew = ({ path }: Entry) =>
        before?.state !== "committing" ||
        finalPath(path, before.placement) !== finalPath(path, after.placement);
      // What keeps its name when others get another may be in place already.
      const waiting = { ...offered, entries: offered.entries.filter(isNew) };
      this.#checkPartial(id, waiting, Infinity, "the decision to put it in place");
      this.#addCommit(key, { offered, placement: after.placement, isDone: false });
      return;
    }
    this.#finished(key, offered, after.placement, false);
  }

  onRemove(peer: Bytes, id: Bytes, before: StoredTransfer | undefined): void {
    if (before?.state !== "committing") return;
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(digestOf(before.manifest))}`)!;
    // What is to be skipped waits in the partial folder until that goes.
    const waiting = this.#disk.list(INBOX).some(({ kind, path }) =>
      kind === "file" && path.startsWith(`${PARTIAL}/${toHex(id)}/data/`)
    );
    this.#finished(`${toHex(peer)}/${toHex(id)}`, offered, before.placement, waiting);
  }

  /** A sender has its receipt. */
  succeeded(peer: Bytes, digest: Bytes): void {
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(digest)}`)!;
    const all = [...this.#commits].flatMap(([key, commits]) => key.startsWith(toHex(peer)) ? commits : []);
    const commit = all.findLast((each) => each.offered === offered && each.isDone);
    if (commit === undefined) return this.fail("a sender was told that what never arrived is in place");
    if (this.#conflict !== "overwrite") this.#checkInPlace(commit, "when its sender was told so", false);
  }

  /**
   * A sender was told where to start, and starts somewhere. `durableBytes` were durable when it offered, and still are:
   * what another process of the same sender has brought meanwhile, it could not be told.
   */
  started(peer: Bytes, digest: Bytes, durableBytes: number, wanted: number, offset: number): void {
    if (wanted < durableBytes) {
      this.fail(`what was durable is sent again: ${durableBytes} bytes were, ${wanted} are said to be`);
    }
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(digest)}`)!;
    if (offset < wanted && !hasChanged(offered)) {
      this.fail(`what the receiver has is not taken for what was sent: ${wanted} bytes`);
    }
  }

  /** To be called whenever the receiver's process waits: names may have changed. */
  atRest(isCommitting: boolean): void {
    if (this.#disk.version === this.#seenVersion || isCommitting) return;
    this.#seenVersion = this.#disk.version;
    this.checkFolder();
  }

  /** Whether all that stands in the folder belongs there, whole, and all that stood there still does. */
  checkFolder(): void {
    const found = new Map<string, DiskItem>();
    for (const item of this.#disk.list(INBOX)) {
      if (!item.path.startsWith(PARTIAL)) found.set(item.path, item);
    }
    const explained = new Set<string>();
    for (const commit of this.#all()) {
      for (const entry of commit.offered.entries) {
        const path = finalPath(entry.path, commit.placement);
        const item = found.get(path);
        if (item?.kind !== entry.kind) continue;
        if (entry.kind === "directory" || isFile(item, entry, commit.offered)) explained.add(path);
      }
    }
    for (const [path, item] of found) {
      const other = this.#others.get(path);
      if (explained.has(path)) continue;
      if (other?.kind === item.kind && (item.kind === "directory" || equal(other.data, item.data))) continue;
      this.fail(`"${path}" is in place and is nobody's whole file`);
    }
    for (const [path, other] of this.#others) {
      const item = found.get(path);
      if (this.#conflict === "overwrite" && explained.has(path)) continue;
      const isSame = item?.kind === other.kind &&
        (item.kind === "directory" ||
          (equal(item.data, other.data) && item.mtimeMs === other.mtimeMs && item.mode === other.mode));
      if (!isSame) this.fail(`"${path}" was there before and was touched`);
    }
    if (this.#conflict === "overwrite") return;
    for (const commit of this.#all()) {
      if (commit.isDone) this.#checkInPlace(commit, "later", false);
    }
  }

  /** When everybody is done. */
  checkEnd(): void {
    this.checkFolder();
    if (this.#listOutside() !== this.#outside) this.fail("something outside the folder was touched");
  }

  /** What could not be put in place must have found its name taken. */
  checkUnfinished({ placement }: StoredTransfer): void {
    const taken = new Set(this.#disk.list(INBOX).map(({ path }) => path));
    if (this.#conflict !== "rename" && Object.values(placement.topNames).some((name) => taken.has(name))) {
      return;
    }
    this.fail("a transfer is still being put in place at the end");
  }

  /** Whether nothing is left of transfers that are not unfinished, as it must be where no process died. */
  checkLeftovers(unfinished: ReadonlySet<string>): void {
    for (const item of this.#disk.list(INBOX)) {
      if (!item.path.startsWith(PARTIAL)) continue;
      const [top, id, ...rest] = item.path.split("/");
      if (top !== PARTIAL) this.fail(`"${top}" was left behind`);
      else if (id !== undefined && rest.length === 0 && !unfinished.has(id)) {
        this.fail("a partial folder without a transfer was left behind");
      }
    }
  }

  #all(): readonly Commit[] {
    return [...this.#commits.values()].flat();
  }

  #addCommit(key: string, commit: Commit): void {
    const commits = this.#commits.get(key);
    if (commits === undefined) this.#commits.set(key, [commit]);
    else commits.push(commit);
  }

  #finished(key: string, offered: Offered, placement: Placement, hasKept: boolean): void {
    const commit = this.#commits.get(key)?.at(-1);
    if (commit === undefined) return this.fail("a transfer is finished that was never decided");
    commit.isDone = !hasKept;
    if (!hasKept) this.#checkInPlace({ offered, placement, isDone: true }, "when the journal said so", true);
  }

  /** Whether every file stands where it should, durably if that is asked for. */
  #checkInPlace({ offered, placement }: Commit, when: string, isDurable: boolean): void {
    const found = new Map(this.#disk.list(INBOX, isDurable).map((item) => [item.path, item]));
    for (const entry of offered.entries) {
      const path = finalPath(entry.path, placement);
      const item = found.get(path);
      const isRight = item?.kind === entry.kind &&
        (entry.kind === "directory"
          ? this.#isFolder(item, entry)
          : isFile(item, entry, offered) || this.#hasOverwritten(path, item));
      if (!isRight) {
        this.fail(`"${path}" was not ${isDurable ? "durably " : ""}in place ${when}: ${describe(item)}`);
      }
    }
  }

  /** Whether what has a path is another transfer's, which may have come meanwhile. */
  #hasOverwritten(path: string, item: DiskItem): boolean {
    if (this.#conflict !== "overwrite") return false;
    return this.#all().some(({ offered, placement }) =>
      offered.entries.some((entry) =>
        entry.kind === "file" && finalPath(entry.path, placement) === path && isFile(item, entry, offered)
      )
    );
  }

  /** A folder that was there before keeps its mode and time. */
  #isFolder(item: DiskItem, entry: Entry): boolean {
    if (this.#conflict === "overwrite" || this.#conflict === "skip") return true;
    return item.mode === (entry.mode & ~UMASK) && item.mtimeMs === entry.mtimeMs;
  }

  /** Whether the stream's first bytes are durable in a transfer's partial folder. */
  #checkPartial(id: Bytes, { entries, contents }: Offered, sizeBytes: number, what: string): void {
    const prefix = `${PARTIAL}/${toHex(id)}/data/`;
    const read = (isDurable: boolean) =>
      new Map(this.#disk.list(INBOX, isDurable).map((item) => [item.path, item.data]));
    const [seen, kept] = [read(false), read(true)];
    const isDecision = sizeBytes === Infinity;
    let left = sizeBytes;
    for (const entry of entries) {
      if (entry.kind === "directory") continue;
      const versions = contents.get(entry.path)!;
      const size = Math.min(versions[0]!.length, left);
      left -= size;
      // A file without content may be made at the end.
      if (size === 0 && !isDecision) continue;
      const data = kept.get(prefix + entry.path)?.subarray(0, size);
      // What was sent of a file that changed meanwhile is never put in place, so until then it need not be right.
      const right = isDecision ? versions : [seen.get(prefix + entry.path) ?? new Uint8Array(0)];
      if (data?.length !== size || !right.some((each) => equal(data, each.subarray(0, size)))) {
        this.fail(`${what} came before "${entry.path}" was durable`);
      }
    }
  }

  #listOutside(): string {
    const items = this.#disk.list("/").filter((item) => !`/${item.path}`.startsWith(INBOX));
    return items.map((item) => `${item.path} ${item.mode} ${item.mtimeMs} ${toHex(item.data)}`).join("\n");
  }
}

function isFile(item: DiskItem, entry: Entry, { contents }: Offered): boolean {
  return contents.get(entry.path)!.some((content) => equal(item.data, content)) &&
    item.mtimeMs === entry.mtimeMs && item.mode === (entry.mode & ~UMASK);
}

/** Whether a file took the place of another that looked the same. */
function hasChanged({ contents }: Offered): boolean {
  return [...contents.values()].some((versions) => versions.length > 1);
}

function describe(item: DiskItem | undefined): string {
  if (item === undefined) return "it is missing";
  return `${item.kind} of ${item.data.length} bytes, mode ${item.mode.toString(8)}, time ${item.mtimeMs}`;
}

/**
 * What must hold whatever goes wrong. Everything is looked at from outside: the disk with what of it is durable, the
 * journal, and what the senders were told.
 * @module
 */
import { type Bytes, equal, toHex } from "../../lib/bytes/bytes.ts";
import { finalPath } from "../../lib/files/moves.ts";
import type { ConflictPolicy, Entry, Placement, StoredTransfer } from "../../lib/ports.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { wholePlacement } from "../../lib/transfer/stored_placement.ts";
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
  /** What the user has changed of it since, and before which connection. */
  readonly spoiled: Map<string, number>;
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
  /** What the user has changed of what had arrived, and before which connection; of what was on its way. */
  readonly #meddled = new Map<string, number>();
  /** The largest mark that the journal has had, by peer and local id. */
  readonly #notedBytes = new Map<string, number>();
  readonly #goneIds = new Set<string>();
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

  /** Files that transfers have brought. */
  placedFiles(): readonly string[] {
    return this.#all().filter(({ isDone }) => isDone).flatMap(({ offered, placement }) =>
      offered.entries.filter(({ kind }) => kind === "file").map(({ path }) => finalPath(path, placement))
    ).filter((path) => !this.#others.has(path));
  }

  /** Somebody has done something to a file that had arrived, or to a partial folder. */
  meddled(path: string, connection: number): void {
    if (path.startsWith(PARTIAL)) this.#goneIds.add(path.slice(PARTIAL.length + 1));
    else this.#meddled.set(path, connection);
    for (const { offered, placement, spoiled, isDone } of this.#all()) {
      // What still waits will replace it.
      if (isDone && offered.entries.some((entry) => finalPath(entry.path, placement) === path)) {
        spoiled.set(path, connection);
      }
    }
  }

  /** At the very end: a stream that cannot be sent again is not remembered. */
  checkRow(row: StoredTransfer): void {
    if (row.state === "committing") return;
    const digest = toHex(row.manifestDigest);
    const offered = [...this.#offers].find(([key]) => key.endsWith(digest))?.[1];
    // Of an empty one that was finished after a crash the journal cannot tell that its size was not known.
    const isEmpty = [...offered?.contents.values() ?? []].every(([data]) => data!.length === 0);
    if (offered?.isStream && !(isEmpty && row.state === "done")) {
      this.fail(`a stream is remembered that nobody can go on with: ${row.state}`);
    }
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

  onSave(
    peer: Bytes,
    id: Bytes,
    before: StoredTransfer | undefined,
    after: StoredTransfer,
    manifest: Bytes,
  ): void {
    const key = `${toHex(peer)}/${toHex(id)}`;
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(after.manifestDigest)}`);
    if (offered === undefined) return this.fail("the journal has a transfer that nobody offered");
    const isBegun = after.state !== "receiving" || after.durableBytes > 0;
    if (isBegun && !equal(sha256(manifest), after.manifestDigest)) {
      this.fail("the journal has a transfer without its list of names");
    }
    const placement = wholePlacement(after.placement, offered.entries);
    this.#notedBytes.set(key, Math.max(after.durableBytes, this.#notedBytes.get(key) ?? 0));
    if (after.state === "receiving") {
      const isGone = this.#goneIds.has(toHex(id));
      const isLess = before?.state === "receiving" && after.durableBytes < before.durableBytes;
      if (isLess && !offered.isStream && !hasChanged(offered) && !isGone) {
        this.fail(`what was durable was given up: ${before.durableBytes} bytes, now ${after.durableBytes}`);
      }
      if (!offered.isStream && !isGone) {
        this.#checkPartial(id, offered, after.durableBytes, "the durable mark");
      }
      return;
    }
    if (after.state === "committing") {
      const known = before?.state === "committing"
        ? wholePlacement(before.placement, offered.entries)
        : undefined;
      const isNew = ({ path }: Entry) =>
        known === undefined || finalPath(path, known) !== finalPath(path, placement);
      // What keeps its name when others get another may be in place already.
      const waiting = { ...offered, entries: offered.entries.filter(isNew) };
      this.#checkPartial(id, waiting, Infinity, "the decision to put it in place");
      this.#addCommit(key, { offered, placement, isDone: false, spoiled: new Map() });
      return;
    }
    this.#finished(key, offered, placement, false);
  }

  onRemove(peer: Bytes, id: Bytes, before: StoredTransfer | undefined): void {
    if (before === undefined) return;
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(before.manifestDigest)}`)!;
    // No clock of a run is ever set forward by a month.
    if (before.state === "receiving" && !offered.isStream) {
      this.fail("an unfinished transfer was forgotten before its time");
    }
    if (before.state !== "committing") return;
    // What is to be skipped waits in the partial folder until that goes.
    const waiting = this.#disk.list(INBOX).some(({ kind, path }) =>
      kind === "file" && path.startsWith(`${PARTIAL}/${toHex(id)}/data/`)
    );
    const placement = wholePlacement(before.placement, offered.entries);
    this.#finished(`${toHex(peer)}/${toHex(id)}`, offered, placement, waiting);
  }

  /** A sender has its receipt. */
  succeeded(peer: Bytes, digest: Bytes, connection: number): void {
    const offered = this.#offers.get(`${toHex(peer)}/${toHex(digest)}`)!;
    const all = [...this.#commits].flatMap(([key, commits]) => key.startsWith(toHex(peer)) ? commits : []);
    const commit = all.findLast((each) => each.offered === offered && each.isDone);
    if (commit === undefined) return this.fail("a sender was told that what never arrived is in place");
    for (const { path, kind } of offered.entries) {
      const meddledBefore = commit.spoiled.get(finalPath(path, commit.placement));
      if (kind === "file" && meddledBefore !== undefined && meddledBefore <= connection) {
        this.fail(`a sender was told that "${path}" is in place, which somebody had changed`);
      }
    }
    if (this.#conflict !== "overwrite") this.#checkInPlace(commit, "when its sender was told so", false);
  }

  /** A sender was told that so much survives a crash. */
  toldDurable(peer: Bytes, id: Bytes, bytes: number): void {
    const noted = this.#notedBytes.get(`${toHex(peer)}/${toHex(id)}`) ?? 0;
    if (bytes > noted) {
      this.fail(`${bytes} bytes are said to be durable, the journal never had more than ${noted}`);
    }
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
      if (explained.has(path) || this.#meddled.has(path)) continue;
      if (other?.kind === item.kind && (item.kind === "directory" || equal(other.data, item.data))) continue;
      this.fail(`"${path}" is in place and is nobody's whole file`);
    }
    for (const [path, other] of this.#others) {
      const item = found.get(path);
      if (this.#conflict === "overwrite" && explained.has(path)) continue;
      const isSame = item?.kind === other.kind && item.mode === other.mode &&
        (item.kind === "directory" ||
          (equal(item.data, other.data) && item.mtimeMs === other.mtimeMs));
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

  /** Where only one sender has names, and nobody else took one, all has the name that it was sent under. */
  checkNames(): void {
    for (const { offered, placement, isDone } of this.#all()) {
      for (const { path } of offered.entries) {
        if (!isDone || path.includes("/") || this.#others.has(path) || finalPath(path, placement) === path) {
          continue;
        }
        this.fail(`"${path}" has another name, though nobody else has that one`);
      }
    }
  }

  /** What could not be put in place must have found its name taken. */
  checkUnfinished(peer: Bytes, { placement, manifestDigest }: StoredTransfer): void {
    const taken = new Set(this.#disk.list(INBOX).map(({ path }) => path));
    const { entries } = this.#offers.get(`${toHex(peer)}/${toHex(manifestDigest)}`)!;
    const names = Object.values(wholePlacement(placement, entries).topNames);
    if (this.#conflict !== "rename" && names.some((name) => taken.has(name))) return;
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
    for (const { path, kind } of commit.offered.entries) {
      // Where the policy is to skip, what somebody has changed may stay as it is.
      if (kind === "file" && this.#conflict !== "skip") {
        this.#meddled.delete(finalPath(path, commit.placement));
      }
    }
    if (commits === undefined) this.#commits.set(key, [commit]);
    else commits.push(commit);
  }

  #finished(key: string, offered: Offered, placement: Placement, hasKept: boolean): void {
    const commit = this.#commits.get(key)?.at(-1);
    if (commit === undefined) return this.fail("a transfer is finished that was never decided");
    commit.isDone = !hasKept;
    // Of a stream whose folder its user has removed nobody can tell what was in it.
    const isGone = offered.isStream && this.#goneIds.has(key.split("/")[1]!);
    if (isGone) commit.isDone = false;
    else if (!hasKept) this.#checkInPlace({ ...commit, placement }, "when the journal said so", true);
  }

  /** Whether every file stands where it should, durably if that is asked for. */
  #checkInPlace({ offered, placement, spoiled }: Commit, when: string, isDurable: boolean): void {
    const found = new Map(this.#disk.list(INBOX, isDurable).map((item) => [item.path, item]));
    for (const entry of offered.entries) {
      const path = finalPath(entry.path, placement);
      const item = found.get(path);
      const isRight = item?.kind === entry.kind &&
        (entry.kind === "directory"
          ? this.#isFolder(item, entry)
          : isFile(item, entry, offered) || this.#hasOverwritten(path, item));
      if (!isRight && !spoiled.has(path) && !this.#isAbove(spoiled, path)) {
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

  /** Whether something below a folder was removed, which changes its time. */
  #isAbove(spoiled: ReadonlyMap<string, number>, path: string): boolean {
    return [...spoiled.keys()].some((each) => each.startsWith(`${path}/`));
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

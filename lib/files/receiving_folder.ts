/**
 * The folder that transfers arrive in.
 * @module
 */
import { type Bytes, toHex } from "../bytes/bytes.ts";
import { escapeControls } from "../bytes/escape.ts";
import { StxError } from "../errors.ts";
import type { ConflictPolicy, Entry, PartialTransfer, Placement, ReceivingFolder } from "../ports.ts";
import { diskError } from "./disk_error.ts";
import { pause } from "./durable.ts";
import { freeName } from "./free_name.ts";
import { FileHasher } from "./hashing.ts";
import { inspect, parentOf } from "./inspect.ts";
import { finalPath } from "./moves.ts";
import { PartialFolder } from "./partial_folder.ts";
import { folded, PlacementRules, taken } from "./placement_rules.ts";
import { openPrivateFolder, removePrivateFolder } from "./private_folder.ts";
import { hasTimeOf } from "./times.ts";

/** Characters of names that get another one, with those: the journal has them in every row of such a transfer. */
const RENAMED_LENGTH_MAX = 256 * 1024;
/** Looks in a row, a few milliseconds of work. */
const UNTIL_PAUSE = 512;

/**
 * Opens the existing folder `path` for receiving. Symbolic links in `path` itself are followed, once and now:
 * it is the user's own choice. Throws `disk` if it does not exist or is no folder, `permission`.
 */
export function openReceivingFolder(path: string): DiskFolder {
  let real: string;
  try {
    real = Deno.realPathSync(path);
  } catch (error) {
    throw diskError(error, "receive into", path);
  }
  if (inspect(real)?.isDirectory !== true) {
    throw new StxError("disk", `Cannot receive into "${escapeControls(path)}": it is not a folder`);
  }
  return new DiskFolder(real);
}

/**
 * A folder on disk that transfers arrive in, each by way of its own private folder. Names are checked by the
 * rules for manifests before they come here; as a second line every method throws `bad_name` for a path
 * that would lead out of the folder, or into the place where partial transfers wait.
 */
export class DiskFolder implements ReceivingFolder {
  /** The absolute path, without symbolic links. */
  readonly path: string;
  /**
   * Names that were chosen for transfers which are not in place yet, so that two under way at once do not
   * choose the same; for each who chose it: a placement, and once that is opened, a transfer.
   */
  readonly #chosen = new Map<string, Placement | string | symbol>();
  readonly #rules: PlacementRules;

  /** `path` is absolute and without symbolic links; {@link openReceivingFolder} finds it. */
  constructor(path: string) {
    this.path = path;
    this.#rules = this.makeRules();
  }

  /**
   * What must hold of names and of what stands there.
   * @internal
   */
  protected makeRules(): PlacementRules {
    return new PlacementRules();
  }

  /**
   * Where the policy is to rename, the names chosen stay reserved until the transfer is closed or discarded, or
   * {@link DiskFolder.release} is called. Free space is not looked at: that needs a permission of its own.
   */
  async place(entries: readonly Entry[], conflict: ConflictPolicy, localId?: Bytes): Promise<Placement> {
    this.#rules.checkInside(entries);
    const tops = entries.filter((entry) => !entry.path.includes("/"));
    if (conflict === "rename") return await this.#placeRenamed(tops, localId);
    if (conflict === "refuse") {
      for (const [index, top] of tops.entries()) {
        await pauseAfter(index);
        if (inspect(`${this.path}/${top.path}`) !== undefined) {
          this.#rules.checkTaken(top.path, conflict);
        }
      }
    } else if (!await this.#hasNew(entries) && conflict === "skip" && entries.length > 0) {
      throw allKept(entries);
    }
    return { topNames: Object.fromEntries(tops.map((top) => [top.path, top.path])), conflict };
  }

  /** Gives up the names of a placement that no transfer will be opened with. */
  release(placement: Placement): void {
    this.#release(placement);
  }

  /**
   * `sizeUnknown` says that the only entry is a file of unknown size: whatever is written is its content.
   * Throws `state_busy` while the transfer is open elsewhere; `permission` if the partial folder is not ours
   * alone; `disk`, `disk_full`.
   */
  open(
    localId: Bytes,
    entries: readonly Entry[],
    placement: Placement,
    sizeUnknown = false,
  ): PartialTransfer {
    this.#rules.checkInside(entries);
    const id = toHex(localId);
    const folder = openPrivateFolder(this.path, id);
    if (placement.conflict === "rename") {
      for (const name of Object.values(placement.topNames)) this.#chosen.set(folded(name), id);
    }
    const journey = {
      entries,
      dataPath: folder.dataPath,
      root: this.path,
      placement,
      sizeUnknown,
      rules: this.#rules,
    };
    return new PartialFolder(folder, journey, {
      placeAgain: (current, isWaiting) => this.#placeAgain(id, entries, current, isWaiting),
      release: () => this.#release(id),
    });
  }

  async isInPlace(entries: readonly Entry[], placement: Placement): Promise<boolean> {
    this.#rules.checkInside(entries);
    for (const [index, entry] of entries.entries()) {
      await pauseAfter(index);
      // A symbolic link in a folder's place shows when that folder has its turn, before what lies in it.
      const info = inspect(`${this.path}/${finalPath(entry.path, placement)}`);
      if (info === undefined) return false;
      if (entry.kind === "directory") {
        if (!info.isDirectory) return false;
      } else if (!info.isFile || info.size !== entry.sizeBytes || !hasTimeOf(info, entry)) {
        return false;
      }
    }
    return true;
  }

  async hashInPlace(
    entries: readonly Entry[],
    placement: Placement,
  ): Promise<{ sha256: Bytes; crc32: number }> {
    const hasher = new FileHasher();
    for await (const _ of this.#readInPlace(entries, placement, hasher));
    return hasher.finish();
  }

  async digestsInPlace(entries: readonly Entry[], placement: Placement): Promise<readonly Bytes[]> {
    const hasher = new FileHasher();
    const digests: Bytes[] = [];
    for await (const _ of this.#readInPlace(entries, placement, hasher)) digests.push(hasher.finish().sha256);
    return digests;
  }

  /** Hashes each file in place, and yields after each. */
  async *#readInPlace(
    entries: readonly Entry[],
    placement: Placement,
    hasher: FileHasher,
  ): AsyncGenerator<void> {
    for (const entry of entries) {
      if (entry.kind === "directory") continue;
      await hasher.addFile(`${this.path}/${finalPath(entry.path, placement)}`, entry.sizeBytes);
      yield;
    }
  }

  /** Throws `state_busy` while the transfer is open, here or elsewhere. */
  discard(localId: Bytes): void {
    const id = toHex(localId);
    removePrivateFolder(this.path, id);
    this.#release(id);
  }

  async #placeRenamed(tops: readonly Entry[], localId: Bytes | undefined): Promise<Placement> {
    if (localId !== undefined) this.#release(toHex(localId));
    const own = new Set(tops.map((top) => folded(top.path)));
    const isTaken = (name: string) =>
      this.#chosen.has(folded(name)) || inspect(`${this.path}/${name}`) !== undefined;
    const isTakenOrOwn = (name: string) => own.has(folded(name)) || isTaken(name);
    // Whoever chooses names while this pauses must not choose the same.
    const walk = Symbol();
    const names: (readonly [string, string])[] = [];
    let renamedLength = 0;
    try {
      for (const [index, { path, kind }] of tops.entries()) {
        await pauseAfter(index);
        const name = isTaken(path) ? freeName(path, kind, isTakenOrOwn) : path;
        if (name !== path) renamedLength += path.length + name.length;
        if (renamedLength > RENAMED_LENGTH_MAX) throw taken(path, "too many of the names are taken");
        own.add(folded(name));
        this.#chosen.set(folded(name), walk);
        names.push([path, name]);
      }
      const placement: Placement = { topNames: Object.fromEntries(names), conflict: "rename" };
      for (const [, name] of names) this.#chosen.set(folded(name), placement);
      return placement;
    } finally {
      this.#release(walk);
    }
  }

  #placeAgain(
    id: string,
    entries: readonly Entry[],
    placement: Placement,
    isWaiting: (path: string) => boolean,
  ): Placement {
    if (placement.conflict !== "rename") return placement;
    let isChanged = false;
    const tops = entries.filter((entry) => !entry.path.includes("/"));
    const names = tops.map(({ path, kind }) => {
      const name = finalPath(path, placement);
      const isThere = (candidate: string) => inspect(`${this.path}/${candidate}`) !== undefined;
      if (!isThere(name) || !isWaiting(path)) return [path, name] as const;
      const other = freeName(
        path,
        kind,
        (candidate) => this.#chosen.has(folded(candidate)) || isThere(candidate),
      );
      this.#chosen.set(folded(other), id);
      isChanged = true;
      return [path, other] as const;
    });
    return isChanged ? { ...placement, topNames: Object.fromEntries(names) } : placement;
  }

  /** Says whether some entry has no counterpart; throws `exists` where a folder would meet something else. */
  async #hasNew(entries: readonly Entry[]): Promise<boolean> {
    let hasNew = false;
    const existing = new Set([""]);
    for (const [index, entry] of entries.entries()) {
      await pauseAfter(index);
      const target = existing.has(parentOf(entry.path)) ? inspect(`${this.path}/${entry.path}`) : undefined;
      if (target === undefined) {
        hasNew = true;
      } else {
        this.#rules.checkKind(entry, target, entry.path);
        if (entry.kind === "directory") existing.add(entry.path);
      }
    }
    return hasNew;
  }

  #release(who: Placement | string | symbol): void {
    for (const [name, chooser] of this.#chosen) if (chooser === who) this.#chosen.delete(name);
  }
}

/** The error for a transfer of which every name is taken, where the policy is to skip those. */
function allKept(entries: readonly Entry[]): StxError {
  const files = entries.filter(({ kind }) => kind === "file");
  const [first, others] = [files[0] ?? entries[0]!, Math.max(0, files.length - 1)];
  const name = `"${escapeControls(first.path)}"`;
  return new StxError(
    "exists",
    (others === 0
      ? `${name} was kept as it is (--on-conflict skip): something of that name is`
      : `${name} and ${others} more were kept as they are (--on-conflict skip): something of each name is`) +
      " already there, and was not compared",
  );
}

/** Lets everything else have its turn after every few. */
async function pauseAfter(index: number): Promise<void> {
  if (index % UNTIL_PAUSE === UNTIL_PAUSE - 1) await pause();
}

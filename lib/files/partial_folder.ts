/**
 * A transfer on its way: files written as one stream into a private folder, then put in place together.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { Entry, PartialTransfer, Placement } from "../ports.ts";
import { diskError } from "./disk_error.ts";
import { makeDurable, pause } from "./durable.ts";
import { FolderLooks } from "./folder_looks.ts";
import { FileHasher } from "./hashing.ts";
import { corrupt, inspect, openExisting, parentOf } from "./inspect.ts";
import { arrivingMode, FILE_NEEDS, needsLess, takeAllBits } from "./modes.ts";
import { type Journey, requireWhole, whereIs } from "./moves.ts";
import { checkMoves, findKept, moveAll, settleFolders } from "./placing.ts";
import type { PrivateFolder } from "./private_folder.ts";
import { type ReservedNames, withWayOut } from "./reserved_names.ts";
import { setFolderTime, setTime } from "./times.ts";

/** Files and folders made in a row, a few milliseconds of work. */
const FILES_UNTIL_PAUSE = 256;

/**
 * The files of one transfer in its private folder. {@link PartialFolder.resumeAt} comes first, also for a new
 * transfer (with 0); only {@link PartialFolder.commit} and {@link PartialFolder.digests} may be called without
 * it, to finish after a crash what `commit` had begun.
 *
 * Files and folders are made when their turn in the stream comes, and nothing here follows a symbolic link:
 * files are made new, folders are looked at before something is made in them. An error while writing or while
 * making data durable is final until the next `resumeAt`, since nobody can say what reached the disk.
 */
export class PartialFolder implements PartialTransfer {
  readonly #private: PrivateFolder;
  #journey: Journey;
  readonly #names: ReservedNames;
  /** The entry whose turn it is. */
  #index = 0;
  /** The file of that entry, if it has been begun. */
  #file: Deno.FsFile | undefined;
  /** Bytes that this file still needs. */
  #left = 0;
  readonly #looks: FolderLooks;
  #untilPause = FILES_UNTIL_PAUSE;
  /** Files that are finished but may not survive a crash. */
  #dirtyFiles: string[] = [];
  /** Folders in which something was made since. */
  #dirtyFolders = new Set<string>();
  /** The work of `sync`, one after the other. */
  #syncing: Promise<void> = Promise.resolve();
  #failure: StxError | undefined;
  #stage: "found" | "writing" | "moving" | "placed" = "found";
  /** Whether it was decided to put this in place, so that its names are its own until that is done. */
  #keepsNames = false;

  /** Works in `folder`, which it closes, as `names`, which it releases. */
  constructor(folder: PrivateFolder, journey: Journey, names: ReservedNames) {
    this.#private = folder;
    this.#looks = new FolderLooks(folder);
    this.#journey = journey;
    this.#names = names;
  }

  /** Throws `permission`, `disk` and `disk_full` besides what the interface names. */
  async resumeAt(sizeBytes: number): Promise<{ sha256: Bytes; crc32: number }> {
    this.#closeFile();
    await this.#syncing;
    this.#failure = undefined;
    this.#looks.forget();
    this.#dirtyFiles = [];
    this.#dirtyFolders = new Set(this.#private.folders);
    this.#index = 0;
    this.#stage = "writing";
    const hasher = new FileHasher();
    try {
      if (sizeBytes === 0) await this.#private.emptyData();
      else await this.#readPrefix(sizeBytes, hasher);
    } catch (error) {
      throw this.#fail(diskError(error, "read back", this.#private.dataPath));
    }
    return hasher.finish();
  }

  /**
   * Throws `malformed` for more bytes than the entries have; `state_corrupt` before `resumeAt`; `permission`,
   * `disk`, `disk_full`; also, again, what an earlier call threw.
   */
  async write(bytes: Bytes): Promise<void> {
    this.#requireHealth();
    if (this.#stage !== "writing") {
      throw corrupt(this.#private.dataPath, "what it holds was not looked at yet");
    }
    try {
      for (let at = 0; at < bytes.length;) {
        const file = this.#file ?? await this.#openNext();
        const size = file.writeSync(bytes.subarray(at, at + Math.min(this.#left, bytes.length - at)));
        at += size;
        this.#left -= size;
        if (this.#left === 0) this.#finishFile(file);
      }
    } catch (error) {
      throw this.#fail(diskError(error, "write", this.#currentPath()));
    }
  }

  /** Throws `permission`, `disk`, `disk_full`; also, again, what an earlier call threw. */
  sync(): Promise<void> {
    const paths = [...this.#dirtyFiles, ...this.#dirtyFolders];
    if (this.#file !== undefined) paths.push(this.#currentPath());
    this.#dirtyFiles = [];
    this.#dirtyFolders = new Set();
    // The next name made in a folder makes it dirty once more.
    this.#looks.forget();
    const work = this.#syncing.then(async () => {
      this.#requireHealth();
      try {
        await makeDurable(paths);
      } catch (error) {
        throw this.#fail(diskError(error, "make durable", this.#private.dataPath));
      }
    });
    this.#syncing = work.catch(() => {});
    return work;
  }

  /** Also after `commit`, from the files in place. Throws `state_corrupt` if one is missing or too short. */
  async digests(): Promise<readonly Bytes[]> {
    if (this.#stage === "writing") await this.#finishStream();
    const hasher = new FileHasher();
    const digests: Bytes[] = [];
    for (const entry of this.#journey.entries) {
      if (entry.kind === "directory") continue;
      const path = this.#stage === "writing" ? this.#pathOf(entry) : whereIs(this.#journey, entry);
      await hasher.addFile(path, this.#journey.sizeUnknown ? undefined : entry.sizeBytes);
      digests.push(hasher.finish().sha256);
    }
    return digests;
  }

  /**
   * Where the policy is to rename, what finds its name taken gets another one, and `beforeRename` is told where
   * everything goes. Throws `exists`, before anything has its final name where that can be foreseen;
   * `state_corrupt` if the stream is not complete or files are missing; `permission`, `disk`, `disk_full`.
   */
  async commit(
    beforeRename: (placement: Placement) => void,
    onKept: (count: number, first: string) => void = () => {},
  ): Promise<number> {
    if (this.#stage === "placed") return 0;
    try {
      return await this.#commit(beforeRename, onKept);
    } catch (error) {
      throw this.#keepsNames ? withWayOut(error, this.#private.path) : error;
    }
  }

  async #commit(
    beforeRename: (placement: Placement) => void,
    onKept: (count: number, first: string) => void,
  ): Promise<number> {
    const isRecovering = this.#stage !== "writing";
    this.#keepsNames = isRecovering;
    this.#private.requireFolder("");
    if (!isRecovering) await this.#prepare();
    const isWaiting = (path: string) => inspect(`${this.#private.dataPath}/${path}`) !== undefined;
    const placement = this.#names.placeAgain(this.#journey.placement, isWaiting);
    this.#journey = { ...this.#journey, placement };
    // Even to wait for nothing would let others take a name.
    const checking = checkMoves(this.#journey, isRecovering);
    if (checking !== undefined) await checking;
    beforeRename(placement);
    this.#keepsNames = true;
    this.#stage = "moving";
    this.#private.requireFolder("");
    await moveAll(this.#journey, isRecovering);
    await settleFolders(this.#journey, isRecovering);
    const kept = await findKept(this.#journey);
    if (kept.count > 0) onKept(kept.count, kept.first);
    this.#private.remove();
    this.#keepsNames = false;
    this.#stage = "placed";
    return kept.count;
  }

  /** Lets everything else have its turn after every few files. */
  async #pauseNowAndThen(): Promise<void> {
    if (--this.#untilPause > 0) return;
    this.#untilPause = FILES_UNTIL_PAUSE;
    await pause();
  }

  /** The names that were chosen for it are free again, unless the next attempt only has to put it in place there. */
  close(): void {
    this.#closeFile();
    this.#private.close();
    if (!this.#keepsNames) this.#names.release();
  }

  /** Makes folders and empty files up to the next file that has content, and begins that one. */
  async #openNext(): Promise<Deno.FsFile> {
    await this.#makeEmptyOnes();
    await this.#pauseNowAndThen();
    const entry = this.#journey.entries[this.#index];
    if (entry === undefined) {
      throw new StxError("malformed", "Cannot write: more data came than the files have room for");
    }
    const file = this.#make(entry);
    this.#file = file;
    this.#left = this.#sizeOf(entry);
    return file;
  }

  async #makeEmptyOnes(): Promise<void> {
    for (; this.#index < this.#journey.entries.length; this.#index++) {
      const entry = this.#journey.entries[this.#index]!;
      if (entry.kind === "directory") this.#makeFolder(entry);
      else if (this.#sizeOf(entry) === 0) this.#finish(entry, this.#make(entry));
      else return;
      await this.#pauseNowAndThen();
    }
  }

  #make(entry: Entry): Deno.FsFile {
    this.#enter(entry);
    const path = this.#pathOf(entry);
    try {
      return Deno.openSync(path, { write: true, createNew: true, mode: arrivingMode(entry) });
    } catch (error) {
      throw diskError(error, "make", path);
    }
  }

  #makeFolder(entry: Entry): void {
    this.#enter(entry);
    const path = this.#pathOf(entry);
    try {
      Deno.mkdirSync(path, { mode: arrivingMode(entry) });
    } catch (error) {
      throw diskError(error, "make the folder", path);
    }
  }

  /** Makes sure that the folder which will hold `entry` is real, and remembers that it gets a new name. */
  #enter(entry: Entry): void {
    const parent = parentOf(entry.path);
    if (!this.#looks.require(parent)) return;
    this.#dirtyFolders.add(parent === "" ? this.#private.dataPath : `${this.#private.dataPath}/${parent}`);
  }

  #finishFile(file: Deno.FsFile): void {
    this.#file = undefined;
    this.#finish(this.#journey.entries[this.#index]!, file);
    this.#index++;
  }

  #finish(entry: Entry, file: Deno.FsFile): void {
    try {
      setTime(file, entry);
    } finally {
      file.close();
    }
    this.#dirtyFiles.push(this.#pathOf(entry));
  }

  /** Makes what has no content at the stream's end. Throws `state_corrupt` if content is missing. */
  async #finishStream(): Promise<void> {
    this.#requireHealth();
    try {
      if (this.#journey.sizeUnknown && this.#index === 0) {
        this.#finishFile(this.#file ?? await this.#openNext());
      }
      await this.#makeEmptyOnes();
    } catch (error) {
      throw this.#fail(diskError(error, "write", this.#currentPath()));
    }
    const entry = this.#journey.entries[this.#index];
    if (entry !== undefined) throw corrupt(this.#pathOf(entry), "its end has not arrived");
  }

  async #readPrefix(sizeBytes: number, hasher: FileHasher): Promise<void> {
    const kept = new Set<string>();
    let left = sizeBytes;
    for (; this.#index < this.#journey.entries.length; this.#index++) {
      const entry = this.#journey.entries[this.#index]!;
      const size = this.#sizeOf(entry);
      if (left === 0 && size > 0) break;
      await this.#pauseNowAndThen();
      kept.add(entry.path);
      if (entry.kind === "directory") {
        this.#keepFolder(entry);
      } else if (size <= left) {
        await this.#keepFile(entry, hasher);
        left -= size;
      } else {
        await this.#continueFile(entry, left, hasher);
        left = 0;
        break;
      }
    }
    if (left > 0) throw corrupt(this.#private.dataPath, `it has ${left} bytes less than were kept`);
    this.#private.removeOthers(kept);
  }

  #keepFolder(entry: Entry): void {
    const path = this.#pathOf(entry);
    const info = inspect(path);
    if (info === undefined) this.#makeFolder(entry);
    else if (info.isDirectory) this.#enter(entry);
    else throw corrupt(path, "it is not a real folder");
  }

  /** Every file that is kept counts as dirty again: whoever wrote it may have crashed before it was durable. */
  async #keepFile(entry: Entry, hasher: FileHasher): Promise<void> {
    const path = this.#pathOf(entry);
    if (entry.sizeBytes === 0 && inspect(path) === undefined) {
      this.#finish(entry, this.#make(entry));
      return;
    }
    const file = this.#openKept(entry, path);
    try {
      await hasher.add(file, entry.sizeBytes, path);
      if (file.statSync().size !== entry.sizeBytes) throw corrupt(path, "it is too long");
    } catch (error) {
      file.close();
      throw error;
    }
    this.#finish(entry, file);
  }

  async #continueFile(entry: Entry, sizeBytes: number, hasher: FileHasher): Promise<void> {
    const path = this.#pathOf(entry);
    const file = this.#openKept(entry, path);
    try {
      await hasher.add(file, sizeBytes, path);
      file.truncateSync(sizeBytes);
    } catch (error) {
      file.close();
      throw diskError(error, "shorten", path);
    }
    this.#file = file;
    this.#left = this.#sizeOf(entry) - sizeBytes;
  }

  /** Opens a file that was begun before, giving its owner back what a `commit` that failed may have taken. */
  #openKept(entry: Entry, path: string): Deno.FsFile {
    this.#enter(entry);
    const info = needsLess(entry) ? inspect(path) : undefined;
    if (info?.isFile) Deno.chmodSync(path, (info.mode ?? 0) & 0o777 | FILE_NEEDS);
    return openExisting(path);
  }

  /** Completes the partial tree with times and modes, and makes all of it durable. */
  async #prepare(): Promise<void> {
    await this.#finishStream();
    for (const entry of this.#journey.entries) {
      const path = this.#pathOf(entry);
      // Somebody who tidies up old files may have taken one that has its old time already.
      if (entry.kind === "file") requireWhole(this.#journey, entry, inspect(path));
      else {
        setFolderTime(path, entry);
        this.#dirtyFolders.add(path);
      }
      await this.#pauseNowAndThen();
    }
    await this.sync();
    await takeAllBits(this.#journey.entries, (entry) => this.#pathOf(entry));
  }

  #sizeOf(entry: Entry): number {
    return this.#journey.sizeUnknown ? Infinity : entry.sizeBytes;
  }

  #pathOf(entry: Entry): string {
    return `${this.#private.dataPath}/${entry.path}`;
  }

  #currentPath(): string {
    const entry = this.#journey.entries[this.#index];
    return entry === undefined ? this.#private.dataPath : this.#pathOf(entry);
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #requireHealth(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: StxError): StxError {
    this.#failure = error;
    return error;
  }
}

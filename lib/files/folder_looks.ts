/**
 * Looking at the folders of a transfer before something is made in them: whether each is still a real one.
 * @module
 */
import { corrupt, inspect, parentOf } from "./inspect.ts";
import type { PrivateFolder } from "./private_folder.ts";

/**
 * Milliseconds for which a folder that was looked at counts as real: somebody who may rename what is in the receiving
 * folder has no longer than this. A look at every file would double what small files cost.
 */
const LOOK_LASTS_MS = 1;

/** See the module's text. */
export class FolderLooks {
  readonly #private: PrivateFolder;
  /** The folder that was last found to be real, relative to the data; most files lie beside the one before. */
  #last: string | undefined;
  /** When that was, by the clock of `performance.now`. */
  #atMs = 0;
  /** Folders that were found to be real since then. */
  readonly #known = new Set<string>();

  /** Looks at the folders below the data of `folder`. */
  constructor(folder: PrivateFolder) {
    this.#private = folder;
  }

  /** Nothing that was seen counts any more. */
  forget(): void {
    this.#last = undefined;
    this.#known.clear();
  }

  /**
   * Throws `state_corrupt` unless a folder, by its path below the data, is real; says whether it was looked at for that,
   * or is the one that was looked at just now.
   */
  require(relative: string): boolean {
    const nowMs = performance.now();
    const isOld = nowMs - this.#atMs >= LOOK_LASTS_MS;
    if (relative === this.#last && !isOld) return false;
    this.#private.requireFolder("");
    if (isOld) this.#known.clear();
    else this.#known.delete(relative);
    this.#look(relative);
    this.#last = relative;
    if (isOld) this.#atMs = nowMs;
    return true;
  }

  /** Looks at a folder, and at those above it that were not looked at lately: a look a level and file is too much. */
  #look(relative: string): void {
    if (relative === "" || this.#known.has(relative)) return;
    this.#look(parentOf(relative));
    const path = `${this.#private.dataPath}/${relative}`;
    if (inspect(path)?.isDirectory !== true) throw corrupt(path, "it is not a real folder");
    this.#known.add(relative);
  }
}

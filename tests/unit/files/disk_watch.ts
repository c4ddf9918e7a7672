/**
 * Keeps account of what a crash could take: everything written since it was last made durable.
 * @module
 */
const FsFile = Deno.FsFile.prototype;

/** Watches Deno's calls on files while a test's body runs. */
export class DiskWatch {
  /** Files with content, and folders with names, that may not survive a crash. */
  readonly dirty = new Set<string>();
  readonly #paths = new WeakMap<Deno.FsFile, string>();

  /** Counts all that lies at and below `path` as not durable, as after a crash of the process that wrote it. */
  distrust(path: string): void {
    if (!Deno.lstatSync(path).isDirectory) {
      this.dirty.add(path);
      return;
    }
    for (const { name } of Deno.readDirSync(path)) {
      this.dirty.add(path);
      this.distrust(`${path}/${name}`);
    }
  }

  async during(body: () => Promise<void>): Promise<void> {
    const { openSync, mkdirSync, renameSync, removeSync } = Deno;
    const { writeSync, truncateSync, utimeSync, syncSync, sync } = FsFile;
    const paths = this.#paths;
    const dirty = this.dirty;
    Object.assign(Deno, {
      openSync(path: string, options: Deno.OpenOptions) {
        const file = openSync(path, options);
        paths.set(file, path);
        if (options.createNew) dirty.add(parent(path));
        return file;
      },
      mkdirSync(path: string, options: Deno.MkdirOptions) {
        mkdirSync(path, options);
        dirty.add(parent(path));
      },
      renameSync(from: string, to: string) {
        renameSync(from, to);
        dirty.add(parent(to));
      },
      removeSync(path: string, options: Deno.RemoveOptions) {
        removeSync(path, options);
        for (const item of dirty) if (item === path || item.startsWith(`${path}/`)) dirty.delete(item);
      },
    });
    Object.assign(FsFile, {
      writeSync(this: Deno.FsFile, bytes: Uint8Array) {
        dirty.add(paths.get(this)!);
        return writeSync.call(this, bytes);
      },
      truncateSync(this: Deno.FsFile, size: number) {
        dirty.add(paths.get(this)!);
        truncateSync.call(this, size);
      },
      utimeSync(this: Deno.FsFile, atime: Date, mtime: Date) {
        dirty.add(paths.get(this)!);
        utimeSync.call(this, atime, mtime);
      },
      syncSync(this: Deno.FsFile) {
        syncSync.call(this);
        dirty.delete(paths.get(this)!);
      },
      async sync(this: Deno.FsFile) {
        const path = paths.get(this)!;
        await sync.call(this);
        dirty.delete(path);
      },
    });
    try {
      await body();
    } finally {
      Object.assign(Deno, { openSync, mkdirSync, renameSync, removeSync });
      Object.assign(FsFile, { writeSync, truncateSync, utimeSync, syncSync, sync });
    }
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/**
 * Reading back what is on disk, as fast as the disk gives it but never for long at a time: a connection's
 * timers must run meanwhile.
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import type { Bytes } from "../bytes/bytes.ts";
import { crc32 } from "../bytes/crc32.ts";
import { diskError } from "./disk_error.ts";
import { pause } from "./durable.ts";
import { corrupt, openToRead } from "./inspect.ts";

/** `readSync` is fastest with about this much at once. */
const BUFFER_SIZE = 1024 * 1024;
/** Bytes between two pauses, 10 to 20 ms of work. */
const UNTIL_PAUSE_BYTES = 16 * 1024 * 1024;
/** What opening a file costs, as if it were bytes, so that small files pause as well. */
const FILE_COST_BYTES = 16 * 1024;

/** What is read from: an open file, at the place where it is. */
interface Reading {
  readSync(into: Bytes): number | null;
}

/** Hashes files one after the other. */
export class FileHasher {
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #sincePause = 0;
  #sha256 = createHash("sha256");
  #crc32 = 0;

  /** Adds the next `sizeBytes` of `file`; `path` is for errors. Throws `state_corrupt` if the file ends before. */
  async add(file: Reading, sizeBytes: number, path: string): Promise<void> {
    await this.#pauseAfter(FILE_COST_BYTES);
    for (let left = sizeBytes; left > 0;) {
      const size = readInto(file, this.#buffer.subarray(0, Math.min(left, BUFFER_SIZE)), path);
      const part = this.#buffer.subarray(0, size);
      this.#sha256.update(part);
      this.#crc32 = crc32(part, this.#crc32);
      left -= size;
      await this.#pauseAfter(size);
    }
  }

  /** Adds the file at `path`: its first `sizeBytes` or all of it if that is `undefined`. */
  async addFile(path: string, sizeBytes: number | undefined): Promise<void> {
    const file = openToRead(path, "file");
    try {
      const reading = { readSync: (into: Bytes) => fs.readSync(file, into) || null };
      await this.add(reading, sizeBytes ?? fs.fstatSync(file).size, path);
    } finally {
      fs.closeSync(file);
    }
  }

  /** The SHA-256 and CRC-32 of all that was added; the next addition begins anew. */
  finish(): { sha256: Bytes; crc32: number } {
    const result = { sha256: new Uint8Array(this.#sha256.digest()), crc32: this.#crc32 };
    this.#sha256 = createHash("sha256");
    this.#crc32 = 0;
    return result;
  }

  async #pauseAfter(bytes: number): Promise<void> {
    this.#sincePause += bytes;
    if (this.#sincePause < UNTIL_PAUSE_BYTES) return;
    this.#sincePause = 0;
    await pause();
  }
}

function readInto(file: Reading, buffer: Bytes, path: string): number {
  let size: number | null;
  try {
    size = file.readSync(buffer);
  } catch (error) {
    throw diskError(error, "read", path);
  }
  if (size === null) throw corrupt(path, "it is too short");
  return size;
}

/**
 * Receiving a transfer into a folder, step by step, for tests.
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import { type DiskFolder, openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import type { ConflictPolicy, Entry, PartialTransfer } from "../../../lib/ports.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { streamOf, withPatched } from "./tree.ts";

/** The id that transfers have here, and where its folder lies. */
export const ID = new Uint8Array(32).fill(0xab);
export const PRIVATE = `.stx-partial/${"ab".repeat(32)}`;

/** A receiving folder and a folder beside it in which nothing may happen. */
export interface Place {
  readonly folder: DiskFolder;
  readonly path: string;
  readonly outside: string;
  /** The bits that the kernel takes from new modes here. */
  readonly umask: number;
}

/** Runs `body` with a fresh receiving folder. */
export function withPlace(body: (place: Place) => Promise<void> | void): Promise<void> {
  return withTempFolder((temp) => body(placeIn(temp)));
}

/** Makes a receiving folder in `temp`. */
export function placeIn(temp: string): Place {
  Deno.mkdirSync(`${temp}/in`);
  Deno.mkdirSync(`${temp}/outside`);
  // Asking Deno for the umask would set it for a moment, in tests that run beside this one as well.
  Deno.mkdirSync(`${temp}/probe`, { mode: 0o777 });
  const umask = 0o777 & ~Deno.statSync(`${temp}/probe`).mode!;
  return { folder: openReceivingFolder(`${temp}/in`), path: `${temp}/in`, outside: `${temp}/outside`, umask };
}

/** Places and opens a transfer. */
export async function open(
  place: Place,
  entries: readonly Entry[],
  conflict: ConflictPolicy = "refuse",
): Promise<PartialTransfer> {
  return place.folder.open(ID, entries, await place.folder.place(entries, conflict));
}

/** Opens a transfer again, as a new process would, with the placement that a stored transfer has. */
export function reopen(
  place: Place,
  entries: readonly Entry[],
  conflict: ConflictPolicy = "refuse",
): PartialTransfer {
  const topNames = Object.fromEntries(entries.map(({ path }) => [path.split("/")[0]!, path.split("/")[0]!]));
  return openReceivingFolder(place.path).open(ID, entries, { topNames, conflict });
}

/** Writes `stream` in pieces of `chunkSize`. */
export async function writeAll(
  partial: PartialTransfer,
  stream: Bytes,
  chunkSize = stream.length,
): Promise<void> {
  for (let at = 0; at < stream.length; at += chunkSize) {
    await partial.write(stream.subarray(at, at + chunkSize));
  }
}

/** Receives the whole of `entries`, up to but without putting it in place. */
export async function receive(
  place: Place,
  entries: readonly Entry[],
  conflict: ConflictPolicy = "refuse",
): Promise<PartialTransfer> {
  const partial = await open(place, entries, conflict);
  await partial.resumeAt(0);
  await writeAll(partial, streamOf(entries), 1000);
  return partial;
}

/** Receives `entries` and puts them in place. */
export async function deliver(
  place: Place,
  entries: readonly Entry[],
  conflict: ConflictPolicy,
): Promise<void> {
  const partial = await receive(place, entries, conflict);
  try {
    await partial.commit(() => {});
  } finally {
    partial.close();
  }
}

/** Resumes and checks that the hashes are those of the prefix. */
export async function resume(
  partial: PartialTransfer,
  entries: readonly Entry[],
  sizeBytes: number,
): Promise<void> {
  const prefix = streamOf(entries).subarray(0, sizeBytes);
  const { sha256: hash, crc32: sum } = await partial.resumeAt(sizeBytes);
  assert.deepEqual(hash, sha256(prefix));
  assert.equal(sum, crc32(prefix));
}

export function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** Commits as a process would that dies after `count` renames; says whether it came to that. */
export async function commitCut(partial: PartialTransfer, count: number): Promise<boolean> {
  const { renameSync } = Deno;
  let left = count;
  const cut = (from: string | URL, to: string | URL) => {
    if (left-- === 0) throw new Error("cut");
    renameSync(from, to);
  };
  try {
    await withPatched(Deno, "renameSync", cut, () => partial.commit(nothing));
    return false;
  } catch (error) {
    assert.match(String((error as Error).message), /cut/);
    return true;
  }
}

/** The names in a folder, sorted. */
export function namesIn(path: string): readonly string[] {
  return Array.from(Deno.readDirSync(path), (item) => item.name).sort();
}

export const nothing = () => {};

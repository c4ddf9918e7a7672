/** The vectors as their files have them, and the few things that every reader of them needs. */
import assert from "node:assert/strict";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";
import { type Bytes, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import type { Suite } from "../../../lib/crypto/suite.ts";
import type { Entry, Random } from "../../../lib/ports.ts";
import { AUTH_MODE_NUMBERS, type AuthMode, SUITE_NUMBERS } from "../../../lib/wire/handshake_messages.ts";
import { MESSAGE_TYPES, type MessageType } from "../../../lib/wire/message.ts";

/** The file `name`.json. */
export function readVectors<T>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(`${PROJECT_FOLDER}/tests/vectors/${name}.json`)) as T;
}

/** A client of handshake.json or negative.json. */
export interface ClientSetup {
  readonly identity_seed: string;
  readonly shared_key: string | null;
  readonly time: number;
  readonly suites: readonly number[];
  readonly modes: readonly number[];
  readonly kem_seed: string;
  readonly x25519_secret: string;
  readonly nonce: string;
  readonly intent: number;
  readonly receiver: string | null;
}

/** A server of handshake.json or negative.json. */
export interface ServerSetup {
  readonly identity_seed: string;
  readonly shared_keys: readonly string[];
  readonly time: number;
  readonly suites: readonly number[];
  readonly modes: readonly number[];
  readonly kem_randomness: string;
  readonly x25519_secret: string;
  readonly nonce: string;
  readonly window_records: number;
  readonly window_bytes: number;
  readonly senders: readonly string[];
  readonly nonces_in_memory: readonly string[];
  readonly nonces_on_disk: readonly string[];
  readonly answers_left: number;
}

/** An entry of a manifest. */
export interface PrintedEntry {
  readonly kind: "file" | "folder";
  readonly mode: number;
  readonly mtime: number;
  readonly size: number;
  readonly path: string;
}

/** The same as this library has it. */
export function entryOf({ kind, mode, mtime, size, path }: PrintedEntry): Entry {
  return { kind: kind === "file" ? "file" : "directory", mode, mtimeMs: mtime, sizeBytes: size, path };
}

function nameOf<Name extends string>(numbers: Readonly<Record<Name, number>>, number: number): Name {
  const name = (Object.keys(numbers) as Name[]).find((each) => numbers[each] === number);
  assert.ok(name !== undefined, `nothing has the number ${number}`);
  return name;
}

/** The suite of a number. */
export function suiteOf(number: number): Suite {
  return nameOf(SUITE_NUMBERS, number);
}

/** The mode of a number. */
export function modeOf(number: number): AuthMode {
  return nameOf(AUTH_MODE_NUMBERS, number);
}

/** The message of a number. */
export function messageTypeOf(number: number): MessageType {
  return nameOf(MESSAGE_TYPES, number);
}

/** Randomness that gives out these bytes, one after the other and as long as they are. */
export function drawing(...draws: readonly string[]): Random & { readonly leftCount: number } {
  const left = draws.map(fromHex);
  return {
    bytes(size) {
      const next = left.shift();
      assert.equal(next?.length, size, "another size is drawn than the vector has");
      return next!;
    },
    get leftCount() {
      return left.length;
    },
  };
}

/** Compares bytes, and shows them in hexadecimal where they differ. */
export function assertBytes(actual: Bytes, expected: string, what?: string): void {
  assert.equal(toHex(actual), expected, what);
}

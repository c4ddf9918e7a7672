/**
 * What the worked example is made of.
 * @module
 */
import { inputsOf, TIME } from "./handshake_cases.ts";
import { runHandshake } from "./handshake.ts";
import type { Inputs } from "./handshake_inputs.ts";
import type * as m from "./messages.ts";
import { ed25519Public, pseudorandom, text } from "./primitives.ts";

/** Both ends of the handshake. */
export const INPUTS: Inputs = inputsOf("worked example", {
  clientSeed: pseudorandom("worked example: client's identity", 32),
  serverSeed: pseudorandom("worked example: server's identity", 32),
});
/** Bytes of a block. */
export const BLOCK_SIZE = 1_048_512;
/** What the file holds. */
export const CONTENT = text("hello\n");
/** The file. */
export const ENTRY: m.Entry = {
  kind: "file",
  mode: 0o644,
  mtime: 1_799_999_940_000,
  size: 6,
  path: "hello.txt",
};
/** When the receiver puts the file in place, in milliseconds. */
export const TIME_MS = TIME * 1000;

/** The handshake. */
export const HANDSHAKE = runHandshake(INPUTS);
/** What is computed in it, by its names in docs/protocol.md. */
export const V = HANDSHAKE.values;
/** The client's identity. */
export const CLIENT = ed25519Public(INPUTS.clientSeed);
/** The server's identity. */
export const SERVER = ed25519Public(INPUTS.serverSeed);
/** The first line of bytes that the client sends. */
export const TO_SERVER = "client to server";
/** The first line of bytes that the server sends. */
export const TO_CLIENT = "server to client";

/** Everything that a test needs to run the example: its inputs, and what is sent. */
export const EXAMPLE = {
  inputs: INPUTS,
  entry: ENTRY,
  content: CONTENT,
  timeMs: TIME_MS,
  blockSize: BLOCK_SIZE,
};

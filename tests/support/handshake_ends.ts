/** Both ends of a handshake in one place, and an attacker's hand on what goes between them. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { type ErrorCode, StxError } from "../../lib/errors.ts";
import { ClientHandshake, type ClientOptions } from "../../lib/handshake/client.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import type { HandshakeEvent } from "../../lib/handshake/outcome.ts";
import { ServerHandshake, type ServerOptions } from "../../lib/handshake/server.ts";
import { identityFromSeed } from "../../lib/identity/identity.ts";
import { TAG_SIZE } from "../../lib/limits.ts";
import type { Identity } from "../../lib/ports.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { FRAME_HEADER_SIZE, FRAME_TYPES, type FrameType } from "../../lib/wire/frame.ts";
import { seededRandom } from "./seeded_random.ts";

/** When every handshake here begins, in milliseconds since 1970. */
export const START_MS = 1_800_000_000_000;

export type Side = "client" | "server";

/** An identity that its name determines. */
export function identityOf(name: string): Promise<Identity> {
  return identityFromSeed(sha256(utf8(name)));
}

export const CLIENT_IDENTITY = await identityOf("client");
export const SERVER_IDENTITY = await identityOf("server");

/** A client that trusts whom it meets; `seed` determines all its randomness. */
export function startClient(
  change: Partial<ClientOptions> = {},
  seed = "client",
): Promise<ClientHandshake> {
  return ClientHandshake.start({
    identity: CLIENT_IDENTITY,
    random: seededRandom(seed),
    suites: ["aes-256-gcm", "chacha20-poly1305"],
    authModes: ["identity"],
    sharedKey: undefined,
    intent: "send",
    checkServer: () => {},
    ...change,
  }, START_MS);
}

/** A server that lets everybody in. */
export function startServer(change: Partial<ServerOptions> = {}): ServerHandshake {
  return new ServerHandshake({
    identity: SERVER_IDENTITY,
    random: seededRandom("server"),
    suites: ["aes-256-gcm", "chacha20-poly1305"],
    authModes: ["identity"],
    sharedKeys: [],
    guard: new HelloGuard(),
    nonces: new MemoryNonceStore(),
    limits: { windowRecords: 256, windowSizeBytes: 16 * 1024 * 1024 },
    authorize: () => {},
    ...change,
  }, START_MS);
}

/** What a machine has to say, in one piece. */
export function outputOf(machine: ClientHandshake | ServerHandshake): Bytes {
  return concat(...machine.takeOutput());
}

export type OpenEvent = HandshakeEvent & { kind: "open" };

/** How a handshake ended at both ends. */
export interface Ending {
  readonly client: ClientHandshake;
  readonly server: ServerHandshake;
  readonly clientOpen: OpenEvent | undefined;
  readonly serverOpen: OpenEvent | undefined;
  /** What each end threw, in the order of time. */
  readonly failures: readonly { readonly side: Side; readonly code: ErrorCode; readonly error: StxError }[];
  /** Everything that each end gave out, in pieces as it was taken. */
  readonly sent: Readonly<Record<Side, readonly Bytes[]>>;
}

/** What an attacker makes of the bytes that `from` sent; the n-th of its flights counts from 0. */
export type Tamper = (bytes: Bytes, from: Side, flight: number) => Bytes;

/** Runs two machines against each other until neither has anything to say. */
export async function runHandshake(
  client: ClientHandshake,
  server: ServerHandshake,
  tamper: Tamper = (bytes) => bytes,
): Promise<Ending> {
  const failures: { side: Side; code: ErrorCode; error: StxError }[] = [];
  const events: Record<Side, HandshakeEvent[]> = { client: [], server: [] };
  const sent: Record<Side, Bytes[]> = { client: [], server: [] };
  const machines = { client, server };
  for (let from: Side = "client", quiet = 0; quiet < 2; from = from === "client" ? "server" : "client") {
    const bytes = outputOf(machines[from]);
    quiet = bytes.length === 0 ? quiet + 1 : 0;
    if (bytes.length === 0) continue;
    const to: Side = from === "client" ? "server" : "client";
    const arrives = tamper(bytes, from, sent[from].length);
    sent[from].push(bytes);
    if (machines[to].state === "open" || machines[to].state === "closed") continue;
    try {
      events[to].push(...await machines[to].receive(arrives, START_MS));
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      failures.push({ side: to, code: error.code, error });
    }
  }
  const openOf = (side: Side) => events[side].find((event): event is OpenEvent => event.kind === "open");
  return { client, server, clientOpen: openOf("client"), serverOpen: openOf("server"), failures, sent };
}

/** The type of the frame that `bytes` begin with. */
export function frameTypeOf(bytes: Bytes): FrameType | undefined {
  return (Object.keys(FRAME_TYPES) as FrameType[]).find((type) => FRAME_TYPES[type] === bytes[0]);
}

/** What kind of alert `bytes` are, and nothing else: fails if there is more in them, or another frame. */
export function alertKind(bytes: Bytes): "none" | "alert" | "sealedAlert" {
  if (bytes.length === 0) return "none";
  const kind = frameTypeOf(bytes);
  assert.ok(kind === "alert" || kind === "sealedAlert", `a ${kind} frame of ${bytes.length} bytes left`);
  assert.equal(bytes.length, FRAME_HEADER_SIZE + (kind === "alert" ? 1 : 1 + TAG_SIZE));
  return kind;
}

/**
 * The handshakes of tests/vectors/handshake.json, which the faults of negative.json start from, too.
 * @module
 */
import { type Handshake, runHandshake } from "./handshake.ts";
import type { Inputs } from "./handshake_inputs.ts";
import { type Bytes, ed25519Public, hex, pseudorandom, type SuiteNumber } from "./primitives.ts";

/** 2027-01-15T08:00:00Z */
export const TIME = 1_800_000_000;

/** The client's Ed25519 private key, if nothing else is said. */
export const CLIENT_SEED = pseudorandom("client's identity", 32);
/** The server's. */
export const SERVER_SEED = pseudorandom("server's identity", 32);
/** Somebody's whom neither knows. */
export const STRANGER_SEED = pseudorandom("stranger's identity", 32);
/** What both ends hold in modes 2 and 3. */
export const SHARED_KEY = pseudorandom("shared key", 32);
/** A shared key that fits nothing. */
export const OTHER_SHARED_KEY = pseudorandom("other shared key", 32);
/** One more. */
export const THIRD_SHARED_KEY = pseudorandom("third shared key", 32);

/** Inputs of a handshake whose randomness follows from `name`. */
export function inputsOf(name: string, given: Partial<Inputs>): Inputs {
  return {
    suite: 1,
    mode: 1,
    suites: [1, 2],
    modes: [1],
    psk: undefined,
    clientSeed: CLIENT_SEED,
    serverSeed: SERVER_SEED,
    clientTime: TIME,
    serverTime: TIME,
    clientNonce: pseudorandom(`${name}: client_nonce`, 32),
    serverNonce: pseudorandom(`${name}: server_nonce`, 32),
    kemSeed: pseudorandom(`${name}: d | z`, 64),
    clientX25519: pseudorandom(`${name}: client's X25519 secret`, 32),
    serverX25519: pseudorandom(`${name}: server's X25519 secret`, 32),
    kemRandomness: pseudorandom(`${name}: m`, 32),
    intent: 1,
    limits: { windowRecords: 256, windowBytes: 16_777_216 },
    ...given,
  };
}

/** A client as the files of vectors have it. */
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
  /** The public key that its user means; `null` is one that the user has never named or met. */
  readonly receiver: string | null;
}

/** A server as the files of vectors have it. */
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
  /** The public keys that modes 1 and 3 let in. */
  readonly senders: readonly string[];
  /** Nonces that it remembers in memory. */
  readonly nonces_in_memory: readonly string[];
  /** Nonces that have opened a session. */
  readonly nonces_on_disk: readonly string[];
  /** What is left of its budget of answers. */
  readonly answers_left: number;
}

/** The client of these inputs. */
export function clientSetup(inputs: Inputs, more: Partial<ClientSetup> = {}): ClientSetup {
  return {
    identity_seed: hex(inputs.clientSeed),
    shared_key: inputs.psk === undefined ? null : hex(inputs.psk),
    time: inputs.clientTime,
    suites: inputs.suites,
    modes: inputs.modes,
    kem_seed: hex(inputs.kemSeed),
    x25519_secret: hex(inputs.clientX25519),
    nonce: hex(inputs.clientNonce),
    intent: 1,
    receiver: hex(ed25519Public(inputs.serverSeed)),
    ...more,
  };
}

/** The server of these inputs. */
export function serverSetup(inputs: Inputs, more: Partial<ServerSetup> = {}): ServerSetup {
  return {
    identity_seed: hex(inputs.serverSeed),
    shared_keys: inputs.psk === undefined ? [] : [hex(inputs.psk)],
    time: inputs.serverTime,
    suites: [1, 2],
    modes: [inputs.mode],
    kem_randomness: hex(inputs.kemRandomness),
    x25519_secret: hex(inputs.serverX25519),
    nonce: hex(inputs.serverNonce),
    window_records: inputs.limits.windowRecords,
    window_bytes: inputs.limits.windowBytes,
    senders: [hex(ed25519Public(inputs.clientSeed))],
    nonces_in_memory: [],
    nonces_on_disk: [],
    answers_left: 512,
    ...more,
  };
}

interface CaseOf {
  readonly what: string;
  readonly inputs: Partial<Inputs>;
  readonly server?: Partial<ServerSetup>;
}

const KEYS = [OTHER_SHARED_KEY, SHARED_KEY, THIRD_SHARED_KEY].map(hex);
const SMALLEST = { windowRecords: 16, windowBytes: 262_144 };
const ODD = { windowRecords: 100, windowBytes: 1_000_001 };

const CASES: Readonly<Record<string, CaseOf>> = {
  "identity, AES-256-GCM": { what: "The plainest handshake.", inputs: {} },
  "identity, ChaCha20-Poly1305": {
    what: "The client's favourite suite is the server's last; the clocks differ by all that is allowed.",
    inputs: { suite: 2, suites: [2, 1], serverTime: TIME + 120, limits: SMALLEST },
  },
  "psk, AES-256-GCM": {
    what:
      "The server has three shared keys, the second fits. It lets in whoever has the key: its list is empty.",
    inputs: { mode: 2, modes: [2, 3], psk: SHARED_KEY, clientTime: TIME + 120 },
    server: { shared_keys: KEYS, modes: [3, 2], senders: [] },
  },
  "psk, ChaCha20-Poly1305": {
    what: "One suite and one mode are offered.",
    inputs: { suite: 2, mode: 2, suites: [2], modes: [2], psk: SHARED_KEY, limits: ODD },
  },
  "identity+psk, AES-256-GCM": {
    what: "The server has only the client's second suite, and takes only its second mode.",
    inputs: { suite: 1, mode: 3, suites: [2, 1], modes: [2, 3], psk: SHARED_KEY },
    server: { suites: [1] },
  },
  "identity+psk, ChaCha20-Poly1305": {
    what: "The third of three keys fits.",
    inputs: { suite: 2, mode: 3, suites: [2, 1], modes: [3], psk: THIRD_SHARED_KEY, limits: SMALLEST },
    server: { shared_keys: KEYS, modes: [1, 2, 3] },
  },
  "identity, though a shared key fits": {
    what: "The server takes the client's favourite mode, which has no shared key: ES is that of mode 1.",
    inputs: { modes: [1, 2], psk: SHARED_KEY },
    server: { modes: [2, 1] },
  },
  "identity, a binder passed over": {
    what: "The server has no shared key, so it does not look at the binder.",
    inputs: { suite: 2, suites: [2], modes: [3, 2, 1], psk: SHARED_KEY },
    server: { shared_keys: [], modes: [1, 2, 3] },
  },
  "identity, both ends the same": {
    what: "In mode 1 an end may meet itself.",
    inputs: { clientSeed: SERVER_SEED },
  },
};

/** A handshake that must succeed, at both ends. */
export interface PositiveHandshake {
  readonly name: string;
  readonly what: string;
  readonly handshake: Handshake;
  readonly client: ClientSetup;
  readonly server: ServerSetup;
}

/** All of them, computed. */
export function positiveHandshakes(): readonly PositiveHandshake[] {
  return Object.entries(CASES).map(([name, { what, inputs: given, server = {} }]) => {
    const inputs = inputsOf(name, given);
    const handshake = runHandshake(inputs);
    return { name, what, handshake, client: clientSetup(inputs), server: serverSetup(inputs, server) };
  });
}

function inputsNamed(name: string): Inputs {
  return inputsOf(name, CASES[name]!.inputs);
}

/** The handshakes that the faults start from, by what is special in them. */
export const PLAIN: Inputs = inputsNamed("identity, AES-256-GCM");
/** See {@link PLAIN}. */
export const CHACHA: Inputs = inputsNamed("identity, ChaCha20-Poly1305");
/** See {@link PLAIN}. */
export const PSK: Inputs = inputsNamed("psk, AES-256-GCM");
/** See {@link PLAIN}. */
export const BOTH: Inputs = inputsNamed("identity+psk, ChaCha20-Poly1305");

/** handshake.json */
export function handshakeFile(): unknown {
  return {
    cases: positiveHandshakes().map(({ name, what, handshake, client, server }) => ({
      name,
      what,
      mode: handshake.inputs.mode,
      suite: handshake.inputs.suite,
      client,
      server,
      values: hexValues(handshake.values),
      hello: hex(handshake.hello),
      welcome: hex(handshake.welcome),
      verify: hex(handshake.verify),
      ready: hex(handshake.ready),
    })),
  };
}

/** Values as the files have them. */
export function hexValues(values: Readonly<Record<string, Bytes>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, hex(value)]));
}

/** The suites by their numbers. */
export const SUITES: readonly SuiteNumber[] = [1, 2];

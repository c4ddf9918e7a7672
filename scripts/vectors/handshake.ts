/**
 * Both ends of a handshake, step by step as docs/protocol.md has it, except where a vector wants a fault. Whatever is
 * computed on the way is kept under its name there.
 * @module
 */
import {
  type Bytes,
  ds,
  ed25519Public,
  ed25519Sign,
  extract,
  finished,
  hex,
  hmac,
  join,
  keyOf,
  mlKemDecapsulate,
  mlKemEncapsulate,
  mlKemKeys,
  NOTHING,
  number,
  seal,
  sha256,
  text,
  vector8,
  x25519,
  x25519Public,
  xl,
  ZEROS,
} from "./primitives.ts";
import {
  type Change,
  type ClientFaults,
  contentToSign,
  extensions,
  frame,
  frameHeader,
  FRAMES,
  type Inputs,
  type ServerFaults,
} from "./handshake_inputs.ts";

function usesPsk(mode: number): boolean {
  return mode === 2 || mode === 3;
}

/** What both ends have: the transcript and the key schedule. */
abstract class End {
  protected readonly inputs: Inputs;
  /** Everything that was computed, by its name in docs/protocol.md. */
  readonly values: Record<string, Bytes> = {};
  #transcript: Bytes = NOTHING;

  constructor(inputs: Inputs) {
    this.inputs = inputs;
  }

  protected keep(name: string, value: Bytes): Bytes {
    this.values[name] = value;
    return value;
  }

  /** As `keep`, of what a fault makes of it. */
  protected keepChanged(name: string, right: Bytes, change: Change | undefined): Bytes {
    return this.keep(name, change?.(right, this.values) ?? right);
  }

  /** Adds to the transcript; its hash is kept as TH`n`. */
  protected hash(n: number, ...parts: readonly Uint8Array[]): Bytes {
    this.#transcript = join(this.#transcript, ...parts);
    return this.keep(`th${n}`, sha256(this.#transcript));
  }

  protected keepKey(name: string): void {
    const { key, iv } = keyOf(this.values[name]!);
    this.keep(`${name}_key`, key);
    this.keep(`${name}_iv`, iv);
  }

  protected deriveHandshake(kemSecret: Bytes, xSecret: Bytes): void {
    const { psk, mode } = this.inputs;
    this.keep("ss_mlkem", kemSecret);
    this.keep("ss_x25519", xSecret);
    const es = this.keep("es", extract(ZEROS, usesPsk(mode) ? psk! : ZEROS));
    const salt = this.keep("es_derived", ds(es, "derived", sha256()));
    const hs = this.keep("hs", extract(salt, join(kemSecret, xSecret)));
    for (const side of ["c", "s"]) {
      this.keep(`${side}_hs`, ds(hs, `${side} hs`, this.values["th2"]!));
      this.keepKey(`${side}_hs`);
    }
    this.keep("ms", extract(this.keep("hs_derived", ds(hs, "derived", sha256())), ZEROS));
  }

  protected deriveSession(): void {
    const { ms, th8 } = this.values;
    for (const side of ["c", "s"]) {
      this.keep(`${side}_ap_0`, ds(ms!, `${side} ap`, th8!));
      this.keepKey(`${side}_ap_0`);
    }
    this.keep("ready", ds(ms!, "ready", th8!));
    this.keep("session_id", xl(ms!, "session id", th8!, 16));
  }

  protected seal(secret: Bytes, n: number, header: Bytes, plaintext: Bytes): Bytes {
    return seal(this.inputs.suite, secret, n, header, plaintext);
  }
}

/** See the module's text. Each method gives or takes a whole frame, in their order. */
export class Client extends End {
  readonly #faults: ClientFaults;
  #dk: Bytes = NOTHING;

  constructor(inputs: Inputs, faults: ClientFaults = {}) {
    super(inputs);
    this.#faults = faults;
  }

  hello(): Bytes {
    const { inputs } = this;
    const { ek, dk } = mlKemKeys(inputs.kemSeed);
    this.#dk = dk;
    this.keep("client_ek", ek);
    this.keep("client_x25519", x25519Public(inputs.clientX25519));
    const right = join(
      text("STX"),
      number(1, 1),
      number(inputs.clientTime, 8),
      inputs.clientNonce,
      ek,
      this.values["client_x25519"]!,
      vector8(join(...inputs.suites.map((suite) => number(suite, 2)))),
      vector8(Uint8Array.from(inputs.modes)),
      extensions(),
    );
    const body = this.#faults.helloBody?.(right, this.values) ?? right;
    if (!inputs.modes.some(usesPsk)) return this.#send(frame(FRAMES.hello, body));
    const th0 = this.keep("th0", sha256(frameHeader(FRAMES.hello, body.length + 32), body));
    const early = extract(ZEROS, inputs.psk!);
    const binderKey = xl(ds(early, "psk binder", sha256()), "finished", NOTHING, 32);
    this.keep("binder_key", binderKey);
    const binder = this.keepChanged("binder", hmac(binderKey, th0), this.#faults.binder);
    return this.#send(frame(FRAMES.hello, join(body, binder)));
  }

  #send(hello: Bytes): Bytes {
    this.hash(1, hello);
    return hello;
  }

  /** Takes WELCOME. */
  welcome(welcome: Bytes): void {
    const clearSize = 4 + 1165 + ((welcome[4 + 1163]! << 8) | welcome[4 + 1164]!);
    const ciphertext = welcome.slice(4 + 40, 4 + 40 + 1088);
    const peer = welcome.slice(4 + 40 + 1088, 4 + 40 + 1120);
    this.hash(2, welcome.slice(0, clearSize));
    this.deriveHandshake(mlKemDecapsulate(this.#dk, ciphertext), x25519(this.inputs.clientX25519, peer));
  }

  /** Takes what WELCOME seals, from the server that has sealed it. */
  authentication(server: Server): void {
    this.hash(3, server.values["server_id"]!);
    this.hash(4, server.values["server_signature"]!);
    this.hash(5, server.values["server_finished"]!);
  }

  verify(): Bytes {
    const { inputs } = this;
    const faults = this.#faults;
    const id = this.keep("client_id", faults.id ?? ed25519Public(inputs.clientSeed));
    const intent = number(faults.intent ?? inputs.intent, 1);
    const size = (faults.plaintext?.(new Uint8Array(129), this.values) ?? new Uint8Array(129)).length;
    const header = frameHeader(FRAMES.verify, size + 16);
    const th6 = this.hash(6, header, id, intent);
    const content = contentToSign("client", th6);
    const signed = faults.signed?.(content, this.values) ?? content;
    const signature = this.keepChanged(
      "client_signature",
      ed25519Sign(inputs.clientSeed, signed),
      faults.signature,
    );
    const th7 = this.hash(7, signature);
    const proof = this.keepChanged("client_proof", finished(this.values["c_hs"]!, th7), faults.proof);
    this.hash(8, proof);
    const plaintext = this.keepChanged(
      "verify_plaintext",
      join(id, intent, signature, proof),
      faults.plaintext,
    );
    const right = this.values["c_hs"]!;
    const secret = faults.secret?.(right, this.values) ?? right;
    const sealed = this.seal(secret, faults.number ?? 0, header, plaintext);
    this.deriveSession();
    return join(header, faults.sealed?.(sealed, this.values) ?? sealed);
  }
}

/** See the module's text. */
export class Server extends End {
  readonly #faults: ServerFaults;

  constructor(inputs: Inputs, faults: ServerFaults = {}) {
    super(inputs);
    this.#faults = faults;
  }

  /** Answers HELLO. */
  welcome(hello: Bytes): Bytes {
    const { inputs } = this;
    const faults = this.#faults;
    const { ciphertext, secret: kemSecret } = mlKemEncapsulate(
      hello.slice(4 + 44, 4 + 1228),
      inputs.kemRandomness,
    );
    this.keep("kem_ciphertext", ciphertext);
    this.keep("server_x25519", x25519Public(inputs.serverX25519));
    const share = join(ciphertext, this.values["server_x25519"]!);
    const rightClear = join(
      number(faults.time ?? inputs.serverTime, 8),
      inputs.serverNonce,
      faults.share?.(share, this.values) ?? share,
      number(faults.namedSuite ?? inputs.suite, 2),
      number(faults.namedMode ?? inputs.mode, 1),
      extensions(),
    );
    const clear = faults.clear?.(rightClear, this.values) ?? rightClear;
    const id = this.keep("server_id", faults.id ?? ed25519Public(inputs.serverSeed));
    const size = (faults.plaintext?.(new Uint8Array(128), this.values) ?? new Uint8Array(128)).length;
    const header = frameHeader(FRAMES.welcome, clear.length + size + 16);
    this.hash(1, hello);
    this.hash(2, header, clear);
    this.deriveHandshake(kemSecret, x25519(inputs.serverX25519, hello.slice(4 + 1228, 4 + 1260)));
    const content = contentToSign("server", this.hash(3, id));
    const signed = faults.signed?.(content, this.values) ?? content;
    const signature = this.keepChanged(
      "server_signature",
      ed25519Sign(inputs.serverSeed, signed),
      faults.signature,
    );
    const th4 = this.hash(4, signature);
    const proof = this.keepChanged("server_finished", finished(this.values["s_hs"]!, th4), faults.finished);
    this.hash(5, proof);
    const plaintext = this.keepChanged("welcome_plaintext", join(id, signature, proof), faults.plaintext);
    const right = this.values["s_hs"]!;
    const secret = faults.secret?.(right, this.values) ?? right;
    const sealed = this.seal(secret, faults.number ?? 0, header, plaintext);
    return join(header, clear, faults.sealed?.(sealed, this.values) ?? sealed);
  }

  /** Takes what VERIFY seals, from the client that has sealed it. */
  verify(client: Client): void {
    const plaintext = client.values["verify_plaintext"]!;
    this.hash(6, frameHeader(FRAMES.verify, plaintext.length + 16), plaintext.slice(0, 33));
    this.hash(7, client.values["client_signature"]!);
    this.hash(8, client.values["client_proof"]!);
    this.deriveSession();
  }

  ready(): Bytes {
    const faults = this.#faults;
    const { windowRecords, windowBytes } = faults.limits ?? this.inputs.limits;
    const rightId = this.values["session_id"]!;
    const sessionId = faults.sessionId?.(rightId, this.values) ?? rightId;
    const limits = join(number(windowRecords, 2), number(windowBytes, 4));
    const size = (faults.readyPlaintext?.(new Uint8Array(54), this.values) ?? new Uint8Array(54)).length;
    const header = frameHeader(FRAMES.ready, size + 16);
    const th9 = this.hash(9, header, sessionId, limits);
    const proof = this.keepChanged("server_proof", finished(this.values["ready"]!, th9), faults.proof);
    this.keep("exporter", ds(this.values["ms"]!, "exp", this.hash(10, proof)));
    const plaintext = this.keepChanged(
      "ready_plaintext",
      join(sessionId, limits, proof),
      faults.readyPlaintext,
    );
    const right = this.values["s_hs"]!;
    const secret = faults.readySecret?.(right, this.values) ?? right;
    const sealed = this.seal(secret, faults.readyNumber ?? 1, header, plaintext);
    return join(header, faults.readySealed?.(sealed, this.values) ?? sealed);
  }
}

/** A whole handshake, and everything that either end has computed. */
export interface Handshake {
  readonly inputs: Inputs;
  readonly hello: Bytes;
  readonly welcome: Bytes;
  readonly verify: Bytes;
  readonly ready: Bytes;
  readonly values: Readonly<Record<string, Bytes>>;
}

/** Runs both ends against each other. Throws if they do not compute the same. */
export function runHandshake(inputs: Inputs): Handshake {
  const client = new Client(inputs);
  const server = new Server(inputs);
  const hello = client.hello();
  const welcome = server.welcome(hello);
  client.welcome(welcome);
  client.authentication(server);
  const verify = client.verify();
  server.verify(client);
  const ready = server.ready();
  const values: Record<string, Bytes> = {};
  // In the order of the protocol: each end has made what the other has not.
  for (const name of ORDER) {
    const [left, right] = [client.values[name], server.values[name]];
    if (left !== undefined && right !== undefined && hex(left) !== hex(right)) {
      throw new Error(`The two ends differ in ${name}`);
    }
    const value = left ?? right;
    if (value !== undefined) values[name] = value;
  }
  return { inputs, hello, welcome, verify, ready, values };
}

/** Everything that a handshake computes, in the order of the protocol. */
const ORDER: readonly string[] = [
  "client_ek",
  "client_x25519",
  "th0",
  "binder_key",
  "binder",
  "th1",
  "kem_ciphertext",
  "server_x25519",
  "th2",
  "ss_mlkem",
  "ss_x25519",
  "es",
  "es_derived",
  "hs",
  ...["c_hs", "s_hs"].flatMap((name) => [name, `${name}_key`, `${name}_iv`]),
  "hs_derived",
  "ms",
  "server_id",
  "th3",
  "server_signature",
  "th4",
  "server_finished",
  "th5",
  "welcome_plaintext",
  "client_id",
  "th6",
  "client_signature",
  "th7",
  "client_proof",
  "th8",
  "verify_plaintext",
  ...["c_ap_0", "s_ap_0"].flatMap((name) => [name, `${name}_key`, `${name}_iv`]),
  "ready",
  "session_id",
  "th9",
  "server_proof",
  "th10",
  "ready_plaintext",
  "exporter",
];

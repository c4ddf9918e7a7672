/**
 * The keys that there are in a run, and what each has sealed. An enrolment begins a lineage of roots, one an epoch.
 * @module
 */
import { type Bytes, equal, toHex } from "../../../lib/bytes/bytes.ts";
import { hash, helloChain, isSealedUnder, rootBehind, type SpecPacket, type Way } from "./spec.ts";

/** One enrolment of a client. */
export class Lineage {
  readonly id: string;
  readonly #roots: Bytes[];
  /** The server's epoch, durable. */
  epoch = 0;
  /** Whether its file was once put back to an older one, which the protocol does not save anybody from. */
  isRestored = false;

  constructor(id: string, root: Bytes) {
    this.id = id;
    this.#roots = [root.slice()];
  }

  /** The root of an epoch. */
  root(epoch: number): Bytes {
    while (this.#roots.length <= epoch) this.#roots.push(rootBehind(this.#roots.at(-1)!));
    return this.#roots[epoch]!;
  }
}

/** See the module's text. */
export class Lineages {
  readonly #all = new Map<string, Lineage[]>();
  /** Revoked clients have none. */
  readonly #current = new Map<string, Lineage>();
  /** What was sealed under each chain key. */
  readonly #sealed = new Map<string, string>();
  readonly #fail: (text: string) => void;

  constructor(fail: (text: string) => void) {
    this.#fail = fail;
  }

  /** The lineage that the server takes. */
  current(id: string): Lineage | undefined {
    return this.#current.get(id);
  }

  /** A client was enrolled, durably. */
  enrolled(id: string, root: Bytes): void {
    const lineage = new Lineage(id, root);
    const all = this.#all.get(id) ?? [];
    all.push(lineage);
    this.#all.set(id, all);
    this.#current.set(id, lineage);
  }

  /** A client was revoked, durably. */
  revoked(id: string): void {
    this.#current.delete(id);
  }

  /** Whether the server has, or had, a client enrolled with this root. */
  knows(id: string, root: Bytes): boolean {
    return this.#all.get(id)?.some((each) => equal(each.root(0), root)) === true;
  }

  /** Somebody has put back an older key file. */
  restored(id: string): void {
    for (const lineage of this.#all.get(id) ?? []) lineage.isRestored = true;
  }

  /** The server's epoch went on, durably. */
  advanced(id: string, to: number, root: Bytes): void {
    const lineage = this.#current.get(id);
    if (lineage === undefined) return this.#fail(`${id} has an epoch without being enrolled`);
    if (to <= lineage.epoch) this.#fail(`the server's epoch of ${id} went from ${lineage.epoch} to ${to}`);
    if (!equal(lineage.root(to), root)) this.#fail(`the server's root of ${id} is not that of epoch ${to}`);
    lineage.epoch = to;
  }

  /** Whose HELLO it is; `undefined` where no key has made it. */
  ofHello(hello: SpecPacket): Lineage | undefined {
    // Far ahead only what was changed on the way can be.
    if (hello.epoch > 10_000) return undefined;
    return this.#all.get(hello.id)?.find((each) =>
      isSealedUnder(helloChain(each.root(hello.epoch), "c2s"), hello)
    );
  }

  /** A packet goes out that was sealed under a chain key. */
  use(chain: Bytes, packet: SpecPacket, lineage: Lineage, way: Way): void {
    const key = toHex(chain);
    const content = toHex(hash(packet.bytes));
    const before = this.#sealed.get(key);
    this.#sealed.set(key, content);
    if (before === undefined || before === content) return;
    // Whoever puts back a key file says HELLO of that epoch again, and that alone.
    if (lineage.isRestored && packet.opcode === 1) return;
    this.#fail(`a key of ${lineage.id} ${way} has sealed two packets, opcode ${packet.opcode} now`);
  }
}

/**
 * Looks at what each end of a connection reads and writes, and follows the chains: every packet must have been sealed
 * under the key that is next, and no key may seal two.
 * @module
 */
import { type Bytes, equal } from "../../../lib/bytes/bytes.ts";
import type { Duplex } from "../../../lib/ports.ts";
import type { LineEnd } from "../line.ts";
import type { Process } from "../process.ts";
import type { Lineage, Lineages } from "./lineages.ts";
import {
  bodyOf,
  chainBehind,
  helloChain,
  isSealedUnder,
  sessionChain,
  type SpecPacket,
  SpecStream,
  type Way,
} from "./spec.ts";

const [HELLO, CHALLENGE, DATA, AGGREGATE, CLOSE] = [1, 2, 3, 4, 5] as const;

/** An aggregate as it goes out. */
export interface SentAggregate {
  readonly serverRound: number;
  readonly clients: number;
  readonly sum: string;
  readonly product: string;
}

/** What a watch works with. */
export interface WatchOptions {
  readonly lineages: Lineages;
  readonly nowMs: () => number;
  /** Says wrong things on purpose, under the right keys. */
  readonly isDeviant: boolean;
  readonly fail: (text: string) => void;
  readonly onValue: (text: string) => void;
  readonly onAggregate: (id: string, aggregate: SentAggregate) => void;
}

/** One end of a connection. */
export class EndWatch {
  readonly #options: WatchOptions;
  readonly #way: Way;
  readonly #written = new SpecStream();
  readonly #read = new SpecStream();
  #hello: SpecPacket | undefined;
  #lineage: Lineage | undefined;
  #challenge: SpecPacket | undefined;
  #chain: Bytes | undefined;
  #round = 0;
  /** Everything that was written. */
  readonly recording: Bytes[] = [];
  /** Since when a value waits here for its answer; the server's end alone. */
  valueSinceMs: number | undefined;
  /** Whether this end has said its last word, so that no value is answered any more. */
  #isOver = false;

  /** @param way the direction of what this end writes */
  constructor(way: Way, options: WatchOptions) {
    this.#way = way;
    this.#options = options;
  }

  /** The HELLO, once it has come or gone, and whose it is. */
  get hello(): { readonly lineage: Lineage; readonly epoch: number } | undefined {
    if (this.#hello === undefined || this.#lineage === undefined) return undefined;
    return { lineage: this.#lineage, epoch: this.#hello.epoch };
  }

  read(bytes: Bytes): void {
    for (const packet of this.#read.push(bytes)) {
      if (this.#way === "c2s") this.#challenge ??= packet;
      else if (this.#hello === undefined) this.#takeHello(packet);
      else if (packet.opcode === DATA && !this.#isOver) this.valueSinceMs ??= this.#options.nowMs();
    }
  }

  wrote(bytes: Bytes): void {
    this.recording.push(bytes.slice());
    for (const packet of this.#written.push(bytes)) this.#check(packet);
  }

  close(): void {
    this.#isOver = true;
    this.valueSinceMs = undefined;
  }

  #takeHello(packet: SpecPacket): void {
    this.#hello = packet;
    this.#lineage = this.#options.lineages.ofHello(packet);
  }

  #check(packet: SpecPacket): void {
    const { lineages, fail } = this.#options;
    const isFirst = this.#chain === undefined && (this.#way === "s2c" || this.#hello === undefined);
    if (isFirst && this.#way === "c2s") this.#takeHello(packet);
    const [hello, lineage] = [this.#hello, this.#lineage];
    if (hello === undefined || lineage === undefined) {
      return fail(
        `a packet of opcode ${packet.opcode} went out ${this.#way} that belongs to no HELLO of the group's`,
      );
    }
    const root = lineage.root(hello.epoch);
    if (isFirst) {
      this.#handshake(packet, hello, lineage, root);
      return;
    }
    if (this.#chain === undefined) {
      if (this.#challenge === undefined) {
        return fail(`opcode ${packet.opcode} went out before CHALLENGE came`);
      }
      this.#chain = sessionChain(root, hello.bytes, this.#challenge.bytes, this.#way);
      this.#round = 1;
    }
    const chain = this.#chain;
    if (!isSealedUnder(chain, packet)) {
      return fail(
        `opcode ${packet.opcode} of ${lineage.id} went out ${this.#way}, not sealed under the next key`,
      );
    }
    lineages.use(chain, packet, lineage, this.#way);
    this.#chain = chainBehind(chain, packet.bytes);
    if (!this.#options.isDeviant) this.#content(packet, bodyOf(chain, packet), lineage);
  }

  #handshake(packet: SpecPacket, hello: SpecPacket, lineage: Lineage, root: Bytes): void {
    const { lineages, fail } = this.#options;
    const isChallenge = this.#way === "s2c";
    const chain = helloChain(root, this.#way);
    if (packet.opcode !== (isChallenge ? CHALLENGE : HELLO) || packet.round !== 0) {
      fail(`a session began ${this.#way} with opcode ${packet.opcode} of round ${packet.round}`);
    }
    if (!isSealedUnder(chain, packet)) {
      fail(`opcode ${packet.opcode} is not sealed under the root of its epoch`);
    }
    lineages.use(chain, packet, lineage, this.#way);
    if (!isChallenge) return;
    if (lineages.current(lineage.id) === lineage && lineage.epoch <= hello.epoch) {
      fail(`CHALLENGE went out before epoch ${hello.epoch} of ${lineage.id} was behind it for good`);
    }
    this.#chain = sessionChain(root, hello.bytes, packet.bytes, "s2c");
    this.#round = 1;
  }

  #content(packet: SpecPacket, body: Bytes, lineage: Lineage): void {
    const { fail, onValue, onAggregate } = this.#options;
    if (packet.opcode === CLOSE) return this.close();
    if (packet.round !== this.#round || packet.opcode !== (this.#way === "c2s" ? DATA : AGGREGATE)) {
      fail(`opcode ${packet.opcode} of round ${packet.round} went out ${this.#way} in round ${this.#round}`);
    }
    const isFirst = this.#round === 1;
    this.#round += 1;
    if (this.#way === "c2s") {
      if (isFirst && !equal(body.subarray(0, 16), this.#challengeSaid())) {
        fail("DATA returns another challenge");
      }
      return onValue(new TextDecoder().decode(body.subarray(isFirst ? 16 : 0)));
    }
    this.valueSinceMs = undefined;
    const view = new DataView(body.buffer, body.byteOffset);
    const sumSize = view.getUint16(12);
    const text = (from: number, to: number) => new TextDecoder().decode(body.subarray(from, to));
    onAggregate(lineage.id, {
      serverRound: Number(view.getBigUint64(0)),
      clients: view.getUint32(8),
      sum: text(14, 14 + sumSize),
      product: text(16 + sumSize, body.length),
    });
  }

  #challengeSaid(): Bytes {
    const chain = helloChain(this.#lineage!.root(this.#hello!.epoch), "s2c");
    return bodyOf(chain, this.#challenge!).subarray(0, 16);
  }
}

/** An end of a line that somebody looks at. */
export class WatchedEnd implements Duplex {
  readonly #end: LineEnd;
  readonly #process: Process;
  readonly #watch: EndWatch;

  constructor(end: LineEnd, process: Process, watch: EndWatch) {
    this.#end = end;
    this.#process = process;
    this.#watch = watch;
  }

  async read(into: Bytes): Promise<number | null> {
    const size = await this.#end.read(into);
    if (size !== null) this.#watch.read(into.slice(0, size));
    return size;
  }

  async write(bytes: Bytes): Promise<void> {
    if (this.#process.isAlive) this.#watch.wrote(bytes);
    await this.#end.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#end.closeWrite();
  }

  close(): void {
    if (this.#process.isAlive) this.#watch.close();
    this.#end.close();
  }
}

/**
 * A connection between two processes: as slow, as finely cut, as noisy and as short-lived as a run wants it.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Duplex } from "../../lib/ports.ts";
import type { Dice } from "./dice.ts";
import type { Belonging, Process } from "./process.ts";

/** Towards the receiver, or back. */
export type Direction = "up" | "down";

/** What goes wrong on a line, where its direction has carried `atByte` bytes. */
export type LineFault =
  /** Both ends are told that it broke, or hear the end of the stream, or nothing ever again. */
  | { readonly kind: "cut"; readonly direction: Direction; readonly atByte: number; readonly how: CutKind }
  /** One byte arrives as another. */
  | { readonly kind: "noise"; readonly direction: Direction; readonly atByte: number; readonly xor: number }
  /** From there on nothing arrives this way. */
  | { readonly kind: "silence"; readonly direction: Direction; readonly atByte: number }
  /** What follows arrives later. */
  | { readonly kind: "stall"; readonly direction: Direction; readonly atByte: number; readonly ms: number };

/** How a line ends. */
export type CutKind = "reset" | "end" | "halfOpen";

/** How a line is, without faults. */
export interface LineProfile {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
  /** Bytes that arrive at once, at most. */
  readonly chunkSize: number;
  /** Bytes under way or unread before a writer waits. */
  readonly capacityBytes: number;
}

/** What a line works with. */
export interface LineOptions {
  readonly number: number;
  readonly profile: LineProfile;
  readonly dice: Dice;
  readonly faults: readonly LineFault[];
  /** Is told that a fault has happened. */
  readonly onFault: (fault: LineFault) => void;
}

type Parcel = Bytes | "end" | "reset";

/** A line with its two ends. */
export class Line {
  readonly client: LineEnd;
  readonly server: LineEnd;

  constructor(client: Process, server: Process, options: LineOptions) {
    this.client = new LineEnd(client, "up", options, this);
    this.server = new LineEnd(server, "down", options, this);
    this.client.connectTo(this.server);
    this.server.connectTo(this.client);
  }

  /** Both ends are told, and what was under way is lost. */
  reset(): void {
    this.client.breakDown();
    this.server.breakDown();
  }

  /** Nothing arrives any more, and nobody is told. */
  fallSilent(): void {
    this.client.isMute = true;
    this.server.isMute = true;
  }
}

/** One end. Whatever is asked of it when its process is dead never resolves. */
export class LineEnd implements Duplex, Belonging {
  readonly #process: Process;
  readonly #direction: Direction;
  readonly #options: LineOptions;
  readonly #line: Line;
  #peer!: LineEnd;
  /** What this end sends vanishes. */
  isMute = false;
  /** The peer's machine went without a word; once it is up again it knows nothing of this line. */
  #lostPeer: Process | undefined;
  /** On its way to the peer. */
  readonly #underWay: Parcel[] = [];
  #underWayBytes = 0;
  #sentBytes = 0;
  #lineFreeMs = 0;
  #lastArrivalMs = 0;
  readonly #incoming: Bytes[] = [];
  #incomingBytes = 0;
  #hasEnd = false;
  #error: Error | undefined;
  #isWriteClosed = false;
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(process: Process, direction: Direction, options: LineOptions, line: Line) {
    this.#process = process;
    this.#direction = direction;
    this.#options = options;
    this.#line = line;
    process.belongings.add(this);
  }

  connectTo(peer: LineEnd): void {
    this.#peer = peer;
  }

  async read(into: Bytes): Promise<number | null> {
    for (;;) {
      if (!this.#process.isAlive) return await forever();
      if (this.#isClosed) throw new Error("This end is closed");
      const first = this.#incoming[0];
      if (first !== undefined) {
        const part = first.subarray(0, into.length);
        into.set(part);
        if (part.length === first.length) this.#incoming.shift();
        else this.#incoming[0] = first.subarray(part.length);
        this.#incomingBytes -= part.length;
        this.#peer.#signal();
        return part.length;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#hasEnd) return null;
      await this.#changed.promise;
    }
  }

  async write(bytes: Bytes): Promise<void> {
    const process = this.#process;
    if (!process.isAlive) return await forever();
    this.#requireOpen();
    process.step("send", () => this.#transmit(bytes.slice()));
    await process.later(Math.max(0, this.#lineFreeMs - process.scheduler.nowMs), "has written", () => {});
    while (this.#underWayBytes + this.#peer.#incomingBytes > this.#options.profile.capacityBytes) {
      await this.#changed.promise;
      if (!process.isAlive) return await forever();
      this.#requireOpen();
    }
  }

  closeWrite(): Promise<void> {
    if (!this.#process.isAlive) return forever();
    if (this.#isClosed) return Promise.reject(new Error("This end is closed"));
    this.#endWriting();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed || !this.#process.isAlive) return;
    // As TCP has it: whoever hangs up on what it has not read makes the peer lose what it has not read either.
    if (this.#incomingBytes > 0) this.#send("reset");
    else this.#endWriting();
    this.#isClosed = true;
    this.#process.belongings.delete(this);
    this.#signal();
  }

  endWithProcess(isSilent: boolean): void {
    if (isSilent) {
      this.isMute = true;
      this.#peer.#lostPeer = this.#process;
    } else if (this.#incomingBytes > 0) {
      this.#send("reset");
    } else {
      this.#endWriting();
    }
    this.#isClosed = true;
  }

  /** The line is dead, and this end is told. */
  breakDown(): void {
    this.#error ??= new Error("The connection was reset");
    this.#incoming.length = 0;
    this.#incomingBytes = 0;
    this.#signal();
  }

  #requireOpen(): void {
    if (this.#isClosed || this.#isWriteClosed) throw new Error("This end is closed");
    if (this.#error !== undefined) throw this.#error;
    if (this.#hasHungUp) throw new Error("Broken pipe");
  }

  /** Whether this end was told that the peer reads no more. */
  #hasHungUp = false;

  #endWriting(): void {
    if (this.#isWriteClosed) return;
    this.#isWriteClosed = true;
    this.#send("end");
  }

  #transmit(bytes: Bytes): void {
    const { profile, dice, faults, onFault } = this.#options;
    if (this.#lostPeer !== undefined) {
      if (this.#lostPeer.machine.isUp) this.#tell(() => this.breakDown());
      return;
    }
    if (this.#peer.#isClosed) this.#tell(() => this.#hangUp());
    const start = this.#sentBytes;
    this.#sentBytes += bytes.length;
    let end = bytes.length;
    for (const fault of faults) {
      const at = fault.atByte - start;
      if (fault.direction !== this.#direction || at < 0 || at >= bytes.length) continue;
      onFault(fault);
      if (fault.kind === "noise") bytes[at]! ^= fault.xor;
      else if (fault.kind === "stall") this.#lastArrivalMs = this.#process.scheduler.nowMs + fault.ms;
      else end = Math.min(end, at);
    }
    for (let at = 0; at < end;) {
      const size = Math.min(
        end - at,
        dice.chance(0.2) ? dice.logInt(1, profile.chunkSize) : profile.chunkSize,
      );
      this.#send(bytes.subarray(at, at + size));
      at += size;
    }
    for (const fault of faults) {
      const at = fault.atByte - start;
      if (fault.direction === this.#direction && at >= 0 && at < bytes.length) this.#befall(fault);
    }
  }

  #befall(fault: LineFault): void {
    if (fault.kind === "silence") this.isMute = true;
    if (fault.kind !== "cut") return;
    if (fault.how === "halfOpen") this.#line.fallSilent();
    else if (fault.how === "reset") this.#tell(() => this.#line.reset());
    else {
      this.#send("end");
      this.isMute = true;
    }
  }

  /** Something happens in the time that news needs. */
  #tell(action: () => void): void {
    const { number, profile } = this.#options;
    this.#process.scheduler.after(profile.latencyMs, `line ${number} breaks`, undefined, action);
  }

  #send(parcel: Parcel): void {
    if (this.isMute) return;
    const { number, profile, dice } = this.#options;
    const { scheduler } = this.#process;
    const sizeBytes = typeof parcel === "string" ? 0 : parcel.length;
    this.#lineFreeMs = Math.max(this.#lineFreeMs, scheduler.nowMs) + sizeBytes / profile.bytesPerMs;
    const arrivalMs = this.#lineFreeMs + profile.latencyMs + profile.jitterMs * dice.fraction();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs);
    this.#underWay.push(parcel);
    this.#underWayBytes += sizeBytes;
    const label = `line ${number} ${this.#direction} ${typeof parcel === "string" ? parcel : sizeBytes}`;
    const owner = this.#peer.#process;
    // Whichever of several parcels this event is for, the first one arrives: a line keeps its order.
    scheduler.after(this.#lastArrivalMs - scheduler.nowMs, label, owner, () => this.#arrive());
  }

  #arrive(): void {
    const parcel = this.#underWay.shift()!;
    const peer = this.#peer;
    if (typeof parcel !== "string") this.#underWayBytes -= parcel.length;
    this.#signal();
    if (peer.#isClosed) {
      // Nobody is there to read it, which this end learns.
      if (typeof parcel !== "string") this.#tell(() => this.#hangUp());
      return;
    }
    if (parcel === "end") peer.#hasEnd = true;
    else if (parcel === "reset") peer.breakDown();
    else if (peer.#error === undefined) {
      peer.#incoming.push(parcel);
      peer.#incomingBytes += parcel.length;
    }
    peer.#signal();
  }

  #hangUp(): void {
    this.#hasHungUp = true;
    this.#hasEnd = true;
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function forever(): Promise<never> {
  return new Promise(() => {});
}

/**
 * Ends of a rounds session with some of their defences switched off: the same code, but for the methods that are the
 * defences. What `lib/net` adds to them has its weakened parts in the simulator itself.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import { cbcCiphertextSize } from "../../crypto/cbc.ts";
import { StateError } from "../../rounds/errors.ts";
import { Chain } from "../../rounds/chain.ts";
import { RoundsClient, type RoundsClientOptions } from "../../rounds/client.ts";
import { KeySchedule } from "../../rounds/key_schedule.ts";
import {
  type Direction,
  type Opcode,
  type Packet,
  PacketAssembler,
  type PacketHeader,
} from "../../rounds/packet.ts";
import { type RoundsServerOptions, RoundsServerSession } from "../../rounds/server.ts";
import type { RoundsState } from "../../rounds/transitions.ts";
import type { Off } from "../defences.ts";

/** A client's session without some defences; begun as {@link RoundsClient.start} does. */
export function startWeakRoundsClient(off: Off, options: RoundsClientOptions): RoundsClient {
  class WeakClient extends RoundsClient {
    protected override makeAssembler(): PacketAssembler {
      return makeWeakAssembler(off);
    }

    protected override makeKeySchedule(): KeySchedule {
      return makeWeakKeySchedule(off);
    }

    protected override checkDirection(header: PacketHeader): void {
      if (!off.has("packet direction")) super.checkDirection(header);
    }

    protected override checkEpoch(header: PacketHeader, id: string): void {
      if (!off.has("packet epoch")) super.checkEpoch(header, id);
    }

    protected override checkRound(header: PacketHeader): void {
      if (!off.has("packet round")) super.checkRound(header);
    }

    protected override stateAfter(opcode: Opcode | undefined): RoundsState {
      return unlessRefused(off, this.state, () => super.stateAfter(opcode));
    }
  }
  return WeakClient.start(options);
}

/** A server's end of one session without some defences. */
export function makeWeakRoundsServer(off: Off, options: RoundsServerOptions): RoundsServerSession {
  class WeakServer extends RoundsServerSession {
    protected override makeAssembler(): PacketAssembler {
      return makeWeakAssembler(off);
    }

    protected override makeKeySchedule(): KeySchedule {
      return makeWeakKeySchedule(off);
    }

    protected override checkDirection(header: PacketHeader): void {
      if (!off.has("packet direction")) super.checkDirection(header);
    }

    protected override checkEpoch(header: PacketHeader, id: string): void {
      if (!off.has("packet epoch")) super.checkEpoch(header, id);
    }

    protected override checkRound(header: PacketHeader): void {
      if (!off.has("packet round")) super.checkRound(header);
    }

    protected override stateAfter(opcode: Opcode | undefined): RoundsState {
      return unlessRefused(off, this.state, () => super.stateAfter(opcode));
    }

    protected override checkHelloEpoch(epoch: number, knownEpoch: number): void {
      if (!off.has("HELLO's epoch")) super.checkHelloEpoch(epoch, knownEpoch);
    }

    protected override commitEpoch(id: string, knownRoot: Bytes, epoch: number, next: Bytes): void {
      if (!off.has("committed epoch")) super.commitEpoch(id, knownRoot, epoch, next);
    }

    protected override checkChallenge(returned: Bytes, sent: Bytes): void {
      if (!off.has("returned challenge")) super.checkChallenge(returned, sent);
    }

    protected override rootAfter(root: Bytes, epochs: number): Bytes {
      return off.has("next root") ? root.slice() : super.rootAfter(root, epochs);
    }
  }
  return new WeakServer(options);
}

/** A key schedule without some defences. */
function makeWeakKeySchedule(off: Off): KeySchedule {
  class WeakChain extends Chain {
    protected override checkMac(packet: Packet): void {
      if (!off.has("packet MAC")) super.checkMac(packet);
    }

    protected override encrypt(iv: Bytes, body: Bytes): Bytes {
      return off.has("packet encryption") ? pad(body) : super.encrypt(iv, body);
    }

    protected override decrypt(packet: Packet): Bytes | undefined {
      return off.has("packet encryption") ? unpad(packet.ciphertext) : super.decrypt(packet);
    }

    protected override advance(packet: Bytes): void {
      if (!off.has("ratchet")) super.advance(packet);
    }
  }
  class WeakKeySchedule extends KeySchedule {
    protected override sessionSecret(root: Bytes, hello: Bytes, challenge: Bytes): Bytes {
      return off.has("session secret") ? root.slice() : super.sessionSecret(root, hello, challenge);
    }

    protected override firstKey(secret: Bytes, direction: Direction): Bytes {
      return super.firstKey(secret, off.has("chain per direction") ? "c2s" : direction);
    }

    protected override makeChain(key: Bytes): Chain {
      return new WeakChain(key);
    }
  }
  return new WeakKeySchedule();
}

function makeWeakAssembler(off: Off): PacketAssembler {
  class WeakAssembler extends PacketAssembler {
    protected override checkIdSize(sizeBytes: number): void {
      if (!off.has("id size")) super.checkIdSize(sizeBytes);
    }

    protected override checkCiphertextSize(sizeBytes: number, sizeMax: number): void {
      if (!off.has("ciphertext size")) super.checkCiphertextSize(sizeBytes, sizeMax);
    }
  }
  return new WeakAssembler();
}

/** Without the table's refusals, a packet that may not come is taken, and the state stays as it is. */
function unlessRefused(off: Off, state: RoundsState, next: () => RoundsState): RoundsState {
  try {
    return next();
  } catch (error) {
    if (off.has("state table") && error instanceof StateError) return state;
    throw error;
  }
}

/** PKCS#7 (RFC 5652, section 6.3), and no encryption. */
function pad(body: Bytes): Bytes {
  const size = cbcCiphertextSize(body.length);
  return Uint8Array.from({ length: size }, (_, i) => body[i] ?? size - body.length);
}

function unpad(padded: Bytes): Bytes | undefined {
  const size = padded.length - padded.at(-1)!;
  return size < 0 ? undefined : padded.slice(0, size);
}

/**
 * A thief of keys, who has recorded sessions of the rounds before: what it can read of them.
 * @module
 */
import type { Unit } from "../../lib/attacks/wire.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { Chain } from "../../lib/rounds/chain.ts";
import { MacError } from "../../lib/rounds/errors.ts";
import { KeySchedule } from "../../lib/rounds/key_schedule.ts";
import { decodeData } from "../../lib/rounds/messages.ts";
import { type Packet, PacketAssembler } from "../../lib/rounds/packet.ts";

/** The recorded values that open with a chain key as it is. */
export function readWithChainKey(recorded: readonly Unit[], key: Bytes): readonly string[] {
  return valuesOf(recorded).flatMap((packet) => read(new Chain(key.slice()), packet));
}

/** The recorded values of one session that open if `root` was the root of its epoch. */
export function readWithRoot(recorded: readonly Unit[], root: Bytes): readonly string[] {
  const bytesOf = (name: string) => recorded.find((unit) => unit.name === name)!.bytes;
  const { c2s } = new KeySchedule().sessionChains(root, bytesOf("HELLO"), bytesOf("CHALLENGE"));
  return valuesOf(recorded).flatMap((packet) => read(c2s, packet));
}

function valuesOf(recorded: readonly Unit[]): readonly Packet[] {
  return recorded.filter(({ name }) => name === "DATA").map(({ bytes }) => {
    const assembler = new PacketAssembler();
    assembler.push(bytes);
    return assembler.next()!;
  });
}

function read(chain: Chain, packet: Packet): readonly string[] {
  try {
    return [decodeData(chain.open(packet), packet.header.round === 1).text];
  } catch (error) {
    if (error instanceof MacError) return [];
    throw error;
  }
}

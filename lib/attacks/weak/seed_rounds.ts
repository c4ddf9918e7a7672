/**
 * The first design of the rounds protocol, followed to the letter. Nobody can run it but the attack simulator, which
 * plays on it what it plays on the rounds protocol.
 *
 * What the design states, and is here as it states it:
 *
 * - AES-128-CBC under a fresh random IV; HMAC-SHA256 over header, IV and ciphertext;
 * - the master key is SHA-256("basekey" + client id), the words as they stand; its first 16 bytes encrypt, all 32
 *   authenticate;
 * - each direction has keys of its own, which go on after each message: new key = SHA-256(old key + message data);
 * - the header has a direction and a round, and a packet with another one than expected ends the connection at once;
 * - HELLO and CHALLENGE are round 0, DATA rounds 1 and on; rounds are counted for each client;
 * - a client's number is the sum of its values, or their length; the result is the product over the clients of a round.
 *
 * Where it is silent there is nothing: no epochs, no nonce in HELLO, no return of the challenge, no time limit, no last
 * packet. Where it contradicts itself or leaves a choice, the reading that makes it stronger or, if neither is, the more
 * usual one was taken:
 *
 * - It gives no layout of packets: they have ours, with version 0 and always epoch 0, so that the same attackers can be
 *   let loose on it.
 * - Both directions begin with the same master key: it names no other.
 * - It has no name for the answer to DATA: that has our opcode for it.
 * - "Message data" is what is encrypted, before it is.
 * - A new session begins with the master key and round 0 again, since a client has nothing else to begin with.
 * - It calls for a pre-shared key and also says how a key is made from public words; the formula is what it spells out.
 * - It checks the round and the HMAC, and does not say in which order: the header first, then the HMAC, then the padding.
 * @module
 */
import { type Bytes, concat, equal, utf8 } from "../../bytes/bytes.ts";
import { CBC_BLOCK_SIZE, CBC_KEY_SIZE, cbcCiphertextSize, decryptCbc, encryptCbc } from "../../crypto/cbc.ts";
import { hmacSha256, sha256 } from "../../crypto/hkdf.ts";
import { StxError } from "../../errors.ts";
import { ROUNDS_CLIENTS_MAX } from "../../limits.ts";
import type { Random } from "../../ports.ts";
import { productOf, sumOf } from "../../rounds/aggregation.ts";
import { formatDecimal } from "../../rounds/decimal.ts";
import { DirectionError, MacError, RoundError, StateError } from "../../rounds/errors.ts";
import { DIRECTIONS, encodeHeader, OPCODES, type Packet, PacketAssembler } from "../../rounds/packet.ts";
import type { SeedLine } from "./seed_line.ts";

/** A client's master key; the design has it follow from the id, which stands in every header. */
export function seedMasterKey(id: string): Bytes {
  return sha256(utf8(`basekey${id}`));
}

/** Bytes of a challenge. */
const CHALLENGE_SIZE = 16;
/** What stands in a header where the design has no field. */
const VERSION = 0;
const EPOCH = 0;

/** What a header says of a packet. */
export interface SeedPlace {
  readonly id: string;
  readonly opcode: number;
  readonly direction: number;
  readonly round: number;
}

/** The keys of one direction. */
export class SeedChain {
  #key: Bytes;

  /** @param key 32 bytes */
  constructor(key: Bytes) {
    this.#key = key;
  }

  /** Seals the next packet. */
  seal(place: SeedPlace, data: Bytes, random: Random): Bytes {
    const iv = random.bytes(CBC_BLOCK_SIZE);
    const header = encodeHeader(
      { ...place, version: VERSION, epoch: EPOCH },
      cbcCiphertextSize(data.length),
    );
    const covered = concat(header, iv, encryptCbc(this.#encryptionKey(), iv, data));
    const packet = concat(covered, hmacSha256(this.#key, covered));
    this.#advance(data);
    return packet;
  }

  /** Opens the next packet. Throws `bad_mac`. */
  open(packet: Packet): Bytes {
    if (!equal(hmacSha256(this.#key, packet.covered), packet.mac)) {
      throw new MacError("Cannot accept a packet: its HMAC does not hold");
    }
    const data = decryptCbc(this.#encryptionKey(), packet.iv, packet.ciphertext);
    if (data === undefined) throw new MacError("Cannot accept a packet: its padding does not hold");
    this.#advance(data);
    return data;
  }

  #encryptionKey(): Bytes {
    return this.#key.slice(0, CBC_KEY_SIZE);
  }

  #advance(data: Bytes): void {
    this.#key = sha256(this.#key, data);
  }
}

/** Reads whole packets from a connection. */
export class SeedPackets {
  readonly #line: SeedLine;
  readonly #assembler = new PacketAssembler();

  constructor(line: SeedLine) {
    this.#line = line;
  }

  /** The next packet; `undefined` at the end of the stream. Throws `limit_exceeded` or `connection_lost`. */
  async next(): Promise<Packet | undefined> {
    for (;;) {
      const packet = this.#assembler.next();
      if (packet !== undefined) return packet;
      const bytes = await this.#line.more();
      if (bytes === undefined) return undefined;
      this.#assembler.push(bytes);
    }
  }
}

/** Throws `bad_direction`, `bad_round` or `bad_state` unless a packet is the one that is expected. */
function checkPlace({ header }: Packet, expected: SeedPlace): void {
  if (header.direction !== expected.direction) {
    throw new DirectionError(
      `Wrong direction: expected ${expected.direction}, got ${header.direction}`,
    );
  }
  if (header.round !== expected.round) {
    throw new RoundError(`Round mismatch: expected ${expected.round}, got ${header.round}`);
  }
  if (header.id !== expected.id || header.opcode !== expected.opcode) {
    throw new StateError(`Cannot accept a packet: expected opcode ${expected.opcode} of this client`);
  }
}

/** A client in one session. */
export class SeedRoundsClient {
  readonly #id: string;
  readonly #line: SeedLine;
  readonly #packets: SeedPackets;
  readonly #random: Random;
  readonly #sending: SeedChain;
  readonly #receiving: SeedChain;
  #round = 0;

  /** @param key the client's master key */
  constructor(id: string, key: Bytes, line: SeedLine, random: Random) {
    this.#id = id;
    this.#line = line;
    this.#packets = new SeedPackets(line);
    this.#random = random;
    this.#sending = new SeedChain(key);
    this.#receiving = new SeedChain(key);
  }

  /** Says HELLO and hears the challenge, which authenticates the server. Throws what is wrong with it. */
  async open(): Promise<void> {
    await this.#exchange(OPCODES.hello, OPCODES.challenge, new Uint8Array(0));
  }

  /** Sends a value for the next round; returns the round's sum and product, with a space between. */
  async send(value: string): Promise<string> {
    const answer = await this.#exchange(OPCODES.data, OPCODES.aggregate, utf8(value));
    return new TextDecoder().decode(answer);
  }

  async #exchange(opcode: number, answerOpcode: number, data: Bytes): Promise<Bytes> {
    const place: SeedPlace = { id: this.#id, opcode, direction: DIRECTIONS.c2s, round: this.#round };
    await this.#line.write(this.#sending.seal(place, data, this.#random));
    const packet = await this.#packets.next();
    if (packet === undefined) {
      throw new StxError("connection_lost", `The server has hung up in round ${this.#round}`);
    }
    checkPlace(packet, { ...place, opcode: answerOpcode, direction: DIRECTIONS.s2c });
    const answer = this.#receiving.open(packet);
    this.#round += 1;
    return answer;
  }
}

/** A value that a server has counted. */
interface SeedCounted {
  readonly id: string;
  readonly round: number;
  readonly value: string;
}

/** A server with its clients. */
export class SeedRoundsServer {
  readonly #keys = new Map<string, Bytes>();
  readonly #random: Random;
  readonly #counted: SeedCounted[] = [];

  constructor(ids: readonly string[], random: Random) {
    if (ids.length > ROUNDS_CLIENTS_MAX) throw new Error(`At most ${ROUNDS_CLIENTS_MAX} clients may be`);
    for (const id of ids) this.#keys.set(id, seedMasterKey(id));
    this.#random = random;
  }

  /**
   * Serves one connection to its end. Throws what is wrong with the first packet that is.
   * @param onCounted told of each value that counts
   */
  async serve(line: SeedLine, onCounted: (value: string) => void): Promise<void> {
    const packets = new SeedPackets(line);
    const hello = await packets.next();
    if (hello === undefined) return;
    const id = hello.header.id;
    const key = this.#keys.get(id);
    if (key === undefined) throw new StateError("Cannot accept HELLO: no client has this id");
    const receiving = new SeedChain(key);
    const sending = new SeedChain(key);
    const c2s = DIRECTIONS.c2s;
    const answer = async (opcode: number, round: number, data: Bytes) => {
      const place: SeedPlace = { id, opcode, direction: DIRECTIONS.s2c, round };
      await line.write(sending.seal(place, data, this.#random));
    };
    checkPlace(hello, { id, opcode: OPCODES.hello, direction: c2s, round: 0 });
    receiving.open(hello);
    await answer(OPCODES.challenge, 0, this.#random.bytes(CHALLENGE_SIZE));
    for (let round = 1;; round++) {
      const packet = await packets.next();
      if (packet === undefined) return;
      checkPlace(packet, { id, opcode: OPCODES.data, direction: c2s, round });
      const value = new TextDecoder().decode(receiving.open(packet));
      onCounted(value);
      await answer(OPCODES.aggregate, round, utf8(this.#count({ id, round, value })));
    }
  }

  /** Counts a value; returns its sum and the product over all clients of its round. */
  #count(counted: SeedCounted): string {
    this.#counted.push(counted);
    const latest = new Map(
      this.#counted.filter(({ round }) => round === counted.round).map(({ id, value }) => [id, sumOf(value)]),
    );
    return `${formatDecimal(sumOf(counted.value))} ${formatDecimal(productOf([...latest.values()]))}`;
  }
}

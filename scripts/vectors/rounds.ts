/**
 * The rounds protocol as docs/rounds.md writes it down: roots, chains and packets, for the vectors of it. Like all that
 * computes vectors it uses nothing of lib.
 * @module
 */
import { createCipheriv } from "node:crypto";
import {
  type Bytes,
  extract,
  hmac,
  join,
  NOTHING,
  number,
  sha256,
  text,
  vector16,
  vector8,
} from "./primitives.ts";

/** The numbers of the packets. */
export const ROUNDS_OPCODES = { hello: 1, challenge: 2, data: 3, aggregate: 4, close: 5 } as const;
/** The numbers of the directions. */
export const C2S = 0 as const;
export const S2C = 1 as const;

/** HKDF-Expand for one block (RFC 5869, section 2.3). */
function expand(secret: Uint8Array, label: string, size: number, more: Uint8Array = NOTHING): Bytes {
  return hmac(secret, join(text(label), more, number(1, 1))).slice(0, size);
}

/** root_0 */
export function firstRoot(baseKey: Uint8Array, id: string, salt: Uint8Array): Bytes {
  return expand(extract(NOTHING, baseKey), "stx rounds v1 root", 32, join(vector8(text(id)), vector8(salt)));
}

/** root_{e + count} */
export function laterRoot(root: Bytes, count: number): Bytes {
  return count === 0 ? root : laterRoot(hmac(root, text("stx rounds next")), count - 1);
}

/** The chain key of HELLO or CHALLENGE. */
export function helloKey(root: Uint8Array, direction: number): Bytes {
  return expand(root, `stx rounds hello ${direction === C2S ? "c2s" : "s2c"}`, 32);
}

/** What the keys of a session come from. */
export function sessionSecret(root: Uint8Array, hello: Uint8Array, challenge: Uint8Array): Bytes {
  return extract(sha256(hello, challenge), root);
}

/** The first chain key of a direction in a session. */
export function sessionKey(secret: Uint8Array, direction: number): Bytes {
  return expand(secret, `stx rounds session ${direction === C2S ? "c2s" : "s2c"}`, 32);
}

/** The keys of the packet that a chain key is for. */
export function packetKeys(chain: Uint8Array): { readonly encryptionKey: Bytes; readonly macKey: Bytes } {
  return {
    encryptionKey: expand(chain, "stx rounds encrypt", 16),
    macKey: expand(chain, "stx rounds mac", 32),
  };
}

/** What a packet says before its IV. */
export interface RoundsHeader {
  readonly version?: number;
  readonly opcode: number;
  readonly direction: number;
  readonly id: string;
  readonly epoch: number;
  readonly round: number;
}

/** A packet, and everything that is computed on the way to it. */
export interface RoundsPacket {
  readonly chain: Bytes;
  readonly encryptionKey: Bytes;
  readonly macKey: Bytes;
  readonly header: Bytes;
  readonly ciphertext: Bytes;
  readonly mac: Bytes;
  readonly packet: Bytes;
  readonly nextChain: Bytes;
}

/** A packet's header. */
export function roundsHeader(header: RoundsHeader, ciphertextSize: number): Bytes {
  return join(
    number(header.version ?? 1, 1),
    number(header.opcode, 1),
    number(header.direction, 1),
    vector8(text(header.id)),
    number(header.epoch, 4),
    number(header.round, 4),
    number(ciphertextSize, 4),
  );
}

/** AES-128-CBC without padding of its own. */
function encrypted(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Bytes {
  const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
  return join(cipher.update(plaintext), cipher.final());
}

/** What stands behind a body of this size: as many bytes as are missing, each with their number. */
export function padding(size: number): Bytes {
  const missing = 16 - size % 16;
  return new Uint8Array(missing).fill(missing);
}

/** Seals a packet. What is behind the body may be something else than its padding. */
export function sealRounds(
  chain: Bytes,
  header: RoundsHeader,
  iv: Uint8Array,
  body: Uint8Array,
  behind: Uint8Array = padding(body.length),
): RoundsPacket {
  const { encryptionKey, macKey } = packetKeys(chain);
  const ciphertext = encrypted(encryptionKey, iv, join(body, behind));
  const head = roundsHeader(header, ciphertext.length);
  const mac = hmac(macKey, join(head, iv, ciphertext));
  const packet = join(head, iv, ciphertext, mac);
  return {
    chain,
    encryptionKey,
    macKey,
    header: head,
    ciphertext,
    mac,
    packet,
    nextChain: sha256(chain, packet),
  };
}

// ---- Bodies ----

/** CHALLENGE's body. */
export function challengeBody(challenge: Uint8Array, serverRound: number): Bytes {
  return join(challenge, number(serverRound, 8));
}

/** What AGGREGATE says. */
export interface RoundsAggregate {
  readonly server_round: number;
  readonly clients: number;
  readonly sum: string;
  readonly product: string;
}

/** AGGREGATE's body. */
export function aggregateBody({ server_round, clients, sum, product }: RoundsAggregate): Bytes {
  return join(number(server_round, 8), number(clients, 4), vector16(text(sum)), vector16(text(product)));
}

// ---- Numbers ----

/** Decimals behind the point of everything that is added: no field has more. */
const FIELD_DECIMALS = 32;

/** A value's number in units of 10^-32, and whether it is a sum. */
function unitsOf(value: string): { readonly units: bigint; readonly isSum: boolean } {
  const fields = value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "").split(/[ \t\r\n]*,[ \t\r\n]*|[ \t\r\n]+/);
  const isSum = fields.length <= 1_000 &&
    fields.every((field) => /^[+-]?[0-9]{1,64}(\.[0-9]{1,32})?$/.test(field));
  if (!isSum) return { units: BigInt(text(value).length) * 10n ** BigInt(FIELD_DECIMALS), isSum };
  const units = fields.map((field) => {
    const [whole = "", fraction = ""] = field.replace(/^[+-]/, "").split(".");
    const size = BigInt(whole + fraction.padEnd(FIELD_DECIMALS, "0"));
    return field.startsWith("-") ? -size : size;
  });
  return { units: units.reduce((sum, each) => sum + each, 0n), isSum };
}

/** The shortest decimal of so many units of 10^-decimals. */
function written(units: bigint, decimals: number): string {
  if (units < 0n) return `-${written(-units, decimals)}`;
  const one = 10n ** BigInt(decimals);
  const fraction = String(units % one).padStart(decimals, "0").replace(/0+$/, "");
  return `${units / one}${fraction === "" ? "" : `.${fraction}`}`;
}

/** What a value comes to, and by which rule. */
export function numberOf(value: string): { readonly sum: string; readonly isSum: boolean } {
  const { units, isSum } = unitsOf(value);
  return { sum: written(units, FIELD_DECIMALS), isSum };
}

/** The product of what these values come to. */
export function productOf(values: readonly string[]): string {
  const product = values.reduce((all, value) => all * unitsOf(value).units, 1n);
  return written(product, FIELD_DECIMALS * values.length);
}

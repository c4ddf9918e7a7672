/**
 * Somebody who has recorded a session and later gets hold of secrets: it computes the keys of it as far as they follow
 * from what it has, and reads what they open.
 * @module
 */
import { readRecord } from "../../lib/attacks/stx_units.ts";
import type { Unit } from "../../lib/attacks/wire.ts";
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { RunningSha256 } from "../../lib/crypto/hkdf.ts";
import { makeClientShare } from "../../lib/crypto/key_agreement.ts";
import { importTrafficKey, type TrafficKey } from "../../lib/crypto/traffic_key.ts";
import {
  deriveHandshakeSecrets,
  deriveSessionSecrets,
  type SharedKey,
} from "../../lib/handshake/key_schedule.ts";
import { TAG_SIZE } from "../../lib/limits.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import type { Random } from "../../lib/ports.ts";
import { FRAME_HEADER_SIZE } from "../../lib/wire/frame.ts";
import { decodeWelcome } from "../../lib/wire/handshake_messages.ts";
import { decodeData, decodeMessage } from "../../lib/wire/message.ts";
import { recordHeader } from "../../lib/wire/record.ts";

/** Bytes of the seed of an ML-KEM key, and of a private X25519 key. */
const KEM_SEED_SIZE = 64;
const X25519_SIZE = 32;
/** Bytes of what each of the two key agreements comes to. */
const SECRET_SIZE = 32;

/** Which of the client's ephemeral private keys are known. */
export interface EphemeralKeys {
  readonly kemSeed?: Bytes | undefined;
  readonly x25519?: Bytes | undefined;
}

/** Randomness whose first keys are kept: what a quantum computer, or mathematics, would make of the public ones. */
export class WatchedRandom implements Random {
  kemSeed: Bytes | undefined;
  x25519: Bytes | undefined;

  bytes(size: number): Bytes {
    const bytes = systemRandom.bytes(size);
    if (size === KEM_SEED_SIZE) this.kemSeed ??= bytes.slice();
    if (size === X25519_SIZE) this.x25519 ??= bytes.slice();
    return bytes;
  }
}

/** Reads the file in a recorded session; nothing where the keys are not to be had. */
export async function readRecording(
  units: readonly Unit[],
  known: EphemeralKeys,
  sharedKey?: SharedKey,
): Promise<Bytes> {
  const frame = (name: string) => units.find((unit) => unit.kind === "frame" && unit.name === name)?.bytes;
  const [hello, welcome, verify] = [frame("HELLO"), frame("WELCOME"), frame("VERIFY")];
  const nothing = new Uint8Array(0);
  if (hello === undefined || welcome === undefined || verify === undefined) return nothing;
  const { welcome: { serverShare }, clear, sealed } = decodeWelcome(welcome.slice(FRAME_HEADER_SIZE));
  const header = welcome.slice(0, FRAME_HEADER_SIZE);
  const transcript = new RunningSha256();
  transcript.update(concat(hello, header, clear));
  const secret = await agreedSecret(serverShare, known);
  const secrets = deriveHandshakeSecrets(secret, transcript.value(), sharedKey);
  const serverKey = await importTrafficKey("aes-256-gcm", secrets.server);
  const server = await serverKey.open(0, header, sealed);
  if (server === undefined) return nothing;
  const verifyHeader = verify.slice(0, FRAME_HEADER_SIZE);
  const clientKey = await importTrafficKey("aes-256-gcm", secrets.client);
  const client = await clientKey.open(0, verifyHeader, verify.slice(FRAME_HEADER_SIZE));
  if (client === undefined) return nothing;
  transcript.update(concat(server, verifyHeader, client));
  const session = deriveSessionSecrets(secrets.master, transcript.value());
  return await readFile(units, await importTrafficKey("aes-256-gcm", session.client));
}

/** Both secrets, with zeros for the one whose private key is not known. */
async function agreedSecret(serverShare: Bytes, { kemSeed, x25519 }: EphemeralKeys): Promise<Bytes> {
  const random = {
    bytes: (size: number) => {
      const key = size === KEM_SEED_SIZE ? kemSeed : x25519;
      return key?.slice() ?? systemRandom.bytes(size);
    },
  };
  const secret = await (await makeClientShare(random)).finish(serverShare);
  if (kemSeed === undefined) secret.fill(0, 0, SECRET_SIZE);
  if (x25519 === undefined) secret.fill(0, SECRET_SIZE);
  return secret;
}

/** What the client's records hold of the file. */
async function readFile(units: readonly Unit[], key: TrafficKey): Promise<Bytes> {
  const read: Bytes[] = [];
  for (const unit of units) {
    if (unit.kind !== "record" || unit.from !== "client") continue;
    const { sequence, sealed } = readRecord(unit.bytes);
    const plaintext = await key.open(sequence, recordHeader(sequence, sealed.length - TAG_SIZE), sealed);
    if (plaintext === undefined) break;
    const { type, body } = decodeMessage(plaintext);
    if (type === "data") read.push(decodeData(body).data);
  }
  return concat(...read);
}

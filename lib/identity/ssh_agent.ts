/**
 * The client's side of the ssh-agent protocol (draft-ietf-sshm-ssh-agent), as far as signing with an
 * Ed25519 key needs it: list the keys, have one sign. A message is its length (4 bytes), its type (1 byte)
 * and its contents.
 * @module
 */
import { type Bytes, concat, equal, utf8 } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { Duplex, Identity } from "../ports.ts";
import { ByteReader, u32, u8 } from "../wire/fields.ts";
import { verifySignature } from "./identity.ts";
import { decodePublicKeyBlob, encodePublicKeyBlob, fingerprint, KEY_TYPE } from "./public_key.ts";
import { encodeString, readString, readWhole } from "./ssh_encoding.ts";

// Message types, section 7.1 of the draft.
const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;

/** The largest reply that is read, in bytes: what OpenSSH allows for a message. */
const REPLY_SIZE_MAX = 256 * 1024;

const HINT =
  'Check that ssh-agent runs and SSH_AUTH_SOCK names its socket, load the key with "ssh-add FILE", and see ' +
  'with "ssh-add -l" that it is there.';

/**
 * The Ed25519 public keys that an agent holds; keys of other types, certificates and keys that stx refuses
 * are left out. The connection stays the caller's. Throws `bad_key_file` if the agent does not answer as the
 * protocol says.
 */
export async function listAgentKeys(duplex: Duplex): Promise<readonly Bytes[]> {
  return await talking(async () => {
    const answer = await exchange(duplex, u8(REQUEST_IDENTITIES), IDENTITIES_ANSWER);
    return readWhole(answer, "ssh-agent's list of keys", (reader) => {
      const keys: Bytes[] = [];
      const count = reader.u32();
      for (let i = 0; i < count; i++) {
        const blob = readString(reader);
        readString(reader); // the comment
        const key = usableKey(blob);
        if (key !== undefined) keys.push(key);
      }
      return keys;
    });
  });
}

function usableKey(blob: Bytes): Bytes | undefined {
  try {
    return decodePublicKeyBlob(blob);
  } catch {
    return undefined;
  }
}

/**
 * An identity whose private half an agent holds. Each signature opens a connection of its own and closes it.
 * What the agent returns is checked to be a signature under `publicKey`; its `sign` throws `bad_key_file` if
 * the agent cannot be reached, refuses, or returns anything else.
 * @param connect opens a connection to the agent; an {@link StxError} that it throws goes on unchanged
 */
export function agentIdentity(publicKey: Bytes, connect: () => Promise<Duplex>): Identity {
  return {
    publicKey,
    sign: (message) =>
      talking(async () => {
        const duplex = await connect();
        try {
          return await requestSignature(duplex, publicKey, message);
        } finally {
          duplex.close();
        }
      }),
  };
}

async function requestSignature(duplex: Duplex, publicKey: Bytes, message: Bytes): Promise<Bytes> {
  const request = concat(
    u8(SIGN_REQUEST),
    encodeString(encodePublicKeyBlob(publicKey)),
    encodeString(message),
    u32(0), // no flags: those that exist are for RSA
  );
  const answer = await exchange(duplex, request, SIGN_RESPONSE);
  const signature = readWhole(
    answer,
    "ssh-agent's signature",
    (reader) =>
      readWhole(readString(reader), "ssh-agent's signature", (inner) => {
        if (!equal(readString(inner), utf8(KEY_TYPE))) inner.fail("it was made with another algorithm");
        return readString(inner);
      }),
  );
  if (!await verifySignature(publicKey, message, signature)) {
    throw failure(`its signature is not one by the key ${fingerprint(publicKey)}`);
  }
  return signature;
}

/** Sends a request and returns the contents of its answer, which must be of the type `expected`. */
async function exchange(duplex: Duplex, request: Bytes, expected: number): Promise<Bytes> {
  await duplex.write(encodeString(request));
  const size = new ByteReader(await readExactly(duplex, 4), "ssh-agent's answer").u32();
  if (size > REPLY_SIZE_MAX) {
    throw failure(`its answer of ${size} bytes is larger than ${REPLY_SIZE_MAX}`);
  }
  const reader = new ByteReader(await readExactly(duplex, size), "ssh-agent's answer");
  const type = reader.u8();
  if (type === FAILURE) throw failure("it refused; it may not hold the key, be locked, or you said no");
  if (type !== expected) throw failure(`it answered with a message of type ${type}, expected ${expected}`);
  return reader.rest();
}

async function readExactly(duplex: Duplex, size: number): Promise<Bytes> {
  const whole = new Uint8Array(size);
  let at = 0;
  while (at < size) {
    const count = await duplex.read(whole.subarray(at));
    if (count === null) throw failure(`it closed the connection after ${at} of ${size} bytes`);
    at += count;
  }
  return whole;
}

/** Runs a conversation; whatever the connection or the parsers throw becomes `bad_key_file`. */
async function talking<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof StxError && error.code !== "malformed") throw error;
    throw failure(error instanceof StxError ? error.message : "the connection to it failed", error);
  }
}

function failure(why: string, cause?: unknown): StxError {
  return new StxError("bad_key_file", `Cannot use ssh-agent: ${why}`, { hint: HINT, cause });
}

/**
 * Sessions with some of their defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Suite } from "../../crypto/suite.ts";
import type { TrafficKey } from "../../crypto/traffic_key.ts";
import { StxError } from "../../errors.ts";
import { RecordReceiver } from "../../records/record_receiver.ts";
import { type OutgoingRecord, RecordSender } from "../../records/record_sender.ts";
import { Session, type SessionOptions } from "../../records/session.ts";
import { TrafficKeys } from "../../records/traffic_keys.ts";
import type { SessionLimits } from "../../wire/handshake_messages.ts";
import { type MessageType, writeMessageHeader } from "../../wire/message.ts";
import { recordHeader, recordParts } from "../../wire/record.ts";
import type { Off } from "../defences.ts";
import type { End } from "../wire.ts";
import { oneNonceKey, readableKey, untaggedKey } from "./keys.ts";

/** Where every session has the same secrets: those of what the client sends, and of what the server sends. */
const CLIENT_SECRET_BYTE = 1;
const SERVER_SECRET_BYTE = 2;
const SECRET_SIZE = 32;

/**
 * The sessions of one end without some defences. Suite aes-256-gcm alone.
 * @param onSendSecret is shown the secret of what this end sends whenever there is a new one: the session's own bytes,
 *   which it overwrites when their time is over
 */
export function makeWeakSession(
  off: Off,
  end: End,
  onSendSecret: (secret: Bytes) => void = () => {},
): (options: SessionOptions, nowMs: number) => Session {
  return (options, nowMs) => {
    const weakened = { ...options, ...secretsOf(off, end, options) };
    class WeakSession extends Session {
      protected override makeKeys(suite: Suite, secret: Bytes): TrafficKeys {
        return makeWeakKeys(off, suite, secret, secret === weakened.sendSecret ? onSendSecret : () => {});
      }

      protected override makeSender(
        keys: TrafficKeys,
        limits: SessionLimits,
        onOutput: () => void,
        firstSequence: number,
      ): RecordSender {
        return makeWeakSender(off, keys, limits, onOutput, firstSequence);
      }

      protected override makeReceiver(keys: TrafficKeys, firstSequence: number): RecordReceiver {
        return makeWeakReceiver(off, keys, firstSequence);
      }

      override receiveEnd(): void {
        if (!off.has("the end needs CLOSE")) super.receiveEnd();
      }
    }
    return new WeakSession(weakened, nowMs);
  };
}

/** A session's two secrets. */
function secretsOf(
  off: Off,
  end: End,
  options: SessionOptions,
): Pick<SessionOptions, "sendSecret" | "receiveSecret"> {
  let [client, server] = end === "client"
    ? [options.sendSecret, options.receiveSecret]
    : [options.receiveSecret, options.sendSecret];
  if (off.has("secrets of its own for each session")) {
    client = new Uint8Array(SECRET_SIZE).fill(CLIENT_SECRET_BYTE);
    server = new Uint8Array(SECRET_SIZE).fill(SERVER_SECRET_BYTE);
  }
  if (off.has("a key for each direction")) server = client.slice();
  return end === "client"
    ? { sendSecret: client, receiveSecret: server }
    : { sendSecret: server, receiveSecret: client };
}

function makeWeakKeys(
  off: Off,
  suite: Suite,
  secret: Bytes,
  onSecret: (secret: Bytes) => void,
): TrafficKeys {
  class WeakKeys extends TrafficKeys {
    protected override async importKey(suite: Suite, secret: Bytes): Promise<TrafficKey> {
      onSecret(secret);
      const key = off.has("record encryption")
        ? await readableKey(secret)
        : off.has("record tag")
        ? await untaggedKey(secret)
        : await super.importKey(suite, secret);
      return off.has("a nonce for each record") ? oneNonceKey(key) : key;
    }

    protected override nextSecret(secret: Bytes): Bytes {
      return off.has("traffic secrets go one way") ? secret.slice() : super.nextSecret(secret);
    }

    protected override forget(secret: Bytes): void {
      if (!off.has("old secrets are overwritten")) super.forget(secret);
    }
  }
  return new WeakKeys(suite, secret);
}

function makeWeakReceiver(off: Off, keys: TrafficKeys, firstSequence: number): RecordReceiver {
  class WeakReceiver extends RecordReceiver {
    protected override checkSequence(sequence: number, expected: number): void {
      if (!off.has("record sequence")) super.checkSequence(sequence, expected);
    }

    protected override askAgain(naks: number[]): void {
      if (!off.has("noise repair")) return super.askAgain(naks);
      throw new StxError("connection_lost", "A record was damaged, and that is the end");
    }
  }
  return new WeakReceiver(keys, firstSequence);
}

function makeWeakSender(
  off: Off,
  keys: TrafficKeys,
  limits: SessionLimits,
  onOutput: () => void,
  firstSequence: number,
): RecordSender {
  /** What went out, and what it becomes when it is sealed once more with a newer acknowledgement. */
  const sent = new Map<number, { readonly type: MessageType; readonly plaintext: Bytes }>();
  const resealed = new Map<number, readonly Bytes[]>();
  let acknowledged = 0;
  const isResealing = off.has("repeated, not sealed again");
  class WeakSender extends RecordSender {
    protected override checkAcknowledged(upTo: number): void {
      if (!off.has("acknowledge only what was sent")) super.checkAcknowledged(upTo);
    }

    override send(type: MessageType, plaintext: Bytes, upTo: number): void {
      if (isResealing) sent.set(this.nextSequence, { type, plaintext: plaintext.slice() });
      acknowledged = upTo;
      super.send(type, plaintext, upTo);
    }

    override repeatFrom(sequence: number): void {
      // The NAK itself is one more record than was acknowledged when the last record was sealed.
      if (isResealing) void this.#reseal(sequence, acknowledged + 1);
      else super.repeatFrom(sequence);
    }

    protected override repetitionOf(record: OutgoingRecord): readonly Bytes[] {
      return resealed.get(record.sequence) ?? super.repetitionOf(record);
    }

    async #reseal(from: number, upTo: number): Promise<void> {
      for (const [sequence, { type, plaintext }] of sent) {
        if (sequence < from) continue;
        const header = recordHeader(sequence, plaintext.length);
        writeMessageHeader(plaintext, type, upTo);
        const key = await keys.at(sequence);
        resealed.set(sequence, recordParts(header, await key.seal(sequence, header, plaintext)));
      }
      super.repeatFrom(from);
    }
  }
  return new WeakSender(keys, limits, onOutput, firstSequence);
}

/**
 * Senders that are who they say they are, with a key that is authorized, and mean harm: they say what no stx would say.
 * @module
 */
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { crc32 } from "../../lib/bytes/crc32.ts";
import { StxError } from "../../lib/errors.ts";
import type { Channel } from "../../lib/net/channel.ts";
import type { Entry, Source } from "../../lib/ports.ts";
import { type Manifest, transferIdOf } from "../../lib/transfer/manifest.ts";
import { errorOf } from "../../lib/transfer/rejection.ts";
import type { SenderOptions } from "../../lib/transfer/sender.ts";
import { u64 } from "../../lib/wire/fields.ts";
import {
  decodeReject,
  encodeEnd,
  encodeOffer,
  encodeOffset,
  type Message,
  type MessageType,
  type Offer,
} from "../../lib/wire/message.ts";

/** An entry of a manifest, with what does not matter filled in. */
export function entryOf(path: string, sizeBytes: number): Entry {
  return { path, kind: "file", sizeBytes, mtimeMs: 0, mode: 0o600 };
}

/** A folder's entry. */
export function folderOf(path: string): Entry {
  return { path, kind: "directory", sizeBytes: 0, mtimeMs: 0, mode: 0o700 };
}

/** Files that exist in memory alone. */
export function memorySource(content: Bytes): Source {
  let at = 0;
  return {
    read(into) {
      const part = content.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return part.length;
    },
    seek: (offset) => void (at = offset),
    checkUnchanged() {},
    close() {},
  };
}

/** A sender whose every message is chosen by an attack. */
export class RogueSender {
  readonly #channel: Channel;
  readonly #options: SenderOptions;
  #sent: Bytes = new Uint8Array(0);
  #blockCount = 0;

  constructor(channel: Channel, options: SenderOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  /** The offer that an honest sender of `manifest` would make; `sender` is whose transfer it is said to be. */
  offerOf(manifest: Manifest, sender: Bytes = this.#options.identity): Offer {
    const { blockSizeBytes } = this.#options;
    return {
      transferId: transferIdOf(sender, this.#channel.peerIdentity, blockSizeBytes, manifest.digest),
      sizeBytes: manifest.sizeBytes,
      entryCount: manifest.entries.length,
      blockSizeBytes,
      manifestDigest: manifest.digest,
      withDigests: false,
      isRepeated: false,
    };
  }

  /** Offers, sends a manifest that need not be the one of the offer, and starts at the stream's beginning. */
  async begin(offer: Offer, manifest: Manifest): Promise<void> {
    this.#channel.send("offer", encodeOffer(offer));
    for (const body of manifest.bodies) this.#channel.send("manifest", body);
    await this.expect("accept");
    this.#channel.send("start", encodeOffset(0));
  }

  /** Sends blocks, as many as `content` makes. */
  async blocks(content: Bytes): Promise<void> {
    const { blockSizeBytes } = this.#options;
    for (let at = 0; at < content.length; at += blockSizeBytes) {
      const body = concat(u64(this.#blockCount), content.subarray(at, at + blockSizeBytes));
      await this.#channel.room(body.length);
      this.#channel.send("data", body);
      this.#blockCount += 1;
    }
    this.#sent = concat(this.#sent, content);
  }

  /** Says that this was all, and what came of it: the body of DONE. */
  async end(): Promise<Bytes> {
    const [sizeBytes, blockCount] = [this.#sent.length, this.#blockCount];
    this.#channel.send("end", encodeEnd({ sizeBytes, blockCount, crc32: crc32(this.#sent) }));
    return (await this.expect("done")).body;
  }

  /** Waits for a message of this type; throws what a refusal says. */
  async expect(type: MessageType): Promise<Message> {
    for (;;) {
      const message = await this.#channel.receive();
      if (message.type === type) return message;
      if (message.type === "reject") throw errorOf(decodeReject(message.body));
    }
  }
}

/** The error of an attacker that has what it wanted, or cannot get more. */
export function goneAway(): StxError {
  return new StxError("cancelled", "The attacker hangs up");
}

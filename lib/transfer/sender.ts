/**
 * The sender of a transfer: offers, answers what the receiver has with what is still missing, and is done when
 * the receiver's signed receipt says so.
 * @module
 */
import { type Bytes, concat, equal } from "../bytes/bytes.ts";
import { crc32 } from "../bytes/crc32.ts";
import { deferred } from "../bytes/deferred.ts";
import { StreamSha256 } from "../crypto/stream_digest.ts";
import { codeOf, StxError } from "../errors.ts";
import type { Clock, Random, Source } from "../ports.ts";
import {
  type Accept,
  DATA_HEADER_SIZE,
  decodeAccept,
  decodeDone,
  decodeOffset,
  decodeReject,
  DIGEST_SIZE,
  encodeEnd,
  encodeOffer,
  encodeOffset,
  expectEmpty,
  type Message,
  writeDataIndex,
} from "../wire/message.ts";
import { breathe, BREATHE_EVERY_BYTES } from "./breathe.ts";
import type { TransferChannel } from "./channel.ts";
import { FileDigests } from "./file_digests.ts";
import { type Manifest, transferIdOf } from "./manifest.ts";
import type { ReceiptFacts } from "./receipt.ts";
import { ReceiptChecks } from "./receipt_checks.ts";
import { errorOf } from "./rejection.ts";
import { stateAfter, type TransferState } from "./transitions.ts";

/** What a sender reports while it works. */
export type SenderEvent =
  | { readonly kind: "offered"; readonly transferId: Bytes }
  /** Reading again what the receiver has, to compare; bytes of it so far. */
  | { readonly kind: "comparing"; readonly bytes: number; readonly totalBytes: number }
  /** Sending begins at `offset`; `wanted` is what the receiver had, and larger if it did not fit. */
  | { readonly kind: "started"; readonly offset: number; readonly wanted: number }
  /** Bytes of the stream that were sent. */
  | { readonly kind: "sent"; readonly bytes: number }
  /** Bytes of the stream that survive a crash of the receiver. */
  | { readonly kind: "durable"; readonly bytes: number }
  /** Everything is sent; the receiver puts it in place. */
  | { readonly kind: "finishing" };

/** What a sender works with. */
export interface SenderOptions {
  /** Our public key. */
  readonly identity: Bytes;
  /** What is offered. */
  readonly manifest: Manifest;
  /** Where its contents are read. */
  readonly source: Source;
  /** Bytes of one block of the stream; the same for every attempt at a transfer. */
  readonly blockSizeBytes: number;
  /** Whether each file's SHA-256 is sent and checked against the receiver's disk. */
  readonly withDigests: boolean;
  /** Whether an earlier attempt of the same run has sent all of it, so that only the answer was lost. */
  readonly isRepeated?: boolean;
  /** For the name of a transfer whose content is not known yet. */
  readonly random: Random;
  /** Time. */
  readonly clock: Clock;
  /** Called as the transfer goes on. */
  readonly onEvent: (event: SenderEvent) => void;
}

/** What the receiver has signed. */
export interface SentReceipt {
  /** What the receipt says. */
  readonly facts: ReceiptFacts;
  /** A binary SSHSIG over the receipt's text. */
  readonly signature: Bytes;
}

/** A digest's worth of files in one DIGESTS record: 32 KiB. */
const DIGESTS_PER_RECORD = 1024;

/**
 * Sends one transfer over an open channel. Resolves when the receiver has committed; rejects with `rejected` if
 * it will not take it, `source_changed` if a file changed meanwhile, or the channel's own failure, after which
 * the same call over a new channel continues.
 */
export async function sendTransfer(channel: TransferChannel, options: SenderOptions): Promise<SentReceipt> {
  return await new Sender(channel, options).run();
}

/** One transfer on its way out. */
export class Sender {
  readonly #channel: TransferChannel;
  readonly #options: SenderOptions;
  readonly #transferId: Bytes;
  #state: TransferState = "offered";
  #manifestSent = 0;
  #sentSizeBytes = 0;
  /** How much of the stream the receiver can have. */
  #reachedBytes = 0;
  #digests: readonly Bytes[] | undefined;
  /** Rejects when sending fails; never resolves. */
  readonly #pumpFailure = deferred<never>();
  /** The message that is being waited for. */
  #incoming: Promise<Message> | undefined;
  /** Whether END has gone out. */
  #hasEnded = false;
  /** Whether the transfer is over: nothing may be read from the source any more, which the next attempt uses. */
  #isOver = false;

  constructor(channel: TransferChannel, options: SenderOptions) {
    this.#channel = channel;
    this.#options = options;
    const { manifest, identity, blockSizeBytes } = options;
    this.#transferId = manifest.sizeBytes === null
      ? options.random.bytes(DIGEST_SIZE)
      : transferIdOf(identity, channel.peerIdentity, blockSizeBytes, manifest.digest);
  }

  /** See {@link sendTransfer}. */
  async run(): Promise<SentReceipt> {
    this.#pumpFailure.promise.catch(() => {});
    try {
      return await this.#converse();
    } catch (error) {
      throw codeOf(error) === "connection_lost" ? await this.#refusal() ?? error : error;
    } finally {
      this.#isOver = true;
    }
  }

  async #converse(): Promise<SentReceipt> {
    this.#offer();
    for (;;) {
      const message = await Promise.race([this.#receive(), this.#pumpFailure.promise]);
      this.#incoming = undefined;
      this.#state = stateAfter("sender", this.#state, message.type);
      const receipt = await this.#handle(message);
      if (receipt !== undefined) return receipt;
    }
  }

  /** What a receipt is held against. */
  protected makeReceiptChecks(): ReceiptChecks {
    return new ReceiptChecks();
  }

  /** Whether what the receiver has is the beginning of what is sent, by the SHA-256 of each. */
  protected isSame(sent: Bytes, received: Bytes): boolean {
    return equal(sent, received);
  }

  /** Throws `malformed` if more is said to be durable than the receiver can have. */
  protected checkDurable(durableBytes: number, sentBytes: number): void {
    if (durableBytes <= sentBytes) return;
    throw new StxError(
      "malformed",
      `Cannot accept that ${durableBytes} bytes are durable: ${sentBytes} were sent`,
    );
  }

  #receive(): Promise<Message> {
    if (this.#incoming === undefined) {
      this.#incoming = this.#channel.receive();
      this.#incoming.catch(() => {});
    }
    return this.#incoming;
  }

  /** A refusal that has come already: it says more than the end of the connection, which follows it. */
  async #refusal(): Promise<StxError | undefined> {
    const nothing = breathe(this.#options.clock).then(() => undefined);
    try {
      for (;;) {
        const message = await Promise.race([this.#receive(), nothing]);
        if (message === undefined) return undefined;
        this.#incoming = undefined;
        this.#state = stateAfter("sender", this.#state, message.type);
        if (message.type === "reject") return errorOf(decodeReject(message.body));
      }
    } catch {
      return undefined;
    }
  }

  /** OFFER and as much of the manifest as may go out unasked. */
  #offer(): void {
    const { manifest, blockSizeBytes, withDigests } = this.#options;
    this.#channel.send(
      "offer",
      encodeOffer({
        transferId: this.#transferId,
        sizeBytes: manifest.sizeBytes,
        entryCount: manifest.entries.length,
        blockSizeBytes,
        manifestDigest: manifest.digest,
        withDigests,
        isRepeated: this.#options.isRepeated ?? false,
      }),
    );
    for (const body of manifest.bodies) {
      if (!this.#channel.hasRoom(body.length)) break;
      this.#channel.send("manifest", body);
      this.#manifestSent += 1;
    }
    this.#options.onEvent({ kind: "offered", transferId: this.#transferId });
  }

  async #handle(message: Message): Promise<SentReceipt | undefined> {
    switch (message.type) {
      case "wantManifest":
        expectEmpty(message);
        for (const body of this.#options.manifest.bodies.slice(this.#manifestSent)) {
          await this.#channel.room(body.length);
          this.#channel.send("manifest", body);
        }
        return undefined;
      case "accept":
        // Beside it the receiver is listened to, and the end of the connection is noticed.
        this.#sendStream(decodeAccept(message.body)).catch((error) => this.#pumpFailure.reject(error));
        return undefined;
      case "durable": {
        const bytes = decodeOffset(message);
        this.checkDurable(bytes, this.#reachedBytes);
        this.#options.onEvent({ kind: "durable", bytes });
        return undefined;
      }
      case "reject":
        throw errorOf(decodeReject(message.body));
      default:
        return await this.#verifyReceipt(message.body);
    }
  }

  async #sendStream(accept: Accept): Promise<void> {
    const offset = await this.#start(accept);
    if (offset !== undefined) await this.#pump(offset);
  }

  /**
   * Compares what the receiver has with the source, and says where sending begins; `undefined` where the
   * transfer ended meanwhile.
   */
  async #start(accept: Accept): Promise<number | undefined> {
    const { source, manifest, blockSizeBytes, onEvent } = this.#options;
    const size = manifest.sizeBytes ?? 0;
    const isWhole = accept.offsetBytes === size;
    if (accept.offsetBytes > size || (accept.offsetBytes % blockSizeBytes !== 0 && !isWhole)) {
      throw new StxError(
        "malformed",
        `Cannot start at byte ${accept.offsetBytes}: it is no whole block of a stream of ${size} bytes`,
      );
    }
    let offset = 0;
    if (accept.offsetBytes > 0) {
      const hash = new StreamSha256();
      await this.#readPrefix(accept.offsetBytes, (bytes) => hash.update(bytes));
      if (this.#isOver) return undefined;
      if (this.isSame(hash.finish(), accept.sha256)) offset = accept.offsetBytes;
      // What was written to just now differs for that reason: what the receiver has is not to be given up for it.
      else source.checkUnchanged();
    }
    if (offset === 0) {
      this.#crc = 0;
      this.#fileDigests = this.#newFileDigests();
      source.seek(0);
    }
    this.#reachedBytes = offset;
    onEvent({ kind: "started", offset, wanted: accept.offsetBytes });
    this.#channel.send("start", encodeOffset(offset));
    return offset;
  }

  #crc = 0;
  #fileDigests: FileDigests | undefined;

  #newFileDigests(): FileDigests | undefined {
    const { manifest, withDigests } = this.#options;
    return withDigests ? new FileDigests(manifest.entries, manifest.sizeBytes !== null) : undefined;
  }

  /** Reads the stream's beginning; the CRC and the digests follow. Afterwards the source stands at its end. */
  async #readPrefix(sizeBytes: number, each: (bytes: Bytes) => void): Promise<void> {
    const { source, blockSizeBytes, onEvent } = this.#options;
    source.seek(0);
    this.#crc = 0;
    this.#fileDigests = this.#newFileDigests();
    const buffer = new Uint8Array(blockSizeBytes);
    let at = 0;
    while (at < sizeBytes && !this.#isOver) {
      const size = await source.read(buffer.subarray(0, Math.min(buffer.length, sizeBytes - at)));
      if (size === 0) throw new StxError("source_changed", "The source became shorter while it was read");
      const bytes = buffer.subarray(0, size);
      each(bytes);
      this.#crc = crc32(bytes, this.#crc);
      this.#fileDigests?.update(bytes);
      at += size;
      if (at % BREATHE_EVERY_BYTES < size) await breathe(this.#options.clock);
      onEvent({ kind: "comparing", bytes: at, totalBytes: sizeBytes });
    }
  }

  /** Sends the stream from `offset` to its end, then END. */
  async #pump(offset: number): Promise<void> {
    const { source, manifest, blockSizeBytes, onEvent } = this.#options;
    const plaintext = new Uint8Array(DATA_HEADER_SIZE + blockSizeBytes);
    const block = plaintext.subarray(DATA_HEADER_SIZE);
    // What stands in place whole, its last short block included, leaves nothing to send.
    let index = Math.ceil(offset / blockSizeBytes);
    let at = offset;
    for (;;) {
      await this.#channel.room(plaintext.length);
      if (this.#isOver) return;
      const size = await source.read(block);
      if (this.#isOver) return;
      if (size === 0) break;
      const bytes = block.subarray(0, size);
      this.#crc = crc32(bytes, this.#crc);
      this.#fileDigests?.update(bytes);
      writeDataIndex(plaintext, index);
      this.#channel.sendInPlace("data", plaintext.subarray(0, DATA_HEADER_SIZE + size));
      index += 1;
      at += size;
      this.#reachedBytes = at;
      onEvent({ kind: "sent", bytes: at });
      if (size < blockSizeBytes) break;
    }
    if (manifest.sizeBytes !== null && at !== manifest.sizeBytes) {
      throw new StxError("source_changed", `The source has ${at} bytes, it had ${manifest.sizeBytes} before`);
    }
    source.checkUnchanged();
    this.#sentSizeBytes = at;
    await this.#sendDigests();
    if (this.#isOver) return;
    this.#channel.send("end", encodeEnd({ sizeBytes: at, blockCount: index, crc32: this.#crc }));
    this.#hasEnded = true;
    this.#state = "waitDone";
    onEvent({ kind: "finishing" });
  }

  async #sendDigests(): Promise<void> {
    this.#digests = this.#fileDigests?.finish();
    if (this.#digests === undefined) return;
    for (let i = 0; i < this.#digests.length; i += DIGESTS_PER_RECORD) {
      const body = concat(...this.#digests.slice(i, i + DIGESTS_PER_RECORD));
      await this.#channel.room(body.length);
      this.#channel.send("digests", body);
    }
  }

  async #verifyReceipt(body: Bytes): Promise<SentReceipt> {
    const done = decodeDone(body);
    const { manifest, identity, withDigests, isRepeated } = this.#options;
    const sizeBytes = manifest.sizeBytes ?? this.#sentSizeBytes;
    const checks = this.makeReceiptChecks();
    checks.checkSent(this.#hasEnded || (manifest.sizeBytes !== null && isRepeated === true));
    checks.checkSize(done, sizeBytes);
    checks.checkTime(done);
    checks.checkDigests(done, withDigests, this.#hasEnded);
    if (done.withDigests && this.#digests === undefined) {
      // Finished in an earlier session with digests: they are part of what is signed.
      const digests = new FileDigests(manifest.entries, true);
      await this.#readPrefix(sizeBytes, (bytes) => digests.update(bytes));
      this.#options.source.checkUnchanged();
      this.#digests = digests.finish();
    }
    const facts: ReceiptFacts = {
      sender: identity,
      receiver: this.#channel.peerIdentity,
      transferId: this.#transferId,
      manifestDigest: manifest.digest,
      sessionId: done.sessionId,
      sizeBytes,
      entries: manifest.entries,
      finishedMs: done.finishedMs,
      digests: done.withDigests ? this.#digests : undefined,
    };
    await checks.checkSignature(done.signature, facts);
    return { facts, signature: done.signature };
  }
}

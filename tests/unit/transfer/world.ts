/**
 * A sender and a receiver with real folders on disk, linked by queues in place of a network.
 * @module
 */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { codeOf, type ErrorCode } from "../../../lib/errors.ts";
import { type DiskSource, openSource } from "../../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import type { Identity, ReceivingFolder, Source } from "../../../lib/ports.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { makeManifest, type Manifest } from "../../../lib/transfer/manifest.ts";
import { receiveTransfer } from "../../../lib/transfer/receiver.ts";
import type {
  ReceivedTransfer,
  ReceiverEvent,
  ReceiverOptions,
} from "../../../lib/transfer/receiver_options.ts";
import { type SenderEvent, sendTransfer, type SentReceipt } from "../../../lib/transfer/sender.ts";
import { ChannelPair, type PairOptions } from "../../support/channel_pair.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { tree, type TreeItem } from "../../support/tree.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { content, TIME_MS } from "../files/tree.ts";

/** The smallest block, so that small files have several. */
export const BLOCK = 16 * 1024;

/** Whole milliseconds of time that a block takes here: with every fourth block or so the durable mark moves. */
const BLOCK_TIME_MS = 600;

/** What may be different in one attempt. */
export interface AttemptOptions {
  readonly pair?: Partial<PairOptions>;
  readonly withDigests?: boolean;
  /** Whether the sender has sent all of it before, in the same run. */
  readonly isRepeated?: boolean;
  readonly receiver?: Partial<ReceiverOptions>;
  /** In place of the files in the outbox. */
  readonly source?: Source;
  readonly manifest?: Manifest;
}

/** What came of one side. */
export type Result<T> = { readonly value: T; readonly error?: undefined } | {
  readonly value?: undefined;
  readonly error: unknown;
};

/** What came of an attempt. */
export interface Attempt {
  readonly pair: ChannelPair;
  readonly sent: Result<SentReceipt>;
  readonly received: Result<ReceivedTransfer>;
  readonly senderEvents: readonly SenderEvent[];
  readonly receiverEvents: readonly ReceiverEvent[];
}

/** See the module's text. */
export class World {
  readonly outbox: string;
  readonly inbox: string;
  readonly sender: Identity;
  readonly receiver: Identity;
  readonly store = new MemoryTransferStore();
  readonly clock = new VirtualClock();
  readonly #random = seededRandom("world");

  constructor(path: string, sender: Identity, receiver: Identity) {
    this.outbox = `${path}/outbox`;
    this.inbox = `${path}/inbox`;
    this.sender = sender;
    this.receiver = receiver;
    Deno.mkdirSync(this.outbox);
    Deno.mkdirSync(this.inbox);
  }

  /** Makes files of these sizes in the outbox; a path that ends in a slash is a folder. */
  fill(sizes: Readonly<Record<string, number>>): void {
    for (const path of Object.keys(sizes)) {
      if (path.endsWith("/")) Deno.mkdirSync(`${this.outbox}/${path}`, { recursive: true });
      else this.write(path, content(sizes[path]!, path.length + sizes[path]!));
    }
  }

  /** Writes a file of the outbox; its time is always the same. */
  write(path: string, bytes: Bytes): void {
    Deno.writeFileSync(`${this.outbox}/${path}`, bytes);
    const time = new Date(TIME_MS);
    Deno.utimeSync(`${this.outbox}/${path}`, time, time);
  }

  /** What is in the outbox, as the sender reads it. */
  source(): DiskSource {
    const paths = Array.from(Deno.readDirSync(this.outbox), ({ name }) => `${this.outbox}/${name}`).sort();
    return openSource(paths, { followLinks: false, onWarning: assert.fail });
  }

  /** The manifest of what is in the outbox. */
  manifest(): Manifest {
    const source = this.source();
    source.close();
    return makeManifest(source.entries, true);
  }

  folder(): ReceivingFolder {
    return openReceivingFolder(this.inbox);
  }

  pair(options: Partial<PairOptions> = {}): ChannelPair {
    return new ChannelPair({
      sender: this.sender.publicKey,
      receiver: this.receiver.publicKey,
      sessionId: this.#random.bytes(16),
      ...options,
    });
  }

  /** Receives over one end; hangs up when it is over. */
  async receive(
    pair: ChannelPair,
    options: Partial<ReceiverOptions> = {},
    events: ReceiverEvent[] = [],
  ): Promise<Result<ReceivedTransfer>> {
    const result = await settle(receiveTransfer(pair.receiver, {
      identity: this.receiver,
      clock: this.clock,
      store: this.store,
      folder: this.folder(),
      folderPath: this.inbox,
      conflict: "refuse",
      maxSizeBytes: Infinity,
      allowDotfiles: false,
      claim: () => Promise.resolve(() => {}),
      onEvent: (event) => {
        events.push(event);
        if (event.kind === "received") this.clock.advance(BLOCK_TIME_MS);
      },
      ...options,
    }));
    pair.receiver.close();
    return result;
  }

  /** Sends over one end; hangs up when it is over, if not told otherwise. */
  async send(
    pair: ChannelPair,
    options: Pick<AttemptOptions, "withDigests" | "isRepeated" | "source" | "manifest"> & {
      staysOpen?: true;
    } = {},
    events: SenderEvent[] = [],
  ): Promise<Result<SentReceipt>> {
    const source = options.source ?? this.source();
    const manifest = options.manifest ?? makeManifest((source as DiskSource).entries, true);
    const result = await settle(sendTransfer(pair.sender, {
      identity: this.sender.publicKey,
      manifest,
      source,
      blockSizeBytes: BLOCK,
      withDigests: options.withDigests ?? false,
      isRepeated: options.isRepeated ?? false,
      random: this.#random,
      clock: this.clock,
      onEvent: (event) => events.push(event),
    }));
    if (!options.staysOpen) pair.sender.close();
    source.close();
    return result;
  }

  /** Both together. */
  async attempt(options: AttemptOptions = {}): Promise<Attempt> {
    const pair = this.pair(options.pair);
    const senderEvents: SenderEvent[] = [];
    const receiverEvents: ReceiverEvent[] = [];
    const [sent, received] = await Promise.all([
      this.send(pair, options, senderEvents),
      this.receive(pair, options.receiver, receiverEvents),
    ]);
    return { pair, sent, received, senderEvents, receiverEvents };
  }

  /** Asserts that the inbox holds what the outbox holds, and nothing else. */
  assertArrived(): void {
    assert.deepEqual(contents(this.inbox), contents(this.outbox));
  }

  /** Asserts that nothing stands under a final name. */
  assertNothingInPlace(): void {
    assert.deepEqual(namesIn(this.inbox).filter((name) => name !== ".stx-partial"), []);
  }

  /** Asserts that the inbox was not touched at all. */
  assertUntouched(): void {
    assert.deepEqual(namesIn(this.inbox), []);
  }
}

/** Runs `body` in a fresh world. */
export async function withWorld(body: (world: World) => Promise<void>): Promise<void> {
  const [sender, receiver] = await Promise.all([
    identityFromSeed(new Uint8Array(32).fill(1)),
    identityFromSeed(new Uint8Array(32).fill(2)),
  ]);
  await withTempFolder(async (path) => {
    const real = await Deno.realPath(path);
    try {
      await body(new World(real, sender, receiver));
    } finally {
      await turn();
    }
  });
}

/** Resolves when whatever waits for another turn has had it. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Asserts that both sides succeeded. */
export function assertDone(attempt: Attempt): void {
  assert.equal(attempt.sent.error, undefined);
  assert.equal(attempt.received.error, undefined);
}

/** Asserts that a side failed with this code. */
export function assertFailed(result: Result<unknown>, code: ErrorCode, message?: RegExp): void {
  assert.ok(result.error instanceof Error, `expected ${code}, it succeeded`);
  assert.equal(codeOf(result.error), code, String(result.error.stack));
  if (message !== undefined) assert.match(result.error.message, message);
}

export function namesIn(path: string): readonly string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
}

/** All below a folder, but not the folder itself, which has a time of its own. */
function contents(path: string): readonly TreeItem[] {
  return tree(path).filter((item) => item.path !== "");
}

async function settle<T>(promise: Promise<T>): Promise<Result<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

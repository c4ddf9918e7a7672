/**
 * A sender's process: what `stx send` does with a source and a connection, over as many connections as it takes.
 * @module
 */
import { codeOf, StxError } from "../../lib/errors.ts";
import { openSource } from "../../lib/files/disk_source.ts";
import { stdinSource } from "../../lib/files/stdin_source.ts";
import { connect } from "../../lib/net/client.ts";
import type { Duplex, Entry, Identity, Source } from "../../lib/ports.ts";
import { makeManifest, type Manifest } from "../../lib/transfer/manifest.ts";
import { RetryPolicy } from "../../lib/transfer/retry.ts";
import { type SenderEvent, sendTransfer, type SentReceipt } from "../../lib/transfer/sender.ts";
import type { Dice } from "./dice.ts";
import { BLOCK_SIZE } from "./draw.ts";
import type { SenderPlan } from "./plan.ts";
import type { Process } from "./process.ts";
import { RETRY_FOR_MS } from "../../lib/limits.ts";

/** What a sender works with. */
export interface SenderOptions {
  readonly process: Process;
  readonly plan: SenderPlan;
  readonly identity: Identity;
  readonly receiver: Identity;
  readonly dice: Dice;
  readonly dial: (process: Process) => Promise<Duplex>;
  /** Is told what is offered, before anything else happens. */
  readonly onOffer: (manifest: Manifest) => void;
  readonly onEvent: (event: SenderEvent, manifest: Manifest) => void;
}

/** Where a sender's files are. */
export const OUTBOX = "/outbox";

/** Sends until there is a receipt; rejects with what ends it for good. */
export async function runSender(options: SenderOptions): Promise<SentReceipt> {
  const { source, entries } = openPlan(options);
  try {
    const manifest = makeManifest(entries, !options.plan.isStream);
    options.onOffer(manifest);
    return await new SenderRun(options, source, manifest).run();
  } finally {
    source.close();
  }
}

function openPlan({ plan, process }: SenderOptions): { source: Source; entries: readonly Entry[] } {
  const folder = `${process.mount}${OUTBOX}`;
  if (plan.isStream) {
    const { path } = plan.items[0]!;
    const { data } = process.disk.find(`${OUTBOX}/${path}`).now;
    const parts = [data.slice(0, 10_000), data.slice(10_000)].filter((part) => part.length > 0);
    const source = stdinSource(ReadableStream.from(parts), path, process.clock);
    return { source, entries: source.entries };
  }
  const tops = plan.items.filter((item) => !item.path.includes("/"));
  const paths = tops.map((item) => `${folder}/${item.path}`);
  const source = openSource(paths, { followLinks: false, onWarning: () => {} });
  return { source, entries: source.entries };
}

class SenderRun {
  readonly #options: SenderOptions;
  readonly #source: Source;
  readonly #manifest: Manifest;
  readonly #retry: RetryPolicy;
  #hasSentAll = false;
  #sentBytes = 0;
  #keptBytes = 0;
  #excusedMs = 0;

  constructor(options: SenderOptions, source: Source, manifest: Manifest) {
    this.#options = options;
    this.#source = source;
    this.#manifest = manifest;
    this.#retry = new RetryPolicy(RETRY_FOR_MS, options.dice, options.process.monotonicMs());
  }

  async run(): Promise<SentReceipt> {
    for (;;) {
      try {
        return await this.#attempt();
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { process } = this.#options;
    process.scheduler.note(`${process.name} failed: ${codeOf(error) ?? error}`);
    const delayMs = this.#retry.delayAfter(error, process.monotonicMs());
    if (delayMs === undefined) throw error;
    if (this.#manifest.sizeBytes === null && this.#sentBytes > 0) throw error;
    await new Promise<void>((resolve) => process.clock.after(delayMs, resolve));
  }

  async #attempt(): Promise<SentReceipt> {
    const { process, identity, receiver, dice, dial } = this.#options;
    const duplex = await dial(process);
    const channel = await connect(duplex, {
      identity,
      random: dice,
      suites: ["aes-256-gcm"],
      checkServer(key) {
        if (key.toHex() !== receiver.publicKey.toHex()) {
          throw new StxError("receiver_changed", "Not the receiver");
        }
      },
    }, process.clock);
    try {
      const receipt = await sendTransfer(channel, {
        identity: identity.publicKey,
        manifest: this.#manifest,
        source: this.#source,
        blockSizeBytes: BLOCK_SIZE,
        withDigests: this.#options.plan.withDigests,
        isRepeated: this.#hasSentAll,
        random: dice,
        clock: process.clock,
        onEvent: (event) => this.#report(event),
      });
      await channel.close();
      return receipt;
    } catch (error) {
      await channel.closeFor(error);
      throw error;
    }
  }

  /** What counts as progress, as in `cli/sending.ts`. */
  #report(event: SenderEvent): void {
    const nowMs = this.#options.process.monotonicMs();
    switch (event.kind) {
      case "offered":
        this.#excusedMs = nowMs;
        break;
      case "comparing":
        this.#excuse(nowMs);
        break;
      case "started":
        this.#excuse(nowMs);
        this.#keep(event.offset, nowMs);
        this.#keptBytes = event.offset;
        break;
      case "sent":
        if (event.bytes > this.#sentBytes) {
          this.#sentBytes = event.bytes;
          this.#retry.progress(nowMs);
        }
        break;
      case "durable":
        this.#keep(event.bytes, nowMs);
        break;
      case "finishing":
        this.#hasSentAll = true;
    }
    this.#options.onEvent(event, this.#manifest);
  }

  #excuse(nowMs: number): void {
    this.#retry.busy(this.#excusedMs, nowMs);
    this.#excusedMs = nowMs;
  }

  #keep(bytes: number, nowMs: number): void {
    if (bytes <= this.#keptBytes) return;
    this.#keptBytes = bytes;
    this.#retry.progress(nowMs);
  }
}

/**
 * A thief who has recorded a session's traffic and then gets at the memory of the end that sent it.
 * @module
 */
import { readRecord } from "../../lib/attacks/stx_units.ts";
import { type Attacker, pass } from "../../lib/attacks/wire.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { importTrafficKey } from "../../lib/crypto/traffic_key.ts";
import { GENERATION_SHIFT, RECORD_HEADER_SIZE } from "../../lib/limits.ts";

/** What is to be had. */
export type Loot =
  /** The secret that is in use. */
  | "current"
  /** Every place in memory where a secret of this session has been. */
  | "all";

/** See the module's text. Suite aes-256-gcm alone. */
export class KeyThief {
  /** The session's own bytes, as they are at any time. */
  readonly #places: Bytes[] = [];
  readonly #records: Bytes[] = [];
  #stolen: readonly Bytes[] = [];

  /** Is shown each secret while it is in use: where it lies is what counts, not what it is. */
  readonly watch = (secret: Bytes): void => void this.#places.push(secret);

  /** Records what the client sends, and changes nothing. */
  record(): Attacker {
    return {
      take: (unit) => {
        if (unit.kind === "record" && unit.from === "client") this.#records.push(unit.bytes);
        return [pass(unit)];
      },
    };
  }

  /** Takes what is in memory now. */
  steal(loot: Loot): void {
    this.#stolen = (loot === "all" ? this.#places : this.#places.slice(-1)).map((secret) => secret.slice());
  }

  /** How many of the recorded records of each generation the loot opens. */
  async openedByGeneration(): Promise<ReadonlyMap<number, number>> {
    const opened = new Map<number, number>();
    for (const secret of this.#stolen) {
      const key = await importTrafficKey("aes-256-gcm", secret);
      for (const record of this.#records) {
        const { sequence, sealed } = readRecord(record);
        if (await key.open(sequence, record.slice(0, RECORD_HEADER_SIZE), sealed) === undefined) continue;
        const generation = sequence >>> GENERATION_SHIFT;
        opened.set(generation, (opened.get(generation) ?? 0) + 1);
      }
    }
    return opened;
  }
}

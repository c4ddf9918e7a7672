/**
 * A receiver's memory of its senders' changes of identity, for as long as the process runs.
 * @module
 */
import { toHex } from "../bytes/bytes.ts";
import type { KnownRotation, RotationStore } from "../ports.ts";

/** See the module's text. */
export class MemoryRotationStore implements RotationStore {
  readonly #rotations = new Map<string, KnownRotation>();

  /** Writes a change, in place of one with the same old key. */
  save(rotation: KnownRotation): void {
    const { oldKey, newKey, statement, isComplete } = rotation;
    // Copies: the bytes may lie in a message whose buffer is used again.
    const copy = { oldKey: oldKey.slice(), newKey: newKey.slice(), statement: statement.slice(), isComplete };
    this.#rotations.set(toHex(oldKey), copy);
  }

  /** Every change. */
  list(): readonly KnownRotation[] {
    return [...this.#rotations.values()];
  }
}

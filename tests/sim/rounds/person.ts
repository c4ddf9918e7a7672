/**
 * Somebody with a key file, who starts a client again until there are as many rounds as were wanted.
 * @module
 */
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import type { Dice } from "../dice.ts";
import type { Machine, Process } from "../process.ts";
import { KEY_FILE } from "./client.ts";
import type { ClientPlan } from "./plan.ts";

/** See the module's text. */
export class Person {
  readonly machine: Machine;
  readonly plan: ClientPlan;
  readonly dice: Dice;
  /** The client at work, but not one that was started beside it. */
  process: Process | undefined;
  /** Failures since the last answer. */
  failureCount = 0;
  /** Whether the server need not take the key: an old copy, a client that was revoked, an enrolment half done. */
  isKeyUseless = false;
  /** Whether one more round is wanted, now that everything is well. */
  isAskedAgain = false;
  hasAnswerAgain = false;
  #answerCount = 0;
  #copy: Bytes | undefined;

  constructor(machine: Machine, plan: ClientPlan, dice: Dice) {
    this.machine = machine;
    this.plan = plan;
    this.dice = dice;
  }

  /** The client's name. */
  get id(): string {
    return this.machine.name;
  }

  get hasHadItsRounds(): boolean {
    return this.#answerCount >= this.plan.rounds;
  }

  /** Whether nothing is wanted for now; in the end everybody stays until all have had their round. */
  get isContent(): boolean {
    return !this.isAskedAgain && this.hasHadItsRounds;
  }

  /** A value was answered. */
  answered(isWell: boolean): void {
    this.#answerCount += 1;
    this.failureCount = 0;
    this.hasAnswerAgain ||= isWell && this.isAskedAgain;
  }

  /** Puts a key file in place, durably. */
  putKey(bytes: Bytes): void {
    const { disk } = this.machine;
    try {
      disk.remove(KEY_FILE);
    } catch {
      // It is the first one.
    }
    const inode = disk.create(KEY_FILE, "file", 0o600);
    disk.write(inode, bytes);
    disk.settle();
  }

  /** Makes a copy of the key file. */
  copyKey(): void {
    this.#copy = this.machine.disk.find(KEY_FILE).now.data.slice();
  }

  /** Puts the copy in place; says whether that made a difference. */
  restoreKey(): boolean {
    const now = this.machine.disk.find(KEY_FILE).now.data;
    if (this.#copy === undefined || this.#copy.toHex() === now.toHex()) return false;
    this.putKey(this.#copy);
    return true;
  }
}

/**
 * The findings of `stx doctor`, told as they come.
 * @module
 */
import { StxError } from "../lib/errors.ts";
import type { CheckName, Events } from "./events.ts";
import { joinHint, type Output } from "./terminal.ts";

/** How it is. */
export type CheckStatus = Events["check"]["status"];

/** As wide as the longest status. */
const STATUS_WIDTH = "problem".length;

/** See the module's text. */
export class DoctorReport {
  readonly #output: Output;
  readonly #isJson: boolean;
  readonly #isQuiet: boolean;
  readonly #counts: Record<CheckStatus, number> = { ok: 0, warning: 0, problem: 0 };

  /** @param isQuiet whether to say nothing of what is well */
  constructor(output: Output, { isJson, isQuiet }: { isJson: boolean; isQuiet: boolean }) {
    this.#output = output;
    this.#isJson = isJson;
    this.#isQuiet = isQuiet;
  }

  /** How many findings there were of a kind. */
  count(status: CheckStatus): number {
    return this.#counts[status];
  }

  /** What was found, in a sentence. */
  summary(): string {
    const { problem, warning } = this.#counts;
    return `${problem === 0 ? "No" : problem} ${problem === 1 ? "problem" : "problems"}, ` +
      `${warning === 0 ? "no" : warning} ${warning === 1 ? "warning" : "warnings"}.`;
  }

  /** Tells that something is well. */
  ok(name: CheckName, message: string): void {
    this.#tell(name, "ok", message, null);
  }

  /** Tells of what does not stand in the way, and should be known. */
  warn(name: CheckName, message: string, hint: string | null = null): void {
    this.#tell(name, "warning", message, hint);
  }

  /** Tells of what stands in the way, or is not safe. */
  problem(name: CheckName, message: string, hint: string | null = null): void {
    this.#tell(name, "problem", message, hint);
  }

  /** Runs a check: what it throws with a code is a problem, and the next check runs. */
  async check(name: CheckName, body: () => void | Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      this.problem(name, error.message, error.hint ?? null);
    }
  }

  #tell(name: CheckName, status: CheckStatus, message: string, hint: string | null): void {
    this.#counts[status] += 1;
    this.#output.event("check", { name, status, message, hint });
    if (this.#isJson || (this.#isQuiet && status === "ok")) return;
    this.#output.print(`${status.padEnd(STATUS_WIDTH)}  ${name}: ${joinHint(message, hint ?? undefined)}`);
  }
}

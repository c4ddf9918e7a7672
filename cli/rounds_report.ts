/**
 * What a rounds server tells of its rounds and clients.
 * @module
 */
import type { FailureCount } from "../lib/net/failure_counts.ts";
import type { RoundsServiceEvent } from "../lib/net/rounds_server.ts";
import { PROTOCOL_ERROR_CODES, ProtocolError } from "../lib/rounds/errors.ts";
import { isSet, type ParsedCommand } from "./parse.ts";
import { roundLine } from "./rounds_lines.ts";
import type { Output } from "./terminal.ts";

type Event<Kind extends RoundsServiceEvent["kind"]> = Extract<RoundsServiceEvent, { readonly kind: Kind }>;

/** See the module's text. */
export class RoundsReport {
  readonly #output: Output;
  readonly #isJson: boolean;
  readonly #isVerbose: boolean;

  constructor(command: ParsedCommand, output: Output) {
    this.#output = output;
    this.#isJson = isSet(command, "json");
    this.#isVerbose = isSet(command, "verbose");
  }

  /** Tells of an event. Throws where standard output cannot be written. */
  tell(event: RoundsServiceEvent): void {
    switch (event.kind) {
      case "round":
        return this.#round(event);
      case "joined":
        return this.#output.verbose(`${event.id} has joined from ${event.address}`);
      case "left":
        return this.#output.verbose(`${event.id} has left: ${event.reason}`);
      case "failed":
        return this.#failed(event);
    }
  }

  #round(event: Event<"round">): void {
    const { number, product, sums, late } = event;
    if (!this.#isJson) this.#output.print(roundLine(event, this.#output.printColumns()));
    const clients = String(Object.keys(sums).length);
    this.#output.event("round", { round: String(number), clients, product, sums, late });
  }

  /** Anybody can cause as many as he likes, so they are counted, and told one by one only to those who ask for it. */
  #failed({ id, claimedId, address, error }: Event<"failed">): void {
    if (!(error instanceof ProtocolError)) {
      this.#output.error(error, { continues: true });
    } else if (this.#isVerbose) {
      const who = id ?? (claimedId === undefined ? "a stranger" : `one who calls itself "${claimedId}"`);
      const hint = error.hint === undefined ? "" : `; ${error.hint}`;
      this.#output.warn(`refused ${who}, from ${address}: ${error.message}${hint}`);
    }
  }

  /** Tells at the end what was refused, by client and kind. */
  finish(failures: readonly FailureCount[]): void {
    const byClient = new Map<string | undefined, string[]>();
    for (const { client, kind, count } of failures) {
      if (kind === "other") continue;
      const code = PROTOCOL_ERROR_CODES[kind];
      byClient.set(client, [...byClient.get(client) ?? [], `${count} ${code}`]);
      this.#output.event("refused", { client: client ?? null, code, count: String(count) });
    }
    for (const [client, counts] of byClient) {
      const whose = client === undefined ? "from strangers" : `in the name of ${client}`;
      this.#output.warn(`connections refused ${whose}: ${counts.join(", ")}`);
    }
  }
}

/**
 * The man in the middle without its sockets: bytes from either end in, moves out, and a record of all that passed.
 * The same runs between two machines in memory and between two TCP connections.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { RoundsUnits } from "./rounds_units.ts";
import { StxUnits } from "./stx_units.ts";
import { type Attacker, type End, type Move, pass, PEER, type Unit } from "./wire.ts";

/** The protocol on the wire. */
export type Protocol = "stx" | "rounds";

/** Cuts one direction of a connection into units. */
export interface UnitReader {
  /** Takes bytes as they arrived; gives the units that are whole by now. */
  push(bytes: Bytes): readonly Unit[];
  /** What no unit was made of, at the end of the stream. */
  rest(): Bytes;
}

/** One arrow of a sequence diagram. */
export interface Step {
  readonly from: End | "attacker";
  readonly to: End | "attacker";
  readonly name: string;
  readonly sizeBytes: number;
  /** What the attacker did; absent where a unit went on as it came. */
  readonly note?: string;
}

/** See the module's text. One for each connection. */
export class Middle {
  readonly #units: Readonly<Record<End, UnitReader>>;
  readonly #attacker: Attacker;
  readonly #onStep: (step: Step) => void;

  /**
   * @param protocol one of ours, or how another one's units are read
   * @param onStep told of every unit that passes, and of everything that the attacker does
   */
  constructor(
    protocol: Protocol | ((from: End) => UnitReader),
    attacker: Attacker,
    onStep: (step: Step) => void,
  ) {
    const reader = typeof protocol === "function" ? protocol : (from: End): UnitReader => {
      return protocol === "stx" ? new StxUnits(from) : new RoundsUnits(from);
    };
    this.#units = { client: reader("client"), server: reader("server") };
    this.#attacker = attacker;
    this.#onStep = onStep;
  }

  /** Takes bytes from an end; returns what to do, in order. */
  receive(from: End, bytes: Bytes): readonly Move[] {
    const moves: Move[] = [];
    for (const unit of this.#units[from].push(bytes)) {
      const answer = this.#attacker.take(unit);
      const [only] = answer;
      if (
        answer.length === 1 && only!.kind === "send" && only!.bytes === unit.bytes && only!.to === PEER[from]
      ) {
        this.#onStep({ from, to: PEER[from], name: unit.name, sizeBytes: unit.bytes.length });
      } else {
        this.#onStep({ from, to: "attacker", name: unit.name, sizeBytes: unit.bytes.length });
        this.#tell(answer);
      }
      moves.push(...answer);
    }
    return moves;
  }

  /** An end has finished its direction. */
  end(from: End): readonly Move[] {
    const rest = this.#units[from].rest();
    const moves: Move[] = [];
    if (rest.length > 0) {
      moves.push(pass({ from, kind: "bytes", name: "the beginning of a unit", number: 0, bytes: rest }));
    }
    const answer = this.#attacker.end?.(from);
    if (answer === undefined) return [...moves, { kind: "end", to: PEER[from], note: "" }];
    this.#tell(answer);
    return [...moves, ...answer];
  }

  /** What the attacker sends over a connection of its own, now that this one is over. */
  afterwards(): readonly Move[] {
    const moves = this.#attacker.afterwards?.() ?? [];
    this.#tell(moves);
    return moves;
  }

  #tell(moves: readonly Move[]): void {
    for (const move of moves) {
      switch (move.kind) {
        case "send":
          this.#onStep({
            from: "attacker",
            to: move.to,
            name: move.name,
            sizeBytes: move.bytes.length,
            ...(move.note === undefined ? {} : { note: move.note }),
          });
          break;
        case "keep":
          this.#onStep({ from: "attacker", to: "attacker", name: move.name, sizeBytes: 0, note: move.note });
          break;
        case "end":
          this.#onStep({ from: "attacker", to: move.to, name: "end", sizeBytes: 0, note: move.note });
          break;
        case "cut":
          this.#onStep({ from: "attacker", to: "attacker", name: "cut", sizeBytes: 0, note: move.note });
      }
    }
  }
}

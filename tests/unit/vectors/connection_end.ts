/** A connection, handshake and session, as an end of a case. */
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { concat } from "../../../lib/bytes/bytes.ts";
import type { StxError } from "../../../lib/errors.ts";
import type { ClientHandshake } from "../../../lib/handshake/client.ts";
import type { ServerHandshake } from "../../../lib/handshake/server.ts";
import { Connection } from "../../../lib/net/connection.ts";
import type { Message } from "../../../lib/wire/message.ts";
import type { ByteEnd } from "./negative_cases.ts";

/** See the module's text. */
export class ConnectionEnd implements ByteEnd {
  readonly #connection: Connection;
  #output = Promise.withResolvers<void>();

  constructor(handshake: ClientHandshake | ServerHandshake) {
    this.#connection = new Connection(handshake, () => {
      this.#output.resolve();
      this.#output = Promise.withResolvers<void>();
    });
  }

  get failure(): StxError | undefined {
    return this.#connection.session?.failure;
  }

  /** Whether both proofs hold. */
  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  async receive(bytes: Bytes, nowMs: number): Promise<readonly Message[]> {
    const events = await this.#connection.receive(bytes, nowMs);
    return events.flatMap((event) => event.kind === "message" ? [event.message] : []);
  }

  receiveEnd(): void {
    this.#connection.receiveEnd();
  }

  handleTimeout(nowMs: number): void {
    this.#connection.handleTimeout(nowMs);
  }

  say({ type, body }: Message): void {
    this.#connection.session!.send(type, body);
  }

  async output(): Promise<Bytes> {
    const taken: Bytes[] = [];
    for (;;) {
      const signal = this.#output.promise;
      taken.push(...this.#connection.takeOutput());
      if ((this.#connection.session?.waitingCount ?? 0) === 0) return concat(...taken);
      await signal;
    }
  }
}

import { type Bytes, concat, fromHex } from "../../../lib/bytes/bytes.ts";
import type { StxError } from "../../../lib/errors.ts";
import { verifyPeerRotation } from "../../../lib/identity/rotation.ts";
import { Session } from "../../../lib/records/session.ts";
import type { Message } from "../../../lib/wire/message.ts";
import { suiteOf } from "./files.ts";
import { type ByteEnd, runByteCase, testCases } from "./negative_cases.ts";

interface SessionSetup {
  readonly suite: number;
  readonly send_secret_0: string;
  readonly receive_secret_0: string;
  readonly first_sequence: number;
  readonly window_records: number;
  readonly window_bytes: number;
  readonly peer: string;
}

const START_MS = 1_800_000_000_000;

class SessionEnd implements ByteEnd {
  readonly #session: Session;
  /** The peer's changes of identity, which are no messages for whoever uses the session. */
  readonly #rotations: Message[] = [];
  #output = Promise.withResolvers<void>();

  constructor(setup: SessionSetup) {
    const peer = fromHex(setup.peer);
    this.#session = new Session({
      suite: suiteOf(setup.suite),
      sendSecret: fromHex(setup.send_secret_0),
      receiveSecret: fromHex(setup.receive_secret_0),
      firstSequence: setup.first_sequence,
      limits: { windowRecords: setup.window_records, windowSizeBytes: setup.window_bytes },
      onOutput: () => {
        this.#output.resolve();
        this.#output = Promise.withResolvers<void>();
      },
      onRotation: (statement) => {
        verifyPeerRotation(statement, peer);
        this.#rotations.push({ type: "rotation", body: statement });
      },
    }, START_MS);
  }

  get failure(): StxError | undefined {
    return this.#session.failure;
  }

  async receive(bytes: Bytes, nowMs: number): Promise<readonly Message[]> {
    const messages = await this.#session.receive(bytes, nowMs);
    return [...this.#rotations.splice(0), ...messages];
  }

  receiveEnd(): void {
    this.#session.receiveEnd();
  }

  handleTimeout(nowMs: number): void {
    this.#session.handleTimeout(nowMs);
  }

  say({ type, body }: Message): void {
    this.#session.send(type, body);
  }

  async output(): Promise<Bytes> {
    const taken: Bytes[] = [];
    for (;;) {
      const signal = this.#output.promise;
      taken.push(...this.#session.takeOutput());
      if (this.#session.waitingCount === 0) return concat(...taken);
      await signal;
    }
  }
}

testCases<SessionSetup>("session", async (each) => {
  await runByteCase(each, new SessionEnd(each.setup), START_MS);
});

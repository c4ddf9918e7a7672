/** Every call of the platform's cryptography in a handshake fails once: an end that could not check opens nothing. */
import assert from "node:assert/strict";
import { codeOf } from "../../../lib/errors.ts";
import { outputOf, type Side, START_MS, startClient, startServer } from "../../support/handshake_ends.ts";

type Call = (...inputs: unknown[]) => Promise<unknown>;

/** How a call fails: it throws, rejects, or answers with something that is no answer. */
const FAILURES: Readonly<Record<string, (call: () => Promise<unknown>) => Promise<unknown>>> = {
  throws: () => {
    throw new DOMException("out of order", "OperationError");
  },
  rejects: () => Promise.reject(new DOMException("out of order", "OperationError")),
  "says nothing": () => Promise.resolve(undefined),
};

/** What came of a handshake, by each end. */
interface Ending {
  readonly isOpen: Readonly<Record<Side, boolean>>;
  /** The platform's calls, each with the end that made it. */
  readonly calls: readonly { readonly side: Side; readonly name: string }[];
}

/** A handshake in which the platform's call of this number fails. */
async function shake(
  failing: number,
  fail: (call: () => Promise<unknown>) => Promise<unknown>,
): Promise<Ending> {
  const calls: { side: Side; name: string }[] = [];
  const isOpen = { client: false, server: false };
  let side: Side = "client";
  const subtle = crypto.subtle as unknown as Record<string, Call>;
  const names = Object.getOwnPropertyNames(SubtleCrypto.prototype).filter((name) => name !== "constructor");
  for (const name of names) {
    const method = subtle[name]!;
    subtle[name] = (...inputs) => {
      calls.push({ side, name });
      const call = () => method.apply(crypto.subtle, inputs);
      return calls.length - 1 === failing ? fail(call) : call();
    };
  }
  try {
    const server = startServer();
    const client = await startClient();
    for (let to: Side = "server";; to = to === "server" ? "client" : "server") {
      const bytes = outputOf(to === "server" ? client : server);
      if (bytes.length === 0) break;
      side = to;
      const end = to === "server" ? server : client;
      for (const event of await end.receive(bytes, START_MS)) isOpen[to] ||= event.kind === "open";
    }
  } catch (error) {
    // Which code it is depends on the call; one without would be called a fault of stx.
    assert.ok(
      codeOf(error) !== undefined || error instanceof DOMException || error instanceof TypeError,
      `${error}`,
    );
  } finally {
    for (const name of names) delete subtle[name];
  }
  return { isOpen, calls };
}

Deno.test("the platform's calls fail one after the other: no end opens that could not check", async () => {
  const honest = await shake(-1, (call) => call());
  assert.deepEqual(honest.isOpen, { client: true, server: true });
  assert.ok(honest.calls.some(({ name }) => name === "verify"));
  for (const [how, fail] of Object.entries(FAILURES)) {
    for (const [index, { side, name }] of honest.calls.entries()) {
      const { isOpen } = await shake(index, fail);
      const what = `call ${index}, ${name} by the ${side}, ${how}`;
      // The last of the server's calls seal READY, behind which it is open though the client never will be.
      if (name !== "encrypt" || side === "client") assert.ok(!isOpen[side], what);
      assert.ok(!isOpen.client, what);
    }
  }
});

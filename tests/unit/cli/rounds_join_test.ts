import assert from "node:assert/strict";
import { nextValue } from "../../../cli/rounds_join.ts";
import { StxError } from "../../../lib/errors.ts";
import { ClosedByServer } from "../../../lib/net/rounds_client.ts";
import type { CloseReason } from "../../../lib/rounds/messages.ts";

/** An input and a session of which a test says what comes when. */
function ends() {
  const input = Promise.withResolvers<string | undefined>();
  const session = Promise.withResolvers<never>();
  session.promise.catch(() => {});
  return {
    input,
    session,
    value: (isTyped = false) =>
      nextValue({ next: () => input.promise }, { ended: () => session.promise }, isTyped),
  };
}

const closed = (reason: CloseReason) => new ClosedByServer(reason);

Deno.test("a value comes when it is there, and so does the end of the input", async () => {
  for (const given of ["1", "", undefined]) {
    const { input, value } = ends();
    const coming = value();
    input.resolve(given);
    assert.equal(await coming, given);
  }
});

Deno.test("an input that fails is told, whatever becomes of the session", async () => {
  const { input, session, value } = ends();
  const coming = value();
  const failure = new StxError("disk", "the input is gone");
  input.reject(failure);
  await assert.rejects(coming, failure);
  session.reject(closed("late"));
});

Deno.test("a session that ends while the input says nothing is told at once", async () => {
  for (
    const error of [
      closed("late"),
      closed("superseded"),
      closed("full"),
      new StxError("connection_lost", "gone"),
    ]
  ) {
    const { session, input, value } = ends();
    const coming = value();
    session.reject(error);
    // Even if the input ends in that moment.
    input.resolve(undefined);
    await assert.rejects(coming, error);
  }
  // And what it fails with afterwards is nobody's affair any more.
  const { session, input, value } = ends();
  const coming = value();
  session.reject(closed("late"));
  await assert.rejects(coming);
  input.reject(new Error("too late"));
});

Deno.test("a server that is done and an input that is at its end have finished together", async () => {
  const { session, input, value } = ends();
  const coming = value();
  session.reject(closed("done"));
  input.resolve(undefined);
  assert.equal(await coming, undefined);
});

Deno.test("a server that is done while there is another value has left it out, which is told", async () => {
  const { session, input, value } = ends();
  const coming = value();
  const error = closed("done");
  session.reject(error);
  input.resolve("7");
  await assert.rejects(coming, error);
});

Deno.test("a server that is done is told after a moment where the input stays open, at once to whoever types", async () => {
  const error = closed("done");
  const startMs = performance.now();
  const [open, typed] = [ends(), ends()];
  const coming = [open.value(), typed.value(true)] as const;
  open.session.reject(error);
  typed.session.reject(error);
  await assert.rejects(coming[1], error);
  assert.ok(performance.now() - startMs < 900);
  await assert.rejects(coming[0], error);
  assert.ok(performance.now() - startMs > 900);
});

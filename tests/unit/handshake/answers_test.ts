/** What the two functions that decide about a peer may answer, and what they are told. */
import assert from "node:assert/strict";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { frameTypeOf, runHandshake, startClient, startServer } from "../../support/handshake_ends.ts";

/** TypeScript takes each where nothing is to be returned. */
const ANSWERS: Readonly<Record<string, () => unknown>> = {
  "false": () => false,
  "true": () => true,
  "a promise": () => Promise.resolve(),
  "a promise that is broken later": () => Promise.reject(new Error("not this one")),
};

for (const [name, answer] of Object.entries(ANSWERS)) {
  Deno.test(`a server whose authorize answers with ${name} lets nobody in`, async () => {
    const nonces = new MemoryNonceStore();
    let claimCount = 0;
    const claim = nonces.claim.bind(nonces);
    nonces.claim = (...given) => (claimCount += 1, claim(...given));
    const ending = await runHandshake(await startClient(), startServer({ authorize: answer, nonces }));
    assert.equal(ending.serverOpen, undefined);
    assert.deepEqual(ending.failures.map(({ side, code }) => [side, code]), [
      ["server", "usage"],
      ["client", "handshake_failed"],
    ]);
    assert.equal(claimCount, 0);
  });

  Deno.test(`a client whose checkServer answers with ${name} shows nobody who it is`, async () => {
    const ending = await runHandshake(await startClient({ checkServer: answer }), startServer());
    assert.equal(ending.clientOpen, undefined);
    assert.deepEqual(ending.failures.map(({ side, code }) => [side, code]), [
      ["client", "usage"],
      ["server", "handshake_failed"],
    ]);
    assert.deepEqual(ending.sent.client.map(frameTypeOf), ["hello", "sealedAlert"]);
  });
}

Deno.test("both are told how the peer has proved itself", async () => {
  const sharedKey = prepareSharedKey(new Uint8Array(32).map((_, index) => index * 7));
  for (const authMode of ["identity", "psk", "identity+psk"] as const) {
    const told: string[] = [];
    await runHandshake(
      await startClient({
        authModes: [authMode],
        sharedKey,
        checkServer: (_key, mode) => void told.push(mode),
      }),
      startServer({
        authModes: ["identity", "psk", "identity+psk"],
        sharedKeys: [sharedKey],
        authorize: (_key, _intent, mode) => void told.push(mode),
      }),
    );
    assert.deepEqual(told, [authMode, authMode]);
  }
});

Deno.test("a server's sessions are numbered in the order in which their HELLOs came", async () => {
  const guard = new HelloGuard();
  for (let number = 0; number < 3; number++) {
    const { serverOpen } = await runHandshake(
      await startClient({}, `client ${number}`),
      startServer({ guard }),
    );
    assert.equal(serverOpen!.keys.helloNumber, number);
  }
});

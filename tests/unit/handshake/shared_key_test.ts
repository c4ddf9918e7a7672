/** The modes that rest on a shared key, at both ends. */
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import type { ErrorCode } from "../../../lib/errors.ts";
import type { ClientOptions } from "../../../lib/handshake/client.ts";
import { prepareSharedKey, type SharedKey } from "../../../lib/handshake/key_schedule.ts";
import type { ServerOptions } from "../../../lib/handshake/server.ts";
import { SHARED_KEY_COUNT_MAX } from "../../../lib/limits.ts";
import { ALERTS } from "../../../lib/wire/alert.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";
import { AUTH_MODE_NUMBERS, type AuthMode } from "../../../lib/wire/handshake_messages.ts";
import { assertRejects } from "../identity/failures.ts";
import {
  CLIENT_IDENTITY,
  type Ending,
  outputOf,
  runHandshake,
  SERVER_IDENTITY,
  START_MS,
  startClient,
  startServer,
} from "../../support/handshake_ends.ts";
import { RogueClient } from "../../support/rogue_client.ts";
import { RogueServer } from "../../support/rogue_server.ts";

const key = (fill: number): SharedKey => prepareSharedKey(new Uint8Array(32).fill(fill));
const KEY = key(7);
const OTHER = key(8);
const EVERY_MODE: readonly AuthMode[] = ["identity", "psk", "identity+psk"];

async function meet(
  client: Partial<ClientOptions>,
  server: Partial<ServerOptions>,
): Promise<Ending> {
  return await runHandshake(await startClient(client), startServer(server));
}

function assertOpen(ending: Ending, mode: AuthMode): void {
  assert.deepEqual(ending.failures.map((each) => each.error), []);
  const { clientOpen, serverOpen } = ending;
  assert.equal(clientOpen?.keys.authMode, mode);
  assert.equal(serverOpen?.keys.authMode, mode);
  assert.deepEqual(clientOpen.exporter, serverOpen.exporter);
  assert.deepEqual(clientOpen.keys.sendSecret, serverOpen.keys.receiveSecret);
  assert.deepEqual(serverOpen.keys.peerIdentity, CLIENT_IDENTITY.publicKey);
}

function assertFailed(ending: Ending, side: "client" | "server", code: ErrorCode): void {
  assert.deepEqual(ending.failures[0] && { side: ending.failures[0].side, code: ending.failures[0].code }, {
    side,
    code,
  });
  assert.equal(ending.clientOpen, undefined);
  assert.equal(ending.serverOpen, undefined);
}

for (const mode of ["psk", "identity+psk"] as const) {
  for (const suite of ["aes-256-gcm", "chacha20-poly1305"] as const) {
    Deno.test(`${mode} opens a session with ${suite}`, async () => {
      const ending = await meet(
        { authModes: [mode], sharedKey: KEY, suites: [suite] },
        { authModes: [mode], sharedKeys: [KEY] },
      );
      assertOpen(ending, mode);
    });
  }

  Deno.test(`${mode} tells the server which mode decides`, async () => {
    const asked: AuthMode[] = [];
    await meet(
      { authModes: [mode], sharedKey: KEY },
      {
        authModes: EVERY_MODE,
        sharedKeys: [KEY],
        authorize: (_key, _intent, authMode) => void asked.push(authMode),
      },
    );
    assert.deepEqual(asked, [mode]);
  });

  Deno.test(`${mode} refuses a client that shows the server's own identity`, async () => {
    const ending = await meet(
      // A client would notice by itself; this one is told that it is somebody else.
      {
        authModes: [mode],
        sharedKey: KEY,
        identity: { ...SERVER_IDENTITY, publicKey: SERVER_IDENTITY.publicKey },
      },
      { authModes: [mode], sharedKeys: [KEY] },
    );
    assertFailed(ending, "client", "bad_identity");
    const server = startServer({ authModes: [mode], sharedKeys: [KEY] });
    const hello = { authModes: [AUTH_MODE_NUMBERS[mode]] };
    const client = await RogueClient.start({ sharedKey: KEY, hello, identity: SERVER_IDENTITY });
    await server.receive(client.hello(), START_MS);
    await client.welcome(outputOf(server));
    const verify = await client.verify();
    await assertRejects(() => server.receive(verify, START_MS), "bad_identity");
  });

  Deno.test(`${mode} refuses a server that shows the client's own identity`, async () => {
    const client = await startClient({ authModes: [mode], sharedKey: KEY });
    const rogue = new RogueServer({
      sharedKey: KEY,
      authMode: AUTH_MODE_NUMBERS[mode],
      identity: CLIENT_IDENTITY,
    });
    const welcome = await rogue.welcome(outputOf(client));
    await assertRejects(() => client.receive(welcome, START_MS), "bad_identity");
  });
}

Deno.test("without a shared key, one machine may talk to itself under one identity", async () => {
  const ending = await meet({ identity: SERVER_IDENTITY }, {});
  assert.deepEqual(ending.failures, []);
});

Deno.test("every key of a full list is tried, wherever it stands", async () => {
  const keys = Array.from({ length: SHARED_KEY_COUNT_MAX }, (_, i) => key(i));
  for (const at of [0, 31, SHARED_KEY_COUNT_MAX - 1]) {
    const ending = await meet(
      { authModes: ["psk"], sharedKey: keys[at] },
      { authModes: ["psk"], sharedKeys: keys },
    );
    assertOpen(ending, "psk");
  }
});

/** What a server does with a HELLO that it must refuse: the clear alert, and no public-key work at all. */
async function assertRefusedUnworked(
  frame: Bytes,
  change: Partial<ServerOptions>,
  words?: RegExp,
): Promise<void> {
  let drawn = 0;
  const server = startServer({
    random: {
      bytes(size) {
        drawn += size;
        return new Uint8Array(size);
      },
    },
    ...change,
  });
  const { hint } = await assertRejects(() => server.receive(frame, START_MS), "handshake_failed", words);
  assert.match(hint!, /--psk-file/);
  assert.deepEqual(outputOf(server), encodeFrame("alert", Uint8Array.of(ALERTS.handshakeFailed)));
  // An ephemeral key would have been drawn first.
  assert.equal(drawn, 0);
}

Deno.test("a binder with one bit flipped is handshake_failed at the server, before any public-key work", async () => {
  for (const bit of [0, 100, 255]) {
    const rogue = await RogueClient.start({
      sharedKey: KEY,
      binder(right) {
        const wrong = right.slice();
        wrong[bit >> 3]! ^= 1 << (bit & 7);
        return wrong;
      },
    });
    await assertRefusedUnworked(rogue.hello(), { authModes: EVERY_MODE, sharedKeys: [OTHER, KEY] });
  }
});

Deno.test("a shared key that the server does not have is refused before any public-key work", async () => {
  const hello = (await RogueClient.start({ sharedKey: OTHER })).hello();
  await assertRefusedUnworked(hello, { authModes: EVERY_MODE, sharedKeys: [KEY] });
});

Deno.test("a server that requires a shared key does no public-key work without a binder", async () => {
  const hello = (await RogueClient.start()).hello();
  const words = /no way to authenticate .*; it comes without a shared key$/;
  await assertRefusedUnworked(hello, { authModes: ["psk", "identity+psk"], sharedKeys: [KEY] }, words);
});

Deno.test("a binder covers every byte of HELLO before it", async () => {
  const hello = (await RogueClient.start({ sharedKey: KEY })).hello();
  for (const at of [8, 12, 50, 700, hello.length - 33]) {
    const changed = hello.slice();
    changed[at]! ^= 1;
    const server = startServer({ authModes: ["psk"], sharedKeys: [KEY] });
    await assert.rejects(server.receive(changed, START_MS));
  }
});

Deno.test("a server without shared keys takes the mode identity from a client that offers more", async () => {
  const ending = await meet({ authModes: EVERY_MODE, sharedKey: KEY }, {});
  assertOpen(ending, "identity");
});

Deno.test("a server whose list of shared keys is empty takes nobody in their modes", async () => {
  const ending = await meet(
    { authModes: ["psk", "identity+psk"], sharedKey: KEY },
    { authModes: ["psk", "identity+psk"], sharedKeys: [] },
  );
  assertFailed(ending, "server", "handshake_failed");
});

Deno.test("the first of the client's modes that the server takes is chosen", async () => {
  const server = { authModes: EVERY_MODE, sharedKeys: [KEY] } as const;
  assertOpen(await meet({ authModes: ["psk", "identity+psk"], sharedKey: KEY }, server), "psk");
  assertOpen(await meet({ authModes: ["identity+psk", "psk"], sharedKey: KEY }, server), "identity+psk");
  assertOpen(await meet({ authModes: ["identity", "psk"], sharedKey: KEY }, server), "identity");
  const strict = { authModes: ["identity+psk"], sharedKeys: [KEY] } as const;
  assertOpen(await meet({ authModes: ["psk", "identity+psk"], sharedKey: KEY }, strict), "identity+psk");
});

Deno.test("a server that requires both does not take the shared key alone, nor the identity alone", async () => {
  const strict = { authModes: ["identity+psk"], sharedKeys: [KEY] } as const;
  assertFailed(await meet({ authModes: ["psk"], sharedKey: KEY }, strict), "server", "handshake_failed");
  assertFailed(await meet({}, strict), "server", "handshake_failed");
});

Deno.test("a client takes no mode that it did not offer", async () => {
  for (
    const [offered, authMode] of [[["psk"], 1], [["psk"], 3], [["identity+psk"], 2], [
      ["identity"],
      2,
    ]] as const
  ) {
    const client = await startClient({ authModes: offered, sharedKey: KEY });
    const rogue = new RogueServer({ sharedKey: KEY, authMode });
    const welcome = await rogue.welcome(outputOf(client));
    await assertRejects(() => client.receive(welcome, START_MS), "handshake_failed", /was not offered/);
  }
});

Deno.test("a server that does not know the shared key cannot answer in its mode", async () => {
  for (const sharedKey of [undefined, OTHER]) {
    const client = await startClient({ authModes: ["psk"], sharedKey: KEY });
    const rogue = new RogueServer({ authMode: 2, ...(sharedKey === undefined ? {} : { sharedKey }) });
    const welcome = await rogue.welcome(outputOf(client));
    await assertRejects(() => client.receive(welcome, START_MS), "handshake_failed", /Cannot open WELCOME/);
  }
});

Deno.test("a client that offers a mode with a shared key needs one", async () => {
  await assert.rejects(startClient({ authModes: ["psk"] }), /there is none/);
});

Deno.test("a binder is not the proof of another stage, and differs by key", () => {
  const th0 = sha256(new Uint8Array(1));
  assert.equal(KEY.binderKey.length, 32);
  assert.notDeepEqual(KEY.binderKey, OTHER.binderKey);
  assert.notDeepEqual(KEY.early, KEY.binderKey);
  assert.notDeepEqual(concat(KEY.early), concat(OTHER.early));
  assert.equal(th0.length, 32);
});

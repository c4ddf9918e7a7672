/**
 * Peers that are who they say they are and mean harm: they speak the protocol with keys that are accepted, and say
 * what no stx would say.
 * @module
 */
import { loadIdentity } from "../../cli/key_files.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { availableSuites } from "../../lib/crypto/suite.ts";
import { codeOf, type ErrorCode } from "../../lib/errors.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import type { ServerOptions } from "../../lib/handshake/server.ts";
import { BLOCK_SIZE, WINDOW_RECORDS, WINDOW_SIZE_BYTES } from "../../lib/limits.ts";
import type { Channel } from "../../lib/net/channel.ts";
import { connect } from "../../lib/net/client.ts";
import { accept } from "../../lib/net/server.ts";
import { connDuplex, dial, systemClock, systemRandom } from "../../lib/net/tcp.ts";
import type { Entry, Source } from "../../lib/ports.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { makeManifest } from "../../lib/transfer/manifest.ts";
import { sendTransfer } from "../../lib/transfer/sender.ts";
import type { Person, Target } from "./stage.ts";

/** An entry of a manifest, with what does not matter filled in. */
export function entry(path: string, more: Partial<Entry> = {}): Entry {
  return { path, kind: "file", sizeBytes: 4, mtimeMs: 0, mode: 0o644, ...more };
}

/**
 * Offers these entries, unchecked, with contents of zeros. Resolves to the code of the failure, or to `undefined` if
 * the receiver took them.
 */
export async function offerAsIs(
  to: Target,
  person: Person,
  entries: readonly Entry[],
): Promise<ErrorCode | undefined> {
  const identity = await loadIdentity(person.identity);
  const channel = await connect(
    await dial("127.0.0.1", to.port),
    {
      identity,
      random: systemRandom,
      suites: await availableSuites(),
      authModes: ["identity"],
      sharedKey: undefined,
      intent: "send",
      checkServer: () => {},
    },
    systemClock,
  );
  const manifest = makeManifest(entries, true);
  try {
    await sendTransfer(channel, {
      identity: identity.publicKey,
      manifest,
      source: zeros(manifest.sizeBytes!),
      blockSizeBytes: BLOCK_SIZE,
      withDigests: false,
      random: systemRandom,
      clock: systemClock,
      onEvent: () => {},
    });
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return code;
  } finally {
    await channel.close();
  }
}

function zeros(sizeBytes: number): Source {
  let at = 0;
  return {
    read(into: Bytes) {
      const size = Math.min(into.length, sizeBytes - at);
      into.fill(0, 0, size);
      at += size;
      return size;
    },
    seek: (offset) => void (at = offset),
    checkUnchanged() {},
    close() {},
  };
}

/** Listens as `person` and treats every sender as `answer` does, while `body` runs. */
export async function withHostileReceiver(
  person: Person,
  answer: (channel: Channel) => Promise<void>,
  body: (target: Target) => Promise<void>,
): Promise<void> {
  const identity = await loadIdentity(person.identity);
  const suites = await availableSuites();
  const guard = new HelloGuard();
  const nonces = new MemoryNonceStore();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) {
      const limits = { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES };
      const options: ServerOptions = {
        identity,
        random: systemRandom,
        suites,
        authModes: ["identity"],
        sharedKeys: [],
        guard,
        nonces,
        limits,
        authorize() {},
      };
      const channel = await accept(connDuplex(conn), options, systemClock);
      // The sender may hang up on it; what comes of that is for the test to see at the sender.
      await answer(channel).catch(() => {});
      await channel.close();
    }
  })();
  try {
    await body({ port: listener.addr.port });
  } finally {
    listener.close();
    await serving;
  }
}

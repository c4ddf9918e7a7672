/**
 * Many senders in one process: the library's own client, with identities that the stage's receiver takes.
 * @module
 */
import { generateSeed, type Identity, RetryPolicy, StxError } from "../../mod.ts";
import { openSource } from "../../lib/files/disk_source.ts";
import { identityFromSeed } from "../../lib/identity/identity.ts";
import { fingerprint, formatPublicKeyLine } from "../../lib/identity/public_key.ts";
import { connect } from "../../lib/net/client.ts";
import { dial, systemRandom } from "../../lib/net/tcp.ts";
import { send } from "../../lib/net/transfers.ts";
import { makeManifest } from "../../lib/transfer/manifest.ts";
import type { Stage } from "./stage.ts";

/** What one sender saw. */
export interface ClientResult {
  /** From the first connection to the receipt. */
  readonly ms: number;
  /** Connections that it took. */
  readonly tryCount: number;
}

/** Makes identities and has the receiver take them, beside the stage's sender. */
export async function makeClients(stage: Stage, count: number): Promise<readonly Identity[]> {
  const identities = await Promise.all(
    Array.from({ length: count }, () => identityFromSeed(generateSeed(systemRandom))),
  );
  const own = Deno.readTextFileSync(`${stage.sender.identity}.pub`);
  const lines = identities.map(({ publicKey }, index) => formatPublicKeyLine(publicKey, `client-${index}`));
  Deno.writeTextFileSync(`${stage.receiver.config}/authorized_keys`, `${own}${lines.join("\n")}\n`);
  return identities;
}

/** Sends a path as `stx send` does, with new connections after a cut or where the receiver is busy. */
export async function sendAs(
  identity: Identity,
  to: { readonly hostname?: string; readonly port: number; readonly fingerprint: string },
  path: string,
  onSent: (bytes: number) => void = () => {},
): Promise<ClientResult> {
  const startMs = performance.now();
  const retry = new RetryPolicy(120_000, systemRandom, startMs);
  for (let tryCount = 1;; tryCount++) {
    const source = openSource([path], { followLinks: false, onWarning: () => {} });
    try {
      const channel = await connect(await dial(to.hostname ?? "127.0.0.1", to.port), {
        identity,
        checkServer(key) {
          if (fingerprint(key) !== to.fingerprint) throw new StxError("receiver_changed", "another receiver");
        },
      });
      await send(channel, {
        identity: identity.publicKey,
        manifest: makeManifest(source.entries, true),
        source,
        onEvent: (event) => {
          if (event.kind === "sent") onSent(event.bytes);
        },
      });
      return { ms: performance.now() - startMs, tryCount };
    } catch (error) {
      const delayMs = retry.delayAfter(error, performance.now());
      if (delayMs === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    } finally {
      source.close();
    }
  }
}

/** Memory in bytes and open files of a process, as Linux counts them now. */
export function usageOf(pid: number): { readonly memoryBytes: number; readonly fileCount: number } {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return {
    memoryBytes: Number(match?.[1] ?? 0) * 1024,
    fileCount: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
  };
}

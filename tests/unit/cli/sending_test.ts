import assert from "node:assert/strict";
import { ReceiveService } from "../../../cli/receive_service.ts";
import { ReceiverTrust } from "../../../cli/receiver_trust.ts";
import { SenderTrust } from "../../../cli/sender_trust.ts";
import { Sending } from "../../../cli/sending.ts";
import { Output } from "../../../cli/terminal.ts";
import { openSource } from "../../../lib/files/disk_source.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint } from "../../../lib/identity/public_key.ts";
import { RevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import { SenderRotations } from "../../../lib/identity/sender_rotations.ts";
import { listen, systemClock } from "../../../lib/net/tcp.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { MemoryRotationStore } from "../../../lib/store/memory_rotation_store.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { type FakeStreams, fakeStreams } from "./fake_streams.ts";

const SIZE = 1_000_000;

function outputOn(streams: FakeStreams, command: string, json: boolean): Output {
  const exit = (): never => assert.fail("the process was ended");
  return new Output({ command, json, quiet: false, verbose: false, exit, streams, colour: false });
}

/** Sends {@link SIZE} bytes at a terminal, from a file or a pipe, to a receiver in this process. */
async function sent(from: "file" | "pipe"): Promise<FakeStreams> {
  const streams = fakeStreams({ terminal: true, outTerminal: false });
  await withTempFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/in`);
    Deno.writeFileSync(`${folder}/file`, new Uint8Array(SIZE));
    const [sender, receiver] = await Promise.all(
      [1, 2].map((fill) => identityFromSeed(new Uint8Array(32).fill(fill))),
    );
    const readRevoked = () => new RevokedKeys();
    const listener = listen("127.0.0.1", 0);
    const quiet = outputOn(fakeStreams(), "recv", false);
    const rotations = new SenderRotations(new MemoryRotationStore());
    const key = {
      publicKey: sender!.publicKey,
      comment: "",
      line: 1,
      expiresMs: undefined,
      from: undefined,
    };
    const service = new ReceiveService({
      listener,
      identity: receiver!,
      suites: ["aes-256-gcm"],
      trust: new SenderTrust({ readKeys: () => [key], readRevoked, rotations, output: quiet }),
      readRotation: () => undefined,
      authModes: ["identity"],
      readSharedKeys: () => [],
      store: new MemoryTransferStore(),
      nonces: new MemoryNonceStore(),
      folder: openReceivingFolder(`${folder}/in`),
      folderPath: `${folder}/in`,
      conflict: "refuse",
      maxSizeBytes: Infinity,
      allowDotfiles: false,
      once: true,
      output: quiet,
    });
    const running = service.run();
    const address = { host: "127.0.0.1", port: listener.addr.port };
    const output = outputOn(streams, "send", true);
    const source = from === "file"
      ? openSource([`${folder}/file`], { followLinks: false, onWarning: () => {} })
      : stdinSource(new Blob([new Uint8Array(SIZE)]).stream(), "file", systemClock);
    try {
      const sending = new Sending({
        address,
        identity: sender!,
        trust: new ReceiverTrust(address, fingerprint(receiver!.publicKey), readRevoked, output),
        readRotation: () => undefined,
        suites: ["aes-256-gcm"],
        authModes: ["identity"],
        sharedKey: undefined,
        source,
        manifest: makeManifest(source.entries, from === "file"),
        withDigests: false,
        retryForMs: 0,
        retryFirst: false,
        signal: new AbortController().signal,
        output,
      });
      await sending.run();
    } finally {
      source.close();
      service.stop();
      await running;
    }
  });
  return streams;
}

Deno.test("a transfer that is over before anybody looked at it was not sent at 0 B/s", async () => {
  const streams = await sent("file");
  const last = streams.error().split("\r\x1b[K").at(-1)!;
  assert.match(last, /^file +100% +976\.6 KiB {2}of 976\.6 KiB +[1-9][\d.]* [KM]iB\/s +in [\d.]+s\n$/);
});

for (const from of ["file", "pipe"] as const) {
  Deno.test(`what is finishing has all bytes, from a ${from} too`, async () => {
    const streams = await sent(from);
    const events = streams.out().trimEnd().split("\n").map((line) => JSON.parse(line));
    const last = events.findLast(({ event }) => event === "progress");
    assert.deepEqual([last.phase, last.bytes], ["finishing", SIZE]);
  });
}

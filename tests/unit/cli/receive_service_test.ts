import assert from "node:assert/strict";
import { ReceiveService } from "../../../cli/receive_service.ts";
import { SenderTrust } from "../../../cli/sender_trust.ts";
import { Output } from "../../../cli/terminal.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { RevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import { SenderRotations } from "../../../lib/identity/sender_rotations.ts";
import { listen } from "../../../lib/net/tcp.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { MemoryRotationStore } from "../../../lib/store/memory_rotation_store.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { type FakeStreams, fakeStreams } from "./fake_streams.ts";

/** A service that takes nobody, and all that it has said. */
async function withService(
  body: (service: ReceiveService, listener: Deno.TcpListener, streams: FakeStreams) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    const streams = fakeStreams();
    const exit = (): never => assert.fail("the process was ended");
    const output = new Output({ command: "recv", json: false, quiet: false, verbose: false, exit, streams });
    const listener = listen("127.0.0.1", 0);
    const rotations = new SenderRotations(new MemoryRotationStore());
    const trust = new SenderTrust({
      readKeys: () => [],
      readRevoked: () => new RevokedKeys(),
      rotations,
      output,
    });
    const service = new ReceiveService({
      listener,
      identity: await identityFromSeed(new Uint8Array(32).fill(1)),
      suites: ["aes-256-gcm"],
      trust,
      readRotation: () => undefined,
      authModes: ["identity"],
      readSharedKeys: () => [],
      store: new MemoryTransferStore(),
      nonces: new MemoryNonceStore(),
      folder: openReceivingFolder(folder),
      folderPath: folder,
      conflict: "refuse",
      maxSizeBytes: Infinity,
      allowDotfiles: false,
      once: false,
      output,
    });
    await body(service, listener, streams);
  });
}

function connect(listener: Deno.TcpListener): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
}

async function isHungUpOn(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(100);
  while (await conn.read(buffer).catch(() => null) !== null);
  conn.close();
}

Deno.test("whoever is on the way in when the service is told to stop does not keep it", async () => {
  await withService(async (service, listener, streams) => {
    const accept = listener.accept.bind(listener);
    listener.accept = async () => {
      const conn = await accept();
      service.stop();
      return conn;
    };
    const running = service.run();
    const stranger = await connect(listener);
    await running;
    await isHungUpOn(stranger);
    // Not even that it did not finish the handshake, for which it would have had ten seconds.
    assert.equal(streams.error(), "");
  });
});

Deno.test("a flood of strangers that fail becomes no flood of lines", async () => {
  await withService(async (service, listener, streams) => {
    const running = service.run();
    for (let count = 0; count < 75; count++) {
      const stranger = await connect(listener);
      await stranger.write(Uint8Array.of(99));
      await stranger.closeWrite();
      await isHungUpOn(stranger);
    }
    service.stop();
    await running;
    const lines = streams.error().trimEnd().split("\n");
    const told = lines.filter((line) => line.includes("does not seem to speak stx"));
    assert.equal(told.length, 60);
    assert.deepEqual(lines.filter((line) => !told.includes(line)), [
      "stx recv: warning: many connections fail before they have proved who they are: 1 not shown so far",
    ]);
  });
});

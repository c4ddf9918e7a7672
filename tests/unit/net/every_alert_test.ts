/** Every alert, caused by what causes it, and what becomes of it at the other end. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import { codeOf, type ErrorCode, StxError } from "../../../lib/errors.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import type { ClientOptions } from "../../../lib/handshake/client.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import type { ServerOptions } from "../../../lib/handshake/server.ts";
import { PUBLIC_KEY_BURST } from "../../../lib/limits.ts";
import type { Channel } from "../../../lib/net/channel.ts";
import { connect } from "../../../lib/net/client.ts";
import { accept } from "../../../lib/net/server.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { receiveTransfer } from "../../../lib/transfer/receiver.ts";
import { sendTransfer } from "../../../lib/transfer/sender.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { type Alert, ALERT_PLACES, type AlertPlace, ALERTS } from "../../../lib/wire/alert.ts";
import { memoryLine } from "../../support/memory_duplex.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { CLIENT, meet, type Meeting, RECEIVER, SENDER, serverOptions } from "./meeting.ts";

type Side = "client" | "server";

/** An alert in its place, the side that says it, and what the other side makes of it. */
interface Case {
  readonly alert: Alert;
  readonly place: AlertPlace;
  readonly from: Side;
  /** What the saying side found. */
  readonly cause: string;
  readonly heard: ErrorCode;
  readonly play: () => Promise<unknown>;
}

function fail(code: ErrorCode): never {
  throw new StxError(code, "as the test has it");
}

/** A whole handshake over a line; rejects with what `hearing` makes of how the other end failed. */
async function handshake(
  hearing: Side,
  client: Partial<ClientOptions>,
  server: Partial<ServerOptions>,
  tapServer?: (bytes: Bytes) => Bytes,
): Promise<void> {
  const clock = new VirtualClock();
  const [left, right] = memoryLine();
  if (tapServer !== undefined) right.tap = tapServer;
  // A client may send before READY, so it learns of a refusal when it listens.
  const listening = async (opening: Promise<Channel>) => {
    const channel = await opening;
    await channel.receive().finally(() => channel.close());
  };
  const [atClient, atServer] = await Promise.allSettled([
    listening(connect(left, { ...CLIENT, ...client }, clock)),
    listening(accept(right, { ...serverOptions(), ...server }, clock)),
  ]);
  const outcome = hearing === "client" ? atClient : atServer;
  if (outcome.status === "rejected") throw outcome.reason;
}

/** A session in which one end does something and the other listens. */
async function session(
  from: Side,
  act: (meeting: Meeting, actor: Channel) => Promise<unknown>,
): Promise<void> {
  const meeting = await meet();
  const [actor, listener] = from === "client"
    ? [meeting.client, meeting.server]
    : [meeting.server, meeting.client];
  const acting = act(meeting, actor).catch((error) => actor.closeFor(error));
  try {
    for (;;) await listener.receive();
  } finally {
    await Promise.all([acting, listener.close()]);
    await actor.close();
  }
}

/** Flips a bit of the next record's tag and mends its CRC, as an attacker would. */
function forgeNextRecord(bytes: Bytes): Bytes {
  const forged = bytes.slice();
  forged[forged.length - 5]! ^= 1;
  new DataView(forged.buffer).setUint32(forged.length - 4, crc32(forged.subarray(0, -4)));
  return forged;
}

function forgedRecord(from: Side): () => Promise<unknown> {
  return () =>
    session(from, async ({ lines, client, server }, actor) => {
      const [line, peer] = from === "client" ? [lines[1], server] : [lines[0], client];
      assert.ok(peer !== actor);
      line.tap = forgeNextRecord;
      peer.send("durable", new Uint8Array(8));
      await actor.receive();
    });
}

async function receiveHere(server: Channel): Promise<void> {
  await withTempFolder(async (folder) => {
    await receiveTransfer(server, {
      identity: RECEIVER,
      clock: new VirtualClock(),
      store: new MemoryTransferStore(),
      folder: openReceivingFolder(folder),
      folderPath: folder,
      conflict: "refuse",
      maxSizeBytes: Infinity,
      allowDotfiles: false,
      claim: () => Promise.resolve(() => {}),
      onEvent: () => {},
    });
  });
}

async function sendFrom(client: Channel): Promise<void> {
  const entries = [{ path: "f", kind: "file", sizeBytes: 4, mtimeMs: 0, mode: 0o644 }] as const;
  await sendTransfer(client, {
    identity: SENDER.publicKey,
    manifest: makeManifest(entries, true),
    source: {
      read: (into) => (into.fill(0, 0, 4), 4),
      seek: () => {},
      checkUnchanged: () => fail("disk"),
      close: () => {},
    },
    blockSizeBytes: 16 * 1024,
    withDigests: false,
    random: systemRandom,
    clock: new VirtualClock(),
    onEvent: () => {},
  });
}

function emptyGuard(): HelloGuard {
  const guard = new HelloGuard();
  for (let n = 0; n < PUBLIC_KEY_BURST; n++) guard.admit(systemRandom.bytes(32), new VirtualClock().nowMs());
  return guard;
}

const CASES: readonly Case[] = [
  {
    alert: "handshakeFailed",
    place: "clear",
    from: "server",
    cause: "no mode in common",
    heard: "refused_connection",
    play: () => handshake("client", {}, { authModes: ["psk"] }),
  },
  {
    alert: "handshakeFailed",
    place: "clear",
    from: "client",
    cause: "WELCOME changed on the way",
    heard: "refused_connection",
    play: () => handshake("server", {}, {}, (bytes) => (bytes[100]! ^= 1, bytes)),
  },
  {
    alert: "handshakeFailed",
    place: "handshake",
    from: "client",
    cause: "a server that the client does not know",
    heard: "handshake_failed",
    play: () => handshake("server", { checkServer: () => fail("unknown_receiver") }, {}),
  },
  {
    alert: "handshakeFailed",
    place: "handshake",
    from: "server",
    cause: "a client whose signature is wrong",
    heard: "handshake_failed",
    play: () =>
      handshake("client", { identity: { ...SENDER, sign: () => Promise.resolve(new Uint8Array(64)) } }, {}),
  },
  {
    alert: "busy",
    place: "clear",
    from: "server",
    cause: "too many HELLOs at once",
    heard: "busy",
    play: () => handshake("client", {}, { guard: emptyGuard() }),
  },
  {
    alert: "busy",
    place: "handshake",
    from: "server",
    cause: "too many senders at once",
    heard: "busy",
    play: () => handshake("client", {}, { authorize: () => fail("busy") }),
  },
  {
    alert: "accessDenied",
    place: "handshake",
    from: "server",
    cause: "a sender that is not authorized",
    heard: "unauthorized",
    play: () => handshake("client", {}, { authorize: () => fail("unauthorized") }),
  },
  {
    alert: "clockSkew",
    place: "handshake",
    from: "client",
    cause: "clocks that differ",
    heard: "clock_skew",
    play: async () => {
      const [left, right] = memoryLine();
      const [late, now] = [new VirtualClock(), new VirtualClock()];
      late.advance(121_000);
      const both = [connect(left, CLIENT, late), accept(right, serverOptions(), now)] as const;
      const [atClient, atServer] = await Promise.allSettled(both);
      assert.ok(atClient.status === "rejected" && codeOf(atClient.reason) === "clock_skew");
      assert.ok(atServer.status === "rejected");
      throw atServer.reason;
    },
  },
  {
    alert: "clockSkew",
    place: "handshake",
    from: "server",
    cause: "a time that an authorized sender makes it refuse",
    heard: "clock_skew",
    play: () => handshake("client", {}, { authorize: () => fail("clock_skew") }),
  },
  {
    alert: "internalError",
    place: "handshake",
    from: "server",
    cause: "a list of senders that cannot be read",
    heard: "connection_lost",
    play: () => handshake("client", {}, { authorize: () => fail("bad_trust_file") }),
  },
  {
    alert: "protocolError",
    place: "session",
    from: "server",
    cause: "a message that a sender may not send",
    heard: "unexpected_message",
    play: () =>
      session("server", async ({ client }, server) => {
        client.send("durable", new Uint8Array(8));
        await receiveHere(server);
      }),
  },
  {
    alert: "protocolError",
    place: "session",
    from: "client",
    cause: "a message that a receiver may not send",
    heard: "unexpected_message",
    play: () =>
      session("client", async ({ server }, client) => {
        server.send("start", new Uint8Array(8));
        await sendFrom(client);
      }),
  },
  {
    alert: "badRecord",
    place: "session",
    from: "server",
    cause: "a record that was forged",
    heard: "bad_record",
    play: forgedRecord("server"),
  },
  {
    alert: "badRecord",
    place: "session",
    from: "client",
    cause: "a record that was forged",
    heard: "bad_record",
    play: forgedRecord("client"),
  },
  {
    alert: "closing",
    place: "session",
    from: "server",
    cause: "a receiver that is stopped",
    heard: "connection_lost",
    play: () => session("server", (_meeting, server) => server.abort("closing")),
  },
  {
    alert: "closing",
    place: "session",
    from: "client",
    cause: "a sender that is stopped",
    heard: "connection_lost",
    play: () => session("client", (_meeting, client) => client.abort("closing")),
  },
  {
    alert: "internalError",
    place: "session",
    from: "client",
    cause: "a file that cannot be read",
    heard: "connection_lost",
    play: () =>
      session("client", async ({ server }, client) => {
        server.send("accept", new Uint8Array(40));
        await sendFrom(client);
      }),
  },
  {
    alert: "internalError",
    place: "session",
    from: "server",
    cause: "a fault of its own",
    heard: "connection_lost",
    play: () => session("server", () => Promise.reject(new Error("a fault"))),
  },
  {
    alert: "superseded",
    place: "session",
    from: "server",
    cause: "a newer connection",
    heard: "superseded",
    play: () => session("server", (_meeting, server) => server.abort("superseded")),
  },
];

for (const { alert, place, from, cause, heard, play } of CASES) {
  cryptoTest(`${alert} (${place}) from the ${from}, for ${cause}, is heard as ${heard}`, async () => {
    await assert.rejects(play, (error) => {
      assert.equal(codeOf(error), heard, String(error));
      return true;
    });
  });
}

Deno.test("no alert is without a case in any of its places", () => {
  const wanted = Object.entries(ALERT_PLACES).flatMap(([alert, places]) =>
    places.map((place) => `${alert} ${place}`)
  );
  const played = new Set(CASES.map(({ alert, place }) => `${alert} ${place}`));
  assert.deepEqual([...played].sort(), wanted.sort());
  assert.deepEqual(Object.keys(ALERT_PLACES), Object.keys(ALERTS));
});

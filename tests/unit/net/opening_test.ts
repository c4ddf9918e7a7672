import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  DRAIN_TIMEOUT_MS,
  EARLY_RECORDS,
  EARLY_SIZE_MAX,
  HANDSHAKE_TIMEOUT_MS,
} from "../../../lib/limits.ts";
import { connect } from "../../../lib/net/client.ts";
import { accept } from "../../../lib/net/server.ts";
import { type LineOptions, type MemoryDuplex, memoryLine } from "../../support/memory_duplex.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { assertRejects } from "../identity/failures.ts";
import { assertNothingLeft, CLIENT, CLOSED_SERVER, quiet, serverOptions, STRANGER } from "./meeting.ts";

/** A line and a clock, with whatever stands at its ends. */
interface Stage {
  readonly clock: VirtualClock;
  readonly client: MemoryDuplex;
  readonly server: MemoryDuplex;
}

function stage(options: LineOptions = {}): Stage {
  const [client, server] = memoryLine(options);
  return { clock: new VirtualClock(), client, server };
}

/** Reads all that comes to `line`, until it is closed there. */
async function drained(line: MemoryDuplex): Promise<Bytes> {
  const parts: number[] = [];
  const buffer = new Uint8Array(1000);
  for (;;) {
    const size = await line.read(buffer);
    if (size === null) return Uint8Array.from(parts);
    parts.push(...buffer.subarray(0, size));
  }
}

cryptoTest("the handshake works however the bytes are cut", async () => {
  for (const readSizeMax of [1, 100, 1500]) {
    const { clock, client, server } = stage({ readSizeMax });
    const [left, right] = await Promise.all([
      connect(client, CLIENT, clock),
      accept(server, serverOptions(), clock),
    ]);
    left.send("offer", utf8("hello"));
    assert.deepEqual((await right.receive()).body, utf8("hello"));
    await Promise.all([left.close(), right.close()]);
    assertNothingLeft(clock, client, server);
  }
});

cryptoTest("a client may send before READY has come: few records, of few bytes", async () => {
  const { clock, client, server } = stage();
  const accepting = accept(server, serverOptions(), clock);
  // What the server sends first is WELCOME; READY is held up.
  const channel = await connect(held(client, 1), CLIENT, clock);
  let sentCount = 0;
  while (channel.hasRoom(10)) {
    channel.send("manifest", new Uint8Array(10).fill(sentCount));
    sentCount += 1;
  }
  assert.equal(sentCount, EARLY_RECORDS);
  let hasRoom = false;
  const waiting = channel.room(10).then(() => hasRoom = true);
  const receiver = await accepting;
  for (let i = 0; i < sentCount; i++) assert.equal((await receiver.receive()).body[0], i);
  assert.ok(!hasRoom);
  release(client);
  await waiting;
  await Promise.all([channel.close(), receiver.close()]);
  assertNothingLeft(clock, client, server);
});

cryptoTest("early messages of more than 256 KiB wait for READY", async () => {
  const { clock, client, server } = stage();
  const accepting = accept(server, serverOptions(), clock);
  const channel = await connect(held(client, 1), CLIENT, clock);
  const body = new Uint8Array(60 * 1024);
  let sentBytes = 0;
  while (channel.hasRoom(body.length)) {
    channel.send("manifest", body);
    sentBytes += body.length;
  }
  assert.ok(sentBytes > EARLY_SIZE_MAX / 2 && sentBytes < EARLY_SIZE_MAX);
  release(client);
  await channel.room(body.length);
  const receiver = await accepting;
  await Promise.all([channel.close(), receiver.close()]);
  assertNothingLeft(clock, client, server);
});

cryptoTest("who does not finish the handshake within 10 seconds is given up, at either end", async () => {
  const silent = stage();
  const accepting = accept(silent.server, serverOptions(), silent.clock);
  await quiet(silent.client, silent.server);
  silent.clock.advance(HANDSHAKE_TIMEOUT_MS - 1);
  await quiet(silent.client, silent.server);
  assert.ok(!silent.server.isClosed);
  silent.clock.advance(1);
  await quiet(silent.client, silent.server);
  silent.clock.advance(DRAIN_TIMEOUT_MS);
  await assertRejects(() => accepting, "connection_lost", /within 10 seconds/);
  silent.client.close();
  assertNothingLeft(silent.clock, silent.client, silent.server);

  const mute = stage();
  const connecting = connect(mute.client, CLIENT, mute.clock);
  await quiet(mute.client, mute.server);
  mute.clock.advance(HANDSHAKE_TIMEOUT_MS);
  await quiet(mute.client, mute.server);
  mute.clock.advance(DRAIN_TIMEOUT_MS);
  await assertRejects(() => connecting, "connection_lost", /within 10 seconds/);
  mute.server.close();
  assertNothingLeft(mute.clock, mute.client, mute.server);
});

cryptoTest("a trickle of bytes does not stretch the handshake's time", async () => {
  const { clock, client, server } = stage();
  const accepting = accept(server, serverOptions(), clock);
  accepting.catch(() => {});
  const hello = Uint8Array.of(1, 0, 4, 200, ...utf8("STX"), 1);
  for (let ms = 0; ms < HANDSHAKE_TIMEOUT_MS; ms += 1_000) {
    await client.write(hello.slice(ms / 1_000, ms / 1_000 + 1));
    clock.advance(1_000);
    await quiet(client, server);
  }
  client.close();
  await assertRejects(() => accepting, "connection_lost");
  assertNothingLeft(clock, client, server);
});

cryptoTest("a server that refuses the sender tells it so, sealed", async () => {
  const { clock, client, server } = stage();
  const accepting = accept(server, CLOSED_SERVER, clock);
  accepting.catch(() => {});
  // The client has shown its identity, and may send before it knows.
  const channel = await connect(client, CLIENT, clock);
  await assertRejects(() => channel.receive(), "unauthorized", /does not accept/);
  await channel.close();
  await assertRejects(() => accepting, "unauthorized");
  assertNothingLeft(clock, client, server);
});

cryptoTest("a client that does not know the receiver leaves without showing who it is", async () => {
  const { clock, client, server } = stage();
  const accepting = accept(server, serverOptions(), clock);
  accepting.catch(() => {});
  await assertRejects(() => connect(client, STRANGER, clock), "unknown_receiver");
  await assertRejects(() => accepting, "handshake_failed");
  assertNothingLeft(clock, client, server);
});

cryptoTest("a stranger who speaks something else is told no more than that it failed", async () => {
  const { clock, client, server } = stage();
  const accepting = accept(server, serverOptions(), clock);
  accepting.catch(() => {});
  await client.write(utf8("GET / HTTP/1.1\r\n\r\n"));
  const answer = await drained(client);
  assert.deepEqual(answer, Uint8Array.of(5, 0, 0, 1, 1), "an alert in clear");
  client.close();
  await assertRejects(() => accepting, "malformed");
  assertNothingLeft(clock, client, server);
});

cryptoTest("a peer that hangs up during the handshake is a lost connection, at every moment", async () => {
  for (let reads = 0; reads < 2; reads++) {
    const { clock, client, server } = stage();
    const accepting = accept(server, serverOptions(), clock);
    accepting.catch(() => {});
    const connecting = connect(held(client, reads), CLIENT, clock);
    connecting.catch(() => {});
    await quiet(client, server);
    client.cut();
    const channel = await connecting.catch(() => undefined);
    if (channel === undefined) await assertRejects(() => connecting, "connection_lost");
    else {
      await assertRejects(() => channel.receive(), "connection_lost");
      await channel.close();
    }
    const receiver = await accepting.catch(() => undefined);
    if (receiver === undefined) await assertRejects(() => accepting, "connection_lost");
    else await receiver.close();
    assertNothingLeft(clock, client, server);
  }
});

cryptoTest("the end of the stream during the handshake is a lost connection", async () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(1), Uint8Array.of(1, 0, 4, 200, 83)]) {
    const { clock, client, server } = stage();
    const accepting = accept(server, serverOptions(), clock);
    accepting.catch(() => {});
    await client.write(bytes);
    await client.closeWrite();
    await quiet(client, server);
    client.close();
    await assertRejects(() => accepting, "connection_lost");
    assertNothingLeft(clock, client, server);
  }
});

cryptoTest("whoever closes its own line ends the handshake at once", async () => {
  const { clock, client, server } = stage();
  const connecting = connect(client, CLIENT, clock);
  connecting.catch(() => {});
  await quiet(client, server);
  client.close();
  await quiet(client, server);
  clock.advance(DRAIN_TIMEOUT_MS);
  await assertRejects(() => connecting, "connection_lost");
  server.close();
  assertNothingLeft(clock, client, server);
});

/** What lets a line go on that was held up. */
const gates = new WeakMap<MemoryDuplex, () => void>();

/** `line`, on which nothing is read after the first `count` reads, until {@link release}. */
function held(line: MemoryDuplex, count: number): MemoryDuplex {
  const original = line.read.bind(line);
  const gate = Promise.withResolvers<void>();
  gates.set(line, gate.resolve);
  let done = 0;
  line.read = async (into) => {
    if (done++ >= count) await Promise.race([gate.promise, line.broken]);
    return await original(into);
  };
  return line;
}

function release(line: MemoryDuplex): void {
  gates.get(line)!();
}

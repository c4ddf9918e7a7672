import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { equal, utf8 } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { CONNECT_TIMEOUT_MS, DRAIN_TIMEOUT_MS } from "../../../lib/limits.ts";
import type { Channel } from "../../../lib/net/channel.ts";
import { connect } from "../../../lib/net/client.ts";
import { accept } from "../../../lib/net/server.ts";
import { connDuplex, dial, dialUnix, listen, systemClock, systemRandom } from "../../../lib/net/tcp.ts";
import type { Clock, Duplex } from "../../../lib/ports.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { assertFails, assertRejects } from "../identity/failures.ts";
import { CLIENT, serverOptions } from "./meeting.ts";

function portOf(listener: Deno.TcpListener): number {
  return listener.addr.port;
}

/** Runs `body` with the two ends of a TCP connection on this machine. */
async function withSockets(body: (client: Duplex, server: Duplex, conn: Deno.Conn) => Promise<void>) {
  using listener = listen("127.0.0.1", 0);
  const [client, conn] = await Promise.all([dial("127.0.0.1", portOf(listener)), listener.accept()]);
  const server = connDuplex(conn);
  try {
    await body(client, server, conn);
  } finally {
    client.close();
    server.close();
  }
}

/** Runs `body` with two channels over TCP. */
async function withChannels(
  body: (client: Channel, server: Channel, serverSocket: Duplex) => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  await withSockets(async (left, right) => {
    const [client, server] = await Promise.all([
      connect(left, CLIENT, clock),
      accept(right, serverOptions(), clock),
    ]);
    await body(client, server, right);
  });
}

cryptoTest(
  "a socket carries bytes both ways, whole however large, and its directions end separately",
  async () => {
    await withSockets(async (client, server) => {
      const large = new Uint8Array(randomBytes(5_000_000));
      const writing = client.write(large).then(() => client.closeWrite());
      const received = new Uint8Array(large.length);
      for (let at = 0; at < large.length;) at += (await server.read(received.subarray(at)))!;
      assert.equal(await server.read(new Uint8Array(1)), null);
      await writing;
      assert.ok(equal(received, large));
      await server.write(utf8("answer"));
      const buffer = new Uint8Array(100);
      assert.equal(await client.read(buffer), 6);
      assert.deepEqual(buffer.slice(0, 6), utf8("answer"));
    });
  },
);

cryptoTest("closing ends a read and a write that wait, and may be done twice", async () => {
  await withSockets(async (client) => {
    const reading = client.read(new Uint8Array(1));
    const writing = client.write(new Uint8Array(64 * 1024 * 1024));
    reading.catch(() => {});
    writing.catch(() => {});
    client.close();
    client.close();
    await assert.rejects(reading);
    await assert.rejects(writing);
  });
});

cryptoTest("where nobody listens, dialling says so", async () => {
  const listener = listen("127.0.0.1", 0);
  const port = portOf(listener);
  listener.close();
  await assertRejects(() => dial("127.0.0.1", port), "connection_lost", /connection refused/);
});

/** Dials where the system answers with this error. */
async function dialWith(error: Error, signal?: AbortSignal): Promise<Duplex> {
  const original = Object.getOwnPropertyDescriptor(Deno, "connect")!;
  Object.defineProperty(Deno, "connect", { ...original, value: () => Promise.reject(error) });
  try {
    return await dial("host.example", 7, signal);
  } finally {
    Object.defineProperty(Deno, "connect", original);
  }
}

cryptoTest("why a dial failed is said in plain words", async () => {
  const reasons = [
    [new Error("failed to lookup address information: Name or service not known"), /name cannot be resolved/],
    [new Deno.errors.NotCapable("Requires net access"), /no permission to connect there \(--allow-net\)/],
    [new Error("No route to host (os error 113)"), /host\.example port 7: No route to host$/],
  ] as const;
  for (const [error, words] of reasons) await assertRejects(() => dialWith(error), "connection_lost", words);
});

cryptoTest("dialling can be called off, with the reason given", async () => {
  const reason = new StxError("cancelled", "Enough");
  const signal = AbortSignal.abort(reason);
  await assertRejects(() => dialWith(new DOMException("aborted", "AbortError"), signal), "cancelled");
});

cryptoTest("who does not answer for 15 seconds is not there", async () => {
  const original = Object.getOwnPropertyDescriptor(AbortSignal, "timeout")!;
  const timeout = (ms: number) => {
    assert.equal(ms, CONNECT_TIMEOUT_MS);
    return AbortSignal.abort(new DOMException("timed out", "TimeoutError"));
  };
  Object.defineProperty(AbortSignal, "timeout", { ...original, value: timeout });
  try {
    await assertRejects(
      () => dialWith(new DOMException("aborted", "AbortError")),
      "connection_lost",
      /15 seconds/,
    );
  } finally {
    Object.defineProperty(AbortSignal, "timeout", original);
  }
});

cryptoTest("one address can be listened on once", () => {
  using listener = listen("127.0.0.1", 0);
  assertFails(() => listen("127.0.0.1", portOf(listener)), "address_in_use", /another process/);
});

cryptoTest("an address of another machine cannot be listened on", () => {
  const words = /192\.0\.2\.1 port 0: this machine has no such address$/;
  assert.match(assertFails(() => listen("192.0.2.1", 0), "address_in_use", words).hint!, /ip addr/);
});

cryptoTest("a name that leads nowhere cannot be listened on, and no hint says to take another port", () => {
  const error = assertFails(
    () => listen("host.invalid", 0),
    "address_in_use",
    /^Cannot listen on host\.invalid port 0: the name cannot be resolved$/,
  );
  assert.match(error.hint!, /IP address/);
});

cryptoTest("where too many files are open, listening says so", () => {
  const original = Object.getOwnPropertyDescriptor(Deno, "listen")!;
  for (const code of ["EMFILE", "ENFILE"]) {
    const refuse = () => {
      throw Object.assign(new Error("Too many open files (os error 24)"), { code });
    };
    Object.defineProperty(Deno, "listen", { ...original, value: refuse });
    try {
      const error = assertFails(() => listen("127.0.0.1", 0), "address_in_use", /: too many files are open$/);
      assert.match(error.hint!, /ulimit -n/);
    } finally {
      Object.defineProperty(Deno, "listen", original);
    }
  }
});

cryptoTest("a Unix socket is dialled by its path", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/agent`;
    using listener = Deno.listen({ transport: "unix", path });
    const [duplex, conn] = await Promise.all([dialUnix(path), listener.accept()]);
    await conn.write(utf8("hi"));
    const buffer = new Uint8Array(10);
    assert.equal(await duplex.read(buffer), 2);
    duplex.close();
    conn.close();
  });
});

cryptoTest("time and randomness are the system's", async () => {
  assert.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = systemClock.after(60_000, () => assert.fail("was cancelled"));
  systemClock.after(1, resolve);
  await promise;
  cancel();
  const [one, other] = [systemRandom.bytes(32), systemRandom.bytes(32)];
  assert.equal(one.length, 32);
  assert.notDeepEqual(one, other);
});

cryptoTest("a handshake and messages both ways over TCP, with large ones among them", async () => {
  await withChannels(async (client, server) => {
    const blocks = Array.from({ length: 24 }, (_, i) => new Uint8Array(i % 3 === 0 ? 1_000_000 : 10).fill(i));
    for (const [from, to] of [[client, server], [server, client]] as const) {
      const sending = (async () => {
        for (const block of blocks) {
          await from.room(block.length);
          from.send("data", block);
        }
      })();
      for (const block of blocks) assert.ok(equal((await to.receive()).body, block));
      await sending;
    }
    const closing = client.close();
    await server.peerClosed();
    await Promise.all([closing, server.close()]);
  });
});

cryptoTest("a refusal in the middle of a stream is heard, whatever is still under way", async () => {
  await withChannels(async (client, server) => {
    const block = new Uint8Array(1_000_000);
    const sending = (async () => {
      for (;;) {
        await client.room(block.length);
        client.send("data", block);
      }
    })();
    sending.catch(() => {});
    await server.receive();
    server.send("reject", Uint8Array.of(2, 0, 0));
    const closing = server.closeFor(new StxError("disk_full", "no room"));
    assert.equal((await client.receive()).type, "reject");
    await assertRejects(() => client.receive(), "connection_lost");
    await assertRejects(() => sending, "connection_lost");
    await client.closeFor(new StxError("rejected", "as told"));
    await closing;
  });
});

cryptoTest("a peer that is gone is a lost connection", async () => {
  await withChannels(async (client, server, socket) => {
    client.send("data");
    await server.receive();
    socket.close();
    await assertRejects(() => client.receive(), "connection_lost");
    await client.closeFor(new StxError("connection_lost", "over"));
    await server.close();
  });
});

cryptoTest("a peer that reads nothing cannot keep a connection open", async () => {
  const clock = new VirtualClock();
  await withSockets(async (left, right) => {
    let isReading = true;
    const deaf: Duplex = {
      ...right,
      read: (into) => isReading ? right.read(into) : new Promise<never>(() => {}),
    };
    const [client, server] = await Promise.all([
      connect(left, CLIENT, clock),
      accept(deaf, serverOptions(), clock),
    ]);
    client.send("data");
    await server.receive();
    isReading = false;
    for (let i = 0; i < 16; i++) client.send("data", new Uint8Array(1_000_000));
    const closing = client.close();
    // Each advance ends one of the two waits: for the peer, and for its last words.
    let isOver = false;
    closing.then(() => isOver = true);
    while (!isOver) {
      clock.advance(DRAIN_TIMEOUT_MS);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    right.close();
  });
});

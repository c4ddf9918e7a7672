/** Whole transfers over Web Streams of several kinds, with nothing but the defaults. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Bytes, equal } from "../../../lib/bytes/bytes.ts";
import { deferred } from "../../../lib/bytes/deferred.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import {
  BLOCK_SIZE,
  MANIFEST_FREE_SIZE,
  MANIFESTS_PER_SENDER_SIZE_MAX,
  MANIFESTS_SIZE_MAX,
} from "../../../lib/limits.ts";
import { openSource } from "../../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { accept, type AcceptOptions } from "../../../lib/net/server.ts";
import { connect, type ConnectOptions } from "../../../lib/net/client.ts";
import { type ByteStreams, streamDuplex } from "../../../lib/net/stream_duplex.ts";
import { receive, send, type SendOptions } from "../../../lib/net/transfers.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { ActiveTransfers } from "../../../lib/transfer/active_transfers.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import type { ReceivedTransfer } from "../../../lib/transfer/receiver_options.ts";
import type { SenderEvent, SentReceipt } from "../../../lib/transfer/sender.ts";
import { seededFractions } from "../../support/random.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { names } from "../../support/tree.ts";
import { RECEIVER, SENDER } from "./meeting.ts";

type Line = readonly [ByteStreams, ByteStreams];

/** Two streams crossed. */
function crossed(
  there: TransformStream<Uint8Array, Uint8Array>,
  back: TransformStream<Uint8Array, Uint8Array>,
): Line {
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ];
}

function memoryLine(): Line {
  return crossed(new TransformStream(), new TransformStream());
}

/** Cuts whatever comes into chunks of random sizes, with empty ones among them. */
function oddChunker(seed: number): TransformStream<Uint8Array, Uint8Array> {
  const random = seededFractions(seed);
  return new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.length;) {
        const size = Math.floor(random() ** 4 * 70_000);
        controller.enqueue(chunk.slice(at, at + size));
        at += size;
      }
    },
  });
}

/** As a WebSocket has it: messages instead of a stream, and one end for both directions. */
function socketLine(): Line {
  const ends = [deferred<void>(), deferred<void>()] as const;
  const over = Promise.race(ends.map((end) => end.promise));
  const [there, back] = [oddChunker(1), oddChunker(2)];
  const endTogether = (streams: ByteStreams, end: () => void): ByteStreams => {
    const writer = streams.writable.getWriter();
    over.then(() => writer.close()).catch(() => {});
    return {
      readable: streams.readable,
      writable: new WritableStream({
        write: (chunk) => writer.write(chunk),
        close: end,
        abort: end,
      }),
    };
  };
  const [left, right] = crossed(there, back);
  return [endTogether(left, ends[0].resolve), endTogether(right, ends[1].resolve)];
}

/** What the two sides of an attempt came to. */
type Outcome = readonly [PromiseSettledResult<SentReceipt>, PromiseSettledResult<ReceivedTransfer>];

/** What an attempt has beside the defaults. */
interface More {
  readonly client?: Partial<ConnectOptions>;
  readonly server?: Partial<AcceptOptions>;
  readonly sending?: Partial<SendOptions>;
}

/** A folder to send from, one to receive into, and a server's memory. */
class Post {
  readonly outbox: string;
  readonly inbox: string;
  readonly #server = {
    identity: RECEIVER,
    guard: new HelloGuard(),
    nonces: new MemoryNonceStore(),
    authorize: (key: Bytes) => assert.deepEqual(key, SENDER.publicKey),
  } satisfies AcceptOptions;
  readonly #memory = { store: new MemoryTransferStore(), active: new ActiveTransfers() };

  constructor(folder: string) {
    this.outbox = `${folder}/outbox`;
    this.inbox = `${folder}/inbox`;
    Deno.mkdirSync(this.outbox);
    Deno.mkdirSync(this.inbox);
  }

  put(name: string, sizeBytes: number): Bytes {
    const bytes = new Uint8Array(randomBytes(sizeBytes));
    Deno.writeFileSync(`${this.outbox}/${name}`, bytes);
    return bytes;
  }

  received(name: string): Bytes {
    return Deno.readFileSync(`${this.inbox}/${name}`);
  }

  /** The lists of names of other senders fill the server's memory; returns what empties it. */
  fillManifests(): () => void {
    const ofOne = MANIFESTS_PER_SENDER_SIZE_MAX;
    const shares = [ofOne, MANIFESTS_SIZE_MAX - ofOne].map((memoryBytes, index) => {
      const share = this.#memory.active.manifests.open(new Uint8Array(32).fill(index));
      // Each has a little of its own beside; a byte of a list counts three.
      share.grow(Math.floor((memoryBytes + MANIFEST_FREE_SIZE) / 3), 0);
      return share;
    });
    return () => shares.forEach((share) => share.release());
  }

  async attempt([left, right]: Line, more: More = {}): Promise<Outcome> {
    return await Promise.allSettled([this.#send(left, more), this.#receive(right, more)]);
  }

  async #send(streams: ByteStreams, more: More): Promise<SentReceipt> {
    const source = openSource(names(this.outbox).map((name) => `${this.outbox}/${name}`), {
      followLinks: false,
      onWarning: assert.fail,
    });
    try {
      const channel = await connect(streamDuplex(streams), {
        identity: SENDER,
        checkServer: (key) => assert.deepEqual(key, RECEIVER.publicKey),
        ...more.client,
      });
      const manifest = makeManifest(source.entries, true);
      return await send(channel, { identity: SENDER.publicKey, manifest, source, ...more.sending });
    } finally {
      source.close();
    }
  }

  async #receive(streams: ByteStreams, more: More): Promise<ReceivedTransfer> {
    const channel = await accept(streamDuplex(streams), { ...this.#server, ...more.server });
    return await receive(channel, {
      identity: RECEIVER,
      folder: openReceivingFolder(this.inbox),
      folderPath: this.inbox,
      ...this.#memory,
    });
  }
}

async function withPost(body: (post: Post) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => await body(new Post(await Deno.realPath(folder))));
}

function assertBoth(outcome: Outcome): readonly [SentReceipt, ReceivedTransfer] {
  for (const result of outcome) if (result.status === "rejected") throw result.reason;
  return outcome.map((result) => result.status === "fulfilled" && result.value) as [
    SentReceipt,
    ReceivedTransfer,
  ];
}

function assertCodes(outcome: Outcome, sender: string, receiver: string): void {
  assert.deepEqual(
    outcome.map((result) => result.status === "rejected" ? codeOf(result.reason) : "success"),
    [sender, receiver],
  );
}

for (const [kind, makeLine] of Object.entries({ memory: memoryLine, "a socket's messages": socketLine })) {
  cryptoTest(`megabytes arrive over streams of ${kind}`, async () => {
    await withPost(async (post) => {
      const bytes = post.put("file", 5_000_001);
      const sent: number[] = [];
      const onEvent = (event: SenderEvent) => event.kind === "sent" && sent.push(event.bytes);
      const [receipt, received] = assertBoth(await post.attempt(makeLine(), { sending: { onEvent } }));
      assert.equal(sent[0], BLOCK_SIZE);
      assert.equal(receipt.facts.digests, undefined);
      assert.ok(equal(post.received("file"), bytes));
      assert.deepEqual(names(post.inbox), ["file"]);
      assert.equal(receipt.facts.sizeBytes, bytes.length);
      assert.deepEqual(received.transferId, receipt.facts.transferId);
    });
  });
}

cryptoTest("megabytes arrive over the streams of a Deno connection, and its sockets are closed", async () => {
  await withPost(async (post) => {
    const bytes = post.put("file", 5_000_001);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const line = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      listener.accept(),
    ]);
    assertBoth(await post.attempt(line));
    assert.ok(equal(post.received("file"), bytes));
  });
});

cryptoTest("when a transfer is over, both ends have closed their direction, the receiver last", async () => {
  await withPost(async (post) => {
    post.put("file", 1);
    const ends: string[] = [];
    const noting = (end: string) =>
      new TransformStream<Uint8Array, Uint8Array>({ flush: () => void ends.push(end) });
    assertBoth(await post.attempt(crossed(noting("sender"), noting("receiver"))));
    assert.deepEqual(ends, ["sender", "receiver"]);
  });
});

cryptoTest("the lists of names of all connections of a server share one memory", async () => {
  await withPost(async (post) => {
    for (let index = 0; index < 700; index++) post.put(`file-${index}`, 0);
    const empty = post.fillManifests();
    // The sender is to try again.
    assertCodes(await post.attempt(memoryLine()), "connection_lost", "busy");
    empty();
    assertBoth(await post.attempt(memoryLine()));
    assert.equal(names(post.inbox).length, 700);
  });
});

cryptoTest("a line that is cut is continued over other streams", async () => {
  await withPost(async (post) => {
    const bytes = post.put("file", 6_000_000);
    let left = 3_500_000;
    const there = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        left -= chunk.length;
        if (left < 0) throw new Error("the line is cut");
        controller.enqueue(chunk);
      },
    });
    assertCodes(
      await post.attempt(crossed(there, new TransformStream())),
      "connection_lost",
      "connection_lost",
    );
    assert.deepEqual(names(post.inbox), [".stx-partial"]);
    const [, received] = assertBoth(await post.attempt(memoryLine()));
    assert.ok(received.receivedBytes > 0 && received.receivedBytes < bytes.length, "only the rest came");
    assert.ok(equal(post.received("file"), bytes));
  });
});

cryptoTest("a sender that comes back ends its old connection, which nobody knows to be dead", async () => {
  await withPost(async (post) => {
    const bytes = post.put("file", 6_000_000);
    let left = 3_500_000;
    const stuck = deferred<void>();
    const there = new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        left -= chunk.length;
        if (left < 0) {
          stuck.resolve();
          await new Promise<never>(() => {});
        }
        controller.enqueue(chunk);
      },
    });
    const old = post.attempt(crossed(there, new TransformStream()));
    await stuck.promise;
    const [, received] = assertBoth(await post.attempt(memoryLine()));
    assert.ok(received.receivedBytes < bytes.length, "only the rest came");
    assert.ok(equal(post.received("file"), bytes));
    assertCodes(await old, "superseded", "cancelled");
  });
});

cryptoTest("a connection that was held back on the way does not end the one that came after it", async () => {
  await withPost(async (post) => {
    const bytes = post.put("file", 6_000_000);
    const [isAnswered, isLetGo] = [deferred<void>(), deferred<void>()];
    let isFirst = true;
    const there = new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        // HELLO goes through.
        if (!isFirst) await isLetGo.promise;
        isFirst = false;
        controller.enqueue(chunk);
      },
    });
    const back = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk);
        isAnswered.resolve();
      },
    });
    const old = post.attempt(crossed(there, back));
    await isAnswered.promise;
    let left = 3_500_000;
    const newer = new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        left -= chunk.length;
        if (left < 0) {
          isLetGo.resolve();
          await old;
        }
        controller.enqueue(chunk);
      },
    });
    assertBoth(await post.attempt(crossed(newer, new TransformStream())));
    assert.ok(equal(post.received("file"), bytes));
    assertCodes(await old, "superseded", "cancelled");
  });
});

cryptoTest("a name that begins with a dot is refused", async () => {
  await withPost(async (post) => {
    post.put(".profile", 10);
    assertCodes(await post.attempt(memoryLine()), "rejected", "bad_name");
  });
});

cryptoTest("what the receiver refuses, the sender hears of, and both ends are closed", async () => {
  await withPost(async (post) => {
    post.put("file", 3_000_000);
    Deno.writeTextFileSync(`${post.inbox}/file`, "mine");
    assertCodes(await post.attempt(memoryLine()), "rejected", "exists");
    assert.equal(Deno.readTextFileSync(`${post.inbox}/file`), "mine");
  });
});

cryptoTest(
  "a client says goodbye to a server that its caller does not mean, which learns nothing",
  async () => {
    await withPost(async (post) => {
      post.put("file", 1);
      const client = {
        checkServer() {
          throw new StxError("receiver_changed", "This is another one");
        },
      };
      assertCodes(await post.attempt(memoryLine(), { client }), "receiver_changed", "handshake_failed");
      assert.deepEqual(names(post.inbox), []);
    });
  },
);

cryptoTest("with a shared key alone both ends want it, and take no identity in its place", async () => {
  await withPost(async (post) => {
    post.put("file", 100_000);
    const [key, other] = [randomBytes(32), randomBytes(32)].map((bytes) =>
      prepareSharedKey(new Uint8Array(bytes))
    );
    const modes: string[] = [];
    const server = {
      sharedKeys: [key!],
      authorize: (_key: Bytes, _intent: string, mode: string) => void modes.push(mode),
    };
    assertCodes(await post.attempt(memoryLine(), { server }), "refused_connection", "handshake_failed");
    assertCodes(
      await post.attempt(memoryLine(), { client: { sharedKey: other }, server }),
      "refused_connection",
      "handshake_failed",
    );
    assertCodes(
      await post.attempt(memoryLine(), { client: { sharedKey: key } }),
      "refused_connection",
      "handshake_failed",
    );
    assertBoth(await post.attempt(memoryLine(), { client: { sharedKey: key }, server }));
    const client = { sharedKey: key, authModes: ["identity+psk"] as const };
    Deno.removeSync(`${post.inbox}/file`);
    assertBoth(await post.attempt(memoryLine(), { client, server }));
    assert.deepEqual(modes, ["psk", "identity+psk"]);
  });
});

cryptoTest(
  "a server with an empty list of shared keys takes nobody, and no identity in their place",
  async () => {
    await withPost(async (post) => {
      post.put("file", 10);
      const server = { sharedKeys: [], authorize: () => {} };
      assertCodes(await post.attempt(memoryLine(), { server }), "refused_connection", "handshake_failed");
      const client = { sharedKey: prepareSharedKey(new Uint8Array(randomBytes(32))) };
      assertCodes(
        await post.attempt(memoryLine(), { client, server }),
        "refused_connection",
        "handshake_failed",
      );
    });
  },
);

cryptoTest("a client that cannot even begin closes its line", async () => {
  const [left, right] = memoryLine();
  const connecting = connect(streamDuplex(left), {
    identity: SENDER,
    authModes: ["psk"],
    checkServer: () => {},
  });
  await assert.rejects(connecting, /shared key/);
  await assert.rejects(streamDuplex(right).read(new Uint8Array(1)));
});

cryptoTest("a server's memory outlives a connection: the same HELLO opens nothing twice", async () => {
  await withPost(async (post) => {
    post.put("file", 10);
    const client = { random: { bytes: (size: number) => new Uint8Array(size).fill(7) } };
    assertBoth(await post.attempt(memoryLine(), { client }));
    assertCodes(await post.attempt(memoryLine(), { client }), "refused_connection", "handshake_failed");
  });
});

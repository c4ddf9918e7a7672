/** Web Streams as duplexes: how they cut bytes, hold back, end and fail. Transfers over them: stream_transfer_test.ts. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Bytes, equal, utf8 } from "../../../lib/bytes/bytes.ts";
import { deferred } from "../../../lib/bytes/deferred.ts";
import { type ByteStreams, streamDuplex } from "../../../lib/net/stream_duplex.ts";
import type { Duplex } from "../../../lib/ports.ts";
import { piecesOf } from "../../support/pieces.ts";
import { assertRejects } from "../identity/failures.ts";

/** A stream that ends at once. */
function empty(): ByteStreams["readable"] {
  return ReadableStream.from([]);
}

/** Reads to the end in buffers of these sizes, over and over. */
async function readAll(duplex: Duplex, sizes: readonly number[]): Promise<Bytes> {
  const read: number[] = [];
  for (let i = 0;; i++) {
    const buffer = new Uint8Array(sizes[i % sizes.length]!);
    const size = await duplex.read(buffer);
    if (size === null) return Uint8Array.from(read);
    assert.ok(size > 0 && size <= buffer.length);
    read.push(...buffer.subarray(0, size));
  }
}

/** The next turn of the event loop: what could have happened by itself has. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Whether `work` is still under way after everything that goes on by itself. */
async function isPending(work: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  work.then(() => isOver = true, () => isOver = true);
  await turn();
  return !isOver;
}

Deno.test("chunks of any size fill buffers of any size, and empty ones are passed over", async () => {
  const bytes = new Uint8Array(randomBytes(3_000));
  for (const chunks of [[1], [3_000], [700, 1, 0, 0, 256, 3], [0, 64]]) {
    for (const buffers of [[1], [5_000], [64, 63, 1, 1_000]]) {
      const readable = ReadableStream.from(piecesOf(bytes, chunks));
      const duplex = streamDuplex({ readable, writable: new WritableStream() });
      assert.deepEqual(await readAll(duplex, buffers), bytes, `${chunks} into ${buffers}`);
      assert.equal(await duplex.read(new Uint8Array(1)), null, "the end stays the end");
      duplex.close();
    }
  }
});

Deno.test("a stream of bytes in WebStreams' own sense is read as any other", async () => {
  const bytes = new Uint8Array(randomBytes(1_000));
  for (const autoAllocateChunkSize of [undefined, 64]) {
    let at = 0;
    const readable = new ReadableStream({
      type: "bytes",
      ...(autoAllocateChunkSize === undefined ? {} : { autoAllocateChunkSize }),
      pull(controller) {
        const view = controller.byobRequest?.view;
        const part = bytes.slice(at, at + (view?.byteLength ?? 99));
        at += part.length;
        if (view === undefined || view === null) {
          controller.enqueue(part);
          if (at === bytes.length) controller.close();
          return;
        }
        new Uint8Array(view.buffer, view.byteOffset).set(part);
        if (part.length === 0) controller.close();
        controller.byobRequest!.respond(part.length);
      },
    });
    const duplex = streamDuplex({ readable, writable: new WritableStream() });
    assert.deepEqual(await readAll(duplex, [50, 300]), bytes);
    assert.equal(await duplex.read(new Uint8Array(1)), null, "the end stays the end");
    duplex.close();
  }
});

Deno.test("a chunk is not touched, and none of it is given out twice", async () => {
  const chunk = utf8("abcdef");
  const duplex = streamDuplex({ readable: ReadableStream.from([chunk]), writable: new WritableStream() });
  const [one, two] = [new Uint8Array(4), new Uint8Array(4)];
  assert.equal(await duplex.read(one), 4);
  assert.equal(await duplex.read(two), 2);
  assert.deepEqual(chunk, utf8("abcdef"));
  assert.deepEqual([one, two.subarray(0, 2)], [utf8("abcd"), utf8("ef")]);
  duplex.close();
});

Deno.test("a stream of something else than bytes is refused", async () => {
  const readable = ReadableStream.from(["text"]) as unknown as ReadableStream<Uint8Array>;
  const duplex = streamDuplex({ readable, writable: new WritableStream() });
  await assert.rejects(duplex.read(new Uint8Array(10)), /not one of bytes/);
  duplex.close();
});

Deno.test("what was written stays the writer's: the stream may do with its copy as it likes", async () => {
  const got: Bytes[] = [];
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      got.push(new Uint8Array(chunk));
      (chunk.buffer as ArrayBuffer).transfer(0);
    },
  });
  const duplex = streamDuplex({ readable: empty(), writable });
  const bytes = utf8("whole").subarray(1);
  const writing = duplex.write(bytes);
  bytes.fill(0);
  await writing;
  assert.deepEqual(got, [utf8("hole")]);
  assert.equal(bytes.length, 4, "it was not detached");
  duplex.close();
});

Deno.test("a write takes as long as the stream's own, and a slow reader holds it back", async () => {
  const gate = deferred<void>();
  const slow = streamDuplex({
    readable: empty(),
    writable: new WritableStream({ write: () => gate.promise }),
  });
  const writing = slow.write(utf8("a"));
  assert.ok(await isPending(writing));
  gate.resolve();
  await writing;
  slow.close();

  const line = new TransformStream<Uint8Array, Uint8Array>();
  const left = streamDuplex({ readable: empty(), writable: line.writable });
  const right = streamDuplex({ readable: line.readable, writable: new WritableStream() });
  const sending = left.write(utf8("nobody reads")).then(() => left.write(utf8("now")));
  assert.ok(await isPending(sending));
  assert.equal(await right.read(new Uint8Array(100)), 12);
  assert.equal(await right.read(new Uint8Array(100)), 3);
  await sending;
  left.close();
  right.close();
});

Deno.test("the end of one direction leaves the other open", async () => {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  const left = streamDuplex({ readable: back.readable, writable: there.writable });
  const right = streamDuplex({ readable: there.readable, writable: back.writable });
  const closing = left.closeWrite();
  assert.equal(await right.read(new Uint8Array(1)), null);
  await closing;
  const buffer = new Uint8Array(10);
  const [size] = await Promise.all([left.read(buffer), right.write(utf8("after"))]);
  assert.deepEqual(buffer.subarray(0, size!), utf8("after"));
  await assert.rejects(left.write(utf8("too late")));
  left.close();
  right.close();
});

/** Streams on which everything waits for ever, and what they were told. */
function stuckStreams(): ByteStreams & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    readable: new ReadableStream<Uint8Array>({
      cancel: (reason) => void told.push(`cancel: ${reason.code}`),
    }),
    writable: new WritableStream<Uint8Array>({
      write: (_chunk, controller) => {
        controller.signal.addEventListener(
          "abort",
          () => told.push(`abort: ${controller.signal.reason.code}`),
        );
        return new Promise<never>(() => {});
      },
    }),
  };
}

Deno.test("closing ends whatever waits, tells both streams, and may be done again", async () => {
  const streams = stuckStreams();
  const duplex = streamDuplex(streams);
  const work = [
    duplex.read(new Uint8Array(1)),
    duplex.write(utf8("never taken")),
    duplex.write(utf8("not even begun")),
    duplex.closeWrite(),
  ];
  for (const each of work) assert.ok(await isPending(each));
  duplex.close();
  duplex.close();
  for (const each of work) await assertRejects(() => each, "connection_lost", /by this side/);
  assert.deepEqual(streams.told.sort(), ["abort: connection_lost", "cancel: connection_lost"], "once each");
});

Deno.test("nothing is read or written after closing, not even what was there", async () => {
  let writeCount = 0;
  const duplex = streamDuplex({
    readable: ReadableStream.from([utf8("abc")]),
    writable: new WritableStream({ write: () => void writeCount++ }),
  });
  assert.equal(await duplex.read(new Uint8Array(1)), 1);
  duplex.close();
  await assertRejects(() => duplex.read(new Uint8Array(1)), "connection_lost");
  await assertRejects(() => duplex.write(utf8("a")), "connection_lost");
  await assertRejects(() => duplex.closeWrite(), "connection_lost");
  await turn();
  assert.equal(writeCount, 0);
});

Deno.test("a stream's failure is that of the read or the write, and nothing is left unheard", async () => {
  const duplex = streamDuplex({
    readable: new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error("no line")),
    }),
    writable: new WritableStream({ write: () => Promise.reject(new Error("no pipe")) }),
  });
  await turn();
  await assert.rejects(duplex.read(new Uint8Array(1)), /no line/);
  await assert.rejects(duplex.write(utf8("a")), /no pipe/);
  await assert.rejects(duplex.write(utf8("a")), /no pipe/);
  await assert.rejects(duplex.closeWrite());
  duplex.close();
  await turn();
});

Deno.test("streams that cannot even be closed do no harm", async () => {
  const duplex = streamDuplex({
    readable: new ReadableStream<Uint8Array>({ cancel: () => Promise.reject(new Error("no cancel")) }),
    writable: new WritableStream({ abort: () => Promise.reject(new Error("no abort")) }),
  });
  duplex.close();
  // What nobody has caught would end the test.
  await turn();
});

Deno.test("streams that somebody else has are refused, and the other one is left alone", () => {
  const [readable, writable] = [new ReadableStream<Uint8Array>(), new WritableStream<Uint8Array>()];
  const reader = readable.getReader();
  assert.throws(() => streamDuplex({ readable, writable }), TypeError);
  assert.equal(writable.locked, false);
  reader.releaseLock();
  const writer = writable.getWriter();
  assert.throws(() => streamDuplex({ readable, writable }), TypeError);
  assert.equal(readable.locked, false);
  writer.releaseLock();
  streamDuplex({ readable, writable }).close();
});

Deno.test("a Deno connection's own streams carry megabytes both ways, and closing frees the socket", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [left, right] = (await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ])).map(streamDuplex) as [Duplex, Duplex];
  const large = new Uint8Array(randomBytes(5_000_000));
  for (const [from, to] of [[left, right], [right, left]] as const) {
    const writing = from.write(large);
    const received = new Uint8Array(large.length);
    for (let at = 0; at < large.length;) at += (await to.read(received.subarray(at)))!;
    await writing;
    assert.ok(equal(received, large));
  }
  const reading = right.read(new Uint8Array(1));
  left.close();
  assert.equal(await reading, null);
  const waiting = right.read(new Uint8Array(1));
  right.close();
  await waiting.then((size) => assert.equal(size, null), () => {});
});

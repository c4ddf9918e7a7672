/** Somebody on the way changes nothing, but lets go later of what it has held back. */
import assert from "node:assert/strict";
import { FRAME_HEADER_SIZE } from "../../lib/wire/frame.ts";
import { withStage } from "../support/stage.ts";
import { tree } from "../support/tree.ts";

/** Behind VERIFY and OFFER, and well before the end of what is sent here. */
const LET_GO_AFTER = 2_000_000;

async function readWhole(from: Deno.Conn, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await from.read(bytes.subarray(at));
    if (count === null) throw new Error("the line ended");
    at += count;
  }
  return bytes;
}

async function readFrame(from: Deno.Conn): Promise<Uint8Array> {
  const header = await readWhole(from, FRAME_HEADER_SIZE);
  const body = await readWhole(from, (header[1]! << 16) | (header[2]! << 8) | header[3]!);
  return Uint8Array.of(...header, ...body);
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** Carries one way until an end is gone; `onBytes` hears how much has gone through. */
async function carry(
  from: Deno.Conn,
  to: Deno.Conn,
  onBytes: (count: number) => Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let count = 0;
  for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
    await writeAll(to, buffer.subarray(0, size));
    count += size;
    await onBytes(count);
  }
  await to.closeWrite();
}

for (const held of ["the offer", "the proof and the offer"] as const) {
  Deno.test(`${held} of a connection that was cut, let go later, ends no newer connection`, async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive();
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const file = stage.file("file", 12_000_000);
      const sender = stage.startSend({ port: listener.addr.port }, file);
      const toReceiver = () => Deno.connect({ hostname: "127.0.0.1", port: receiver.port });

      using older = await toReceiver();
      const first = await listener.accept();
      await writeAll(older, await readFrame(first));
      await writeAll(first, await readFrame(older));
      const verify = await readFrame(first);
      const buffer = new Uint8Array(64 * 1024);
      const offer = buffer.subarray(0, (await first.read(buffer))!);
      // The sender sees a cut, the receiver a client that takes its time.
      first.close();
      if (held === "the offer") await writeAll(older, verify);

      using newer = await toReceiver();
      using second = await listener.accept();
      let isHeld = true;
      await Promise.all([
        carry(second, newer, async (count) => {
          if (!isHeld || count < LET_GO_AFTER) return;
          isHeld = false;
          if (held !== "the offer") await writeAll(older, verify);
          await writeAll(older, offer);
          // It is answered before more goes through: the newer connection has to be there still.
          while (await older.read(buffer) !== null);
        }),
        carry(newer, second, () => Promise.resolve()),
      ]);

      const sent = await sender.ended;
      assert.equal(sent.code, 0, sent.stderr);
      assert.ok(!isHeld);
      assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
    });
  });
}

import assert from "node:assert/strict";
import { acceptLoop } from "../../../cli/accept_loop.ts";
import { Output } from "../../../cli/terminal.ts";
import { dial, listen } from "../../../lib/net/tcp.ts";
import { fakeStreams } from "./fake_streams.ts";

Deno.test("a connection that cannot be served is closed, and the next one is served", async () => {
  const exit = (): never => assert.fail("the process was ended");
  const output = new Output({
    command: "recv",
    json: false,
    quiet: false,
    verbose: false,
    exit,
    streams: fakeStreams(),
  });
  const listener = listen("127.0.0.1", 0);
  const { port } = listener.addr as Deno.NetAddr;
  let count = 0;
  let isStopping = false;
  const loop = acceptLoop({
    listener,
    output,
    isStopping: () => isStopping,
    async serve(conn) {
      count += 1;
      if (count === 1) throw new Error("the socket is gone already");
      await conn.write(Uint8Array.of(7));
      conn.close();
    },
  });
  const into = new Uint8Array(1);
  const first = await dial("127.0.0.1", port);
  assert.equal(await first.read(into), null);
  first.close();
  const second = await dial("127.0.0.1", port);
  assert.equal(await second.read(into), 1);
  assert.equal(into[0], 7);
  second.close();
  isStopping = true;
  listener.close();
  await loop;
});

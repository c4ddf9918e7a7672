import assert from "node:assert/strict";
import { Relay } from "../../../scripts/relay.ts";

const encoder = new TextEncoder();

/** A server that sends back what it gets; returns its port and how to end it. */
function echoServer(): { readonly port: number; readonly close: () => Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) await connection.readable.pipeTo(connection.writable);
  })();
  return {
    port: listener.addr.port,
    close: async () => {
      listener.close();
      await serving;
    },
  };
}

/** Sends `parts` one by one, each when the one before has come back; returns all that came back. */
async function exchange(port: number, parts: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let text = "";
  for (const part of parts) {
    await connection.write(part);
    for (let count = 0; count < part.length;) {
      const buffer = new Uint8Array(part.length - count);
      const size = await connection.read(buffer);
      if (size === null) return text;
      count += size;
      text += new TextDecoder().decode(buffer.subarray(0, size));
    }
  }
  await connection.closeWrite();
  assert.equal(await connection.read(new Uint8Array(1)), null);
  return text;
}

Deno.test("the relay passes everything on, both ways, and its ends too", async () => {
  const server = echoServer();
  {
    await using relay = new Relay(server.port, Infinity, []);
    assert.equal(await exchange(relay.port, [encoder.encode("abc"), encoder.encode("def")]), "abcdef");
    assert.equal(relay.bytesRelayed, 12);
  }
  await server.close();
});

Deno.test("the relay sees what it is to look for, also across two reads, and only that", async () => {
  const server = echoServer();
  {
    const needles = ["whole", "split", "absent"].map((name) => ({ name, bytes: encoder.encode(name) }));
    await using relay = new Relay(server.port, Infinity, needles);
    await exchange(relay.port, ["a whole one, sp", "lit ab", "sen"].map((text) => encoder.encode(text)));
    assert.deepEqual([...relay.seen], ["whole", "split"]);
  }
  await server.close();
});

Deno.test("the relay is no faster than it is told to be", async () => {
  const server = echoServer();
  {
    await using relay = new Relay(server.port, 1_000_000, []);
    const start = performance.now();
    await exchange(relay.port, Array.from({ length: 4 }, () => new Uint8Array(50_000)));
    // The last part is out before its pause begins.
    assert.ok(performance.now() - start >= 140);
  }
  await server.close();
});

Deno.test("the relay ends a connection that it cannot pass on, and serves the next", async () => {
  const server = echoServer();
  const { port } = server;
  await server.close();
  await using relay = new Relay(port, Infinity, []);
  for (let time = 0; time < 2; time++) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: relay.port });
    assert.equal(await connection.read(new Uint8Array(1)), null);
  }
});

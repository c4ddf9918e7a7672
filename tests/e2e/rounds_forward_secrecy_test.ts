import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parseClientKey } from "../../lib/rounds/key_files.ts";
import { type Bytes, hmac, join, sha256 } from "../../scripts/vectors/primitives.ts";
import {
  C2S,
  helloKey,
  laterRoot,
  packetKeys,
  S2C,
  sessionKey,
  sessionSecret,
} from "../../scripts/vectors/rounds.ts";
import { foundInMemory } from "../support/memory_search.ts";
import { canReadMemory } from "../support/process_memory.ts";
import { Lines, withGroup } from "../support/rounds_group.ts";

const ID = "a";
/** Rounds of either session. */
const ROUNDS = 5;

/** What went over one connection. */
interface Recording {
  readonly toServer: Uint8Array[];
  readonly toClient: Uint8Array[];
}

/** A relay that keeps everything, each connection by itself. */
class Recorder implements AsyncDisposable {
  readonly recordings: Recording[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ends: Deno.Conn[] = [];
  readonly #serving: Promise<void>;

  constructor(port: number) {
    this.#serving = this.#serve(port);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(port: number): Promise<void> {
    const pumps: Promise<unknown>[] = [];
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#ends.push(client, server);
      const recording: Recording = { toServer: [], toClient: [] };
      this.recordings.push(recording);
      pumps.push(pump(client, server, recording.toServer), pump(server, client, recording.toClient));
    }
    // Those whose connection was cut have failed.
    await Promise.allSettled(pumps);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const end of this.#ends) end.close();
    await this.#serving;
  }
}

async function pump(from: Deno.Conn, to: Deno.Conn, kept: Uint8Array[]): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let size; (size = await from.read(buffer)) !== null;) {
    kept.push(buffer.slice(0, size));
    await to.write(kept.at(-1)!);
  }
  await to.closeWrite();
}

/** The packets in what went one way. */
function packetsIn(stream: readonly Uint8Array[]): readonly Bytes[] {
  const bytes = join(...stream);
  const packets: Bytes[] = [];
  for (let at = 0; at < bytes.length;) {
    const sizeAt = at + 4 + bytes[at + 3]! + 8;
    const size = sizeAt - at + 4 + 16 + new DataView(bytes.buffer).getUint32(sizeAt) + 32;
    packets.push(bytes.slice(at, at + size));
    at += size;
  }
  return packets;
}

/** Every secret of a session by its name; those with "now" in it are in use behind its last packet. */
function secretsOf(name: string, root: Bytes, { toServer, toClient }: Recording): ReadonlyMap<string, Bytes> {
  const secrets = new Map<string, Bytes>([[`${name}: root`, root]]);
  const ways = [packetsIn(toServer), packetsIn(toClient)] as const;
  const secret = sessionSecret(root, ways[C2S][0]!, ways[S2C][0]!);
  secrets.set(`${name}: session secret`, secret);
  for (const direction of [C2S, S2C]) {
    let chain = helloKey(root, direction);
    for (const [i, packet] of ways[direction].entries()) {
      const where = `${name}: ${direction === C2S ? "to the server" : "to the client"}, packet ${i}`;
      const { encryptionKey, macKey } = packetKeys(chain);
      // Otherwise these are not the secrets of what was recorded.
      assert.deepEqual(hmac(macKey, packet.slice(0, -32)), packet.slice(-32), where);
      secrets.set(`${where}: chain`, chain).set(`${where}: encryption key`, encryptionKey);
      secrets.set(`${where}: MAC key`, macKey);
      chain = i === 0 ? sessionKey(secret, direction) : sha256(chain, packet);
    }
    secrets.set(`${name}: now, ${direction === C2S ? "to the server" : "to the client"}`, chain);
  }
  return secrets;
}

/** Numbers as an engine keeps those of 32 bits: each in 64, behind as many zeros. */
function tagged(words: Bytes): Bytes {
  return join(
    ...Array.from(
      { length: words.length / 4 },
      (_, i) => join(new Uint8Array(4), words.slice(4 * i, 4 * i + 4)),
    ),
  )
    .slice(4);
}

/** Each secret in every form that this program, its libraries and its engine give it. */
function inEveryForm(secrets: ReadonlyMap<string, Bytes>): ReadonlyMap<string, Uint8Array> {
  return new Map([...secrets].flatMap(([name, secret]) => {
    const words = secret.map((_, i) => secret[i ^ 3]!);
    const base64 = Buffer.from(secret).toString("base64");
    return [
      [name, secret],
      [`${name} (in HMAC's inner pad)`, secret.map((byte) => byte ^ 0x36)],
      [`${name} (in HMAC's outer pad)`, secret.map((byte) => byte ^ 0x5c)],
      [`${name} (as words of this machine)`, words],
      [`${name} (as numbers of JavaScript)`, tagged(words)],
      [`${name} (in hexadecimal)`, Buffer.from(Buffer.from(secret).toString("hex"))],
      // Its last characters hang on what stands behind it.
      [`${name} (in base64)`, Buffer.from(base64.slice(0, base64.length - 4))],
    ] as const;
  }));
}

/** The names of those byte strings that stand in the files of a folder. */
function foundInFiles(folder: string, wanted: ReadonlyMap<string, Uint8Array>): ReadonlySet<string> {
  const files = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile)
    .map(({ name }) => Buffer.from(Deno.readFileSync(`${folder}/${name}`)));
  const names = [...wanted].filter(([, bytes]) => files.some((file) => file.includes(Buffer.from(bytes))));
  return new Set(names.map(([name]) => name));
}

const CAN_READ_MEMORY = canReadMemory();

Deno.test({
  name: `keys taken from memory and disk after a message open nothing before it${
    CAN_READ_MEMORY ? "" : " (needs /proc/PID/mem)"
  }`,
  ignore: !CAN_READ_MEMORY,
  fn: () =>
    withGroup([ID], async (group) => {
      const root = parseClientKey(Deno.readFileSync(group.keyFile(ID))).root as Bytes;
      const server = await group.serve(["--verbose"]);
      await using recorder = new Recorder(server.port);
      // A whole session, and its process is gone.
      const before = await group.join(recorder, ID, "1\n".repeat(ROUNDS)).ended;
      assert.equal(before.code, 0, before.stderr);
      // And one that is still there, and waits for its next value.
      const lines = new Lines();
      const client = group.join(recorder, ID, lines);
      for (let round = 1; round <= ROUNDS; round++) {
        lines.write("2");
        await client.event("aggregate", (event) => event.round === String(ROUNDS + round));
      }
      const present = "second: now";
      const future = "next root";
      const wanted = inEveryForm(
        new Map([
          ...secretsOf("first", root, recorder.recordings[0]!),
          ...secretsOf("second", laterRoot(root, 1), recorder.recordings[1]!),
          [future, laterRoot(root, 2)],
        ]),
      );
      assert.ok(wanted.size > 7 * 2 * 2 * 3 * ROUNDS);
      const isPast = (name: string) => !name.startsWith(present) && !name.startsWith(future);
      for (const [end, { pid }] of Object.entries({ server: server.process, client })) {
        const found = foundInMemory(pid, wanted);
        // What is in use is there, and so would be found.
        for (const way of ["to the server", "to the client"]) assert.ok(found.has(`${present}, ${way}`), end);
        assert.deepEqual([...found].filter(isPast), [], `in the ${end}'s memory`);
      }
      // The server's database has the next epoch's root as it is, the client's file in base64.
      assert.deepEqual(foundInFiles(group.folder, wanted), new Set([future, `${future} (in base64)`]));
      lines.end();
      assert.equal((await client.ended).code, 0);
      await server.process.says(/has left[^]*has left/);
      // With the goodbye, behind which there is one more chain key.
      const all = inEveryForm(secretsOf("second", laterRoot(root, 1), recorder.recordings[1]!));
      const afterwards = [...foundInMemory(server.process.pid, all)];
      assert.deepEqual(afterwards, [], "in the server's memory when the session is over");
      server.process.kill("SIGTERM");
      await server.process.ended;
    }),
});

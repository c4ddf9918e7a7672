/** Each of the five errors at either end of real processes: noticed at the right side, told, and nobody else's affair. */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import type { RoundsMembership } from "../../lib/net/rounds_client.ts";
import type { Chain } from "../../lib/rounds/chain.ts";
import { PROTOCOL_ERROR_CODES, type ProtocolErrorKind } from "../../lib/rounds/errors.ts";
import { parseClientKey } from "../../lib/rounds/key_files.ts";
import { KeySchedule } from "../../lib/rounds/key_schedule.ts";
import { decodeChallenge, encodeChallenge } from "../../lib/rounds/messages.ts";
import {
  type Direction,
  DIRECTIONS,
  type Opcode,
  OPCODES,
  PacketAssembler,
} from "../../lib/rounds/packet.ts";
import { Lines, withGroup } from "../support/rounds_group.ts";
import { fault, Meddler } from "../support/rounds_meddler.ts";

const keySchedule = new KeySchedule();
const KINDS = Object.keys(PROTOCOL_ERROR_CODES) as ProtocolErrorKind[];

/** What the client says and does about each. */
const AT_CLIENT: Readonly<Record<ProtocolErrorKind, readonly [number, RegExp]>> = {
  round: [3, /its round is 1, expected 2; somebody on the way repeats packets/],
  mac: [3, /its MAC does not hold; somebody on the way changes packets/],
  direction: [6, /its direction is 0, expected 1; somebody on the way sends this client's own packets back/],
  state: [6, /Cannot accept challenge: the client is in state waitAggregate; check the address/],
  limit: [4, /its ciphertext has 2147483632 bytes, .*; check the address/],
};

/** Takes part in rounds until told to stop; the results by round. */
async function takeRounds(member: RoundsMembership, until: Promise<void>): Promise<Map<number, string>> {
  const products = new Map<number, string>();
  let isOver = false;
  until.then(() => isOver = true);
  while (!isOver) {
    const { serverRound, sum, product } = await member.round("3");
    assert.equal(sum, "3");
    products.set(serverRound, product);
  }
  await member.close();
  return products;
}

Deno.test("five errors at the server and five at the client, beside a group that goes on", async () => {
  const atServer = KINDS.map((kind) => `server-${kind}`);
  const atClient = KINDS.map((kind) => `client-${kind}`);
  await withGroup(["x", "y", ...atServer, ...atClient], async (group) => {
    const server = await group.serve(["--verbose"]);
    const over = Promise.withResolvers<void>();
    const others = Promise.all(
      ["x", "y"].map(async (id) => await takeRounds(await group.member(server, id), over.promise)),
    );

    await Promise.all(KINDS.flatMap((kind) => [
      (async () => {
        await using meddler = new Meddler(server, fault(kind, "c2s"));
        const victim = await group.member(meddler, `server-${kind}`);
        assert.equal((await victim.round("2")).sum, "2");
        await assert.rejects(victim.round("2"), { code: "connection_lost" }, kind);
        await victim.close();
      })(),
      (async () => {
        await using meddler = new Meddler(server, fault(kind, "s2c"));
        const { code, stderr, events } = await group.join(meddler, `client-${kind}`, "2\n2\n2\n").ended;
        const [expected, said] = AT_CLIENT[kind];
        assert.equal(code, expected, stderr);
        assert.match(stderr, said);
        assert.deepEqual(events.map(({ event }) => event), ["aggregate", "error"], stderr);
        const error = events.at(-1)!;
        assert.ok(error.event === "error" && error.code === PROTOCOL_ERROR_CODES[kind]);
      })(),
    ]));

    over.resolve();
    const [x, y] = await others;
    // Whoever was in a round with the other has seen the same.
    for (const [round, product] of x!) assert.equal(y!.get(round) ?? product, product);
    assert.ok(x!.size > 3);
    server.process.kill("SIGINT");
    const { code, stderr, events } = await server.process.ended;
    assert.equal(code, 130);
    const refused = events.flatMap((event) => event.event === "refused" ? [event] : []);
    assert.deepEqual(
      Object.fromEntries(refused.map(({ client, code, count }) => [client, `${count} ${code}`])),
      Object.fromEntries(KINDS.map((kind) => [`server-${kind}`, `1 ${PROTOCOL_ERROR_CODES[kind]}`])),
    );
    assert.equal(refused.length, KINDS.length);
    for (const id of atServer) {
      assert.match(stderr, new RegExp(`warning: refused ${id}, from 127\\.0\\.0\\.1: Cannot `));
      assert.match(stderr, new RegExp(`warning: connections refused in the name of ${id}: 1 `));
    }
  });
});

/** An end that has the keys and follows the protocol only as far as it is told. */
class Rogue {
  readonly #conn: Deno.Conn;
  readonly #id: string;
  readonly #direction: Direction;
  readonly #packets = new PacketAssembler();

  constructor(conn: Deno.Conn, id: string, direction: Direction) {
    this.#conn = conn;
    this.#id = id;
    this.#direction = direction;
  }

  /** Seals a packet and sends it; returns its bytes. */
  async send(chain: Chain, opcode: Opcode, round: number, body: Bytes): Promise<Bytes> {
    const header = {
      version: 1,
      opcode: OPCODES[opcode],
      direction: DIRECTIONS[this.#direction],
      id: this.#id,
      epoch: 0,
      round,
    };
    const packet = chain.seal(header, body, systemRandom);
    for (let at = 0; at < packet.length;) at += await this.#conn.write(packet.subarray(at));
    return packet;
  }

  /** The next packet, `undefined` where the other end has hung up. */
  async receive() {
    const buffer = new Uint8Array(64 * 1024);
    for (;;) {
      const packet = this.#packets.next();
      if (packet !== undefined) return packet;
      const size = await this.#conn.read(buffer).catch(() => null);
      if (size === null) return undefined;
      this.#packets.push(buffer.slice(0, size));
    }
  }
}

function rootIn(file: string): Bytes {
  return parseClientKey(Deno.readFileSync(file)).root;
}

Deno.test("a server with the keys that says nonsense: told as bad_state, and nothing of it acts on a terminal", async () => {
  await withGroup(["a"], async (group) => {
    const root = rootIn(group.keyFile("a"));
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const client = group.join(listener.addr, "a", "1\n", ["--verbose"]);
    using conn = await listener.accept();
    const rogue = new Rogue(conn, "a", "s2c");
    const hello = (await rogue.receive())!;
    assert.match(Deno.readTextFileSync(group.keyFile("a")), /^stx-rounds-key a 1 /, "before HELLO has left");
    const challenge = encodeChallenge({ challenge: new Uint8Array(16), serverRound: 0 });
    const sent = await keySchedule.withHelloChain(
      root,
      "s2c",
      (chain) => rogue.send(chain, "challenge", 0, challenge),
    );
    const { s2c, c2s } = keySchedule.sessionChains(root, hello.bytes, sent);
    const data = (await rogue.receive())!;
    assert.equal(new TextDecoder().decode(c2s.open(data).subarray(16)), "1");
    const number = (text: string) => concat(new Uint8Array([0, text.length]), utf8(text));
    await rogue.send(s2c, "aggregate", 1, concat(new Uint8Array(12), number("1"), number("\x1b[2J")));

    const { code, stdout, stderr } = await client.ended;
    assert.equal(code, 6, stderr);
    assert.match(stdout, /"code":"bad_state"/);
    for (const text of [stdout, stderr]) assert.match(text, /^[\P{Cc}\n]*$/u);
  });
});

Deno.test("clients with keys that do not return the challenge, or send no UTF-8, are refused in their own name", async () => {
  await withGroup(["a", "b", "honest"], async (group) => {
    const server = await group.serve(["--min-clients", "1"]);
    const lines = new Lines();
    const honest = group.join(server, "honest", lines);
    lines.write("1");
    await honest.event("aggregate");
    const dataOf = async (id: string, body: (challenge: Bytes) => Bytes) => {
      const root = rootIn(group.keyFile(id));
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      const rogue = new Rogue(conn, id, "c2s");
      const hello = await keySchedule.withHelloChain(
        root,
        "c2s",
        (chain) => rogue.send(chain, "hello", 0, new Uint8Array(16)),
      );
      const answer = (await rogue.receive())!;
      const { challenge } = decodeChallenge(
        keySchedule.withHelloChain(root, "s2c", (chain) => chain.open(answer)),
      );
      await rogue.send(keySchedule.sessionChains(root, hello, answer.bytes).c2s, "data", 1, body(challenge));
      assert.equal(await rogue.receive(), undefined, "no answer to that");
    };
    await dataOf("a", () => concat(new Uint8Array(16), utf8("1")));
    await dataOf("b", (challenge) => concat(challenge, new Uint8Array([0xff])));
    // Neither has held up anybody, nor counted.
    lines.write("2");
    const { clients } = await honest.event("aggregate", ({ round }) => round === "2");
    assert.equal(clients, "1");
    lines.end();
    assert.equal((await honest.ended).code, 0);
    server.process.kill("SIGINT");
    const { events, stderr } = await server.process.ended;
    assert.deepEqual(
      events.flatMap((event) => event.event === "refused" ? [[event.client, event.code, event.count]] : []),
      [["a", "bad_mac", "1"], ["b", "bad_state", "1"]],
      stderr,
    );
  });
});

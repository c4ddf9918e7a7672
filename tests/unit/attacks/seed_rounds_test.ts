/** The first design of the rounds protocol, end against end: what each of its rules refuses. */
import assert from "node:assert/strict";
import { SeedLine } from "../../../lib/attacks/weak/seed_line.ts";
import {
  SeedChain,
  seedMasterKey,
  type SeedPlace,
  SeedRoundsClient,
  SeedRoundsServer,
} from "../../../lib/attacks/weak/seed_rounds.ts";
import { type Bytes, concat, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { encryptCbc } from "../../../lib/crypto/cbc.ts";
import { hmacSha256 } from "../../../lib/crypto/hkdf.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import { OPCODES, PacketAssembler } from "../../../lib/rounds/packet.ts";
import { memoryLine } from "../../support/memory_duplex.ts";

const KEY = seedMasterKey("a");
const HELLO: SeedPlace = { id: "a", opcode: OPCODES.hello, direction: 0, round: 0 };
const DATA: SeedPlace = { ...HELLO, opcode: OPCODES.data, round: 1 };

Deno.test("a master key is the SHA-256 of the public words and the id", () => {
  // printf basekeya | sha256sum
  assert.equal(toHex(KEY), "df4e119ce243aa4886c279a1ad2f2caaf0bd2ffd6d647d8398290291c060ecea");
});

Deno.test("each value is answered by its sum and the product over the round's clients", async () => {
  const server = new SeedRoundsServer(["a", "b"], systemRandom);
  const answers: string[] = [];
  const counted: string[] = [];
  for (const [id, value] of [["a", "2, 3"], ["b", "7"], ["b", "text"]] as const) {
    const [left, right] = memoryLine();
    const serving = server.serve(new SeedLine(right), (value) => counted.push(value));
    const line = new SeedLine(left);
    const client = new SeedRoundsClient(id, seedMasterKey(id), line, systemRandom);
    await client.open();
    answers.push(await client.send(value));
    await line.closeWrite();
    await serving;
  }
  assert.deepEqual(answers, ["5 5", "7 35", "4 20"]);
  assert.deepEqual(counted, ["2, 3", "7", "text"]);
});

/** Has a server read packets that are made here under the client's keys. */
async function serve(make: (chain: SeedChain) => readonly Bytes[], ids = ["a"]): Promise<void> {
  const [left, right] = memoryLine();
  const serving = new SeedRoundsServer(ids, systemRandom).serve(new SeedLine(right), () => {});
  for (const bytes of make(new SeedChain(KEY))) await left.write(bytes);
  await left.closeWrite();
  await serving;
}

function seal(chain: SeedChain, place: SeedPlace, text = ""): Bytes {
  return chain.seal(place, utf8(text), systemRandom);
}

Deno.test("packets in their order are taken", async () => {
  await serve((
    chain,
  ) => [seal(chain, HELLO), seal(chain, DATA, "1"), seal(chain, { ...DATA, round: 2 }, "2")]);
});

Deno.test("a packet of another direction, round, kind or client is refused by its own error", async () => {
  await assert.rejects(serve((chain) => [seal(chain, { ...HELLO, direction: 1 })]), {
    code: "bad_direction",
  });
  await assert.rejects(serve((chain) => [seal(chain, { ...HELLO, round: 1 })]), { code: "bad_round" });
  await assert.rejects(serve((chain) => [seal(chain, { ...HELLO, opcode: OPCODES.data })]), {
    code: "bad_state",
  });
  await assert.rejects(serve((chain) => [seal(chain, HELLO), seal(chain, { ...DATA, round: 2 })]), {
    code: "bad_round",
  });
  await assert.rejects(
    serve((chain) => [seal(chain, HELLO), seal(chain, { ...DATA, id: "b" })], ["a", "b"]),
    {
      code: "bad_state",
    },
  );
  await assert.rejects(serve((chain) => [seal(chain, HELLO)], ["b"]), { code: "bad_state" });
});

Deno.test("a packet that was changed, or is under another key, is bad_mac", async () => {
  await assert.rejects(serve(() => [seal(new SeedChain(seedMasterKey("b")), HELLO)]), { code: "bad_mac" });
  await assert.rejects(
    serve((chain) => {
      const hello = seal(chain, HELLO);
      // A bit of the epoch, which nothing looks at.
      hello[5]! ^= 1;
      return [hello];
    }),
    { code: "bad_mac" },
  );
});

Deno.test("a packet that is padded wrongly under the right key is bad_mac", async () => {
  await assert.rejects(
    serve((chain) => {
      const hello = seal(chain, HELLO);
      const assembler = new PacketAssembler();
      assembler.push(hello);
      const { covered, iv, ciphertext } = assembler.next()!;
      // The first block of an encryption of zeros ends in a zero, which is no padding.
      const zeros = encryptCbc(KEY.slice(0, 16), iv, new Uint8Array(16)).subarray(0, ciphertext.length);
      const changed = concat(covered.subarray(0, covered.length - ciphertext.length), zeros);
      return [concat(changed, hmacSha256(KEY, changed))];
    }),
    { code: "bad_mac" },
  );
});

Deno.test("a key goes on with every message, and not back", async () => {
  await assert.rejects(
    serve((chain) => {
      const hello = seal(chain, HELLO);
      return [hello, seal(new SeedChain(KEY), DATA, "1")];
    }),
    { code: "bad_mac" },
  );
});

Deno.test("a client refuses what is not the answer to its packet, and an end is connection_lost", async () => {
  const client = async (answer: Bytes | undefined) => {
    const [left, right] = memoryLine();
    const opening = new SeedRoundsClient("a", KEY, new SeedLine(left), systemRandom).open();
    if (answer !== undefined) await right.write(answer);
    await right.closeWrite();
    await opening;
  };
  const challenge: SeedPlace = { ...HELLO, opcode: OPCODES.challenge, direction: 1 };
  await client(seal(new SeedChain(KEY), challenge, "challenge"));
  await assert.rejects(client(undefined), { code: "connection_lost" });
  await assert.rejects(client(seal(new SeedChain(KEY), HELLO)), { code: "bad_direction" });
  await assert.rejects(client(seal(new SeedChain(KEY), { ...challenge, opcode: OPCODES.aggregate })), {
    code: "bad_state",
  });
  await assert.rejects(client(seal(new SeedChain(seedMasterKey("b")), challenge)), { code: "bad_mac" });
});

Deno.test("a server has a hundred clients at most", () => {
  const ids = Array.from({ length: 101 }, (_, i) => `c${i}`);
  new SeedRoundsServer(ids.slice(1), systemRandom);
  assert.throws(() => new SeedRoundsServer(ids, systemRandom), /At most 100/);
});

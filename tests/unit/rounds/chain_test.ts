import assert from "node:assert/strict";
import { createCipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import { type Bytes, concat, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { Chain } from "../../../lib/rounds/chain.ts";
import { KeySchedule } from "../../../lib/rounds/key_schedule.ts";
import { type Packet, PacketAssembler } from "../../../lib/rounds/packet.ts";
import { flipBit } from "../../support/pieces.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { fails, HEADER } from "./ends.ts";

const KEY = new Uint8Array(32).fill(3);
const BODY = utf8("1,2,3");
const keySchedule = new KeySchedule();

function sealed(chain = new Chain(KEY.slice()), body = BODY): Bytes {
  return chain.seal(HEADER, body, seededRandom("iv"));
}

function packetOf(bytes: Bytes): Packet {
  const assembler = new PacketAssembler();
  assembler.push(bytes);
  return assembler.next()!;
}

/** HKDF-Expand as RFC 5869 writes it, for one block. */
function expand(secret: Uint8Array, info: Uint8Array, size: number): Bytes {
  return new Uint8Array(createHmac("sha256", secret).update(info).update(Uint8Array.of(1)).digest()).slice(
    0,
    size,
  );
}

function hash(...parts: readonly Uint8Array[]): Bytes {
  return new Uint8Array(createHash("sha256").update(concat(...parts)).digest());
}

Deno.test("a packet is what the document says, and so is the chain key behind it", () => {
  const iv = seededRandom("iv").bytes(16);
  const cipher = createCipheriv("aes-128-cbc", expand(KEY, utf8("stx rounds encrypt"), 16), iv);
  const ciphertext = concat(cipher.update(BODY), cipher.final());
  const head = concat(
    Uint8Array.of(1, 3, 0, 8),
    utf8("sensor-1"),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 16),
  );
  const covered = concat(head, iv, ciphertext);
  const mac = createHmac("sha256", expand(KEY, utf8("stx rounds mac"), 32)).update(covered).digest();
  const expected = concat(covered, mac);

  const chain = new Chain(KEY.slice());
  assert.equal(toHex(sealed(chain)), toHex(expected));
  assert.equal(toHex(chain.key), toHex(hash(KEY, expected)));
});

Deno.test("two ends go on together, and the keys change with each packet", () => {
  const [sender, receiver] = [new Chain(KEY.slice()), new Chain(KEY.slice())];
  const random = seededRandom("iv");
  const seen = new Set([toHex(sender.key)]);
  for (const text of ["", "1", "1", "x".repeat(1_000)]) {
    const packet = sender.seal(HEADER, utf8(text), random);
    assert.deepEqual(receiver.open(packetOf(packet)), utf8(text));
    assert.deepEqual(receiver.key, sender.key);
    assert.ok(!seen.has(toHex(sender.key)));
    seen.add(toHex(sender.key));
  }
});

Deno.test("each packet has an IV of its own", () => {
  const random = seededRandom("iv");
  const chain = new Chain(KEY.slice());
  const ivs = [1, 2, 3].map(() => toHex(packetOf(chain.seal(HEADER, BODY, random)).iv));
  assert.equal(new Set(ivs).size, 3);
});

Deno.test("a flipped bit anywhere is noticed, and changes nothing", () => {
  const good = sealed();
  const chain = new Chain(KEY.slice());
  // The sizes decide where everything stands; what they can do is the assembler's to notice.
  const sizes = [3, 20, 21, 22, 23];
  for (let bit = 0; bit < 8 * good.length; bit++) {
    if (sizes.includes(bit >> 3)) continue;
    fails("mac", () => chain.open(packetOf(flipBit(good, bit))), /its MAC does not hold/);
    assert.deepEqual(chain.key, KEY);
  }
  assert.deepEqual(chain.open(packetOf(good)), BODY);
});

Deno.test("a packet does not come twice, and none can be left out", () => {
  const sender = new Chain(KEY.slice());
  const [first, second] = [sealed(sender), sealed(sender)];
  const receiver = new Chain(KEY.slice());
  fails("mac", () => receiver.open(packetOf(second)));
  receiver.open(packetOf(first));
  fails("mac", () => receiver.open(packetOf(first)));
  receiver.open(packetOf(second));
});

Deno.test("bad padding under a good MAC is the same error, and changes nothing", () => {
  const good = packetOf(sealed());
  const ciphertext = flipBit(good.ciphertext, 8 * 15);
  const covered = concat(good.covered.slice(0, -ciphertext.length), ciphertext);
  const mac = createHmac("sha256", expand(KEY, utf8("stx rounds mac"), 32)).update(covered).digest();
  const chain = new Chain(KEY.slice());
  const error = fails("mac", () => chain.open(packetOf(concat(covered, mac))));
  assert.deepEqual(chain.key, KEY);
  const other = fails("mac", () => chain.open(packetOf(concat(covered, new Uint8Array(32)))));
  assert.equal(error.message, other.message);
});

Deno.test("the keys of a packet, and a chain key that was used, are overwritten", () => {
  const given = KEY.slice();
  const chain = new Chain(given);
  assert.deepEqual(given, new Uint8Array(32));
  const { key } = chain;
  sealed(chain);
  assert.equal(chain.key, key, "the chain key stays in its place");
  assert.notDeepEqual(key, KEY);
});

Deno.test("an erased chain holds nothing and does nothing", () => {
  const chain = new Chain(KEY.slice());
  const packet = packetOf(sealed());
  chain.erase();
  assert.deepEqual(chain.key, new Uint8Array(32));
  assert.throws(() => sealed(chain), /erased/);
  assert.throws(() => chain.open(packet), /erased/);
  assert.deepEqual(chain.key, new Uint8Array(32));
});

Deno.test("the chains of HELLO and CHALLENGE come from the root, one a direction, and are erased", () => {
  for (const direction of ["c2s", "s2c"] as const) {
    const chain = keySchedule.withHelloChain(KEY, direction, (chain) => {
      assert.equal(toHex(chain.key), toHex(expand(KEY, utf8(`stx rounds hello ${direction}`), 32)));
      return chain;
    });
    assert.deepEqual(chain.key, new Uint8Array(32));
  }
  let erased: Chain | undefined;
  const throwing = () =>
    keySchedule.withHelloChain(KEY, "c2s", (chain) => {
      erased = chain;
      throw new Error("stopped");
    });
  assert.throws(throwing, /stopped/);
  assert.deepEqual(erased!.key, new Uint8Array(32));
});

Deno.test("the chains of a session come from the root and both packets of the handshake, whole", () => {
  const [hello, challenge] = [utf8("HELLO"), utf8("CHALLENGE")];
  const chains = keySchedule.sessionChains(KEY, hello, challenge);
  for (const direction of ["c2s", "s2c"] as const) {
    const info = utf8(`stx rounds session ${direction}`);
    const expected = hkdfSync("sha256", KEY, hash(hello, challenge), info, 32);
    assert.equal(toHex(chains[direction].key), toHex(new Uint8Array(expected)));
  }
  const others = [
    keySchedule.sessionChains(flipBit(KEY, 0), hello, challenge),
    keySchedule.sessionChains(KEY, flipBit(hello, 0), challenge),
    keySchedule.sessionChains(KEY, hello, flipBit(challenge, 0)),
  ];
  const keys = [chains, ...others].flatMap(({ c2s, s2c }) => [toHex(c2s.key), toHex(s2c.key)]);
  assert.equal(new Set(keys).size, 8);
});

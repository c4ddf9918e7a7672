import assert from "node:assert/strict";
import { concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { answerClientShare, makeClientShare } from "../../../lib/crypto/key_agreement.ts";
import { CLIENT_SHARE_SIZE, SERVER_SHARE_SIZE } from "../../../lib/limits.ts";
import { flipBit } from "../../support/pieces.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { assertRejects } from "../identity/failures.ts";

const KEM_PUBLIC_SIZE = 1184;
const KEM_CIPHERTEXT_SIZE = 1088;

/** X25519's points of small order, and the same with the ignored top bit or above the field's prime (RFC 7748). */
const LOW_ORDER_POINTS = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0100000000000000000000000000000000000000000000000000000000000080",
];

Deno.test("both ends get the same 64-byte secret", async () => {
  const client = await makeClientShare(seededRandom("client"));
  assert.equal(client.publicShare.length, CLIENT_SHARE_SIZE);
  const server = await answerClientShare(client.publicShare, seededRandom("server"));
  assert.equal(server.publicShare.length, SERVER_SHARE_SIZE);
  assert.equal(server.secret.length, 64);
  assert.deepEqual(await client.finish(server.publicShare), server.secret);
  assert.ok(server.secret.subarray(0, 32).some((byte) => byte !== 0));
  assert.ok(server.secret.subarray(32).some((byte) => byte !== 0));
});

Deno.test("a client's share follows from its randomness, and every share and secret is another", async () => {
  const first = await makeClientShare(seededRandom("a"));
  const again = await makeClientShare(seededRandom("a"));
  const other = await makeClientShare(seededRandom("b"));
  assert.deepEqual(again.publicShare, first.publicShare);
  const [kem, x25519] = [
    first.publicShare.slice(0, KEM_PUBLIC_SIZE),
    first.publicShare.slice(KEM_PUBLIC_SIZE),
  ];
  assert.notDeepEqual(other.publicShare.slice(0, KEM_PUBLIC_SIZE), kem);
  assert.notDeepEqual(other.publicShare.slice(KEM_PUBLIC_SIZE), x25519);
  const one = await answerClientShare(first.publicShare, seededRandom("s"));
  const two = await answerClientShare(first.publicShare, seededRandom("t"));
  assert.notDeepEqual(two.secret.slice(0, 32), one.secret.slice(0, 32));
  assert.notDeepEqual(two.secret.slice(32), one.secret.slice(32));
  assert.deepEqual(await again.finish(one.publicShare), one.secret);
});

Deno.test("the classical half is X25519 as RFC 7748, section 6.1, has it", async () => {
  // A client whose X25519 secret is Bob's finishes with Alice's public key.
  const bob = fromHex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const alicePublic = fromHex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  const parts = [new Uint8Array(64).fill(1), bob];
  const client = await makeClientShare({ bytes: () => parts.shift()!.slice() });
  assert.equal(
    toHex(client.publicShare.slice(KEM_PUBLIC_SIZE)),
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  );
  const { publicShare } = await answerClientShare(client.publicShare, seededRandom("s"));
  const secret = await client.finish(concat(publicShare.slice(0, KEM_CIPHERTEXT_SIZE), alicePublic));
  assert.equal(toHex(secret.slice(32)), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
});

Deno.test("a server refuses an encapsulation key whose numbers are not below the modulus", async () => {
  const { publicShare } = await makeClientShare(seededRandom("client"));
  const allOnes = publicShare.slice();
  allOnes.fill(0xff, 0, KEM_PUBLIC_SIZE);
  await assertRejects(() => answerClientShare(allOnes, seededRandom("s")), "handshake_failed", /not usable/);
  // One coefficient of 3329, the modulus itself, is enough.
  const one = publicShare.slice();
  one[0] = 0x01;
  one[1] = (one[1]! & 0xf0) | 0x0d;
  await assertRejects(() => answerClientShare(one, seededRandom("s")), "handshake_failed");
});

Deno.test("both ends refuse X25519 points that make the secret known to everybody", async () => {
  for (const point of LOW_ORDER_POINTS.map(fromHex)) {
    const client = await makeClientShare(seededRandom("client"));
    const forged = concat(client.publicShare.slice(0, KEM_PUBLIC_SIZE), point);
    await assertRejects(() => answerClientShare(forged, seededRandom("s")), "handshake_failed");
    const server = await answerClientShare(client.publicShare, seededRandom("s"));
    const answer = concat(server.publicShare.slice(0, KEM_CIPHERTEXT_SIZE), point);
    await assertRejects(() => client.finish(answer), "handshake_failed", /not usable/);
  }
});

Deno.test("a changed ciphertext gives another secret, not an error: which it was stays hidden", async () => {
  const client = await makeClientShare(seededRandom("client"));
  const server = await answerClientShare(client.publicShare, seededRandom("s"));
  for (const bit of [0, 7, 4000, 8 * KEM_CIPHERTEXT_SIZE - 1]) {
    const secret = await client.finish(flipBit(server.publicShare, bit));
    assert.notDeepEqual(secret.slice(0, 32), server.secret.slice(0, 32));
    assert.deepEqual(secret.slice(32), server.secret.slice(32));
    // Implicit rejection (FIPS 203, 6.3) gives the same pseudorandom secret each time.
    assert.deepEqual(await client.finish(flipBit(server.publicShare, bit)), secret);
  }
});

Deno.test("a changed X25519 share gives another secret", async () => {
  const client = await makeClientShare(seededRandom("client"));
  const server = await answerClientShare(client.publicShare, seededRandom("s"));
  const secret = await client.finish(flipBit(server.publicShare, 8 * KEM_CIPHERTEXT_SIZE));
  assert.deepEqual(secret.slice(0, 32), server.secret.slice(0, 32));
  assert.notDeepEqual(secret.slice(32), server.secret.slice(32));
});

Deno.test("shares of another size are refused at both ends", async () => {
  const client = await makeClientShare(seededRandom("client"));
  const server = await answerClientShare(client.publicShare, seededRandom("s"));
  const tail = Uint8Array.of(0);
  for (const size of [0, 31, KEM_PUBLIC_SIZE, CLIENT_SHARE_SIZE - 1]) {
    await assertRejects(
      () => answerClientShare(client.publicShare.slice(0, size), seededRandom("s")),
      "handshake_failed",
    );
  }
  await assertRejects(
    () => answerClientShare(concat(client.publicShare, tail), seededRandom("s")),
    "handshake_failed",
  );
  for (const size of [0, 32, KEM_CIPHERTEXT_SIZE, SERVER_SHARE_SIZE - 1]) {
    await assertRejects(() => client.finish(server.publicShare.slice(0, size)), "handshake_failed");
  }
  await assertRejects(() => client.finish(concat(server.publicShare, tail)), "handshake_failed");
});

Deno.test("where the runtime has no ML-KEM, both ends say so and do not blame the peer", async () => {
  const { publicShare } = await makeClientShare(seededRandom("client"));
  const name = "encapsulateBits";
  const original = Object.getOwnPropertyDescriptor(SubtleCrypto.prototype, name)!;
  assert.ok(Reflect.deleteProperty(SubtleCrypto.prototype, name));
  try {
    const words = /this runtime's WebCrypto has no ML-KEM-768/;
    await assertRejects(() => makeClientShare(seededRandom("c")), "handshake_failed", words);
    await assertRejects(() => answerClientShare(publicShare, seededRandom("s")), "handshake_failed", words);
  } finally {
    Object.defineProperty(SubtleCrypto.prototype, name, original);
  }
});

Deno.test("the randomness that keys were made of is overwritten", async () => {
  const given: Uint8Array[] = [];
  const random = (seed: string) => {
    const source = seededRandom(seed);
    return {
      bytes(size: number) {
        const bytes = source.bytes(size);
        given.push(bytes);
        return bytes;
      },
    };
  };
  const client = await makeClientShare(random("client"));
  await answerClientShare(client.publicShare, random("server"));
  assert.deepEqual(given.map((bytes) => bytes.length), [64, 32, 32]);
  for (const bytes of given) assert.ok(bytes.every((byte) => byte === 0));
});

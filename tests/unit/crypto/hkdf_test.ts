import { hkdfSync } from "node:crypto";
import assert from "node:assert/strict";
import { expand } from "@noble/hashes/hkdf.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  deriveSecret,
  expandLabel,
  HASH_SIZE,
  hkdfExtract,
  hmacSha256,
  RunningSha256,
  sha256,
} from "../../../lib/crypto/hkdf.ts";

const ZEROS = new Uint8Array(HASH_SIZE);
const NOTHING: Bytes = new Uint8Array(0);

/** Derive-Secret as TLS names it. */
function derive(secret: string, label: string, transcriptHash: string): string {
  return toHex(expandLabel(fromHex(secret), label, fromHex(transcriptHash), HASH_SIZE, "tls13 "));
}

Deno.test("sha256 gives the values of FIPS 180-4, of one part or several", () => {
  assert.equal(toHex(sha256()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(toHex(sha256(utf8("abc"))), abc);
  assert.equal(toHex(sha256(utf8("a"), NOTHING, utf8("bc"))), abc);
});

Deno.test("a running SHA-256 tells its value at any point and goes on", () => {
  const running = new RunningSha256();
  assert.deepEqual(running.value(), sha256());
  running.update(utf8("a"));
  assert.deepEqual(running.value(), sha256(utf8("a")));
  assert.deepEqual(running.value(), sha256(utf8("a")));
  running.update(utf8("bc"));
  assert.deepEqual(running.value(), sha256(utf8("abc")));
});

Deno.test("hmacSha256 gives the values of RFC 4231, cases 1, 2 and 6", () => {
  assert.equal(
    toHex(hmacSha256(new Uint8Array(20).fill(0x0b), utf8("Hi There"))),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  );
  assert.equal(
    toHex(hmacSha256(utf8("Jefe"), utf8("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  assert.equal(
    toHex(
      hmacSha256(
        new Uint8Array(131).fill(0xaa),
        utf8("Test Using Larger Than Block-Size Key - Hash Key First"),
      ),
    ),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  );
});

Deno.test("HKDF gives the values of RFC 5869, case 1", () => {
  const inputKey = new Uint8Array(22).fill(0x0b);
  const prk = hkdfExtract(fromHex("000102030405060708090a0b0c"), inputKey);
  assert.equal(toHex(prk), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  const okm = expand(nobleSha256, prk, fromHex("f0f1f2f3f4f5f6f7f8f9"), 42);
  assert.equal(
    toHex(okm),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
});

// The secrets of RFC 8448, section 3, "Simple 1-RTT Handshake". Their transcript hashes are inputs here.
const TLS = {
  early: "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a",
  emptyHash: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  derivedForHandshake: "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba",
  sharedSecret: "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d",
  handshake: "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac",
  helloHash: "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8",
  clientHandshake: "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
  serverHandshake: "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
  derivedForMaster: "43de77e0c77713859a944db9db2590b53190a65b3ee2e4f12dd7a0bb7ce254b4",
  master: "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919",
  certificateVerifyHash: "edb7725fa7a3473b031ec8ef65a2485493900138a2b91291407d7951a06110ed",
  serverFinishedKey: "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8",
  serverFinished: "9b9b141d906337fbd2cbdce71df4deda4ab42c309572cb7fffee5454b78f0718",
  serverFinishedHash: "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13",
  clientTraffic: "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
  serverTraffic: "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
  exporter: "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50",
};

Deno.test("the key schedule gives the secrets of RFC 8448, section 3", () => {
  assert.equal(toHex(hkdfExtract(ZEROS, ZEROS)), TLS.early);
  assert.equal(derive(TLS.early, "derived", TLS.emptyHash), TLS.derivedForHandshake);
  assert.equal(
    toHex(hkdfExtract(fromHex(TLS.derivedForHandshake), fromHex(TLS.sharedSecret))),
    TLS.handshake,
  );
  assert.equal(derive(TLS.handshake, "c hs traffic", TLS.helloHash), TLS.clientHandshake);
  assert.equal(derive(TLS.handshake, "s hs traffic", TLS.helloHash), TLS.serverHandshake);
  assert.equal(derive(TLS.handshake, "derived", TLS.emptyHash), TLS.derivedForMaster);
  assert.equal(toHex(hkdfExtract(fromHex(TLS.derivedForMaster), ZEROS)), TLS.master);
  assert.equal(derive(TLS.master, "c ap traffic", TLS.serverFinishedHash), TLS.clientTraffic);
  assert.equal(derive(TLS.master, "s ap traffic", TLS.serverFinishedHash), TLS.serverTraffic);
  assert.equal(derive(TLS.master, "exp master", TLS.serverFinishedHash), TLS.exporter);
});

Deno.test("keys, IVs and the finished MAC are those of RFC 8448, section 3", () => {
  const tls = (secret: string, label: string, size: number) =>
    toHex(expandLabel(fromHex(secret), label, NOTHING, size, "tls13 "));
  assert.equal(tls(TLS.serverHandshake, "key", 16), "3fce516009c21727d0f2e4e86ee403bc");
  assert.equal(tls(TLS.serverHandshake, "iv", 12), "5d313eb2671276ee13000b30");
  assert.equal(tls(TLS.clientHandshake, "key", 16), "dbfaa693d1762c5b666af5d950258d01");
  assert.equal(tls(TLS.clientHandshake, "iv", 12), "5bd3c71b836e0b76bb73265f");
  assert.equal(tls(TLS.serverTraffic, "key", 16), "9f02283b6c9c07efc26bb9f2ac92e356");
  assert.equal(tls(TLS.serverTraffic, "iv", 12), "cf782b88dd83549aadf1e984");
  const finishedKey = tls(TLS.serverHandshake, "finished", 32);
  assert.equal(finishedKey, TLS.serverFinishedKey);
  assert.equal(
    toHex(hmacSha256(fromHex(finishedKey), fromHex(TLS.certificateVerifyHash))),
    TLS.serverFinished,
  );
});

Deno.test("stx's own labels begin with stx1, and size, label and context are laid out as specified", () => {
  const secret = sha256(utf8("secret"));
  const context = sha256(utf8("context"));
  const info = concat(
    Uint8Array.of(0, 32, 10),
    utf8("stx1 label"),
    Uint8Array.of(32),
    context,
  );
  // HKDF-Expand alone: HMAC(secret, info | 1) is its first block.
  assert.deepEqual(
    deriveSecret(secret, "label", context),
    hmacSha256(secret, concat(info, Uint8Array.of(1))),
  );
  assert.deepEqual(expandLabel(secret, "label", context, 32), deriveSecret(secret, "label", context));
  assert.notDeepEqual(
    expandLabel(secret, "label", context, 32, "tls13 "),
    deriveSecret(secret, "label", context),
  );
});

Deno.test("hkdfExtract and the platform's HKDF agree", () => {
  const salt = utf8("salt");
  const inputKey = utf8("input key");
  const prk = hkdfExtract(salt, inputKey);
  const platform = new Uint8Array(hkdfSync("sha256", inputKey, salt, utf8("info"), 40));
  assert.deepEqual(new Uint8Array(expand(nobleSha256, prk, utf8("info"), 40)), platform);
});

Deno.test("label, context and size all change what comes out", () => {
  const secret = ZEROS;
  const base = toHex(expandLabel(secret, "key", NOTHING, 32));
  assert.notEqual(toHex(expandLabel(secret, "iv", NOTHING, 32)), base);
  assert.notEqual(toHex(expandLabel(secret, "key", Uint8Array.of(0), 32)), base);
  assert.notEqual(toHex(expandLabel(Uint8Array.of(...ZEROS.slice(1), 1), "key", NOTHING, 32)), base);
  assert.equal(expandLabel(secret, "key", NOTHING, 12).length, 12);
  // The size is part of what is expanded: a short key is no beginning of a long one.
  assert.ok(!base.startsWith(toHex(expandLabel(secret, "key", NOTHING, 12))));
});

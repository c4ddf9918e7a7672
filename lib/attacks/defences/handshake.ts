/**
 * The defences of the handshake, and of the lists that say whom an end trusts.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const HANDSHAKE_DEFENCES = {
  "hello in transcript": {
    text: "Every key and proof of a handshake depends on HELLO, bit by bit, as each end has seen it.",
    file: "lib/handshake/machine.ts",
    member: ["HandshakeMachine", "absorbHello"],
  },
  "identities in transcript": {
    text: "The proofs and the session's keys depend on who both ends say they are, and on their signatures.",
    file: "lib/handshake/machine.ts",
    member: ["HandshakeMachine", "absorbIdentity"],
  },
  "handshake seal": {
    text: "Who the ends are and what proves it goes over the wire encrypted, with a tag against changes.",
    file: "lib/handshake/machine.ts",
    member: ["HandshakeMachine", "importKey"],
    deleted: `void suite, secret;
      const tag = new Uint8Array(TAG_SIZE);
      return Promise.resolve({
        seal: (_sequence: number, _header: Bytes, plaintext: Bytes) => Promise.resolve(concat(plaintext, tag)),
        open: (_sequence: number, _header: Bytes, sealed: Bytes) =>
          Promise.resolve(sealed.slice(0, Math.max(0, sealed.length - TAG_SIZE))),
      });`,
  },
  "ml-kem secret": {
    text:
      "The session's keys depend on a secret agreed on by ML-KEM-768, which no quantum computer finds out.",
    file: "lib/crypto/key_agreement.ts",
    member: ["", "joinSecrets"],
    deleted: "return concat(new Uint8Array(kemSecret.length), xSecret);",
  },
  "x25519 secret": {
    text:
      "The session's keys depend on a secret agreed on by X25519, which decades of attempts have not broken.",
    file: "lib/crypto/key_agreement.ts",
    member: ["", "joinSecrets"],
    deleted: "return concat(kemSecret, new Uint8Array(xSecret.length));",
  },
  "shared key in the key schedule": {
    text: "Where a shared key is used, the keys of the handshake depend on it.",
    file: "lib/handshake/machine.ts",
    member: ["HandshakeMachine", "deriveSecrets"],
    deleted: "void sharedKey; return deriveHandshakeSecrets(sharedSecret, th2, undefined);",
  },
  "identity check": {
    text: "A public key under which anybody can sign is no identity.",
    file: "lib/identity/public_key.ts",
    member: ["", "assertValidPublicKey"],
  },
  "own identity refused": {
    text: "With a shared key, an end does not take its own identity for that of its peer.",
    file: "lib/handshake/machine.ts",
    member: ["HandshakeMachine", "checkNotOwn"],
  },
  "only what was offered": {
    text: "The sender takes no cipher suite and no way to authenticate that it has not offered.",
    file: "lib/handshake/client.ts",
    member: ["ClientHandshake", "checkOffered"],
  },
  "server proof": {
    text: "The receiver proves by the keys just agreed on that it has seen the same handshake.",
    file: "lib/handshake/client.ts",
    member: ["ClientHandshake", "checkServerProof"],
  },
  "server signature": {
    text: "The receiver signs the handshake with the private half of its identity.",
    file: "lib/handshake/client.ts",
    member: ["ClientHandshake", "checkServerSignature"],
  },
  "client proof": {
    text: "The sender proves by the keys just agreed on that it has seen the same handshake.",
    file: "lib/handshake/server.ts",
    member: ["ServerHandshake", "checkClientProof"],
  },
  "client signature": {
    text: "The sender signs the handshake with the private half of its identity.",
    file: "lib/handshake/server.ts",
    member: ["ServerHandshake", "checkClientSignature"],
  },
  binder: {
    text: "HELLO ends in a proof of the shared key, over all that stands before it.",
    file: "lib/handshake/server.ts",
    member: ["ServerHandshake", "fitsBinder"],
    deleted: "void key, th0, binder; return true;",
  },
  "fresh server keys": {
    text: "The receiver draws new keys and a new nonce for each handshake, whatever HELLO it answers.",
    file: "lib/handshake/server.ts",
    member: ["ServerHandshake", "contribute"],
    deleted: `const kept = (globalThis as unknown as { kept?: Map<string, Contribution> }).kept ??= new Map();
      const name = clientShare.join();
      if (!kept.has(name)) {
        const share = await answerClientShare(clientShare, random);
        kept.set(name, { ...share, nonce: random.bytes(HANDSHAKE_NONCE_SIZE) });
      }
      const { nonce, publicShare, secret } = kept.get(name)!;
      return { nonce, publicShare, secret: secret.slice() };`,
  },
  "hello memory": {
    text: "The receiver remembers the HELLOs that it has answered and answers none of them again.",
    file: "lib/handshake/hello_guard.ts",
    member: ["HelloGuard", "refuseSeen"],
  },
  "nonce record": {
    text: "The receiver writes down on disk which HELLO has opened a session: it opens no second one.",
    file: "lib/handshake/server.ts",
    member: ["ServerHandshake", "claimNonce"],
  },
  "receiver pin": {
    text: "The sender remembers the key of each receiver and refuses another one in its place.",
    file: "lib/identity/known_receivers.ts",
    member: ["", "checkReceiver"],
    deleted: 'void entries, host, port, publicKey, revoked; return "known";',
  },
  "named receiver": {
    text:
      "Whoever names the receiver's key or fingerprint by --peer reaches the owner of that key or nobody.",
    file: "lib/identity/peer_pin.ts",
    member: ["", "matchesPin"],
    deleted: "void pin, publicKey; return true;",
  },
  "authorized keys": {
    text: "The receiver takes files only from the owners of the keys on its list.",
    file: "lib/identity/authorized_keys.ts",
    member: ["", "findAuthorized"],
    deleted: 'void keys, publicKey, address, nowMs; return "authorized";',
  },
  "revoked keys": {
    text: "A key on the list of revoked keys counts nowhere any more, whatever other lists say.",
    file: "lib/identity/revoked_keys.ts",
    member: ["RevokedKeys", "hasFingerprint"],
    deleted: "void text; return false;",
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

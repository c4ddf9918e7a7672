"""Section "Key schedule": every secret of a session, and how a secret seals."""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

ZERO = b"\0" * 32
NOTHING = hashlib.sha256(b"").digest()

SUITES = {1: AESGCM, 2: ChaCha20Poly1305}
SUITE_NAMES = {"aes-256-gcm": 1, "chacha20-poly1305": 2}


def mac(key, data):
    """HMAC-SHA-256."""
    return hmac.new(key, data, hashlib.sha256).digest()


def extract(salt, material):
    """HKDF-Extract of RFC 5869."""
    return mac(salt, material)


def expand_label(secret, label, context, size):
    """The document's XL."""
    name = b"stx1 " + label
    info = size.to_bytes(2, "big") + bytes([len(name)]) + name + bytes([len(context)]) + context
    return HKDFExpand(SHA256(), size, info).derive(secret)


def derive(secret, label, digest):
    """The document's DS."""
    return expand_label(secret, label, digest, 32)


class Transcript:
    """The hash over everything so far."""

    def __init__(self):
        self._hash = hashlib.sha256()

    def add(self, data):
        """Adds `data` and returns the hash up to and including it."""
        self._hash.update(data)
        return self._hash.copy().digest()


class TrafficKey:
    """What a traffic secret encrypts with."""

    def __init__(self, suite, secret):
        self._secret = secret
        self._suite = suite
        self._cipher = SUITES[suite](expand_label(secret, b"key", b"", 32))
        self._iv = int.from_bytes(expand_label(secret, b"iv", b"", 12), "big")

    def seal(self, number, plaintext, header):
        return self._cipher.encrypt(self._nonce(number), plaintext, header)

    def open(self, number, ciphertext, header):
        """Raises cryptography's InvalidTag."""
        return self._cipher.decrypt(self._nonce(number), ciphertext, header)

    def next_generation(self):
        return TrafficKey(self._suite, expand_label(self._secret, b"traffic upd", b"", 32))

    def _nonce(self, number):
        return (self._iv ^ number).to_bytes(12, "big")


class EarlySecret:
    """The document's ES: of a shared key, or of None where the mode has none."""

    def __init__(self, shared_key):
        self._secret = extract(ZERO, ZERO if shared_key is None else shared_key)

    def binder(self, hash_0):
        return finished(derive(self._secret, b"psk binder", NOTHING), hash_0)

    def handshake_secret(self, shared_secrets):
        return extract(derive(self._secret, b"derived", NOTHING), shared_secrets)


def finished(secret, digest):
    """A proof with the "finished" key of a secret."""
    return mac(expand_label(secret, b"finished", b"", 32), digest)


class KeySchedule:
    """The secrets in the order in which the transcript hashes make them; those of the handshake first."""

    def __init__(self, early, shared_secrets, hash_2):
        self._handshake = early.handshake_secret(shared_secrets)
        self._master = extract(derive(self._handshake, b"derived", NOTHING), ZERO)
        self.client_handshake = derive(self._handshake, b"c hs", hash_2)
        self.server_handshake = derive(self._handshake, b"s hs", hash_2)

    def client_traffic(self, hash_8):
        return derive(self._master, b"c ap", hash_8)

    def server_traffic(self, hash_8):
        return derive(self._master, b"s ap", hash_8)

    def session_id(self, hash_8):
        return expand_label(self._master, b"session id", hash_8, 16)

    def server_proof(self, hash_8, hash_9):
        return finished(derive(self._master, b"ready", hash_8), hash_9)

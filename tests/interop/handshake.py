"""Section "Handshake", the client's part: from a connected stream to the secrets of a session."""

import os
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import ml_kem
from ed25519_point import is_public_key
from failure import Failure
from key_schedule import KeySchedule, TrafficKey, Transcript
from openssh import fingerprint, is_meant

HELLO, WELCOME, VERIFY, READY, ALERT, SEALED_ALERT = range(1, 7)
MODE_IDENTITY = 1
INTENT_SEND = 1

MAX_BODY_BYTES = 16384
TAG_BYTES = 16
HANDSHAKE_SECONDS = 10

MIN_WINDOW_RECORDS, MAX_WINDOW_RECORDS = 16, 256
MIN_WINDOW_BYTES = 262144

ALERTS = {
    1: "handshake failed",
    2: "busy",
    3: "access denied",
    4: "clock skew",
    5: "protocol error",
    6: "bad record",
    7: "closing",
    8: "internal error",
    9: "superseded",
}
CLEAR_ALERTS = (1, 2)


@dataclass
class Options:
    """What the client is and wants."""

    identity: Ed25519PrivateKey
    peer: str
    suites: tuple
    # Flips a bit in the sealed part of VERIFY, as a test wants it.
    flips_verify: bool = False
    clock_offset_seconds: int = 0


@dataclass
class Session:
    """What the handshake leaves: an open session, or one that opens with READY."""

    suite: int
    client_key: bytes
    server_key: bytes
    client_traffic: bytes
    server_traffic: bytes
    session_id: bytes
    window_records: int = MIN_WINDOW_RECORDS
    window_bytes: int = MIN_WINDOW_BYTES


def raw(public_key):
    """The 32 bytes of a public key of either kind."""
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def vector(size_bytes, data):
    """The document's vector8 and vector16."""
    return len(data).to_bytes(size_bytes, "big") + data


def frame_header(kind, size):
    return bytes([kind]) + size.to_bytes(3, "big")


def alert_failure(code, is_sealed):
    """What an alert of the peer comes to."""
    if code not in ALERTS or not (is_sealed or code in CLEAR_ALERTS):
        return Failure("protocol_error", f"the peer sent alert {code}, which there is not")
    return Failure("peer_alert", f"the peer says: {ALERTS[code]}", alert=code, sealed=is_sealed)


def signed_text(role, digest):
    return b"\x20" * 64 + b"STX/1 " + role + b" handshake\0" + digest


class Fields:
    """Reads a body's fields one after the other; there must be none missing and nothing behind the last."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def take(self, size):
        if self._at + size > len(self._data):
            raise Failure("protocol_error", "a body ends in the middle of a field")
        self._at += size
        return self._data[self._at - size:self._at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, size_bytes):
        return self.take(self.number(size_bytes))

    @property
    def position(self):
        return self._at

    @property
    def is_empty(self):
        return self._at == len(self._data)

    def end(self):
        if not self.is_empty:
            raise Failure("protocol_error", "a body has bytes behind its last field")


def check_extensions(data):
    """The form alone: types ascend. None is known to this client, so all are ignored."""
    fields, last = Fields(data), -1
    while not fields.is_empty:
        kind = fields.number(2)
        fields.vector(2)
        if kind <= last:
            raise Failure("protocol_error", "the types of extensions do not ascend")
        last = kind


class ClientHandshake:
    """
    `start` sends HELLO, takes WELCOME and sends VERIFY; then early records may be written; `finish` takes READY.
    """

    def __init__(self, stream, options):
        self._stream = stream
        self._options = options
        self._transcript = Transcript()
        self._deadline = time.monotonic() + HANDSHAKE_SECONDS
        self._client_handshake = self._server_handshake = None
        self._hash_8 = None
        self.session = None
        self._schedule = None

    def start(self):
        """Returns the session, in which READY is still to come."""
        ml_kem_secret, x25519_secret = self._send_hello()
        header, body = self._take_frame((WELCOME,))
        try:
            return self._answer(header, body, ml_kem_secret, x25519_secret)
        except Failure as failure:
            if failure.code != "peer_alert":
                self._say_failed()
            raise

    def finish(self):
        """Checks READY and fills the session's windows in."""
        header, body = self._take_frame((READY, SEALED_ALERT))
        plaintext = self._open(self._server_handshake, 1, body, header)
        fields = Fields(plaintext)
        if header[0] == SEALED_ALERT:
            code = fields.number(1)
            fields.end()
            raise alert_failure(code, is_sealed=True)
        session_id = fields.take(16)
        window_records, window_bytes = fields.number(2), fields.number(4)
        proof = fields.take(32)
        fields.end()
        hash_9 = self._transcript.add(header + plaintext[:-32])
        if proof != self._schedule.server_proof(self._hash_8, hash_9):
            raise Failure("handshake_failed", "the server's proof in READY is wrong")
        if session_id != self.session.session_id:
            raise Failure("handshake_failed", "READY names another session")
        if not MIN_WINDOW_RECORDS <= window_records <= MAX_WINDOW_RECORDS or window_bytes < MIN_WINDOW_BYTES:
            raise Failure("protocol_error", "READY has limits out of bounds")
        self.session.window_records = window_records
        self.session.window_bytes = window_bytes

    def _send_hello(self):
        encapsulation_key, decapsulation_key = ml_kem.generate_keys(os.urandom(64))
        x25519 = X25519PrivateKey.generate()
        body = b"STX" + bytes([1])
        body += (int(time.time()) + self._options.clock_offset_seconds).to_bytes(8, "big")
        body += os.urandom(32) + encapsulation_key + raw(x25519.public_key())
        body += vector(1, b"".join(suite.to_bytes(2, "big") for suite in self._options.suites))
        body += vector(1, bytes([MODE_IDENTITY])) + vector(2, b"")
        frame = frame_header(HELLO, len(body)) + body
        self._transcript.add(frame)
        self._stream.write(frame)
        return decapsulation_key, x25519

    def _answer(self, header, body, ml_kem_secret, x25519_secret):
        """Checks WELCOME in the document's order, then sends VERIFY."""
        fields = Fields(body)
        # The server's time and nonce count by being in the transcript.
        fields.take(8 + 32)
        ciphertext, server_x25519 = fields.take(ml_kem.CIPHERTEXT_BYTES), fields.take(32)
        suite, mode = fields.number(2), fields.number(1)
        check_extensions(fields.vector(2))
        clear_size = fields.position
        sealed = fields.take(32 + 64 + 32 + TAG_BYTES)
        fields.end()

        if suite not in self._options.suites or mode != MODE_IDENTITY:
            raise Failure("handshake_failed", "the server chose what was not offered")
        shared = ml_kem.decapsulate(ml_kem_secret, ciphertext)
        try:
            shared += x25519_secret.exchange(X25519PublicKey.from_public_bytes(server_x25519))
        except ValueError:
            raise Failure("handshake_failed", "the server's X25519 key gives zeros") from None
        hash_2 = self._transcript.add(header + body[:clear_size])
        schedule = self._schedule = KeySchedule(shared, hash_2)
        self._server_handshake = TrafficKey(suite, schedule.server_handshake)
        self._client_handshake = TrafficKey(suite, schedule.client_handshake)

        plaintext = self._open(self._server_handshake, 0, sealed, header)
        server_key, signature, finished = plaintext[:32], plaintext[32:96], plaintext[96:]
        if not is_public_key(server_key):
            raise Failure("bad_identity", "the server's identity is not a public key")
        hash_3 = self._transcript.add(server_key)
        hash_4 = self._transcript.add(signature)
        self._transcript.add(finished)
        if finished != schedule.finished(schedule.server_handshake, hash_4):
            raise Failure("handshake_failed", "the server's proof in WELCOME is wrong")
        try:
            Ed25519PublicKey.from_public_bytes(server_key).verify(signature, signed_text(b"server", hash_3))
        except InvalidSignature:
            raise Failure("handshake_failed", "the server's signature is wrong") from None
        if not is_meant(server_key, self._options.peer):
            raise Failure("peer_changed", f"the server is {fingerprint(server_key)}, another one was meant")

        self._send_verify(self._client_handshake, schedule)
        hash_8 = self._hash_8
        self.session = Session(
            suite,
            raw(self._options.identity.public_key()),
            server_key,
            schedule.client_traffic(hash_8),
            schedule.server_traffic(hash_8),
            schedule.session_id(hash_8),
        )
        return self.session

    def _send_verify(self, key, schedule):
        header = frame_header(VERIFY, 32 + 1 + 64 + 32 + TAG_BYTES)
        identity = self._options.identity
        begin = raw(identity.public_key()) + bytes([INTENT_SEND])
        signature = identity.sign(signed_text(b"client", self._transcript.add(header + begin)))
        proof = schedule.finished(schedule.client_handshake, self._transcript.add(signature))
        self._hash_8 = self._transcript.add(proof)
        sealed = bytearray(key.seal(0, begin + signature + proof, header))
        if self._options.flips_verify:
            sealed[40] ^= 1
        self._stream.write(header + sealed)

    def _take_frame(self, expected):
        """The next frame as header and body; an alert in clear becomes a failure."""
        header = self._stream.take(4, self._deadline)
        kind, size = header[0], int.from_bytes(header[1:], "big")
        if kind not in (*expected, ALERT):
            raise Failure("protocol_error", f"a frame of type {kind} does not belong here")
        if size > MAX_BODY_BYTES:
            raise Failure("protocol_error", "a frame is too large")
        body = self._stream.take(size, self._deadline)
        if kind == ALERT:
            fields = Fields(body)
            code = fields.number(1)
            fields.end()
            raise alert_failure(code, is_sealed=False)
        return header, body

    def _open(self, key, number, sealed, header):
        try:
            return key.open(number, sealed, header)
        except InvalidTag:
            raise Failure("handshake_failed", "a sealed part does not open") from None

    def _say_failed(self):
        """Tells the server that the handshake failed, sealed if there are keys."""
        if self._schedule is None:
            self._stream.write(frame_header(ALERT, 1) + b"\x01")
        else:
            header = frame_header(SEALED_ALERT, 1 + TAG_BYTES)
            self._stream.write(header + self._client_handshake.seal(0, b"\x01", header))
        self._stream.flush(time.monotonic() + 1)

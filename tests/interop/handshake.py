"""Section "Handshake", the client's part: from a connected stream to the secrets of a session."""

import os
import time
from dataclasses import dataclass
from hmac import compare_digest

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

import ml_kem
from alerts import CLEAR, SEALED, alert_in_handshake, received_alert
from ed25519_point import is_public_key
from failure import Failure
from fields import Fields, number, vector
from key_schedule import EarlySecret, KeySchedule, TrafficKey, Transcript, finished
from openssh import fingerprint, is_meant, raw

HELLO, WELCOME, VERIFY, READY, ALERT, SEALED_ALERT = FRAMES = range(1, 7)
IDENTITY, PSK, IDENTITY_AND_PSK = 1, 2, 3
MODE_NAMES = {"identity": IDENTITY, "psk": PSK, "identity+psk": IDENTITY_AND_PSK}
WITH_SHARED_KEY = (PSK, IDENTITY_AND_PSK)
INTENT_SEND = 1
# The number of no suite, no mode and no extension.
UNKNOWN = 200

MAX_BODY_BYTES = 16384
TAG_BYTES = 16
BINDER_BYTES = 32
HANDSHAKE_SECONDS = 10
CLOCK_SKEW_SECONDS = 120

MIN_WINDOW_RECORDS, MAX_WINDOW_RECORDS = 16, 256
MIN_WINDOW_BYTES = 262144


@dataclass
class Options:
    """What the client is, has and wants."""

    identity: Ed25519PrivateKey
    # A fingerprint or a public key; None takes whoever has the shared key.
    peer: str
    suites: tuple
    modes: tuple
    shared_key: bytes
    # What a test wants: to offer what no version knows, a bit to flip in VERIFY's body, and not to mind clocks.
    offers_unknown: bool = False
    flipped_verify_bit: int = None
    ignores_clocks: bool = False


@dataclass
class Fresh:
    """What is new in each handshake."""

    time: int
    nonce: bytes
    ml_kem_seed: bytes
    x25519_secret: bytes

    @staticmethod
    def make():
        return Fresh(int(time.time()), os.urandom(32), os.urandom(64), os.urandom(32))


@dataclass
class Session:
    """What the handshake leaves. Its windows are those of early records until READY."""

    suite: int
    mode: int
    client_key: bytes
    server_key: bytes
    client_traffic: bytes
    server_traffic: bytes
    session_id: bytes
    window_records: int = MIN_WINDOW_RECORDS
    window_bytes: int = MIN_WINDOW_BYTES


def frame_header(kind, size):
    return bytes([kind]) + number(size, 3)


def signed_text(role, digest):
    return b"\x20" * 64 + b"STX/1 " + role + b" handshake\0" + digest


def check_extensions(data):
    """Their form alone: this version knows none."""
    fields, last = Fields(data), -1
    while not fields.is_empty:
        kind = fields.number(2)
        fields.vector(2)
        if kind <= last:
            raise Failure("malformed", "the types of extensions do not ascend")
        last = kind


class ClientHandshake:
    """
    `start` sends HELLO, takes WELCOME and sends VERIFY; then early records may be written; `finish` takes READY.
    """

    def __init__(self, stream, options, fresh=None):
        self._stream = stream
        self._options = options
        self._fresh = fresh or Fresh.make()
        self._transcript = Transcript()
        self._deadline = time.monotonic() + HANDSHAKE_SECONDS
        # The client's key, once WELCOME has been opened.
        self._client_key = None
        self._server_key = None
        self._schedule = None
        self._hash_8 = None
        self._session = None

    def start(self):
        """Returns the session, in which READY is still to come."""
        keys = self._send_hello()
        try:
            header, body = self._take_frame((WELCOME,))
            server_key, suite, mode = self._check_welcome(header, body, *keys)
        except Failure as failure:
            self._say(alert_in_handshake(failure))
            raise
        self._send_verify()
        schedule, hash_8 = self._schedule, self._hash_8
        self._session = Session(
            suite,
            mode,
            raw(self._options.identity.public_key()),
            server_key,
            schedule.client_traffic(hash_8),
            schedule.server_traffic(hash_8),
            schedule.session_id(hash_8),
        )
        return self._session

    def finish(self):
        """Checks READY and gives the session its windows."""
        header, body = self._take_frame((READY, SEALED_ALERT))
        plaintext = self._open(1, body, header)
        fields = Fields(plaintext)
        if header[0] == SEALED_ALERT:
            alert = fields.number(1)
            fields.end()
            raise received_alert(alert, SEALED)
        session_id = fields.take(16)
        window_records, window_bytes = fields.number(2), fields.number(4)
        proof = fields.take(32)
        fields.end()
        hash_9 = self._transcript.add(header + plaintext[:-32])
        if not compare_digest(proof, self._schedule.server_proof(self._hash_8, hash_9)):
            raise Failure("bad_proof", "the server's proof in READY is wrong")
        if session_id != self._session.session_id:
            raise Failure("bad_proof", "READY names another session")
        if not MIN_WINDOW_RECORDS <= window_records <= MAX_WINDOW_RECORDS or window_bytes < MIN_WINDOW_BYTES:
            raise Failure("bad_limits", "READY has limits out of bounds")
        self._session.window_records = window_records
        self._session.window_bytes = window_bytes

    def _send_hello(self):
        """Returns the private keys that belong to it."""
        options, fresh = self._options, self._fresh
        encapsulation_key, decapsulation_key = ml_kem.generate_keys(fresh.ml_kem_seed)
        x25519 = X25519PrivateKey.from_private_bytes(fresh.x25519_secret)
        body = b"STX" + bytes([1]) + number(fresh.time, 8)
        body += fresh.nonce + encapsulation_key + raw(x25519.public_key())
        unknown = [UNKNOWN] if options.offers_unknown else []
        body += vector(1, b"".join(number(suite, 2) for suite in (*unknown, *options.suites)))
        body += vector(1, bytes((*unknown, *options.modes)))
        body += vector(2, b"".join(number(UNKNOWN + i, 2) + vector(2, b"?" * i) for i in range(4 * len(unknown))))
        if any(mode in WITH_SHARED_KEY for mode in options.modes):
            begin = frame_header(HELLO, len(body) + BINDER_BYTES) + body
            frame = begin + EarlySecret(options.shared_key).binder(Transcript().add(begin))
        else:
            frame = frame_header(HELLO, len(body)) + body
        self._transcript.add(frame)
        self._stream.write(frame)
        return decapsulation_key, x25519

    def _check_welcome(self, header, body, ml_kem_secret, x25519_secret):
        """Checks WELCOME in the document's order; returns the server's identity, the suite and the mode."""
        options = self._options
        fields = Fields(body)
        server_time = fields.number(8)
        fields.take(32)
        ciphertext, server_x25519 = fields.take(ml_kem.CIPHERTEXT_BYTES), fields.take(32)
        suite, mode = fields.number(2), fields.number(1)
        check_extensions(fields.vector(2))
        clear_part = header + body[:fields.position]
        sealed = fields.rest()
        if suite not in options.suites or mode not in options.modes:
            raise Failure("handshake_failed", "the server chose what was not offered")

        shared = ml_kem.decapsulate(ml_kem_secret, ciphertext)
        try:
            shared += x25519_secret.exchange(X25519PublicKey.from_public_bytes(server_x25519))
        except ValueError:
            raise Failure("handshake_failed", "the server's X25519 key gives zeros") from None
        early = EarlySecret(options.shared_key if mode in WITH_SHARED_KEY else None)
        schedule = self._schedule = KeySchedule(early, shared, self._transcript.add(clear_part))
        self._server_key = TrafficKey(suite, schedule.server_handshake)
        plaintext = self._open(0, sealed, header)
        self._client_key = TrafficKey(suite, schedule.client_handshake)

        fields = Fields(plaintext)
        server_key, signature, proof = fields.take(32), fields.take(64), fields.take(32)
        fields.end()
        if not is_public_key(server_key):
            raise Failure("bad_identity", "the server's identity is no safe public key")
        hash_3 = self._transcript.add(server_key)
        hash_4 = self._transcript.add(signature)
        self._transcript.add(proof)
        if not compare_digest(proof, finished(schedule.server_handshake, hash_4)):
            raise Failure("bad_proof", "the server's proof in WELCOME is wrong")
        try:
            Ed25519PublicKey.from_public_bytes(server_key).verify(signature, signed_text(b"server", hash_3))
        except InvalidSignature:
            raise Failure("bad_signature", "the server's signature is wrong") from None
        if mode in WITH_SHARED_KEY and server_key == raw(options.identity.public_key()):
            raise Failure("bad_identity", "the server has the client's own identity")
        if options.peer is None and mode != PSK:
            raise Failure("unknown_receiver", f"the server is {fingerprint(server_key)}, nobody was named")
        if options.peer is not None and not is_meant(server_key, options.peer):
            raise Failure("receiver_changed", f"the server is {fingerprint(server_key)}, another one was meant")
        is_skewed = abs(self._fresh.time - server_time) > CLOCK_SKEW_SECONDS
        if is_skewed and not options.ignores_clocks:
            raise Failure("clock_skew", f"it is {self._fresh.time} here and {server_time} at the server")
        return server_key, suite, mode

    def _send_verify(self):
        header = frame_header(VERIFY, 32 + 1 + 64 + 32 + TAG_BYTES)
        schedule, identity = self._schedule, self._options.identity
        begin = raw(identity.public_key()) + bytes([INTENT_SEND])
        signature = identity.sign(signed_text(b"client", self._transcript.add(header + begin)))
        proof = finished(schedule.client_handshake, self._transcript.add(signature))
        self._hash_8 = self._transcript.add(proof)
        sealed = bytearray(self._client_key.seal(0, begin + signature + proof, header))
        bit = self._options.flipped_verify_bit
        if bit is not None:
            sealed[bit // 8] ^= 1 << bit % 8
        self._stream.write(header + sealed)

    def _take_frame(self, expected):
        """The next frame as header and body; an alert in clear becomes a failure."""
        kind = self._stream.peek(1, self._deadline)[0]
        if kind not in FRAMES:
            raise Failure("malformed", f"there is no frame of type {kind}")
        header = self._stream.take(4, self._deadline)
        size = int.from_bytes(header[1:], "big")
        if size > MAX_BODY_BYTES:
            raise Failure("malformed", "a frame is too large")
        body = self._stream.take(size, self._deadline)
        if kind == ALERT:
            fields = Fields(body)
            alert = fields.number(1)
            fields.end()
            raise received_alert(alert, CLEAR)
        if kind not in expected:
            raise Failure("unexpected_message", f"a frame of type {kind} may not come here")
        return header, body

    def _open(self, sequence, sealed, header):
        try:
            return self._server_key.open(sequence, sealed, header)
        except InvalidTag:
            raise Failure("handshake_failed", "a sealed part does not open") from None

    def _say(self, alert):
        """Sends an alert in place of VERIFY: in clear until WELCOME has been opened, then sealed."""
        if alert is None:
            return
        if self._client_key is None:
            self._stream.write(frame_header(ALERT, 1) + b"\x01")
        else:
            header = frame_header(SEALED_ALERT, 1 + TAG_BYTES)
            self._stream.write(header + self._client_key.seal(0, bytes([alert]), header))
        self._stream.say_goodbye()

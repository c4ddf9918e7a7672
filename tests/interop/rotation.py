"""Section "Change of identity": the message ROTATION, made and checked."""

import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ed25519_point import is_public_key
from failure import Failure
from fields import number
from openssh import raw

CONTEXT = b"\x20" * 64 + b"STX/1 identity rotation\0"
MAX_TIME_MS = 864 * 10**13


def make_rotation(old_identity, new_identity):
    """The body of ROTATION with which both keys say that one follows the other, as of now."""
    said = raw(old_identity.public_key()) + raw(new_identity.public_key())
    said += number(time.time_ns() // 1_000_000, 8)
    return said + old_identity.sign(CONTEXT + said) + new_identity.sign(CONTEXT + said)


def check_rotation(fields, proved_key):
    """Checks ROTATION of the peer whose identity is `proved_key`; returns its old and its new key."""
    old_key, new_key, time_ms = fields.take(32), fields.take(32), fields.number(8)
    signatures = fields.take(64), fields.take(64)
    fields.end()
    if time_ms > MAX_TIME_MS or old_key == new_key:
        raise Failure("malformed", "a change of identity says what cannot be")
    if not (is_public_key(old_key) and is_public_key(new_key)):
        raise Failure("bad_identity", "a change of identity has a key that is not safe")
    said = old_key + new_key + number(time_ms, 8)
    try:
        for key, signature in zip((old_key, new_key), signatures):
            Ed25519PublicKey.from_public_bytes(key).verify(signature, CONTEXT + said)
    except InvalidSignature:
        raise Failure("bad_signature", "a change of identity has a wrong signature") from None
    if proved_key not in (old_key, new_key):
        raise Failure("bad_identity", "a change of identity is another's")
    return old_key, new_key

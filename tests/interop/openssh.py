"""The formats of OpenSSH that STX/1 borrows: keys of one line, fingerprints, private key files and SSHSIG."""

import base64
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from failure import Failure


def raw(public_key):
    """The 32 bytes of a public key, of Ed25519 as of X25519."""
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def string(data):
    """A `string` of RFC 4251."""
    return len(data).to_bytes(4, "big") + data


def key_blob(public_key):
    """The key in the form that OpenSSH encodes, hashes and signs with."""
    return string(b"ssh-ed25519") + string(public_key)


def key_line(public_key):
    """The key as authorized_keys has it, without a comment."""
    return "ssh-ed25519 " + base64.b64encode(key_blob(public_key)).decode()


def fingerprint(public_key):
    """What `ssh-keygen -lf` shows."""
    digest = hashlib.sha256(key_blob(public_key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def is_meant(public_key, peer):
    """Whether `peer`, a fingerprint or a line with a key, names this key."""
    return peer == fingerprint(public_key) or peer.split()[:2] == key_line(public_key).split()


def load_identity(source):
    """The private key of 64 hexadecimal digits, its seed, or of an OpenSSH file without a passphrase."""
    if re.fullmatch("[0-9a-fA-F]{64}", source):
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(source))
    with open(source, "rb") as file:
        key = load_ssh_private_key(file.read(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Failure("bad_key_file", "the identity file has a key of another kind than Ed25519")
    return key


def check_signature(signature, public_key, namespace, text):
    """Checks a binary SSHSIG (OpenSSH's PROTOCOL.sshsig) by this very key; raises Failure bad_receipt."""
    inner = string(b"ssh-ed25519") + string(b"\0" * 64)
    begin = b"SSHSIG" + (1).to_bytes(4, "big") + string(key_blob(public_key)) + string(namespace) + string(b"")
    for name, algorithm in ((b"sha512", hashlib.sha512), (b"sha256", hashlib.sha256)):
        # All but its last 64 bytes is settled by what is asked for.
        wanted = begin + string(name) + string(inner)
        if len(signature) == len(wanted) and signature[:-64] == wanted[:-64]:
            signed = b"SSHSIG" + string(namespace) + string(b"") + string(name)
            signed += string(algorithm(text).digest())
            break
    else:
        raise Failure("bad_receipt", "the receipt's signature has another form, key or namespace")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature[-64:], signed)
    except InvalidSignature:
        raise Failure("bad_receipt", "the receipt's signature is wrong") from None

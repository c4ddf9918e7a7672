"""The file of a shared key: a line `stx-psk`, 32 bytes in base64 and perhaps a comment."""

import base64

from failure import Failure


def load_shared_key(path):
    """The one key in the file; lines that are empty or begin with `#` do not count."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    if len(lines) != 1 or lines[0][0] != "stx-psk":
        raise Failure("bad_key_file", "a sender's file has exactly one shared key")
    key = base64.b64decode(lines[0][1], validate=True)
    if len(key) != 32:
        raise Failure("bad_key_file", "a shared key has 32 bytes")
    return key

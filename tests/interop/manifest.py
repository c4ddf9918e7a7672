"""The manifest of section "Messages": what is sent, and the stream that the contents make."""

import hashlib
import os
import zlib
from dataclasses import dataclass

from failure import Failure
from fields import number, vector

FILE, FOLDER = 0, 1
MAX_MESSAGE_BYTES = 65536
CHUNK_BYTES = 1 << 20


@dataclass
class Entry:
    """A file or folder: where it is here, and what the manifest says of it."""

    local: str
    path: str
    kind: int
    mode: int
    mtime_ms: int
    size: int
    mtime_ns: int

    def encoded(self, has_size):
        path = self.path.encode()
        return (
            bytes([self.kind])
            + number(self.mode, 2)
            + self.mtime_ms.to_bytes(8, "big", signed=True)
            + number(self.size if has_size else 0, 8)
            + vector(2, path)
        )

    def check_unchanged(self):
        """Raises Failure source_changed if the file has another size or time than when it was listed."""
        status = os.stat(self.local)
        if self.kind == FILE and (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns):
            raise Failure("source_changed", f"{self.local} changed meanwhile")


def milliseconds(nanoseconds):
    """Rounded towards 0."""
    return nanoseconds // 1_000_000 if nanoseconds >= 0 else -(-nanoseconds // 1_000_000)


def list_entries(local, name=None):
    """A file, or a folder with all below it, each folder before what it holds; under its own name or another."""
    entries = []

    def add(local, path):
        status = os.stat(local)
        is_folder = os.path.isdir(local)
        entries.append(
            Entry(
                local,
                path,
                FOLDER if is_folder else FILE,
                status.st_mode & 0o777,
                milliseconds(status.st_mtime_ns),
                0 if is_folder else status.st_size,
                status.st_mtime_ns,
            )
        )
        if is_folder:
            for name in sorted(os.listdir(local)):
                add(f"{local}/{name}", f"{path}/{name}")

    add(local, name or os.path.basename(local))
    return entries


class Manifest:
    """All entries, their digest and their contents."""

    def __init__(self, entries, has_size=True):
        """Without `has_size` it says 0 for the size of its one entry, as of a pipe."""
        self.entries = entries
        self.has_size = has_size
        self.files = [entry for entry in entries if entry.kind == FILE]
        self.size = sum(entry.size for entry in entries)
        self._encoded = [entry.encoded(has_size) for entry in entries]
        self.digest = hashlib.sha256(b"".join(self._encoded)).digest()

    def messages(self):
        """Bodies of MANIFEST: whole entries, as many as fit."""
        body = b""
        for encoded in self._encoded:
            if len(body) + len(encoded) > MAX_MESSAGE_BYTES:
                yield body
                body = b""
            body += encoded
        yield body

    def chunks(self):
        """The contents in order, each file compared with its entry before and after it is read."""
        for entry in self.files:
            entry.check_unchanged()
            left = entry.size
            with open(entry.local, "rb") as file:
                while left > 0:
                    chunk = file.read(min(left, CHUNK_BYTES))
                    if not chunk:
                        raise Failure("source_changed", f"{entry.local} is shorter now")
                    left -= len(chunk)
                    yield chunk
            entry.check_unchanged()

    def blocks(self, block_size):
        """The stream in blocks, the last one shorter."""
        rest = b""
        for chunk in self.chunks():
            rest += chunk
            while len(rest) >= block_size:
                yield rest[:block_size]
                rest = rest[block_size:]
        if rest:
            yield rest

    def file_digests(self):
        """SHA-256 of each file in order."""
        digests = []
        for entry in self.files:
            with open(entry.local, "rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").digest())
        return digests


class StreamDigest:
    """What both ends know of the stream's beginning: its size, SHA-256 and CRC-32."""

    def __init__(self):
        self.size = 0
        self.crc = 0
        self._hash = hashlib.sha256()

    def add(self, data):
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)
        self._hash.update(data)

    @property
    def sha256(self):
        return self._hash.copy().digest()

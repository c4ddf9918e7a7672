"""A TCP connection that reads while it writes, with a limit to every wait."""

import select
import socket
import time

from failure import Failure

CHUNK_BYTES = 1 << 16
GOODBYE_SECONDS, GOODBYE_BYTES = 2, 1 << 20


class Stream:
    """Takes bytes to send with `write`; what has come in is in `incoming`, which its reader shortens."""

    def __init__(self, connection, piece_bytes=CHUNK_BYTES):
        """`piece_bytes`: how much at most goes into one TCP segment, and how much is read at once."""
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._piece_bytes = piece_bytes
        self._outgoing = bytearray()
        self.incoming = bytearray()
        self._has_ended_writing = False
        self.has_ended = False
        self.read_bytes = 0
        # A bit to flip in all that comes in, counted from the first.
        self.flipped_bit = None
        self.last_read = time.monotonic()

    def write(self, data):
        """Puts `data` behind what is to be sent."""
        self._outgoing += data

    def turn(self, seconds):
        """Waits so long at most for something to read or for room to write, and does both as far as they go."""
        readers = [] if self.has_ended else [self._socket]
        writers = [self._socket] if self._outgoing else []
        if not readers and not writers:
            return
        readable, writable, _ = select.select(readers, writers, [], max(seconds, 0))
        if writable:
            self._send()
        if readable:
            self._read()

    def peek(self, size, deadline):
        """The next `size` bytes that come in, which stay there."""
        while len(self.incoming) < size:
            if self.has_ended:
                raise Failure("connection_lost", "the connection ended in the middle")
            if time.monotonic() >= deadline:
                raise Failure("connection_lost", "the peer says nothing any more")
            self.turn(deadline - time.monotonic())
        return bytes(self.incoming[:size])

    def take(self, size, deadline):
        """The next `size` bytes that come in."""
        taken = self.peek(size, deadline)
        del self.incoming[:size]
        return taken

    def say_goodbye(self):
        """Behind the last word: sends what is left, ends this direction, and reads until the peer ends the other."""
        deadline, most = time.monotonic() + GOODBYE_SECONDS, len(self.incoming) + GOODBYE_BYTES
        while not self.has_ended and time.monotonic() < deadline and len(self.incoming) < most:
            if not self._outgoing:
                self._end_writing()
            self.turn(deadline - time.monotonic())

    def _end_writing(self):
        if not self._has_ended_writing:
            self._has_ended_writing = True
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                # The peer has gone already.
                pass

    def _send(self):
        try:
            sent = self._socket.send(self._outgoing[:self._piece_bytes])
            del self._outgoing[:sent]
        except (BrokenPipeError, ConnectionResetError):
            # Nobody takes it; why, the peer may have said.
            self._outgoing.clear()

    def _read(self):
        try:
            data = self._socket.recv(self._piece_bytes)
        except ConnectionResetError:
            data = b""
        self.has_ended = not data
        at = None if self.flipped_bit is None else self.flipped_bit // 8 - self.read_bytes
        if at is not None and 0 <= at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << self.flipped_bit % 8]) + data[at + 1:]
        self.incoming += data
        self.read_bytes += len(data)
        if data:
            self.last_read = time.monotonic()

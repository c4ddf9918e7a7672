"""A TCP connection that reads while it writes, with a limit to every wait."""

import select
import time

from failure import Failure

CHUNK_BYTES = 1 << 16


class Stream:
    """Takes bytes to send with `write`; what has come in is in `incoming`, which its reader shortens."""

    def __init__(self, socket, piece_bytes=CHUNK_BYTES):
        """`piece_bytes`: how much at most goes into one TCP segment, and how much is read at once."""
        socket.setblocking(False)
        self._socket = socket
        self._piece_bytes = piece_bytes
        self._outgoing = bytearray()
        self.incoming = bytearray()
        self.has_ended = False
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
        try:
            if writable:
                sent = self._socket.send(self._outgoing[:self._piece_bytes])
                del self._outgoing[:sent]
            if readable:
                self._read()
        except (BrokenPipeError, ConnectionResetError) as error:
            # What the peer said last may have come with it.
            self.has_ended = True
            self._outgoing.clear()
            if not self.incoming:
                raise Failure("connection_lost", f"the connection broke: {error.strerror}") from None

    def flush(self, deadline):
        """Sends all that is to be sent, reading meanwhile."""
        while self._outgoing:
            if time.monotonic() > deadline:
                raise Failure("timeout", "the peer takes nothing any more")
            self.turn(deadline - time.monotonic())

    def take(self, size, deadline):
        """The next `size` bytes that come in."""
        while len(self.incoming) < size:
            if self.has_ended:
                raise Failure("connection_lost", "the connection ended in the middle")
            if time.monotonic() > deadline:
                raise Failure("timeout", "the peer says nothing any more")
            self.turn(deadline - time.monotonic())
        taken = bytes(self.incoming[:size])
        del self.incoming[:size]
        return taken

    def end_writing(self):
        """Tells the peer that nothing more comes."""
        try:
            self._socket.shutdown(1)
        except OSError:
            # The peer has gone already.
            pass

    def _read(self):
        data = self._socket.recv(self._piece_bytes)
        if not data:
            self.has_ended = True
            return
        self.incoming += data
        self.last_read = time.monotonic()

"""Section "Notation": reading and writing the fields that everything consists of."""

from failure import Failure

NUMBER_MAX = 2**53 - 1


def number(value, size_bytes):
    """A big-endian number."""
    return value.to_bytes(size_bytes, "big")


def vector(size_bytes, data):
    """The document's vector8 and vector16."""
    return number(len(data), size_bytes) + data


class Fields:
    """Reads fields one after the other; none may be missing, and `end` refuses bytes behind the last."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def take(self, size):
        if self._at + size > len(self._data):
            raise Failure("malformed", "something ends in the middle of a field")
        self._at += size
        return self._data[self._at - size:self._at]

    def number(self, size_bytes):
        value = int.from_bytes(self.take(size_bytes), "big")
        if value > NUMBER_MAX:
            raise Failure("malformed", "a number is too large")
        return value

    def vector(self, size_bytes):
        return self.take(self.number(size_bytes))

    def rest(self):
        """All that is left."""
        return self.take(len(self._data) - self._at)

    @property
    def position(self):
        return self._at

    @property
    def is_empty(self):
        return self._at == len(self._data)

    def end(self):
        if not self.is_empty:
            raise Failure("malformed", "there are bytes behind the last field")

"""What ends the client."""


class Failure(Exception):
    """A failure by the document's name for it; `details` goes into the client's last line of output as it is."""

    def __init__(self, code, text, **details):
        super().__init__(text)
        self.code = code
        self.details = details

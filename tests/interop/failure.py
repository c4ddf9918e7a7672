"""What ends the client: a short code for programs and a text for people."""


class Failure(Exception):
    """A failure with a `code`; `details` goes into the client's last line of output as it is."""

    def __init__(self, code, text, **details):
        super().__init__(text)
        self.code = code
        self.details = details

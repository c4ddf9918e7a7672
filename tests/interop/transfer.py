"""Section "Transfer", the sender's part: from OFFER to a receipt that is verified."""

import datetime
import hashlib
import os
import signal
from dataclasses import dataclass
from hmac import compare_digest

from channel import ACCEPT, DATA, DIGESTS, DONE, DURABLE, END, MANIFEST, OFFER, REJECT, START, WANT_MANIFEST
from failure import Failure
from fields import number
from manifest import Manifest, StreamDigest
from openssh import check_signature, key_line

FLAG_UNKNOWN_SIZE, FLAG_DIGESTS, FLAG_ALL_SENT = 1, 2, 4
REASON_INTEGRITY = 7
MAX_REASON_BYTES = 3000
# The last of the year 9999.
MAX_TIME_MS = 253402300799999
HASHES_A_MESSAGE = 2048


@dataclass
class Plan:
    """What is sent, and how."""

    manifest: Manifest
    block_size: int
    # Whether the receiver is to compare hashes, and whether this run has sent all of it before.
    with_digests: bool = False
    was_all_sent: bool = False
    # What a test wants: dies once so many blocks are acknowledged.
    stop_after_blocks: int = None


@dataclass
class Outcome:
    """What became of a transfer; `start` is where in the stream its data began, None if nothing was asked for."""

    start: int
    receipt: str


class SenderTransfer:
    """Sends what `plan` says over `channel`."""

    def __init__(self, channel, session, plan):
        self._channel = channel
        self._session = session
        self._plan = plan
        manifest = plan.manifest
        self.transfer_id = hashlib.sha256(
            b"stx1 transfer\0"
            + session.client_key
            + session.server_key
            + number(plan.block_size, 4)
            + manifest.digest
        ).digest()
        if not manifest.has_size:
            self.transfer_id = os.urandom(32)
        self._digest = StreamDigest()
        self._durable = 0
        self._sent = 0
        self._is_sending = False
        self._listings = manifest.messages()
        self._listing = next(self._listings)

    def offer(self):
        """Sends OFFER and as much of the manifest as has room now."""
        plan, manifest = self._plan, self._plan.manifest
        flags = 0 if manifest.has_size else FLAG_UNKNOWN_SIZE
        flags |= FLAG_DIGESTS if plan.with_digests else 0
        flags |= FLAG_ALL_SENT if plan.was_all_sent else 0
        self._channel.send(
            OFFER,
            self.transfer_id
            + bytes([flags])
            + number(manifest.size if manifest.has_size else 0, 8)
            + number(len(manifest.entries), 4)
            + number(plan.block_size, 4)
            + manifest.digest,
        )
        while self._listing is not None and self._channel.has_room(MANIFEST, self._listing):
            self._send_listing()

    def run(self):
        """All that comes behind READY."""
        plan = self._plan
        kind, fields = self._receive((WANT_MANIFEST, ACCEPT, DONE))
        if kind == DONE:
            if not plan.was_all_sent or not plan.manifest.has_size:
                raise Failure("unexpected_message", "DONE came in place of ACCEPT")
            return Outcome(None, self._check_done(fields, is_first_answer=True))
        if kind == WANT_MANIFEST:
            fields.end()
            while self._listing is not None:
                self._send_listing()
            _, fields = self._receive((ACCEPT,))
        start = self._start(fields)
        self._send_stream(start)
        _, fields = self._receive((DONE,))
        return Outcome(start, self._check_done(fields, is_first_answer=False))

    def _send_listing(self):
        self._channel.send(MANIFEST, self._listing)
        self._listing = next(self._listings, None)

    def _receive(self, expected):
        """The next message of one of these types and its fields."""
        while True:
            kind, fields = self._channel.receive()
            if kind in expected:
                return kind, fields
            self._note(kind, fields)

    def _note(self, kind, fields):
        """REJECT, which may come at any time and is a failure, and DURABLE, which comes while the stream is sent."""
        if kind == REJECT:
            reason, text = fields.number(1), fields.vector(2)
            fields.end()
            if len(text) > MAX_REASON_BYTES:
                raise Failure("malformed", "the text of REJECT is too long")
            try:
                text = ascii(text.decode("utf-8"))
            except UnicodeDecodeError:
                raise Failure("malformed", "the text of REJECT is not UTF-8") from None
            code = "digest_mismatch" if reason == REASON_INTEGRITY else "rejected"
            raise Failure(code, f"the receiver says: {text}", reason=reason)
        if kind != DURABLE or not self._is_sending:
            raise Failure("unexpected_message", f"a message of type {kind} may not come here")
        durable = fields.number(8)
        fields.end()
        is_at_block = durable % self._plan.block_size == 0 or durable == self._plan.manifest.size
        if not self._durable <= durable <= self._sent or not is_at_block:
            raise Failure("malformed", "more is said to be durable than was sent, or less than before")
        self._durable = durable

    def _start(self, fields):
        """Compares what the receiver has with the own beginning and sends START; returns where the stream begins."""
        offset, sha256 = fields.number(8), fields.take(32)
        fields.end()
        size, block_size = self._plan.manifest.size, self._plan.block_size
        if not self._plan.manifest.has_size:
            size = 0
        if offset > size or (offset % block_size != 0 and offset != size):
            raise Failure("malformed", "the receiver has what was never sent")
        if offset > 0:
            for block in self._plan.manifest.blocks(block_size):
                self._digest.add(block)
                if self._digest.size >= offset:
                    break
            if not compare_digest(self._digest.sha256, sha256):
                self._digest = StreamDigest()
        start = self._digest.size
        self._channel.send(START, number(start, 8))
        self._durable, self._sent, self._is_sending = start, start, True
        return start

    def _send_stream(self, start):
        plan, channel = self._plan, self._channel
        blocks = 0
        for index, block in enumerate(plan.manifest.blocks(plan.block_size)):
            blocks = index + 1
            if index * plan.block_size < start:
                continue
            channel.send(DATA, number(index, 8) + block)
            self._digest.add(block)
            self._sent = self._digest.size
            if blocks == plan.stop_after_blocks:
                channel.wait_for_acknowledgement()
                os.kill(os.getpid(), signal.SIGKILL)
            self._note_what_came()
        if plan.with_digests:
            digests = plan.manifest.file_digests()
            for at in range(0, len(digests), HASHES_A_MESSAGE):
                channel.send(DIGESTS, b"".join(digests[at:at + HASHES_A_MESSAGE]))
        size, crc = self._digest.size, self._digest.crc
        channel.send(END, number(size, 8) + number(blocks, 8) + number(crc, 4))

    def _note_what_came(self):
        message = self._channel.poll()
        while message is not None:
            self._note(*message)
            message = self._channel.poll()

    def _check_done(self, fields, is_first_answer):
        """Checks DONE; returns the text of the receipt."""
        time_ms, size, session_id, with_digests = (
            fields.number(8),
            fields.number(8),
            fields.take(16),
            fields.number(1),
        )
        signature = fields.vector(2)
        fields.end()
        plan = self._plan
        if with_digests not in (0, 1):
            raise Failure("malformed", "a flag is neither 0 nor 1")
        if size != plan.manifest.size or time_ms > MAX_TIME_MS:
            raise Failure("bad_receipt", "the receipt has another size, or no time")
        if with_digests != plan.with_digests and not (is_first_answer and with_digests == 1):
            raise Failure("bad_receipt", "the receipt has digests unasked, or lacks them")
        text = self._receipt(time_ms, session_id, with_digests == 1)
        check_signature(signature, self._session.server_key, b"receipt@stx1", text.encode())
        return text

    def _receipt(self, time_ms, session_id, with_digests):
        manifest, session = self._plan.manifest, self._session
        time = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=time_ms)
        lines = [
            "stx receipt 1",
            f"sender: {key_line(session.client_key)}",
            f"receiver: {key_line(session.server_key)}",
            f"transfer: {self.transfer_id.hex()}",
            f"manifest: {manifest.digest.hex()}",
            f"session: {session_id.hex()}",
            f"entries: {len(manifest.entries)}",
            f"bytes: {manifest.size}",
            f"finished: {time.isoformat(timespec='milliseconds')}Z",
        ]
        if with_digests:
            hashes = manifest.file_digests()
            lines += [f"{each.hex()}  {entry.path}" for each, entry in zip(hashes, manifest.files)]
        return "".join(f"{line}\n" for line in lines)

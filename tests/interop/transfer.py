"""Section "Transfer", the sender's part: from OFFER to a receipt that is verified."""

import datetime
import hashlib
import os
import signal
import sys
from dataclasses import dataclass

from failure import Failure
from handshake import Fields
from manifest import StreamDigest
from openssh import check_signature, key_line

OFFER, MANIFEST, WANT_MANIFEST, ACCEPT, REJECT, START, DATA, DURABLE, DIGESTS, END, DONE = range(16, 27)
FLAG_DIGESTS, FLAG_ALL_SENT = 2, 4
REASONS = {1: "policy", 2: "space", 3: "name", 4: "exists", 5: "quota", 6: "receiver", 7: "read back"}
MAX_REASON_BYTES = 3000
HASHES_A_MESSAGE = 2048


@dataclass
class Plan:
    """What is sent, and how."""

    manifest: object
    block_size: int = 65536
    with_digests: bool = False
    # Kills this process once so many blocks are acknowledged, as a test wants it.
    stop_after_blocks: int = None
    # Called as the stream begins, with the records layer.
    before_data: object = None


@dataclass
class Outcome:
    """What became of a transfer."""

    transfer_id: bytes
    offset: int
    receipt: str


class SenderTransfer:
    """Sends what `plan` says over `records`."""

    def __init__(self, records, session, plan):
        self._records = records
        self._session = session
        self._plan = plan
        manifest = plan.manifest
        self.transfer_id = hashlib.sha256(
            b"stx1 transfer\0"
            + session.client_key
            + session.server_key
            + plan.block_size.to_bytes(4, "big")
            + manifest.digest
        ).digest()
        self._digest = StreamDigest()
        self._durable = 0
        self._sent = 0
        self._is_sending = False
        self._listings = manifest.messages()
        self._listing = next(self._listings)

    def offer(self):
        """Sends OFFER and as much of the manifest as early limits allow."""
        plan, manifest = self._plan, self._plan.manifest
        self._records.send(
            OFFER,
            self.transfer_id
            + bytes([FLAG_DIGESTS if plan.with_digests else 0])
            + manifest.size.to_bytes(8, "big")
            + len(manifest.entries).to_bytes(4, "big")
            + plan.block_size.to_bytes(4, "big")
            + manifest.digest,
        )
        while self._listing is not None and self._records.has_room(self._listing):
            self._send_listing()

    def run(self):
        """All that comes behind READY."""
        kind, fields = self._receive((WANT_MANIFEST, ACCEPT, DONE))
        if kind == DONE:
            raise Failure("protocol_error", "DONE came, though this run has not sent all before")
        if kind == WANT_MANIFEST:
            fields.end()
            while self._listing is not None:
                self._send_listing()
            _, fields = self._receive((ACCEPT,))
        offset, digest = fields.number(8), fields.take(32)
        fields.end()
        start = self._start(offset, digest)
        self._send_stream(start)
        return Outcome(self.transfer_id, start, self._take_done())

    def _send_listing(self):
        self._records.send(MANIFEST, self._listing)
        self._listing = next(self._listings, None)

    def _receive(self, expected):
        """The next message of one of these types; DURABLE is noted and REJECT is a failure."""
        while True:
            kind, body = self._records.receive()
            if kind in expected:
                return kind, Fields(body)
            self._note(kind, body)

    def _note(self, kind, body):
        """What may come at any time while the stream is sent."""
        fields = Fields(body)
        if kind == REJECT:
            reason, text = fields.number(1), fields.vector(2)
            fields.end()
            if reason not in REASONS or len(text) > MAX_REASON_BYTES:
                raise Failure("protocol_error", "the receiver refuses for a reason that there is not")
            text = ascii(text.decode("utf-8"))
            raise Failure("rejected", f"refused ({REASONS[reason]}): {text}", reason=reason)
        if kind != DURABLE or not self._is_sending:
            raise Failure("protocol_error", f"a message of type {kind} does not belong here")
        durable = fields.number(8)
        fields.end()
        if not self._durable <= durable <= self._sent:
            raise Failure("protocol_error", "more is said to be durable than was sent, or less than before")
        self._durable = durable

    def _start(self, offset, digest):
        """Compares what the receiver has with the own beginning and sends START; returns where the stream begins."""
        size, block_size = self._plan.manifest.size, self._plan.block_size
        if offset > size or (offset % block_size != 0 and offset != size):
            raise Failure("protocol_error", "the receiver has what was never sent")
        for block in self._plan.manifest.blocks(block_size):
            if self._digest.size >= offset:
                break
            self._digest.add(block)
        if self._digest.sha256 != digest:
            self._digest = StreamDigest()
        start = self._digest.size
        self._records.send(START, start.to_bytes(8, "big"))
        self._durable, self._sent, self._is_sending = start, start, True
        return start

    def _send_stream(self, start):
        plan, records = self._plan, self._records
        if plan.before_data:
            plan.before_data(records)
        blocks = 0
        for index, block in enumerate(plan.manifest.blocks(plan.block_size)):
            blocks = index + 1
            if index * plan.block_size < start:
                continue
            records.send(DATA, index.to_bytes(8, "big") + block)
            self._digest.add(block)
            self._sent = self._digest.size
            if blocks == plan.stop_after_blocks:
                records.wait_for_acknowledgement()
                sys.stdout.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            self._note_what_came()
        if plan.with_digests:
            digests = plan.manifest.file_digests()
            for at in range(0, len(digests), HASHES_A_MESSAGE):
                records.send(DIGESTS, b"".join(digests[at:at + HASHES_A_MESSAGE]))
        size, crc = self._digest.size, self._digest.crc
        records.send(END, size.to_bytes(8, "big") + blocks.to_bytes(8, "big") + crc.to_bytes(4, "big"))

    def _note_what_came(self):
        message = self._records.poll()
        while message is not None:
            self._note(*message)
            message = self._records.poll()

    def _take_done(self):
        """Waits for DONE and returns the receipt's text, which the receiver has signed."""
        _, fields = self._receive((DONE,))
        time_ms, size, session_id, with_digests = (
            fields.number(8),
            fields.number(8),
            fields.take(16),
            fields.number(1),
        )
        signature = fields.vector(2)
        fields.end()
        if with_digests not in (0, 1) or (with_digests == 0 and self._plan.with_digests):
            raise Failure("bad_receipt", "the receipt lacks the digests that were asked for")
        if size != self._plan.manifest.size or session_id != self._session.session_id:
            raise Failure("bad_receipt", "the receipt is of another size or session")
        text = self._receipt(time_ms, with_digests == 1)
        check_signature(signature, self._session.server_key, b"receipt@stx1", text.encode())
        return text

    def _receipt(self, time_ms, with_digests):
        manifest, session = self._plan.manifest, self._session
        seconds = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=time_ms)
        lines = [
            "stx receipt 1",
            f"sender: {key_line(session.client_key)}",
            f"receiver: {key_line(session.server_key)}",
            f"transfer: {self.transfer_id.hex()}",
            f"manifest: {manifest.digest.hex()}",
            f"session: {session.session_id.hex()}",
            f"entries: {len(manifest.entries)}",
            f"bytes: {manifest.size}",
            f"finished: {seconds.isoformat(timespec='milliseconds')}Z",
        ]
        if with_digests:
            hashes = manifest.file_digests()
            lines += [f"{each.hex()}  {entry.path}" for each, entry in zip(hashes, manifest.files)]
        return "".join(f"{line}\n" for line in lines)

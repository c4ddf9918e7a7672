#!/usr/bin/env python3
"""
A second implementation of STX/1: a sender, written from docs/protocol.md alone. It shares no code with stx and
was made without looking into it, so that what the two agree on is what the document says. Whoever changes the
document changes this client as well, from the document.

Its parts: ml_kem.py (FIPS 203), ed25519_point.py, key_schedule.py, handshake.py, records.py, manifest.py,
transfer.py, openssh.py (the formats of OpenSSH), stream.py (a TCP connection). It needs Python 3.11 and Debian's
python3-cryptography. It is for tests: its secrets are neither erased nor computed in constant time.

    python3 stx_client.py send --key SEED_OR_FILE --peer FINGERPRINT_OR_KEY [OPTION]... FILE HOST PORT

The last line of its output is one JSON object: `{"result": "done", ...}` with exit status 0 if the receipt was
verified and both ends closed the session, else `{"result": CODE, "text": ..., ...}` with exit status 1.
"""

import sys

# The folder of the tests stays as it is.
sys.dont_write_bytecode = True

import argparse
import json
import socket

from failure import Failure
from handshake import ClientHandshake, Options
from key_schedule import SUITE_NAMES
from manifest import Manifest, list_entries
from openssh import load_identity
from records import ACK, Noise, Records
from stream import CHUNK_BYTES, Stream
from transfer import Plan, SenderTransfer

CONNECT_SECONDS = 10


def read_arguments():
    parser = argparse.ArgumentParser(description="A sender of STX/1 for tests.")
    send = parser.add_subparsers(required=True).add_parser("send", help="send a file or a folder")
    send.add_argument("--key", required=True, help="seed in hexadecimal, or an OpenSSH private key file")
    send.add_argument("--peer", required=True, help="the receiver's fingerprint or public key")
    send.add_argument("--suite", choices=SUITE_NAMES, action="append", help="offer this suite; may be repeated")
    send.add_argument("--block-size", type=int, default=65536)
    send.add_argument("--digests", action="store_true", help="have the receiver compare SHA-256 hashes")
    test = send.add_argument_group("what only a test wants")
    test.add_argument("--stop-after-blocks", type=int, help="die once so many blocks have been acknowledged")
    test.add_argument("--piece-size", type=int, default=CHUNK_BYTES, help="bytes per TCP segment at most")
    test.add_argument("--flip-verify", action="store_true", help="flip a bit in VERIFY")
    test.add_argument("--flip-sent", type=int, help="flip a bit in the record of this number, once")
    test.add_argument("--flip-received", type=int, help="take the record of this number for damaged, once")
    test.add_argument("--clock-offset", type=int, default=0, help="seconds that this clock is ahead")
    test.add_argument("--records", type=int, default=0, help="ACKs to send before the first block")
    send.add_argument("path")
    send.add_argument("host")
    send.add_argument("port", type=int)
    return parser.parse_args()


def send(arguments):
    """One session, one transfer; returns what the last line says."""
    suites = tuple(SUITE_NAMES[name] for name in arguments.suite or SUITE_NAMES)
    options = Options(
        load_identity(arguments.key),
        arguments.peer,
        suites,
        flips_verify=arguments.flip_verify,
        clock_offset_seconds=arguments.clock_offset,
    )

    def send_acks(records):
        for _ in range(arguments.records):
            records.send(ACK)

    plan = Plan(
        Manifest(list_entries(arguments.path)),
        arguments.block_size,
        arguments.digests,
        arguments.stop_after_blocks,
        send_acks,
    )
    noise = Noise(arguments.flip_sent, arguments.flip_received)
    with socket.create_connection((arguments.host, arguments.port), CONNECT_SECONDS) as connection:
        stream = Stream(connection, arguments.piece_size)
        handshake = ClientHandshake(stream, options)
        session = handshake.start()
        records = Records(stream, session, noise)
        transfer = SenderTransfer(records, session, plan)
        transfer.offer()
        handshake.finish()
        records.open()
        try:
            outcome = transfer.run()
        except Failure as failure:
            if failure.code in ("protocol_error", "bad_receipt"):
                records.alert(5)
            raise
        if not records.close():
            raise Failure("unclean", "the receiver did not answer CLOSE with CLOSE")
    return {
        "result": "done",
        "suite": session.suite,
        "session": session.session_id.hex(),
        "transfer": outcome.transfer_id.hex(),
        "offset": outcome.offset,
        "receipt": outcome.receipt,
        "records": records.sent,
        "repeated": records.repeated,
        "asked": records.asked,
    }


def main():
    try:
        result = send(read_arguments())
    except Failure as failure:
        result = {"result": failure.code, "text": str(failure), **failure.details}
    print(json.dumps(result))
    return 0 if result["result"] == "done" else 1


if __name__ == "__main__":
    sys.exit(main())

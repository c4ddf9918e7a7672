#!/usr/bin/env python3
"""
A second implementation of STX/1: a sender, written from docs/protocol.md alone. It shares no code with stx and was
made without a look into it, so what the two agree on is what the document says. A change of the document is made
here from the document, too.

It speaks every suite and mode, makes every check that the document asks of a client, resumes, survives line
noise and verifies the receipt. It needs Python 3.11 and Debian's python3-cryptography. It is for tests: its
secrets are neither erased nor computed in constant time, and it never connects twice.

    python3 stx_client.py send --key SEED_OR_FILE --peer FINGERPRINT_OR_KEY [OPTION]... PATH HOST PORT

Its output is one JSON object: `{"result": "done", ...}` with exit status 0 if the receipt was verified, else
`{"result": ERROR, "text": ..., ...}` with the document's name for the error and exit status 1.

Its parts, in the order in which they build on one another: failure, fields, alerts, ml_kem (FIPS 203),
ed25519_point, openssh and shared_key (files and texts that people have), key_schedule, stream (a TCP connection),
handshake, records, rotation, outgoing, incoming, channel, manifest, transfer. vectors.py holds it against
tests/vectors.
"""

import sys

# The folder of the tests stays as it is.
sys.dont_write_bytecode = True

import argparse
import json
import socket

from channel import PING, ROTATION, Channel
from failure import Failure
from handshake import IDENTITY, IDENTITY_AND_PSK, MODE_NAMES, PSK, ClientHandshake, Fresh, Options
from key_schedule import SUITE_NAMES
from manifest import Manifest, list_entries
from openssh import fingerprint, load_identity
from rotation import make_rotation
from shared_key import load_shared_key
from stream import CHUNK_BYTES, Stream
from transfer import Plan, SenderTransfer

CONNECT_SECONDS = 10


def read_arguments():
    parser = argparse.ArgumentParser(description="A sender of STX/1 for tests.")
    send = parser.add_subparsers(required=True).add_parser("send", help="send a file or a folder")
    send.add_argument("--key", required=True, help="seed in hexadecimal, or an OpenSSH private key file")
    send.add_argument("--peer", help="the receiver's fingerprint or public key; in mode psk anybody without it")
    send.add_argument("--suite", choices=SUITE_NAMES, action="append", help="offer this suite; may be repeated")
    send.add_argument("--mode", choices=MODE_NAMES, action="append", help="offer this mode; may be repeated")
    send.add_argument("--psk-file", help="file of a shared key; offers psk and identity+psk without --mode")
    send.add_argument("--new-key", help="announce that this private key follows --key")
    send.add_argument("--block-size", type=int, default=65536)
    send.add_argument("--name", help="the name under which it arrives")
    send.add_argument("--digests", action="store_true", help="have the receiver compare SHA-256 hashes")
    send.add_argument("--unknown-size", action="store_true", help="send a file as if it came from a pipe")
    test = send.add_argument_group("what only a test wants")
    test.add_argument("--all-sent", action="store_true", help="say that this run has sent all of it before")
    test.add_argument("--stop-after-blocks", type=int, help="die once so many blocks have been acknowledged")
    test.add_argument("--piece-size", type=int, default=CHUNK_BYTES, help="bytes that are sent or read at once")
    test.add_argument("--flip-verify", type=int, help="flip this bit of VERIFY's body")
    test.add_argument("--flip-sent", type=int, nargs="*", default=[], help="damage these records on their way")
    test.add_argument("--flip-received", type=int, nargs="*", default=[], help="take these records for damaged")
    test.add_argument("--flip-incoming", type=int, help="flip this bit of all that comes in")
    test.add_argument("--unknown", action="store_true", help="also offer what no version knows")
    test.add_argument("--nonce", type=bytes.fromhex, help="32 bytes to take for a nonce")
    test.add_argument("--clock-offset", type=int, default=0, help="seconds that this clock is ahead")
    test.add_argument("--ignore-clocks", action="store_true", help="go on though the clocks differ")
    test.add_argument("--pings", type=int, default=0, help="PINGs to send before the first block")
    send.add_argument("path")
    send.add_argument("host")
    send.add_argument("port", type=int)
    return parser.parse_args()


def handshake_options(arguments):
    default_modes = (PSK, IDENTITY_AND_PSK) if arguments.psk_file else (IDENTITY,)
    return Options(
        load_identity(arguments.key),
        arguments.peer,
        tuple(SUITE_NAMES[name] for name in arguments.suite or SUITE_NAMES),
        tuple(MODE_NAMES[name] for name in arguments.mode) if arguments.mode else default_modes,
        load_shared_key(arguments.psk_file) if arguments.psk_file else None,
        arguments.unknown,
        arguments.flip_verify,
        arguments.ignore_clocks,
    )


def fresh_values(arguments):
    fresh = Fresh.make()
    fresh.time += arguments.clock_offset
    fresh.nonce = arguments.nonce or fresh.nonce
    return fresh


def transfer_plan(arguments):
    return Plan(
        Manifest(list_entries(arguments.path, arguments.name), not arguments.unknown_size),
        arguments.block_size,
        arguments.digests,
        arguments.all_sent,
        arguments.stop_after_blocks,
    )


def send(arguments):
    """One session, one transfer; returns what the output says."""
    options, plan = handshake_options(arguments), transfer_plan(arguments)
    with socket.create_connection((arguments.host, arguments.port), CONNECT_SECONDS) as connection:
        stream = Stream(connection, arguments.piece_size)
        stream.flipped_bit = arguments.flip_incoming
        handshake = ClientHandshake(stream, options, fresh_values(arguments))
        session = handshake.start()
        channel = Channel(stream, session)
        channel.outgoing.damaged_numbers = arguments.flip_sent
        channel.incoming.damaged_numbers = arguments.flip_received
        transfer = SenderTransfer(channel, session, plan)
        try:
            transfer.offer()
            handshake.finish()
            channel.open()
            if arguments.new_key:
                channel.send(ROTATION, make_rotation(options.identity, load_identity(arguments.new_key)))
            for _ in range(arguments.pings):
                channel.send(PING)
            outcome = transfer.run()
        except Failure as failure:
            channel.fail(failure)
            raise
        was_closed = channel.close()
    return {
        "result": "done",
        "text": "the receipt is valid",
        "suite": session.suite,
        "mode": session.mode,
        "session": session.session_id.hex(),
        "transfer": transfer.transfer_id.hex(),
        "start": outcome.start,
        "receipt": outcome.receipt,
        "closed": was_closed,
        "rotation": channel.rotation and [fingerprint(key) for key in channel.rotation],
        "sent": channel.outgoing.next,
        "taken": channel.incoming.expected,
        "repeated": channel.outgoing.repeated,
        "asked": channel.incoming.asked,
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

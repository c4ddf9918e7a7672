"""
Holds this client against tests/vectors: of negative.json the cases whose end is a client, a session or a sender, and
of the other files what a client computes. As a program it prints a line for each case that comes out otherwise, and
last how many there were.

    python3 vectors.py FOLDER_OF_VECTORS
"""

import sys

# The folder of the tests stays as it is.
sys.dont_write_bytecode = True

import json
import os
import tempfile
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alerts import alert_in_session
from channel import ALERT, OFFER, Channel
from ed25519_point import is_public_key
from failure import Failure
from fields import Fields
from handshake import ClientHandshake, Fresh, Options, Session
from manifest import FILE, FOLDER, Entry, Manifest
from openssh import check_signature, fingerprint, key_line, raw
from records import SMALLEST_CIPHERTEXT_BYTES, SMALLEST_RECORD_BYTES, DirectionKeys
from stream import Stream
from transfer import Plan, SenderTransfer


class Clock:
    """What time.monotonic says while cases run."""

    now = 0


time.monotonic = lambda: Clock.now


class Mismatch(Exception):
    """What a case says is not what happens."""


class Over(Exception):
    """The script has nothing for a client that still waits."""


def unhex(text):
    return bytes.fromhex(text)


def message(printed):
    """A message of a case as (type, body); the text of REJECT is left to whoever sends it."""
    body = unhex(printed["body"]) if "body" in printed else bytes([printed["reason"]]) + b"\0\0"
    return printed["type"], body + repetition(printed)


def repetition(printed):
    then = printed.get("then")
    return b"" if then is None else unhex(then["byte"]) * then["count"]


class ScriptedStream(Stream):
    """A stream whose other end is a list of steps."""

    def __init__(self, steps):
        self.steps = list(steps)
        self.sent = b""
        self.incoming = bytearray()
        self.has_ended = False
        self.read_bytes = 0
        self.last_read = Clock.now

    def readable(self, data):
        """What is to be the same of what is sent."""
        return data

    def write(self, data):
        self.sent += data

    def say_goodbye(self):
        pass

    def turn(self, seconds):
        """One step, if there is one that is not the client's turn to do."""
        if not self.step():
            raise Over

    def step(self):
        """Does the next step of the peer, of the clock, or of what was sent; False if it is none of those."""
        if not self.steps:
            return False
        step = self.steps[0]
        if "in" in step:
            self.come(unhex(step["in"]) + repetition(step))
        elif "out" in step:
            self.expect(unhex(step["out"]))
        elif "at" in step:
            Clock.now = step["at"] / 1000
        elif "end_of_stream" in step:
            self.has_ended = True
        else:
            return False
        del self.steps[0]
        return True

    def come(self, data):
        self.incoming += data
        self.read_bytes += len(data)
        self.last_read = Clock.now

    def expect(self, data):
        if self.readable(self.sent) != self.readable(data):
            raise Mismatch(f"sent {self.sent.hex()[:80]} in place of {data.hex()[:80]}")
        self.sent = b""

    def finish(self):
        """What is left of the steps is what was said last."""
        while self.step():
            pass
        if self.steps:
            raise Mismatch(f"did not come to {json.dumps(self.steps[0])[:80]}")
        if self.sent:
            raise Mismatch(f"sent {self.sent.hex()[:80]} besides")


def client_case(case):
    """A handshake; returns the error, or None."""
    setup = case["setup"]
    shared_key = setup["shared_key"] and unhex(setup["shared_key"])
    receiver = setup["receiver"] and key_line(unhex(setup["receiver"]))
    identity = Ed25519PrivateKey.from_private_bytes(unhex(setup["identity_seed"]))
    options = Options(identity, receiver, tuple(setup["suites"]), tuple(setup["modes"]), shared_key)
    fresh = Fresh(setup["time"], *(unhex(setup[name]) for name in ("nonce", "kem_seed", "x25519_secret")))
    stream = ScriptedStream(case["steps"])
    handshake = ClientHandshake(stream, options, fresh)
    error = None
    try:
        channel = Channel(stream, handshake.start())
        try:
            handshake.finish()
        except Failure as failure:
            channel.fail(failure)
            raise
    except Failure as failure:
        error = failure.code
    stream.finish()
    return error


def session_case(case):
    """An open session; returns the error that ended it, or None."""
    setup = case["setup"]
    first = setup["first_sequence"]
    stream = ScriptedStream(case["steps"])
    session = Session(
        setup["suite"],
        1,
        None,
        unhex(setup["peer"]),
        unhex(setup["send_secret_0"]),
        unhex(setup["receive_secret_0"]),
        None,
        setup["window_records"],
        setup["window_bytes"],
    )
    stream.turn = lambda seconds: None
    stream.readable = lambda data: opened(data, setup["suite"], unhex(setup["send_secret_0"]))
    channel = Channel(stream, session)
    channel.outgoing.next = channel.outgoing.acknowledged = channel.incoming.expected = first
    channel.open()
    while stream.steps:
        step = stream.steps[0]
        if "say" in step:
            del stream.steps[0]
            channel.send(*message(step["say"]))
            continue
        stream.step()
        given = [(kind, body.rest()) for kind, body in run(channel)]
        check(given, [message(each) for each in step.get("gives", []) if each["type"] >= OFFER])
    stream.finish()
    return None if channel.has_peer_closed or channel.ending is None else channel.ending.code


def run(channel):
    """The messages that a channel gives once it has done all that it can."""
    return list(iter(channel.poll, None))


def opened(data, suite, secret):
    """The records in `data`, but of ALERT not whether it acknowledges the record that is the reason for it."""
    keys, records = DirectionKeys(suite, secret), []
    while data:
        size = SMALLEST_RECORD_BYTES - SMALLEST_CIPHERTEXT_BYTES + int.from_bytes(data[4:8], "big")
        sequence, record, data = int.from_bytes(data[:4], "big"), data[:size], data[size:]
        plaintext = keys.open(sequence, record)
        records.append((sequence, plaintext[0], plaintext[5:] if plaintext[0] == ALERT else plaintext[1:]))
    return records


class ScriptedChannel:
    """A session whose other end is a list of messages."""

    def __init__(self, steps):
        self.steps = list(steps)

    def has_room(self, kind, body):
        return True

    def send(self, kind, body):
        if not self.steps or self.steps[0].get("out_message") is None:
            raise Mismatch(f"sent {kind} {body.hex()[:80]} besides")
        wanted = message(self.steps.pop(0)["out_message"])
        if wanted != (kind, body):
            raise Mismatch(f"sent {kind} {body.hex()} in place of {wanted[0]} {wanted[1].hex()}")

    def receive(self):
        got = self.poll()
        if got is None and self.steps and self.steps[0].get("end_of_stream"):
            del self.steps[0]
            raise Failure("connection_lost", "the connection ended without CLOSE")
        if got is None:
            raise Over
        return got

    def poll(self):
        if not self.steps or "in_message" not in self.steps[0]:
            return None
        kind, body = message(self.steps.pop(0)["in_message"])
        return kind, Fields(body)


def sender_case(case):
    """A transfer; returns the error, or None."""
    with tempfile.TemporaryDirectory() as folder:
        return send_from(folder, case)


def send_from(folder, case):
    setup = case["setup"]
    session = Session(1, 1, unhex(setup["sender"]), unhex(setup["receiver"]), None, None, unhex(setup["session_id"]))
    content, random_id = unhex(setup["content"]), setup["random_transfer_id"]
    listed = setup["entries"]
    if random_id is not None:
        # Of a size that is not known there is one entry, which says 0.
        listed = [{**listed[0], "size": len(content)}]
    manifest = Manifest(place(listed, content, folder), random_id is None)
    plan = Plan(manifest, setup["block_size"], setup["with_digests"], setup["repeated"])
    channel = ScriptedChannel(case["steps"])
    transfer = SenderTransfer(channel, session, plan)
    if random_id is not None:
        transfer.transfer_id = unhex(random_id)
    failure = None
    try:
        transfer.offer()
        transfer.run()
    except Failure as raised:
        failure = raised
    if channel.steps:
        raise Mismatch(f"did not come to {json.dumps(channel.steps[0])[:80]}")
    alert = failure and alert_in_session(failure)
    if alert != (case["alert"] and case["alert"]["number"]):
        raise Mismatch(f"told {alert}")
    return failure and failure.code


def place(listed, content, folder):
    """Puts the contents of a case where a sender finds them."""
    entries = []
    for index, one in enumerate(listed):
        local, content, own = f"{folder}/{index}", content[one["size"]:], content[:one["size"]]
        with open(local, "wb") as file:
            file.write(own)
        entries.append(entry(one, local, os.stat(local).st_mtime_ns))
    return entries


def handshake_case(case):
    """A handshake that succeeds: the bytes that the client sends for those that it gets."""
    steps = [{"out": case["hello"]}, {"in": case["welcome"]}, {"out": case["verify"]}, {"in": case["ready"]}]
    return client_case({"setup": case["client"], "steps": steps})


def records_case(case):
    keys = DirectionKeys(case["suite"], unhex(case["secret_0"]))
    for record in case["records"]:
        check(keys.seal(record["sequence"], unhex(record["plaintext"])).hex(), record["record"])
    keys = DirectionKeys(case["suite"], unhex(case["secret_0"]))
    for record in case["records"]:
        check(keys.open(record["sequence"], unhex(record["record"])).hex(), record["plaintext"])


def manifest_case(case):
    manifest = Manifest([entry(one) for one in case["entries"]])
    session = Session(1, 1, unhex(case["sender_id"]), unhex(case["receiver_id"]), None, None, None)
    check([each.encoded(True).hex() for each in manifest.entries], case["encoded"])
    check((manifest.digest.hex(), manifest.size), (case["manifest_digest"], case["size"]))
    transfer = SenderTransfer(None, session, Plan(manifest, case["block_size"]))
    check(transfer.transfer_id.hex(), case["transfer_id"])


def receipt_case(case):
    check_signature(unhex(case["signature"]), unhex(case["receiver_id"]), b"receipt@stx1", case["text"].encode())


def keys_case(case):
    if "why" in case:
        check(is_public_key(unhex(case["public_key"])), False)
    elif "seed" in case:
        key = raw(Ed25519PrivateKey.from_private_bytes(unhex(case["seed"])).public_key())
        check((key.hex(), key_line(key)), (case["public_key"], case["line"]))
        check((fingerprint(key), is_public_key(key)), (case["fingerprint"], True))


def entry(one, local=None, mtime_ns=None):
    """An entry of a case."""
    kind = FILE if one["kind"] == "file" else FOLDER
    return Entry(local, one["path"], kind, one["mode"], one["mtime"], one["size"], mtime_ns)


def check(got, wanted):
    if got != wanted:
        raise Mismatch(f"gave {got} in place of {wanted}")


def read(folder, name):
    """A file of vectors, with what it has once for all put where it belongs."""
    with open(f"{folder}/{name}.json", encoding="utf-8") as file:
        content = json.load(file)
    shared = content.get("bytes", {})

    def whole(value):
        if isinstance(value, dict):
            return {name: whole(each) for name, each in value.items()}
        if isinstance(value, list):
            return [whole(each) for each in value]
        return shared.get(value, value) if isinstance(value, str) else value

    return whole(content)


def cases(folder):
    """Every case with its name, and what runs it."""
    for name, run_case in (("records", records_case), ("manifest", manifest_case), ("receipt", receipt_case)):
        for case in read(folder, name)["cases"]:
            yield f"{name}: {case.get('name')}", lambda case=case, run_case=run_case: run_case(case)
    for case in sum(read(folder, "keys").values(), []):
        yield f"keys: {case}", lambda case=case: keys_case(case)
    for case in read(folder, "handshake")["cases"]:
        yield f"handshake: {case['name']}", lambda case=case: handshake_case(case)
    ends = {"client": client_case, "session": session_case, "sender": sender_case}
    for case in read(folder, "negative")["cases"]:
        if case["end"] in ends:
            yield f"{case['end']}: {case['name']}", lambda case=case: check(ends[case["end"]](case), case["error"])


def main(folder):
    count = wrong = 0
    for name, run_case in cases(folder):
        Clock.now = 0
        count += 1
        try:
            run_case()
        except Exception as error:
            wrong += 1
            print(f"{name}: {type(error).__name__}: {error}")
    print(f"{count} cases, {wrong} of them otherwise")


if __name__ == "__main__":
    main(sys.argv[1])

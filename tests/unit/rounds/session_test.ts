import assert from "node:assert/strict";
import { type Bytes, concat, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { CLOSE_REASONS, type CloseReason } from "../../../lib/rounds/messages.ts";
import { COUNTER_MAX } from "../../../lib/rounds/packet.ts";
import { everyCut, piecesOf } from "../../support/pieces.ts";
import { AGGREGATE, chainOf, Ends, fails, ID, setRound } from "./ends.ts";

const ZEROS = new Uint8Array(32);

Deno.test("a session opens, makes rounds, and ends with the client's word", () => {
  const ends = new Ends();
  assert.equal(ends.client.state, "waitChallenge");
  assert.deepEqual(ends.toServer(), [{ kind: "hello", id: ID }]);
  assert.equal(ends.server.state, "waitData");
  assert.equal(ends.server.id, ID);
  assert.deepEqual(ends.toClient(), [{ kind: "open", serverRound: 4 }]);
  assert.equal(ends.client.state, "ready");

  for (const [text, isFirst] of [["1,2", true], ["", false], ["x".repeat(1_000), false]] as const) {
    ends.client.sendData(text);
    assert.equal(ends.client.state, "waitAggregate");
    assert.deepEqual(ends.toServer(), [{ kind: "data", text, isFirst }]);
    assert.equal(ends.server.state, "inRound");
    ends.server.answer(AGGREGATE);
    assert.equal(ends.server.state, "waitData");
    assert.deepEqual(ends.toClient(), [{ kind: "aggregate", aggregate: AGGREGATE }]);
    assert.equal(ends.client.state, "ready");
  }

  ends.client.close();
  assert.equal(ends.client.state, "closed");
  assert.deepEqual(ends.toServer(), [{ kind: "closed", reason: "done" }]);
  assert.equal(ends.server.state, "closed");
});

Deno.test("the server ends a session with any reason, before a value and behind one", () => {
  for (const reason of Object.keys(CLOSE_REASONS) as CloseReason[]) {
    for (const ends of [new Ends().open(), new Ends().sent()]) {
      ends.server.close(reason);
      assert.equal(ends.server.state, "closed");
      assert.deepEqual(ends.toClient(), [{ kind: "closed", reason }]);
      assert.equal(ends.client.state, "closed");
    }
  }
});

Deno.test("both ends have the same chains after each packet that has arrived, and none comes back", () => {
  const ends = new Ends().open();
  const seen = new Set<string>();
  const look = () => {
    ends.assertSameChains();
    const key = toHex(chainOf(ends.client, "c2s").key) + toHex(chainOf(ends.client, "s2c").key);
    assert.ok(!seen.has(key));
    seen.add(key);
  };
  look();
  for (let round = 0; round < 10; round++) {
    ends.client.sendData("1");
    ends.toServer();
    look();
    ends.server.answer(AGGREGATE);
    ends.toClient();
    look();
  }
});

Deno.test("how the bytes are cut changes nothing", () => {
  const [, toServer] = recorded("client");
  for (const pieces of [...everyCut(toServer)].filter((_, i, all) => i % 7 === 0 || i === all.length - 1)) {
    const { server } = new Ends();
    const events: string[] = [];
    for (const piece of pieces) {
      for (const { kind } of server.receive(piece)) {
        events.push(kind);
        server.answer(AGGREGATE);
      }
    }
    assert.deepEqual(events, ["hello", "data", "data", "closed"]);
  }
  const [toClient] = recorded("server");
  for (const size of [1, 7, 100, 10_000]) {
    const { client } = new Ends();
    const events: string[] = [];
    for (const piece of piecesOf(toClient, [size])) {
      for (const { kind } of client.receive(piece)) {
        events.push(kind);
        if (client.state === "ready") client.sendData("1");
      }
    }
    assert.deepEqual(events, ["open", "aggregate", "aggregate", "closed"]);
  }
});

/** What the client and the server read in a session of two rounds that this end closes. */
function recorded(by: "client" | "server"): readonly [Bytes, Bytes] {
  const ends = new Ends();
  const [toClient, toServer]: [Bytes[], Bytes[]] = [[], []];
  const carry = () => {
    const there = concat(...ends.client.takeOutput());
    toServer.push(there);
    for (const _ of ends.server.receive(there));
    ends.server.answer(AGGREGATE);
    const back = concat(...ends.server.takeOutput());
    toClient.push(back);
    for (const _ of ends.client.receive(back));
  };
  carry();
  for (let round = 0; round < 2; round++) {
    ends.client.sendData("1");
    carry();
  }
  ends[by].close("done");
  carry();
  return [concat(...toClient), concat(...toServer)];
}

Deno.test("what came before a wrong packet counts, also when both came together", () => {
  const ends = new Ends().open();
  ends.client.sendData("1");
  const [data] = ends.client.takeOutput();
  const events: string[] = [];
  const error = fails("direction", () => {
    for (const { kind } of ends.server.receive(concat(data!, reflected(data!)))) events.push(kind);
  });
  assert.deepEqual(events, ["data"]);
  assert.equal(ends.server.state, "closed");
  assert.throws(() => [...ends.server.receive(new Uint8Array(0))], error);
  assert.deepEqual(ends.server.takeOutput(), []);
});

Deno.test("an answer that was not sent yet when a wrong packet came is not sent any more", () => {
  const ends = new Ends();
  const hello = concat(...ends.client.takeOutput());
  fails("limit", () => [...ends.server.receive(concat(hello, Uint8Array.of(1, 3, 0, 0)))]);
  assert.equal(ends.server.id, ID);
  assert.deepEqual(ends.server.takeOutput(), []);
});

/** The same for the other direction. */
function reflected(packet: Bytes): Bytes {
  const copy = packet.slice();
  copy[2]! ^= 1;
  return copy;
}

Deno.test("whoever takes events may end the session between two of them", () => {
  const ends = new Ends().open();
  ends.client.sendData("1");
  ends.client.close();
  const events: string[] = [];
  for (const { kind } of ends.server.receive(concat(...ends.client.takeOutput()))) {
    events.push(kind);
    ends.server.close("done");
  }
  assert.deepEqual(events, ["data"]);
  assert.deepEqual([...ends.server.receive(new Uint8Array(1_000))], []);
});

Deno.test("a client that leaves in a round is understood, whether its answer is under way or not", () => {
  const crossing = new Ends().sent();
  crossing.client.close();
  crossing.server.answer(AGGREGATE);
  assert.deepEqual(crossing.toServer(), [{ kind: "closed", reason: "done" }]);

  const waiting = new Ends().sent();
  waiting.client.close();
  assert.deepEqual(waiting.toServer(), [{ kind: "closed", reason: "done" }]);

  const later = new Ends().sent();
  later.client.close();
  setRound(later.server, 3);
  fails("round", () => later.toServer());
});

Deno.test("a client says one thing at a time", () => {
  const ends = new Ends();
  fails("state", () => ends.client.sendData("1"), /state waitChallenge/);
  ends.open().client.sendData("1");
  fails("state", () => ends.client.sendData("2"), /state waitAggregate/);
  assert.deepEqual(ends.toServer().map(({ kind }) => kind), ["data"]);
  ends.client.close();
  fails("state", () => ends.client.sendData("2"), /state closed/);
});

Deno.test("a server answers a value once, and nothing but a value", () => {
  const ends = new Ends();
  ends.server.answer(AGGREGATE);
  ends.open().server.answer(AGGREGATE);
  assert.deepEqual(ends.server.takeOutput(), []);
  ends.sent();
  ends.server.answer(AGGREGATE);
  ends.server.answer(AGGREGATE);
  assert.equal(ends.server.takeOutput().length, 1);
  ends.server.close("done");
  ends.server.answer(AGGREGATE);
  assert.equal(ends.server.takeOutput().length, 1);
});

Deno.test("ending twice says one thing; ending early says nothing", () => {
  const ends = new Ends().sent();
  ends.server.close("late");
  ends.server.close("done");
  assert.equal(ends.server.takeOutput().length, 1);
  ends.client.close();
  ends.client.close();
  assert.equal(ends.client.takeOutput().length, 1);

  const early = new Ends();
  early.client.takeOutput();
  early.client.close();
  early.server.close("done");
  assert.deepEqual([early.client.takeOutput(), early.server.takeOutput()], [[], []]);
  assert.deepEqual([early.client.state, early.server.state], ["closed", "closed"]);
});

Deno.test("a value of the largest size is sent, one of a byte more is not, and nothing has changed then", () => {
  const ends = new Ends().open();
  // A challenge of 16 bytes goes with the first value, and a byte of padding at least.
  const [first, later] = [131_072 - 16 - 1, 131_072 - 1];
  fails("limit", () => ends.client.sendData("x".repeat(first + 1)), /takes 131088 bytes.*131072 may be/);
  // Two bytes each.
  fails("limit", () => ends.client.sendData("é".repeat(first / 2 + 1)));
  assert.equal(ends.client.state, "ready");
  ends.round("x".repeat(first));
  fails("limit", () => ends.client.sendData("x".repeat(later + 1)));
  ends.client.sendData("x".repeat(later));
  assert.deepEqual(ends.toServer(), [{ kind: "data", text: "x".repeat(later), isFirst: false }]);
});

Deno.test("the last round of a session is answered, and there is none behind it", () => {
  const ends = new Ends().open();
  ends.round();
  for (const end of [ends.client, ends.server]) setRound(end, COUNTER_MAX);
  ends.round();
  fails("limit", () => ends.client.sendData("1"), /has had its 4294967295 rounds/);
  assert.equal(ends.client.state, "ready");
  ends.assertSameChains();
});

Deno.test("chains are erased however a session ends", () => {
  const endings: readonly ((ends: Ends) => void)[] = [
    (ends) => ends.client.close(),
    (ends) => ends.server.close("done"),
    (ends) => assert.throws(() => [...ends.client.receive(new Uint8Array(4))]),
    (ends) => assert.throws(() => [...ends.server.receive(new Uint8Array(4))]),
    (ends) => {
      ends.client.close();
      ends.toServer();
    },
    (ends) => {
      ends.server.close("late");
      ends.toClient();
    },
  ];
  for (const [i, end] of endings.entries()) {
    const ends = new Ends().sent();
    const both = [ends.client, ends.server].map((one) => [chainOf(one, "c2s").key, chainOf(one, "s2c").key]);
    end(ends);
    for (const [j, one] of [ends.client, ends.server].entries()) {
      assert.equal(one.state === "closed", j === i % 2 || i > 3, `ending ${i}`);
      if (one.state === "closed") assert.deepEqual(both[j], [ZEROS, ZEROS], `ending ${i}`);
    }
  }
});

Deno.test("a session's name is told as it was claimed, and as it was proved", () => {
  const ends = new Ends();
  assert.deepEqual([ends.server.claimedId, ends.server.id], [undefined, undefined]);
  const [hello] = ends.client.takeOutput();
  const forged = hello!.slice();
  forged.set(utf8("\u007fX"), 4);
  const server = new Ends().server;
  fails("mac", () => [...server.receive(forged)], /nobody of that name/);
  assert.deepEqual([server.claimedId, server.id], ["\u007fXnsor-1", undefined]);
  for (const _ of ends.server.receive(hello!));
  assert.deepEqual([ends.server.claimedId, ends.server.id], [ID, ID]);
});

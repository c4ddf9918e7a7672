import assert from "node:assert/strict";
import { concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import { RoundsClient } from "../../../lib/rounds/client.ts";
import type { ProtocolErrorKind } from "../../../lib/rounds/errors.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { flipBit } from "../../support/pieces.ts";
import { Group, lastFailure, withGroup } from "./rounds_group.ts";

Deno.test("three clients make rounds, and all hear the same", () =>
  withGroup({ minClients: 3 }, async (group) => {
    const [a, b, c] = await group.openAll("a", "b", "c");
    assert.deepEqual(await Promise.all([a!.send("1,2"), b!.send("-2.5"), c!.send("hello")]), [
      "1: 3 of -37.5 by 3",
      "1: -2.5 of -37.5 by 3",
      "1: 5 of -37.5 by 3",
    ]);
    await Promise.all([a!.send("1"), b!.send("2"), c!.send("3")]);
    assert.equal(group.service.lastRound, 2);
    assert.deepEqual(group.told("round"), [
      { kind: "round", number: 1, product: "-37.5", sums: { a: "3", b: "-2.5", c: "5" }, late: [] },
      { kind: "round", number: 2, product: "6", sums: { a: "1", b: "2", c: "3" }, late: [] },
    ]);
    assert.deepEqual(group.told("joined").map(({ id, address }) => [id, address]), [
      ["a", "127.0.0.1"],
      ["b", "127.0.0.1"],
      ["c", "127.0.0.1"],
    ]);
    await a!.membership.close();
    c!.line.client.cut();
    await group.quiet();
    assert.deepEqual(group.told("left").map(({ id, reason }) => [id, reason]), [["a", "done"], ["c", "cut"]]);
    assert.deepEqual(group.told("failed"), []);
  }));

Deno.test("a name that objects have is a client like others", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [a, b] = await group.openAll("__proto__", "constructor");
    await Promise.all([a!.send("2"), b!.send("3")]);
    assert.deepEqual(Object.entries(group.told("round")[0]!.sums), [["__proto__", "2"], [
      "constructor",
      "3",
    ]]);
  }));

Deno.test("packets arrive byte by byte as well as whole", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const a = await group.open("a", group.line({ readSizeMax: 1 }));
    const b = await group.open("b", group.line({ capacityBytes: 3 }));
    for (const round of [1, 2]) {
      assert.deepEqual(await Promise.all([a.send("2"), b.send("3")]), [
        `${round}: 2 of 6 by 2`,
        `${round}: 3 of 6 by 2`,
      ]);
    }
  }));

Deno.test("a hundred clients at once: none is lost, none counts twice, and all hear the same", () =>
  withGroup({ minClients: 100 }, async (group) => {
    const ids = Array.from({ length: 100 }, (_, i) => `client-${i}`);
    const clients = await Promise.all(ids.map((id) => group.open(id)));
    for (let round = 1; round <= 20; round++) {
      const values = ids.map((_, i) => BigInt((i * 7 + round * 13) % 23 - 11 || 5));
      const product = values.reduce((left, right) => left * right, 1n);
      // In another order each time.
      const order = ids.map((_, i) => (i * 37 + round) % 100);
      const heard: string[] = [];
      await Promise.all(order.map(async (i) => heard[i] = await clients[i]!.send(String(values[i]))));
      assert.deepEqual(heard, values.map((value) => `${round}: ${value} of ${product} by 100`));
      const { number, sums } = group.told("round").at(-1)!;
      assert.equal(number, round);
      assert.deepEqual({ ...sums }, Object.fromEntries(ids.map((id, i) => [id, String(values[i])])));
    }
  }));

// ---- Whatever goes wrong with one client leaves the others undisturbed ----

/** What a client sends that ends its connection; it has made its first round. */
const WRONG: Readonly<Record<ProtocolErrorKind, (group: Group) => Promise<void>>> = {
  round: async (group) => {
    const { line, session } = await group.raw("bad");
    session.sendData("1");
    const [packet] = session.takeOutput();
    // The epoch's last byte stands behind four bytes and the name.
    packet![4 + 3 + 3]! ^= 1;
    await line.client.write(packet!);
  },
  mac: async (group) => {
    const { line, session } = await group.raw("bad");
    session.sendData("1");
    const [packet] = session.takeOutput();
    await line.client.write(flipBit(packet!, 8 * packet!.length - 1));
  },
  direction: async (group) => {
    const { line, session } = await group.raw("bad");
    session.sendData("1");
    const [packet] = session.takeOutput();
    packet![2] = 1;
    await line.client.write(packet!);
  },
  state: async (group) => {
    const { line, session } = await group.raw("bad");
    session.sendData("1");
    const [packet] = session.takeOutput();
    packet![1] = 4;
    await line.client.write(packet!);
  },
  limit: async (group) => {
    const { line } = await group.raw("bad");
    await line.client.write(Uint8Array.of(1, 3, 0, 65));
  },
};

for (const [kind, makeWrong] of Object.entries(WRONG) as [ProtocolErrorKind, (typeof WRONG)["mac"]][]) {
  Deno.test(`a ${kind} error of one client ends its connection without a word, and disturbs nobody`, () =>
    withGroup({ minClients: 2 }, async (group) => {
      const [a, b] = await group.openAll("a", "b");
      await Promise.all([a!.send("2"), b!.send("3")]);
      // One has sent its value already, the other one waits.
      const first = a!.send("5");
      await group.quiet();
      await makeWrong(group);
      await group.quiet();
      const { server, client } = group.lines.at(-1)!;
      assert.ok(server.isClosed);
      // CHALLENGE, and nothing behind it.
      assert.equal(client.waitingSizeBytes, 0);
      const failure = lastFailure(group, kind);
      assert.deepEqual([failure.id, failure.claimedId, failure.address, failure.count], [
        "bad",
        "bad",
        "127.0.0.1",
        1,
      ]);
      assert.deepEqual(group.service.failures, [{ client: "bad", kind, count: 1 }]);
      assert.deepEqual(await Promise.all([first, b!.send("7")]), ["2: 5 of 35 by 2", "2: 7 of 35 by 2"]);
      assert.equal(group.told("joined").length, 2);
    }));

  Deno.test(`a ${kind} error of a client in an open round lets the others go on at once`, () =>
    withGroup({ minClients: 3 }, async (group) => {
      const [a, b] = await group.openAll("a", "b");
      const bad = await group.raw("bad");
      const round = [a!.send("2"), b!.send("3")];
      bad.session.sendData("1");
      await bad.say();
      await Promise.all(round);
      await bad.hear();
      const next = [a!.send("2"), b!.send("3")];
      await group.quiet();
      bad.session.sendData("1");
      const [packet] = bad.session.takeOutput();
      const faults = {
        round: () => packet![4 + 3 + 7]! ^= 1,
        mac: () => packet![packet!.length - 1]! ^= 1,
        direction: () => packet![2] = 1,
        state: () => packet![0] = 2,
        limit: () => packet![3] = 0,
      };
      faults[kind]();
      await bad.line.client.write(packet!);
      assert.deepEqual(await Promise.all(next), ["2: 2 of 6 by 2", "2: 3 of 6 by 2"]);
      lastFailure(group, kind);
      assert.deepEqual(group.told("left").map(({ id, reason }) => [id, reason]), [["bad", "cut"]]);
    }));
}

Deno.test("a value that came in one piece with a wrong packet still counts", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const a = await group.open("a");
    const bad = await group.raw("bad");
    const waiting = a.send("2");
    await group.quiet();
    bad.session.sendData("3");
    await bad.line.client.write(concat(...bad.session.takeOutput(), Uint8Array.of(1, 3, 0, 0)));
    assert.equal(await waiting, "1: 2 of 6 by 2");
    lastFailure(group, "limit");
  }));

Deno.test("a packet that comes wrong while an answer goes out ends that one session, and the service goes on", () =>
  withGroup({ minClients: 2 }, async (group) => {
    for (let i = 0; i < 5; i++) {
      const a = await group.open("a");
      const bad = await group.raw("bad");
      bad.session.sendData("3");
      await bad.say();
      await group.quiet();
      const [answer] = await Promise.all([a.send("2"), bad.line.client.write(Uint8Array.of(1, 3, 0, 0))]);
      assert.match(answer, /: 2 of 6 by 2$/);
      await group.quiet();
      lastFailure(group, "limit");
      await a.membership.close();
    }
  }));

Deno.test("failures are counted by client and kind; of strangers' names none is kept", () =>
  withGroup({}, async (group) => {
    group.file("a");
    const stranger = new TextEncoder().encode("nobody");
    for (let i = 0; i < 3; i++) {
      const line = group.line();
      const hello = RoundsClient.start(group.file("a").next()).takeOutput()[0]!;
      await line.client.write(flipBit(hello, 8 * hello.length - 1));
    }
    for (let i = 0; i < 2; i++) {
      const line = group.line();
      const hello = RoundsClient.start({ ...group.file("x").next(), id: "nobody" }).takeOutput()[0]!;
      await line.client.write(hello);
    }
    await group.line().client.write(Uint8Array.of(1, 1, 0, 0));
    await group.quiet();
    assert.deepEqual(group.told("failed").map(({ id, claimedId, count }) => [id, claimedId, count]), [
      [undefined, "a", 1],
      [undefined, "a", 2],
      [undefined, "a", 3],
      [undefined, new TextDecoder().decode(stranger), 1],
      [undefined, "nobody", 2],
      [undefined, undefined, 1],
    ]);
    assert.deepEqual(group.service.failures, [
      { client: "a", kind: "mac", count: 3 },
      { client: undefined, kind: "mac", count: 2 },
      { client: undefined, kind: "limit", count: 1 },
    ]);
  }));

Deno.test("keys that cannot be read or written end one session with an error, and the others go on", async () => {
  const keys = new MemoryRoundsKeys();
  const group = new Group({ minClients: 2 }, keys);
  const [a, b] = await group.openAll("a", "b");
  const { advance, find } = keys;
  keys.advance = () => {
    throw new StxError("disk_full", "The disk is full");
  };
  await assert.rejects(group.open("c"), (error) => codeOf(error) === "connection_lost");
  keys.find = () => {
    throw new StxError("state_busy", "The file is in use");
  };
  await assert.rejects(group.open("c"), (error) => codeOf(error) === "connection_lost");
  assert.deepEqual(
    group.told("failed").map(({ error, claimedId, count }) => [codeOf(error), claimedId, count]),
    [
      ["disk_full", "c", 1],
      ["state_busy", "c", 1],
    ],
  );
  Object.assign(keys, { advance, find });
  assert.deepEqual(await Promise.all([a!.send("2"), b!.send("3")]), ["1: 2 of 6 by 2", "1: 3 of 6 by 2"]);
  await group.end();
});

// ---- Time ----

Deno.test("who is late is told so, has left, and the round is over without it", () =>
  withGroup({ minClients: 2, deadlineMs: 4_000 }, async (group) => {
    const [a, b] = await group.openAll("a", "b");
    await Promise.all([a!.send("2"), b!.send("3")]);
    const waiting = a!.send("5");
    await group.pass(3_999);
    assert.equal(group.service.lastRound, 1);
    await group.pass(1);
    assert.equal(await waiting, "2: 5 of 5 by 1");
    assert.deepEqual(group.told("round").at(-1), {
      kind: "round",
      number: 2,
      product: "5",
      sums: { a: "5" },
      late: ["b"],
    });
    assert.deepEqual(group.told("left"), [{ kind: "left", id: "b", reason: "late" }]);
    assert.equal(await b!.send("7"), "rejected: The value did not come before the round's deadline");
    // Nothing of it is carried over.
    const again = await group.open("b");
    assert.deepEqual(await Promise.all([a!.send("1"), again.send("4")]), [
      "3: 1 of 4 by 2",
      "3: 4 of 4 by 2",
    ]);
  }));

Deno.test("a value that comes when its sender has just become late counts nowhere", () =>
  withGroup({ minClients: 2, deadlineMs: 4_000 }, async (group) => {
    const [a, b] = await group.openAll("a", "b");
    await Promise.all([a!.send("2"), b!.send("3")]);
    const waiting = a!.send("5");
    await group.quiet();
    // It is on its way when the round ends.
    b!.line.server.pause();
    const late = b!.send("7");
    await group.quiet();
    await group.pass(4_000);
    b!.line.server.resume();
    assert.equal(await waiting, "2: 5 of 5 by 1");
    assert.match(await late, /^rejected: .*deadline/);
    await group.quiet();
    assert.equal(group.service.lastRound, 2);
    const again = await group.open("b");
    assert.deepEqual(await Promise.all([a!.send("1"), again.send("4")]), [
      "3: 1 of 4 by 2",
      "3: 4 of 4 by 2",
    ]);
  }));

Deno.test("a deadline holds when the clock is set back", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [a, b] = await group.openAll("a", "b");
    await Promise.all([a!.send("2"), b!.send("3")]);
    const { nowMs } = group.clock;
    const waiting = a!.send("5");
    await group.quiet();
    group.clock.nowMs = () => nowMs.call(group.clock) - 3_600_000;
    await group.pass(10_000);
    assert.equal(await waiting, "2: 5 of 5 by 1");
    group.clock.nowMs = nowMs;
  }));

Deno.test("who does not return its challenge is no client, holds nothing up, and is gone after 10 s", () =>
  withGroup({ minClients: 1 }, async (group) => {
    const silent = group.line();
    const [half] = [await group.raw("half")];
    const a = await group.open("a");
    assert.equal(await a.send("2"), "1: 2 of 2 by 1");
    assert.equal(await a.send("2"), "2: 2 of 2 by 1");
    await group.pass(9_999);
    assert.deepEqual([silent.server.isClosed, half.line.server.isClosed], [false, false]);
    await group.pass(1);
    assert.deepEqual([silent.server.isClosed, half.line.server.isClosed], [true, true]);
    // The client that made rounds has time.
    assert.equal(await a.send("3"), "3: 3 of 3 by 1");
    assert.deepEqual(group.told("failed"), []);
    assert.deepEqual(group.told("joined").map(({ id }) => id), ["a"]);
  }));

Deno.test("a client that waits for others has no deadline", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const a = await group.open("a");
    const waiting = a.send("2");
    for (let i = 0; i < 10; i++) await group.pass(60_000);
    const b = await group.open("b");
    assert.deepEqual(await Promise.all([waiting, b.send("3")]), ["1: 2 of 6 by 2", "1: 3 of 6 by 2"]);
  }));

Deno.test("who does not read its answer holds nobody up, and is cut in the end", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const a = await group.open("a");
    const slow = await group.raw("slow", group.line({ capacityBytes: 150 }));
    const first = a.send("2");
    slow.session.sendData("3".repeat(60));
    await slow.say();
    assert.match(await first, /^1: 2 of 6{60} by 2$/);
    await group.quiet();
    assert.ok(slow.line.client.waitingSizeBytes > 0);
    const next = a.send("5");
    await group.pass(9_999);
    assert.equal(slow.line.server.isClosed, false);
    await group.pass(1);
    assert.equal(slow.line.server.isClosed, true);
    assert.equal(await next, "2: 5 of 5 by 1");
  }));

// ---- Who comes, who goes ----

Deno.test("a newer session of a client ends the older one, which is told so", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [old, b] = await group.openAll("a", "b");
    const waiting = old!.send("2");
    await group.quiet();
    const newer = await group.open("a");
    await group.quiet();
    assert.deepEqual(group.told("left"), [], "a session without a value changes nothing");
    const round = newer.send("5");
    assert.equal(await waiting, "rejected: A newer session of this client has begun");
    assert.deepEqual(await Promise.all([round, b!.send("3")]), ["1: 5 of 15 by 2", "1: 3 of 15 by 2"]);
    assert.deepEqual(group.told("left"), [{ kind: "left", id: "a", reason: "superseded" }]);
    assert.deepEqual(group.told("joined").map(({ id }) => id), ["a", "a", "b"]);
  }));

Deno.test("an older session that is the slower one does not end the newer", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [old, newer, b] = await group.openAll("a", "a", "b");
    const waiting = newer!.send("5");
    await group.quiet();
    assert.equal(await old!.send("2"), "rejected: A newer session of this client has begun");
    assert.deepEqual(await Promise.all([waiting, b!.send("3")]), ["1: 5 of 15 by 2", "1: 3 of 15 by 2"]);
    assert.deepEqual(group.told("left"), []);
  }));

Deno.test("a value in an open round counts though a newer session of its sender has come, and once", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [old, b] = await group.openAll("a", "b");
    await Promise.all([old!.send("2"), b!.send("3")]);
    const waiting = old!.send("5");
    await group.quiet();
    const newer = await group.open("a");
    const next = newer.send("7");
    assert.match(await waiting, /newer session/);
    assert.equal(await b!.send("3"), "2: 3 of 15 by 2");
    assert.equal(await b!.send("1"), "3: 1 of 7 by 2");
    assert.equal(await next, "3: 7 of 7 by 2");
    assert.deepEqual(group.told("round").map(({ sums }) => ({ ...sums })), [
      { a: "2", b: "3" },
      { a: "5", b: "3" },
      { a: "7", b: "1" },
    ]);
  }));

Deno.test("a recorded HELLO, however often it comes, changes nothing for its client", () =>
  withGroup({ minClients: 1 }, async (group) => {
    const line = group.line();
    const recorded: Uint8Array<ArrayBuffer>[] = [];
    line.client.tap = (bytes) => {
      recorded.push(bytes.slice());
      return bytes;
    };
    const a = await group.open("a", line);
    await a.send("2");
    for (let i = 0; i < 3; i++) {
      await group.line().client.write(concat(...recorded));
      await group.quiet();
      assert.equal(lastFailure(group, "round").count, i + 1);
    }
    assert.equal(await a.send("3"), "2: 3 of 3 by 1");
    assert.equal(group.keys.find("a")!.epoch, 1);
  }));

Deno.test("a client that leaves with its value on the table counts, and who waits with one does not", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [a, b, c] = await group.openAll("a", "b", "c");
    await Promise.all([a!.send("2"), b!.send("3")]);
    // Opens the second round with "a" and "b" in it; "c" waits for the third.
    void a!.send("5").catch(() => {});
    await group.quiet();
    void c!.send("11").catch(() => {});
    await group.quiet();
    await a!.membership.close();
    await c!.membership.close();
    await group.quiet();
    assert.equal(await b!.send("7"), "2: 7 of 35 by 2");
    assert.deepEqual(group.told("left").map(({ id, reason }) => [id, reason]), [["a", "done"], [
      "c",
      "done",
    ]]);
  }));

Deno.test("a client that leaves just when it is answered has made no mistake", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [a, b] = await group.openAll("a", "b");
    const leaving = a!.send("2");
    await group.quiet();
    a!.line.client.pause();
    assert.equal(await b!.send("3"), "1: 3 of 6 by 2");
    await a!.membership.close();
    await leaving;
    await group.quiet();
    assert.deepEqual(group.told("failed"), []);
    assert.deepEqual(group.told("left"), [{ kind: "left", id: "a", reason: "done" }]);
  }));

Deno.test("a value and a goodbye in one piece: the value counts first", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const a = await group.open("a");
    const b = await group.raw("b");
    const waiting = a.send("2");
    await group.quiet();
    b.session.sendData("3");
    b.session.close();
    await b.line.client.write(concat(...b.session.takeOutput()));
    assert.equal(await waiting, "1: 2 of 6 by 2");
    assert.deepEqual(group.events.map(({ kind }) => kind), ["joined", "joined", "round", "left"]);
  }));

Deno.test("a hundred clients are enough: one more is told that there is no room, until one leaves", () =>
  withGroup({ minClients: 101 }, async (group) => {
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => group.open(`c${i}`)));
    const waiting = clients.map((client) => client.send("1"));
    await group.quiet();
    const more = await group.open("one-more");
    assert.equal(await more.send("1"), "rejected: The server has no room");
    assert.match(String(lastFailure(group, "limit").error), /100 clients are there/);
    // A newer session takes the older one's place.
    const newer = await group.open("c0");
    void newer.send("1");
    assert.match(await waiting[0]!, /newer session/);
    await clients[1]!.membership.close();
    const again = await group.open("one-more");
    void again.send("1");
    await group.quiet();
    assert.equal(group.told("joined").at(-1)!.id, "one-more");
  }));

Deno.test("of 300 strangers 256 have places, and a client still gets in", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const a = await group.open("a");
    const waiting = a.send("2");
    await group.quiet();
    const strangers = Array.from({ length: 300 }, () => group.line());
    await group.quiet();
    assert.equal(strangers.filter(({ server }) => !server.isClosed).length, 256);
    const b = await group.open("b");
    assert.deepEqual(await Promise.all([waiting, b.send("3")]), ["1: 2 of 6 by 2", "1: 3 of 6 by 2"]);
    assert.equal(strangers.filter(({ server }) => !server.isClosed).length, 255);
    await group.pass(10_000);
    assert.ok(strangers.every(({ server }) => server.isClosed));
  }));

// ---- The end ----

Deno.test("a server that stops tells everybody, gives up the open round, and takes nobody any more", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [a, b] = await group.openAll("a", "b");
    await Promise.all([a!.send("2"), b!.send("3")]);
    const waiting = a!.send("5");
    const silent = group.line();
    const half = await group.raw("c");
    await group.quiet();
    const stopped = group.service.stop();
    assert.equal(await waiting, "rejected: The server has ended the session: it holds no more rounds");
    assert.match(await b!.send("7"), /^rejected: .*no more rounds/);
    assert.deepEqual(await half.hear(), [{ kind: "closed", reason: "done" }]);
    for (const { client } of [a!.line, b!.line, half.line, silent]) client.close();
    await stopped;
    await group.quiet();
    assert.equal(group.service.lastRound, 1);
    assert.deepEqual(group.told("left").map(({ id, reason }) => [id, reason]), [["a", "done"], [
      "b",
      "done",
    ]]);
    await assert.rejects(group.open("a"), (error) => codeOf(error) === "connection_lost");
  }));

Deno.test("a round that was told of is answered, though the server stops there and then", () =>
  withGroup({ minClients: 3 }, async (group) => {
    const clients = await group.openAll("a", "b", "c");
    group.onEvent = ({ kind }) => {
      if (kind === "round") void group.service.stop();
    };
    const heard = await Promise.all(clients.map((client) => client.send("2")));
    assert.deepEqual(heard, Array(3).fill("1: 2 of 8 by 3"));
    for (const client of clients) assert.match(await client.send("2"), /^rejected: .*no more rounds/);
    assert.equal(group.told("round").length, 1);
  }));

Deno.test("who does not hang up is cut a moment after the end", () =>
  withGroup({ minClients: 1 }, async (group) => {
    const a = await group.open("a");
    await a.send("1");
    const stopped = group.service.stop();
    await group.quiet();
    assert.equal(a.line.server.isClosed, false);
    await group.pass(2_000);
    assert.equal(a.line.server.isClosed, true);
    await stopped;
  }));

Deno.test("what a peer still says after the end is dropped, and does not fill the memory", () =>
  withGroup({ minClients: 1 }, async (group) => {
    const a = await group.open("a");
    await a.send("1");
    void group.service.stop();
    await group.quiet();
    for (let i = 0; i < 20; i++) await a.line.client.write(utf8("x".repeat(100_000)));
    await group.quiet();
    assert.equal(a.line.server.waitingSizeBytes, 0);
    assert.deepEqual(group.told("failed"), []);
  }));

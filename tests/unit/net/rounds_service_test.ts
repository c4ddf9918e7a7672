import assert from "node:assert/strict";
import { utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { withGroup } from "./rounds_group.ts";

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

Deno.test("a value that comes after the clock was set back does not move the round's end", () =>
  withGroup({ minClients: 3 }, async (group) => {
    const [a, b, c] = await group.openAll("a", "b", "c");
    await Promise.all([a!.send("2"), b!.send("3"), c!.send("4")]);
    const { nowMs } = group.clock;
    const first = a!.send("5");
    await group.quiet();
    group.clock.nowMs = () => nowMs.call(group.clock) - 3_600_000;
    const second = b!.send("7");
    await group.quiet();
    await group.pass(10_000);
    assert.deepEqual(await Promise.all([first, second]), ["2: 5 of 35 by 2", "2: 7 of 35 by 2"]);
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

Deno.test("a server that stops at one of two rounds that end together tells of the other no more", () =>
  withGroup({ minClients: 1 }, async (group) => {
    const [a, b, c] = await group.openAll("a", "b", "c");
    await a!.send("1");
    // "a" is missing in the second round; "c" waits for the third.
    void b!.send("2");
    await group.quiet();
    const waiting = c!.send("3");
    await group.quiet();
    b!.line.client.cut();
    await group.quiet();
    group.onEvent = (event) => {
      if (event.kind === "round" && event.number === 2) void group.service.stop();
    };
    await group.pass(10_000);
    assert.match(await waiting, /^rejected: .*no more rounds/);
    assert.deepEqual(group.told("round").map(({ number }) => number), [1, 2]);
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

import assert from "node:assert/strict";
import { concat } from "../../../lib/bytes/bytes.ts";
import { lastFailure, withGroup } from "./rounds_group.ts";

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

import assert from "node:assert/strict";
import { concat } from "../../../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import { RoundsClient } from "../../../lib/rounds/client.ts";
import type { ProtocolErrorKind } from "../../../lib/rounds/errors.ts";
import { MemoryRoundsKeys } from "../../../lib/store/memory_rounds_keys.ts";
import { flipBit } from "../../support/pieces.ts";
import { Group, lastFailure, withGroup } from "./rounds_group.ts";

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

Deno.test("a client to whom nothing can be written is cut, and nobody waits for it", () =>
  withGroup({ minClients: 2 }, async (group) => {
    const [a, b] = await group.openAll("a", "b");
    const sending = [a!.send("2"), b!.send("3")];
    b!.line.server.failWrites();
    assert.equal(await sending[0], "1: 2 of 6 by 2");
    assert.match(await sending[1]!, /^connection_lost/);
    await group.quiet();
    assert.deepEqual(group.told("left").map(({ id, reason }) => [id, reason]), [["b", "cut"]]);
    assert.ok(b!.line.server.isClosed);
  }));

Deno.test("failures are counted by client and kind; of strangers' names none is kept", () =>
  withGroup({}, async (group) => {
    group.file("a");
    const roots: Uint8Array[] = [];
    const find = group.keys.find.bind(group.keys);
    group.keys.find = (id) => {
      const known = find(id);
      if (known !== undefined) roots.push(known.root);
      return known;
    };
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
    assert.equal(roots.length, 6);
    for (const root of roots) assert.deepEqual(root, new Uint8Array(32), "a root is left in memory");
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

import assert from "node:assert/strict";
import { codeOf } from "../../../lib/errors.ts";
import { ActiveTransfers } from "../../../lib/transfer/active_transfers.ts";
import { turn } from "./world.ts";

const PEER = new Uint8Array(32).fill(1);
const OTHER_PEER = new Uint8Array(32).fill(2);
const ID = new Uint8Array(32).fill(3);
const OTHER_ID = new Uint8Array(32).fill(4);

let connectionCount = 0;

/** A connection that writes down what happens to it. Each one is newer than those before, unless it is told not to be. */
class Claimant {
  readonly log: string[] = [];
  readonly #done: Promise<void>;
  release: () => void = () => assert.fail("it does not have the transfer");

  constructor(active: ActiveTransfers, peer = PEER, id = ID, helloNumber = connectionCount++) {
    this.#done = active.claim(peer, id, helloNumber, () => this.log.push("aborted")).then(
      (release) => {
        this.release = release;
        this.log.push("claimed");
      },
      (error) => {
        this.log.push(String(codeOf(error)));
      },
    );
  }

  async settled(): Promise<readonly string[]> {
    await this.#done;
    return this.log;
  }
}

Deno.test("a transfer that nobody has belongs to the first who comes, again and again", async () => {
  const active = new ActiveTransfers();
  for (let i = 0; i < 3; i++) {
    const one = new Claimant(active);
    assert.deepEqual(await one.settled(), ["claimed"]);
    one.release();
    assert.deepEqual(one.log, ["claimed"]);
  }
});

Deno.test("other transfers, and another peer's of the same name, are nobody's concern", async () => {
  const active = new ActiveTransfers();
  const all = [
    new Claimant(active),
    new Claimant(active, PEER, OTHER_ID),
    new Claimant(active, OTHER_PEER, ID),
  ];
  for (const each of all) assert.deepEqual(await each.settled(), ["claimed"]);
  for (const each of all) each.release();
});

Deno.test("a newer connection ends the older one, and waits until it has let go", async () => {
  const active = new ActiveTransfers();
  const older = new Claimant(active);
  await older.settled();
  const newer = new Claimant(active);
  assert.deepEqual(older.log, ["claimed", "aborted"]);
  await turn();
  assert.deepEqual(newer.log, []);
  older.release();
  assert.deepEqual(await newer.settled(), ["claimed"]);
  // What the older one gave back was not the newer one's.
  const newest = new Claimant(active);
  await turn();
  assert.deepEqual(newer.log, ["claimed", "aborted"]);
  assert.deepEqual(newest.log, []);
  newer.release();
  assert.deepEqual(await newest.settled(), ["claimed"]);
  newest.release();
});

Deno.test("of several that wait, the last one gets it, and only when the first has let go", async () => {
  const active = new ActiveTransfers();
  const first = new Claimant(active);
  await first.settled();
  const second = new Claimant(active);
  const third = new Claimant(active);
  await turn();
  assert.deepEqual(second.log, ["aborted"]);
  assert.deepEqual(third.log, []);
  first.release();
  assert.deepEqual(await second.settled(), ["aborted", "cancelled"]);
  assert.deepEqual(await third.settled(), ["claimed"]);
  third.release();
  const fourth = new Claimant(active);
  assert.deepEqual(await fourth.settled(), ["claimed"]);
  assert.deepEqual(third.log, ["claimed"]);
});

Deno.test("letting go twice takes nothing from whoever has it by then", async () => {
  const active = new ActiveTransfers();
  const older = new Claimant(active);
  await older.settled();
  older.release();
  const newer = new Claimant(active);
  await newer.settled();
  older.release();
  const newest = new Claimant(active);
  await turn();
  assert.deepEqual(newer.log, ["claimed", "aborted"]);
  assert.deepEqual(newest.log, []);
  newer.release();
  await newest.settled();
});

Deno.test("an older connection whose offer comes late ends itself, and nobody else", async () => {
  const active = new ActiveTransfers();
  const newer = new Claimant(active, PEER, ID, 1_000_001);
  await newer.settled();
  const late = new Claimant(active, PEER, ID, 1_000_000);
  assert.deepEqual(await late.settled(), ["aborted", "cancelled"]);
  assert.deepEqual(newer.log, ["claimed"]);
  newer.release();
  assert.deepEqual(await new Claimant(active, PEER, ID, 1_000_000).settled(), ["claimed"]);
});

/**
 * Fuzzes whole rounds: a real service and real clients on lines in memory that change what goes over them, and members
 * that have a key and send whatever they like.
 * @module
 */
import assert from "node:assert/strict";
import { RoundsUnits } from "../../lib/attacks/rounds_units.ts";
import { codeOf } from "../../lib/errors.ts";
import { hasControls } from "../../lib/bytes/escape.ts";
import { joinRounds } from "../../lib/net/rounds_client.ts";
import type { Chain } from "../../lib/rounds/chain.ts";
import { RoundsClient } from "../../lib/rounds/client.ts";
import type { PacketHeader } from "../../lib/rounds/packet.ts";
import { ROUND_DEADLINE_MS, ROUNDS_CIPHERTEXT_SIZE_MAX } from "../../lib/limits.ts";
import { Group, type Line } from "../unit/net/rounds_group.ts";
import { Dice } from "./dice.ts";
import { spoiler } from "./spoil.ts";
import { mutate } from "./mutation.ts";

/** Virtual milliseconds in which everything has to end: every deadline, several times over. */
const OVER_AFTER_MS = 100_000;

/** A client whose packets have the right MAC, and any header and body. */
class RogueMember extends RoundsClient {
  /** Sends a body under an opcode, in the right round or another. */
  say(
    opcode: number,
    change: Partial<PacketHeader>,
    body: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> | undefined {
    const chain: Chain | undefined = this.chains?.c2s;
    if (chain === undefined) return undefined;
    const header = {
      version: 1,
      opcode,
      direction: 0,
      id: "rogue",
      epoch: this.epoch,
      round: this.round,
      ...change,
    };
    return chain.seal(header, body, this.random);
  }
}

/** What a client has come to: the answers it got, or the code with which it ended. */
async function live(group: Group, dice: Dice, id: string, line: Line): Promise<void> {
  try {
    const membership = await joinRounds(line.client, group.file(id).next(), group.clock);
    for (let count = 1 + dice.below(4); count > 0; count--) {
      const value = dice.oneIn(4) ? "word ".repeat(dice.below(40)) : `${dice.below(2000) - 1000}`;
      const { sum, product } = await membership.round(value);
      assert.ok(!hasControls(sum + product) && Number.isFinite(Number(sum.slice(0, 20))));
      // An answer is for this value and no other: its sum is computed from it.
      if (!value.startsWith("word") && value !== "") assert.equal(sum, value.replace("-0", "0"));
    }
    await membership.close();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    line.client.close();
  }
}

/** Somebody who is enrolled, and sends packets in any order with anything in them. */
async function ramble(group: Group, dice: Dice, line: Line): Promise<void> {
  const session = RogueMember.start(group.file("rogue").next()) as RogueMember;
  const buffer = new Uint8Array(64 * 1024);
  let isOver = false;
  const listening = (async () => {
    for (let size; !isOver && (size = await line.client.read(buffer)) !== null;) {
      for (const _ of session.receive(buffer.subarray(0, size)));
    }
  })().catch(() => {}).finally(() => isOver = true);
  try {
    for (const bytes of session.takeOutput()) await line.client.write(bytes);
    for (let turns = 0; turns < 20 && session.state === "waitChallenge" && !isOver; turns++) {
      await group.quiet();
    }
    for (let count = dice.below(12); count > 0 && !isOver; count--) {
      if (dice.oneIn(2) && session.state === "ready") {
        session.sendData(dice.oneIn(2) ? "1 2 3" : "9".repeat(dice.size(3000)));
        for (const bytes of session.takeOutput()) await line.client.write(bytes);
      } else {
        const body = dice.bytes(dice.size(dice.oneIn(10) ? ROUNDS_CIPHERTEXT_SIZE_MAX - 16 : 300));
        const change = dice.oneIn(3) ? { round: dice.below(4), direction: dice.below(3) } : {};
        const packet = session.say(1 + dice.below(6), change, body);
        if (packet !== undefined) {
          await line.client.write(dice.oneIn(4) ? mutate(dice, packet, [packet], []) : packet);
        }
      }
      if (dice.oneIn(2)) await group.quiet();
    }
    if (dice.oneIn(2)) await line.client.closeWrite();
  } catch (error) {
    if (codeOf(error) === undefined && !/closed|broken pipe|connection reset/.test(String(error))) {
      throw error;
    }
  }
  isOver = true;
  line.client.close();
  await listening;
}

/** One service, some clients, honest, unlucky and hostile; throws for what must not be. */
export async function playRounds(seed: number): Promise<number> {
  const dice = new Dice(seed);
  const group = new Group({ minClients: 1 });
  const lives: Promise<void>[] = [];
  let isOver = false;
  try {
    for (const id of ["alice", "bob", "rogue"].slice(0, 1 + dice.below(3))) {
      const line = group.line({ readSizeMax: dice.pick([1 << 20, 50, 1]) });
      const isWhole = dice.oneIn(2);
      if (!dice.oneIn(3)) {
        line.client.tap = spoiler(
          dice,
          isWhole ? new RoundsUnits("client") : undefined,
          () => line.client.cut(),
        );
      }
      if (dice.oneIn(2)) {
        line.server.tap = spoiler(
          dice,
          isWhole ? new RoundsUnits("server") : undefined,
          () => line.client.cut(),
        );
      }
      lives.push(id === "rogue" ? ramble(group, dice, line) : live(group, dice, id, line));
    }
    const all = Promise.all(lives);
    all.finally(() => isOver = true).catch(() => {});
    // A client waits for its round as long as its line lives, and one that swallows an answer does live.
    for (let passedMs = 0; !isOver && passedMs < OVER_AFTER_MS; passedMs += ROUND_DEADLINE_MS / 2) {
      await group.pass(ROUND_DEADLINE_MS / 2);
    }
    if (!isOver) { for (const { client } of group.lines) client.cut(); }
    await group.pass(ROUND_DEADLINE_MS);
    assert.ok(isOver, "somebody waits for ever");
    await all;
    // Whatever the others did, an honest client on a good line has its answer.
    const { client } = group.line();
    const good = await joinRounds(client, group.file("carol").next(), group.clock);
    const answer = good.round("41.5");
    await group.pass(ROUND_DEADLINE_MS);
    assert.equal((await answer).sum, "41.5");
    await good.close();
  } finally {
    for (const { client } of group.lines) client.close();
    await group.end();
  }
  for (const { error } of group.told("failed")) if (codeOf(error) === undefined) throw error;
  return group.service.lastRound;
}

/**
 * Fuzzes handshakes from within: a peer that has derived the right keys seals messages that are wrong in some way, and
 * sends frames that are well sealed in any order.
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, equal } from "../../lib/bytes/bytes.ts";
import { codeOf } from "../../lib/errors.ts";
import { FRAME_TYPES, type FrameType } from "../../lib/wire/frame.ts";
import type { ClientHandshake } from "../../lib/handshake/client.ts";
import type { ServerHandshake } from "../../lib/handshake/server.ts";
import { outputOf, START_MS, startClient, startServer } from "../support/handshake_ends.ts";
import { RogueClient } from "../support/rogue_client.ts";
import { RogueServer } from "../support/rogue_server.ts";
import { Dice } from "./dice.ts";
import { mutate } from "./mutation.ts";

/** What becomes of the right bytes, and whether they were changed. */
class Changer {
  readonly #dice: Dice;
  /** Whether the peer has been told anything but what is right. */
  hasChanged = false;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** A hook that changes what it is given, as often as not. */
  readonly change = (right: Bytes): Bytes => {
    // Zeros ask for the size alone.
    if (right.every((byte) => byte === 0) || this.#dice.oneIn(2)) return right;
    const changed = mutate(this.#dice, right, [right], []);
    // A seal's frame is made before its content is known, so it has to keep its size.
    if (changed.length !== right.length || equal(changed, right)) return right;
    this.hasChanged = true;
    return changed;
  };
}

/** Gives bytes to an end; whether it is open now. Throws for what no end may do. */
async function tell(end: ClientHandshake | ServerHandshake, bytes: Bytes): Promise<boolean> {
  try {
    await end.receive(bytes, START_MS);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    assert.equal(end.state, "closed", "an end that has failed is not closed");
  }
  return end.state === "open";
}

const TYPES = Object.keys(FRAME_TYPES) as FrameType[];

async function playRogueClient(dice: Dice): Promise<boolean> {
  const changer = new Changer(dice);
  const server = startServer();
  const { change } = changer;
  const rogue = await RogueClient.start({ plaintext: change, signature: change, proof: change });
  await tell(server, rogue.hello());
  const welcome = outputOf(server);
  if (server.state === "closed") return false;
  await rogue.welcome(welcome);
  if (dice.oneIn(3)) {
    const isOpen = await tell(
      server,
      await rogue.sealed(dice.pick(TYPES), dice.bytes(dice.size(300)), dice.below(2)),
    );
    assert.ok(!isOpen, "a server has opened for nonsense");
  }
  const isOpen = await tell(server, await rogue.verify());
  assert.ok(!isOpen || !changer.hasChanged, "a server has opened for a VERIFY that is wrong");
  return isOpen;
}

async function playRogueServer(dice: Dice): Promise<boolean> {
  const changer = new Changer(dice);
  const { change } = changer;
  const client = await startClient();
  const rogue = new RogueServer({
    plaintext: change,
    signature: change,
    finished: change,
    readyPlaintext: change,
    proof: change,
    sessionId: change,
  });
  await tell(client, await rogue.welcome(outputOf(client)));
  const verify = outputOf(client);
  if (client.state === "closed") {
    assert.ok(changer.hasChanged, "a client has refused what is right");
    return false;
  }
  assert.ok(!changer.hasChanged, "a client shows who it is behind a WELCOME that is wrong");
  if (dice.oneIn(3)) {
    const isOpen = await tell(
      client,
      await rogue.sealed(dice.pick(TYPES), dice.bytes(dice.size(300)), 1 + dice.below(2)),
    );
    assert.ok(!isOpen, "a client has opened for nonsense");
    return false;
  }
  const isOpen = await tell(client, await rogue.ready(verify));
  assert.equal(
    isOpen,
    !changer.hasChanged,
    "a client has opened for a READY that is wrong, or not for one that is right",
  );
  return isOpen;
}

/** One handshake; whether it has opened. */
export async function playHandshake(seed: number): Promise<boolean> {
  const dice = new Dice(seed);
  return await (dice.oneIn(2) ? playRogueClient : playRogueServer)(dice);
}

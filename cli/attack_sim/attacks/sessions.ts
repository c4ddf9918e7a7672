/**
 * Attacks on what a session of STX/1 keeps secret, and on what it keeps in mind.
 * @module
 */
import {
  compareRepetitions,
  eavesdrop,
  type Repetitions,
} from "../../../lib/attacks/transforms/ciphertexts.ts";
import { makeWeakSession } from "../../../lib/attacks/weak/records.ts";
import { type Bytes, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { GENERATION_SHIFT } from "../../../lib/limits.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { KeyThief, type Loot } from "../key_thief.ts";
import { BoastingSession } from "../rogue_session.ts";
import { FILE_NAME, type StxWorld, withStxWorld } from "../stx_world.ts";

/** How much of the content a listener would know again. */
const SAMPLE_SIZE = 16;
const SAMPLE_COUNT = 8;
/** What a listener looks for that knows nothing of the files: how many of them begin. */
const USUAL_BEGINNINGS = ["%PDF-1.", "-----BEGIN ", "#!/bin/", "<!DOCTYPE ", "<?xml "].map((text) =>
  utf8(text)
);

/** Somebody listens who would know the file's name and pieces of its content if they came past. */
async function playEavesdropping(stage: Stage): Promise<Played> {
  const found = new Set<string>();
  let world: StxWorld | undefined;
  const attacker = () =>
    eavesdrop([utf8(FILE_NAME), ...samplesOf(stage, world!.content)], (word) => found.add(toHex(word)));
  return await withStxWorld(stage, { attacker }, async (made) => {
    world = made;
    await world.send();
    await world.settle();
    return world.played(
      found.size > 0,
      found.size > 0
        ? `of the file's name and ${SAMPLE_COUNT} pieces of its content, ${found.size} were to be read`
        : "neither the file's name nor any piece of its content was to be read",
    );
  });
}

function samplesOf({ seeded }: Stage, content: Bytes): readonly Bytes[] {
  return Array.from({ length: SAMPLE_COUNT }, () => {
    const at = seeded.below(content.length - SAMPLE_SIZE);
    return content.slice(at, at + SAMPLE_SIZE);
  });
}

async function playRepetitions(stage: Stage): Promise<Played> {
  const seen: Repetitions = { count: 0, otherCount: 0 };
  const attacker = () => compareRepetitions(stage.seeded, seen);
  return await withStxWorld(stage, { attacker }, async (world) => {
    await world.send();
    await world.settle();
    return world.played(
      seen.otherCount > 0,
      `of ${seen.count} records that came twice, ${seen.otherCount} were other bytes the second time`,
    );
  });
}

/**
 * A transfer in whose middle the keys change. Afterwards the secret that is in use, or the whole memory, is stolen, and
 * what was recorded before the change is to be read.
 */
async function playTheft(stage: Stage, loot: Loot): Promise<Played> {
  const thief = new KeyThief();
  // The first block is sent before the change and the last one behind it, whatever the seed.
  const firstSequence = 2 ** GENERATION_SHIFT - 5 - stage.seeded.below(2);
  return await withStxWorld(stage, {
    attacker: () => thief.record(),
    makeSession: (end, make) => {
      const makeWatched = end === "client" ? makeWeakSession(stage.off, end, thief.watch) : make;
      return (options, nowMs) => makeWatched({ ...options, firstSequence }, nowMs);
    },
    sender: {
      onEvent(event) {
        if (event.kind === "finishing") thief.steal(loot);
      },
    },
  }, async (world) => {
    await world.send();
    await world.settle();
    const opened = await thief.openedByGeneration();
    if (world.isIntact && !opened.has(1)) throw new Error("What was stolen opens nothing at all");
    const count = opened.get(0) ?? 0;
    return world.played(
      count > 0,
      count > 0
        ? `${count} records from before the change of keys were opened`
        : "no record from before the change of keys was opened",
    );
  });
}

/** A receiver that claims to have had what was never sent to it. */
async function playBoasting(stage: Stage): Promise<Played> {
  return await withStxWorld(stage, {
    makeSession: (end, make) =>
      end === "client" ? make : (options, nowMs) => new BoastingSession(options, nowMs),
  }, async (world) => {
    const receipt = await world.send();
    await world.settle();
    return world.played(
      receipt !== undefined,
      receipt === undefined
        ? "the sender has believed no acknowledgement of records that it had not sent"
        : "the sender has believed that records arrived which it had not sent",
    );
  });
}

const CONFIDENTIAL =
  "Everything after WELCOME's clear part is confidential: names, sizes, times and counts too";
const FORWARD_SECRECY = "Forward secrecy, per session and inside a long one";

/** See the module's text. */
export const SESSION_ATTACKS: readonly Attack[] = [
  {
    name: "eavesdrop",
    protocol: "stx",
    by: "path",
    goal: "The attacker reads the file's name, or a piece of what is in it.",
    does:
      "Changes nothing, and looks through everything that passes for the name and for pieces of the content.",
    why: "Names, sizes, times and content travel in records, and these are encrypted from the first one on.",
    promises: [CONFIDENTIAL],
    expected: { kind: "survived" },
    defences: ["record encryption"],
    onPath: () => () => eavesdrop(USUAL_BEGINNINGS, () => {}),
    play: playEavesdropping,
  },
  {
    name: "nonce-reuse",
    protocol: "stx",
    by: "path",
    goal:
      "Two different ciphertexts are made under one key and one number, which gives away how their plaintexts differ.",
    does:
      "Damages the record of a block as noise would, so that the receiver asks for it again, and compares all that comes " +
      "twice.",
    why:
      "A record is sealed once. Its bytes are kept until they are acknowledged, and a repetition is those very bytes: " +
      "whoever sees it twice sees nothing new.",
    promises: [CONFIDENTIAL, "Noise is no attack, and an attack is no noise"],
    expected: { kind: "survived" },
    defences: ["repeated, not sealed again"],
    onPath: (seeded) => () => compareRepetitions(seeded, { count: 0, otherCount: 0 }),
    play: playRepetitions,
  },
  {
    name: "rekey-leak",
    protocol: "stx",
    by: "thief",
    goal: "With the secret that a session uses now, what it has sent under the one before is read.",
    does:
      "Records a session across its change of keys, which comes every 65,536 records, then steals the secret in use and " +
      "tries it on everything.",
    why: "The new secret is a hash of the old one, and a hash leads nowhere back.",
    promises: [FORWARD_SECRECY],
    expected: { kind: "survived" },
    defences: ["traffic secrets go one way"],
    play: (stage) => playTheft(stage, "current"),
  },
  {
    name: "secret-residue",
    protocol: "stx",
    by: "thief",
    goal: "An old secret is still in memory, and what was sent under it is read.",
    does:
      "Records a session across its change of keys, then looks at every place in the sender's memory where a secret of " +
      "this session has been.",
    why: "The old secret is overwritten as soon as the new one is made: in its place there are zeros.",
    promises: [FORWARD_SECRECY],
    expected: { kind: "survived" },
    defences: ["old secrets are overwritten"],
    play: (stage) => playTheft(stage, "all"),
  },
  {
    name: "ack-unsent",
    protocol: "stx",
    by: "receiver",
    goal:
      "The sender believes that records arrived which it has not sent, and lets go of what it may need again.",
    does: "Acknowledges a thousand records more than there were, in every record of its own.",
    why:
      "The sender knows what it has sent. An acknowledgement beyond that is a lie or an error, and ends the session.",
    promises: ["Noise is no attack, and an attack is no noise"],
    expected: {
      kind: "stopped",
      at: "client",
      code: "malformed",
      during: "Cannot accept an acknowledgement up to",
    },
    defences: ["acknowledge only what was sent"],
    play: playBoasting,
  },
];

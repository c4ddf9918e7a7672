/**
 * Attackers without keys on the first design of STX. What they change is where that design differs from STX/1; blocks
 * have the structure of records, so that whoever changes, repeats or exchanges those does the same here.
 * @module
 */
import { type Bytes, concat, equal } from "../../bytes/bytes.ts";
import { TAG_SIZE } from "../../limits.ts";
import { encodeFrame } from "../../wire/frame.ts";
import {
  decodeSeedHello,
  decodeSeedVerify,
  decodeSeedWelcome,
  encodeSeedHello,
  encodeSeedWelcome,
  seedFrameBody,
} from "../seed_stx_units.ts";
import type { Seeded } from "../seeded.ts";
import { readRecord, writeRecord } from "../stx_units.ts";
import { type Attacker, keep, type Move, pass, replace, type Unit } from "../wire.ts";
import { isBlock } from "./targets.ts";

/** Blocks of the file that are large enough for {@link isBlock}, from which an attacker picks. */
const BLOCKS = 3;

/**
 * Knows what the first block holds, and so what it was encrypted with; encrypts a block of its own with that, in place of
 * a later one, and leaves the first one's tag.
 */
export function injectSeedBlock(seeded: Seeded, known: Bytes, text: Bytes): Attacker {
  let keystream: Bytes | undefined;
  let tag: Bytes | undefined;
  let isDone = false;
  const target = 2 + seeded.below(BLOCKS - 1);
  return {
    take(unit) {
      if (!isBlock(unit)) return [pass(unit)];
      const { sequence, sealed } = readRecord(unit.bytes);
      const contentAt = sealed.length - TAG_SIZE - known.length;
      if (sequence === 1) {
        keystream = xor(known, sealed.slice(contentAt));
        tag = sealed.slice(-TAG_SIZE);
      }
      if (isDone || sequence !== target || keystream === undefined || tag === undefined) return [pass(unit)];
      isDone = true;
      const forged = concat(sealed.subarray(0, contentAt), xor(text, keystream), tag);
      return [replace(unit, writeRecord({ sequence, sealed: forged }), "a block of the attacker's own")];
    },
  };
}

/** Damages the first acknowledgement: what a line does by itself. */
export function disturbSeed(seeded: Seeded): Attacker {
  let isDone = false;
  return {
    take(unit) {
      if (isDone || unit.kind === "frame" || unit.from === "client") return [pass(unit)];
      isDone = true;
      const changed = unit.bytes.slice();
      changed[5 + seeded.below(changed.length - 5)]! ^= 1 + seeded.below(255);
      return [replace(unit, changed, "noise")];
    },
  };
}

/** Lets `truncated` do its work on the first connection, and cuts all the others. */
export function afterwardsCut(truncated: Attacker): (connection: number) => Attacker {
  return (connection) => {
    if (connection === 0) return truncated;
    return { take: (unit) => [keep(unit, "kept for good"), { kind: "cut", note: "no further connection" }] };
  };
}

/**
 * Cuts connections, each once the server has acknowledged some blocks of the file, and keeps those behind them.
 * @param connectionCount how many connections; those after them are left alone
 * @param onBlock told of each block that passes
 */
export function cutSeed(
  seeded: Seeded,
  connectionCount: number,
  onBlock: (unit: Unit) => void = () => {},
): (connection: number) => Attacker {
  return (connection) => {
    if (connection >= connectionCount) return { take: (unit) => [pass(unit)] };
    let blocksLeft = 1 + seeded.below(2);
    let last: number | undefined;
    return {
      take(unit) {
        if (unit.kind === "frame" || unit.number === 0) return [pass(unit)];
        if (unit.from === "server") {
          if (blocksLeft > 0 || unit.number !== last) return [pass(unit)];
          return [pass(unit), { kind: "cut", note: "the connection breaks" }];
        }
        if (blocksLeft === 0) return [keep(unit, "lost")];
        blocksLeft -= 1;
        last = unit.number;
        onBlock(unit);
        return [pass(unit)];
      },
    };
  };
}

/** Takes the suite that the client likes best out of its list. */
export function downgradeSeed(): Attacker {
  return onFrame("HELLO", (unit) => {
    const hello = decodeSeedHello(seedFrameBody(unit.bytes));
    const left = encodeSeedHello({ ...hello, suites: hello.suites.slice(1) });
    return [replace(unit, left, "the first suite taken out")];
  });
}

/** Changes one bit of the list of suites, so that the first is none that there is. */
export function flipSeedSuite(): Attacker {
  return onFrame("HELLO", (unit) => {
    const hello = decodeSeedHello(seedFrameBody(unit.bytes));
    const [first, ...others] = hello.suites;
    const flipped = encodeSeedHello({ ...hello, suites: [first! ^ 0x80, ...others] });
    return [replace(unit, flipped, "one bit of the list of suites changed")];
  });
}

/** Puts a public key of the attacker's in place of both ends'. */
export function substituteSeedKeys(share: Bytes): Attacker {
  return {
    take(unit) {
      if (unit.name === "HELLO") {
        const hello = decodeSeedHello(seedFrameBody(unit.bytes));
        return [replace(unit, encodeSeedHello({ ...hello, share }), "the attacker's public key in it")];
      }
      if (unit.name !== "WELCOME") return [pass(unit)];
      const welcome = decodeSeedWelcome(seedFrameBody(unit.bytes));
      return [replace(unit, encodeSeedWelcome({ ...welcome, share }), "the attacker's public key in it")];
    },
  };
}

/** Keeps VERIFY from the server, and gives the client its own proof back as the server's. */
export function reflectSeedProof(): Attacker {
  return {
    take(unit) {
      if (unit.name === "VERIFY") {
        const { proof } = decodeSeedVerify(seedFrameBody(unit.bytes));
        const ready: Move = {
          kind: "send",
          to: "client",
          name: "READY",
          bytes: encodeFrame("ready", proof),
          note: "the client's own proof",
        };
        return [keep(unit, "kept for good"), ready];
      }
      if (unit.kind === "frame") return [pass(unit)];
      return [keep(unit, "the file's name, encrypted"), { kind: "cut", note: "cut" }];
    },
  };
}

/** Puts a block of the first connection, which it cuts, in place of one of the second. */
export function spliceSeed(seeded: Seeded): (connection: number) => Attacker {
  let recorded: Bytes | undefined;
  const cut = cutSeed(seeded, 1, (unit) => recorded = unit.bytes);
  return (connection) => {
    if (connection === 0 || recorded === undefined) return cut(connection);
    const { sealed } = readRecord(recorded);
    let isDone = false;
    return {
      take(unit) {
        if (!isBlock(unit) || isDone) return [pass(unit)];
        isDone = true;
        const spliced = writeRecord({ sequence: unit.number, sealed });
        return [replace(unit, spliced, "a block of the session before, under this number")];
      },
    };
  };
}

/** Puts a signature that nobody has made into WELCOME. */
export function forgeSeedWelcome(seeded: Seeded): Attacker {
  return onFrame("WELCOME", (unit) => {
    const welcome = decodeSeedWelcome(seedFrameBody(unit.bytes));
    const forged = encodeSeedWelcome({ ...welcome, signature: seeded.bytes(welcome.signature.length) });
    return [replace(unit, forged, "another signature in it")];
  });
}

/** Has one block sent again, by a change that the server notices, and keeps both versions of it. */
export function provokeSeedResend(seeded: Seeded, onResend: (number: number) => void): {
  readonly attacker: Attacker;
  /** Ciphertexts of the block, as the client has sent them. */
  readonly versions: Bytes[];
} {
  const versions: Bytes[] = [];
  let number: number | undefined;
  const inner = onBlock(seeded, (unit) => {
    number = unit.number;
    const { sequence, sealed } = readRecord(unit.bytes);
    versions.push(sealed.slice());
    sealed[seeded.below(sealed.length)]! ^= 1;
    return [replace(unit, writeRecord({ sequence, sealed }), "one bit changed, so that it is sent again")];
  });
  return {
    versions,
    attacker: {
      take(unit) {
        if (number === undefined) return inner.take(unit);
        if (unit.name === `RESEND ${number}`) onResend(number);
        if (isBlock(unit) && unit.number === number) {
          const { sealed } = readRecord(unit.bytes);
          if (!versions.some((version) => equal(version, sealed))) versions.push(sealed);
        }
        return [pass(unit)];
      },
    },
  };
}

/** The bits in which two byte strings differ; as long as the first. */
export function xor(left: Bytes, right: Bytes): Bytes {
  return left.map((byte, i) => byte ^ (right[i] ?? 0));
}

/** Does something to one of the first blocks, and lets everything else pass. */
function onBlock(seeded: Seeded, act: (unit: Unit) => readonly Move[]): Attacker {
  let blocksBefore = seeded.below(BLOCKS);
  return {
    take: (unit) => !isBlock(unit) || blocksBefore-- !== 0 ? [pass(unit)] : act(unit),
  };
}

function onFrame(name: string, act: (unit: Unit) => readonly Move[]): Attacker {
  return { take: (unit) => unit.name === name ? act(unit) : [pass(unit)] };
}

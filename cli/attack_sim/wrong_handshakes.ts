/**
 * Everything wrong that a stranger can say to a receiver of STX/1 short of a valid signature of its own.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { prepareSharedKey } from "../../lib/handshake/key_schedule.ts";
import { CLIENT_SHARE_SIZE, HANDSHAKE_BODY_SIZE_MAX } from "../../lib/limits.ts";
import { systemRandom } from "../../lib/net/tcp.ts";
import type { Identity } from "../../lib/ports.ts";
import { decodeAlert } from "../../lib/wire/alert.ts";
import { encodeFrame, type Frame, FRAME_HEADER_SIZE, frameHeader } from "../../lib/wire/frame.ts";
import type { Seeded } from "../../lib/attacks/seeded.ts";
import type { Door } from "./stranger.ts";
import { StrangerHandshake, type Wrongs } from "./stranger_handshake.ts";

/** Who says it, and to whom. */
export interface WrongsOptions {
  readonly door: Door;
  readonly seeded: Seeded;
  /** The stranger's own. */
  readonly identity: Identity;
  /** A sender's that the receiver takes: the stranger knows the public half alone. */
  readonly senderKey: Bytes;
  /** The receiver's time. */
  readonly nowMs: number;
}

/** Where HELLO's version stands in its frame. */
const VERSION_AT = FRAME_HEADER_SIZE + 3;
/** The neutral element, under which anybody can sign (RFC 8032, section 5.1.3). */
const NEUTRAL: Bytes = Uint8Array.from({ length: 32 }, (_, at) => at === 0 ? 1 : 0);
/** No point of the curve: its y is not below the field's prime. */
const NO_POINT: Bytes = new Uint8Array(32).fill(0xff);
/** How wrong a stranger's clock is. */
const FAR_OFF_MS = 86_400_000;

/** Each says one wrong thing where HELLO is due; resolves to the answers, as somebody without keys sees them. */
export async function sayWrongHellos({ door, seeded, identity, nowMs }: WrongsOptions): Promise<string[]> {
  const hello = async (wrongs: Wrongs = {}) => {
    return (await StrangerHandshake.start(identity, nowMs, wrongs)).hello();
  };
  const right = await hello();
  const version = right.slice();
  version[VERSION_AT] = 2 + seeded.below(254);
  const magic = right.slice();
  magic[FRAME_HEADER_SIZE + seeded.below(3)]! ^= 1 + seeded.below(255);
  const said: readonly Bytes[] = [
    version,
    magic,
    encodeFrame("hello", right.slice(FRAME_HEADER_SIZE, -1)),
    await hello({ hello: { suites: [0x7700 + seeded.below(256)] } }),
    await hello({ hello: { authModes: [4 + seeded.below(252)] } }),
    await hello({ hello: { clientShare: new Uint8Array(CLIENT_SHARE_SIZE).fill(0xff) } }),
    await hello({ sharedKey: prepareSharedKey(systemRandom.bytes(32)) }),
    encodeFrame("verify", seeded.bytes(161)),
    encodeFrame("alert", Uint8Array.of(1 + seeded.below(255))),
    frameHeader("hello", HANDSHAKE_BODY_SIZE_MAX + 1),
    Uint8Array.of(7 + seeded.below(249)),
  ];
  const answers: string[] = [];
  for (const bytes of said) {
    const stranger = await door.knock();
    await stranger.say(bytes);
    answers.push(describe(await stranger.frame()));
    await stranger.left();
  }
  // The same HELLO twice: the first is answered, as it must be.
  for (const isFirst of [true, false]) {
    const stranger = await door.knock();
    await stranger.say(right);
    const answer = await stranger.frame();
    if (!isFirst) answers.push(describe(answer));
    await stranger.left();
  }
  return answers;
}

/** Each does everything right up to VERIFY, and says one wrong thing there; resolves to the answers, opened. */
export async function sayWrongVerifies(options: WrongsOptions): Promise<string[]> {
  const { seeded, identity, senderKey, nowMs } = options;
  const changed = (bytes: Bytes): Bytes => {
    const other = bytes.slice();
    other[seeded.below(other.length)]! ^= 1 + seeded.below(255);
    return other;
  };
  const forged: Identity = { publicKey: identity.publicKey, sign: () => Promise.resolve(seeded.bytes(64)) };
  const borrowed: Identity = { publicKey: senderKey, sign: (message) => identity.sign(message) };
  const said: readonly [Identity, Wrongs, number][] = [
    [identity, { frame: (right) => encodeFrame("verify", changed(right.slice(FRAME_HEADER_SIZE))) }, nowMs],
    [identity, { plaintext: (right) => right.slice(0, -1) }, nowMs],
    [identity, { verify: (right) => ({ ...right, clientId: NEUTRAL }) }, nowMs],
    [identity, { verify: (right) => ({ ...right, clientId: NO_POINT }) }, nowMs],
    [identity, { verify: (right) => ({ ...right, proof: changed(right.proof) }) }, nowMs],
    [identity, { verify: (right) => ({ ...right, clientId: senderKey }) }, nowMs],
    [forged, {}, nowMs],
    [borrowed, {}, nowMs],
    // Nobody is told of its clock before it has proved anything.
    [forged, {}, nowMs - FAR_OFF_MS],
    [borrowed, {}, nowMs + FAR_OFF_MS],
    [identity, { frame: () => encodeFrame("hello", seeded.bytes(100)) }, nowMs],
    [identity, { frame: () => frameHeader("verify", HANDSHAKE_BODY_SIZE_MAX + 1) }, nowMs],
  ];
  const answers: string[] = [];
  for (const [own, wrongs, timeMs] of said) answers.push(await sayVerify(options.door, own, wrongs, timeMs));
  return answers;
}

/** Says HELLO, takes WELCOME, says VERIFY; resolves to the answer, opened. */
export async function sayVerify(
  door: Door,
  identity: Identity,
  wrongs: Wrongs,
  nowMs: number,
): Promise<string> {
  const stranger = await door.knock();
  const handshake = await StrangerHandshake.start(identity, nowMs, wrongs);
  await stranger.say(handshake.hello());
  const welcome = await stranger.frame();
  if (welcome?.type !== "welcome") throw new Error(`HELLO was right, and its answer is ${describe(welcome)}`);
  await handshake.welcome(welcome);
  await stranger.say(await handshake.verify());
  const answer = await stranger.frame();
  await stranger.left();
  if (answer?.type !== "sealedAlert") return describe(answer);
  return `${describe(answer)}: ${nameOf(await handshake.openAlert(answer))}`;
}

/** What can be told of an answer: kind, size, and the words that stand in clear. */
function describe(answer: Frame | undefined): string {
  if (answer === undefined) return "silence";
  const { type, body } = answer;
  const size = body.length === 1 ? "1 byte" : `${body.length} bytes`;
  if (type === "sealedAlert") return `a sealed ALERT, ${size}`;
  return type === "alert" ? `an ALERT, ${size}: ${nameOf(body)}` : `${type.toUpperCase()}, ${size}`;
}

/** An alert's name as the specification has it. */
function nameOf(body: Bytes | undefined): string {
  if (body === undefined) return "it does not open";
  return decodeAlert(body).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

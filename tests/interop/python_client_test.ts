/**
 * `stx recv` and a sender that was written from docs/protocol.md alone: what the two do together is what the
 * document says, and not what stx takes from itself.
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type Person, type Receiver, type Stage, withStage } from "../support/stage.ts";
import { names, sha256, tree } from "../support/tree.ts";
import { NEEDS, PYTHON, runPython } from "./python.ts";

/** What the client says at its end: see stx_client.py. */
interface Said {
  /** `done`, or the document's name for the error. */
  readonly result: string;
  readonly text: string;
  /** Of the peer's alert, if that was its end. */
  readonly alert?: number;
  readonly place?: string;
  /** Of the peer's REJECT. */
  readonly reason?: number;
  readonly suite?: number;
  readonly mode?: number;
  readonly transfer?: string;
  readonly session?: string;
  /** Where its data began; `null` if the receiver asked for none. */
  readonly start?: number | null;
  readonly receipt?: string;
  /** Whether the receiver has said goodbye. */
  readonly closed?: boolean;
  /** The fingerprints of the receiver's old and new identity, if it announced a change. */
  readonly rotation?: readonly [string, string] | null;
  /** Records that it sent again, and asked for again. */
  readonly repeated?: number;
  readonly asked?: number;
}

interface SendOptions {
  /** Who sends; the stage's sender without it. */
  readonly person?: Person;
  /** The receiver that is meant; `undefined` for any, and the stage's without it. */
  readonly peer?: string | undefined;
}

const IN_CLEAR = "in clear";
const SEALED = "sealed, in the handshake";
const BLOCK = 65_536;

function test(name: string, scenario: (stage: Stage) => Promise<void>): void {
  Deno.test({ name: `${name} ${NEEDS}`, ignore: PYTHON === undefined, fn: () => withStage(scenario) });
}

/** Sends `path` with the client, with `args` more on its command line; `undefined` if it was killed. */
async function run(
  stage: Stage,
  receiver: Receiver,
  path: string,
  args: readonly string[] = [],
  options: SendOptions = {},
): Promise<Said | undefined> {
  const { person = stage.sender } = options;
  const peer = "peer" in options ? options.peer : stage.receiver.fingerprint;
  const { code, stdout, stderr } = await runPython("stx_client.py", [
    "send",
    ...["--key", person.identity],
    ...peer === undefined ? [] : ["--peer", peer],
    ...args,
    // Behind it nothing is taken for one value more of an option.
    "--",
    path,
    "127.0.0.1",
    String(receiver.port),
  ]);
  assert.equal(stderr, "");
  if (stdout === "") return undefined;
  const said = JSON.parse(stdout) as Said;
  assert.equal(code, said.result === "done" ? 0 : 1);
  return said;
}

/** As {@link run}; the client must say something. */
async function send(...parameters: Parameters<typeof run>): Promise<Said> {
  const said = await run(...parameters);
  assert.ok(said !== undefined, "the client was killed");
  return said;
}

/** As {@link send}; it must succeed. */
async function sendWell(...parameters: Parameters<typeof run>): Promise<Said> {
  const said = await send(...parameters);
  assert.equal(said.result, "done", said.text);
  assert.equal(said.closed, true);
  return said;
}

/** The alert that ended the client, and what it makes of it. */
function alert({ result, alert, place }: Said) {
  return { result, alert, place };
}

for (const [number, suite] of ["aes-256-gcm", "chacha20-poly1305"].entries()) {
  test(`the second implementation sends a folder under ${suite} and verifies the receipt`, async (stage) => {
    stage.file("folder/blocks", 3 * BLOCK + 1);
    stage.file("folder/inner/empty", "");
    stage.file("folder/inner/é", "text");
    const folder = `${stage.outbox}/folder`;
    Deno.chmodSync(`${folder}/blocks`, 0o640);
    const receiver = await stage.receive();

    const said = await sendWell(stage, receiver, folder, ["--suite", suite, "--digests"]);

    assert.equal(said.suite, number + 1);
    assert.deepEqual(tree(`${stage.inbox}/folder`), tree(folder));
    const lines = said.receipt!.split("\n");
    assert.equal(lines[3], `transfer: ${(await receiver.process.event("done")).transfer}`);
    assert.deepEqual(lines.slice(9), [
      `${sha256(`${folder}/blocks`)}  folder/blocks`,
      `${sha256(`${folder}/inner/empty`)}  folder/inner/empty`,
      `${sha256(`${folder}/inner/é`)}  folder/inner/é`,
      "",
    ]);
  });
}

test("the second implementation sends an empty file, and one of unknown size", async (stage) => {
  const empty = stage.file("empty", "");
  const pipe = stage.file("pipe", 2 * BLOCK);
  const receiver = await stage.receive();

  await sendWell(stage, receiver, empty);
  await sendWell(stage, receiver, pipe, ["--unknown-size"]);

  assert.deepEqual(tree(`${stage.inbox}/empty`), tree(empty));
  assert.equal(sha256(`${stage.inbox}/pipe`), sha256(pipe));
});

test("the second implementation continues where it was killed, and is told what is there", async (stage) => {
  const file = stage.file("file", 9 * BLOCK + 5);
  const receiver = await stage.receive();

  const killed = await run(stage, receiver, file, ["--stop-after-blocks", "4"]);
  const resumed = await sendWell(stage, receiver, file);
  const again = await sendWell(stage, receiver, file);
  const lost = await sendWell(stage, receiver, file, ["--all-sent"]);

  assert.equal(killed, undefined);
  assert.equal(resumed.start, 4 * BLOCK, "all that was acknowledged survives");
  assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  assert.equal(again.start, 9 * BLOCK + 5, "all of it is there");
  assert.equal(again.transfer, resumed.transfer);
  assert.equal(lost.start, null, "where only the answer was lost, it comes at once");
  assert.ok(lost.receipt!.includes(`session: ${again.session}\n`), "with the session that finished it");
});

test("the second implementation sends a manifest that does not fit before READY", async (stage) => {
  // 1,300 entries of more than 210 bytes are more than 262,144 bytes.
  for (let index = 0; index < 1300; index++) stage.file(`folder/${String(index).padStart(200, "_")}`, "");
  const receiver = await stage.receive();

  await sendWell(stage, receiver, `${stage.outbox}/folder`);

  assert.deepEqual(tree(`${stage.inbox}/folder`), tree(`${stage.outbox}/folder`));
});

test("the second implementation offers what nobody knows and sends in small pieces", async (stage) => {
  const file = stage.file("file", 2 * BLOCK);
  const receiver = await stage.receive();

  await sendWell(stage, receiver, file, ["--unknown", "--piece-size", "700"]);

  assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
});

test("the second implementation and stx repeat to each other what was damaged", async (stage) => {
  const first = stage.file("first", 20 * BLOCK);
  const second = stage.file("second", 20 * BLOCK);
  const receiver = await stage.receive();

  // Some are damaged twice, so that there are repetitions of what the receiver has already.
  const damaged = ["0", "0", "5", "5", "6", "12", "12"];
  const repeating = await sendWell(stage, receiver, first, ["--flip-sent", ...damaged]);
  const asking = await sendWell(stage, receiver, second, ["--flip-received", "0", "0", "2", "2"]);

  assert.ok(repeating.repeated! > 7, `${repeating.repeated}`);
  assert.equal(asking.asked, 4);
  assert.deepEqual(tree(`${stage.inbox}/first`), tree(first));
  assert.deepEqual(tree(`${stage.inbox}/second`), tree(second));
});

test("the second implementation and stx change keys after 65,536 records", async (stage) => {
  const file = stage.file("file", 3 * BLOCK);
  const receiver = await stage.receive();

  // Each is answered by one record of the receiver, so both directions come to their second generation.
  await sendWell(stage, receiver, file, ["--pings", "65600"]);

  assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
});

test("the second implementation does not show itself to another receiver", async (stage) => {
  const file = stage.file("file", "text");
  const receiver = await stage.receive();

  const said = await send(stage, receiver, file, [], { peer: stage.sender.fingerprint });

  assert.equal(said.result, "receiver_changed", said.text);
  await receiver.process.says(/A sender looked at this receiver's key and left/);
  assert.ok(!receiver.process.stderr.includes(stage.sender.fingerprint));
});

test("the second implementation gets the alert that the document names for each refusal", async (stage) => {
  const file = stage.file("file", "text");
  const stranger = await stage.newPerson("stranger");
  const receiver = await stage.receive();
  const nonce = randomBytes(32).toString("hex");

  const denied = await send(stage, receiver, file, [], { person: stranger });
  const skewed = await send(stage, receiver, file, ["--clock-offset", "125", "--ignore-clocks"]);
  await sendWell(stage, receiver, file, ["--nonce", nonce]);
  const replayed = await send(stage, receiver, file, ["--nonce", nonce]);
  const unproved = await send(stage, receiver, file, ["--mode", "psk", "--psk-file", sharedKey(stage)]);

  assert.deepEqual(alert(denied), { result: "unauthorized", alert: 3, place: SEALED });
  assert.deepEqual(alert(skewed), { result: "clock_skew", alert: 4, place: SEALED });
  assert.deepEqual(alert(replayed), { result: "refused_connection", alert: 1, place: IN_CLEAR });
  assert.deepEqual(alert(unproved), { result: "refused_connection", alert: 1, place: IN_CLEAR });
});

test("a flipped bit anywhere in VERIFY ends the handshake", async (stage) => {
  const file = stage.file("file", "text");
  const receiver = await stage.receive();

  for (const [what, bit] of [["client_id", 3], ["intent", 256], ["signature", 700], ["tag", 1159]] as const) {
    const said = await send(stage, receiver, file, ["--flip-verify", String(bit)]);

    assert.deepEqual(alert(said), { result: "handshake_failed", alert: 1, place: SEALED }, what);
  }
  assert.deepEqual(names(stage.inbox), []);
});

test("a flipped bit anywhere in WELCOME or READY ends the handshake", async (stage) => {
  const file = stage.file("file", "text");
  const receiver = await stage.receive();
  const welcome = 4;
  const ready = welcome + 1163 + 2 + 144;

  for (
    const [what, byte, result] of [
      ["WELCOME's type, which becomes VERIFY's", 0, "unexpected_message"],
      ["server_time", welcome + 7, "handshake_failed"],
      ["server_id", welcome + 1170, "handshake_failed"],
      ["READY's type, which becomes ALERT's", ready, "malformed"],
      ["session_id", ready + 10, "handshake_failed"],
    ] as const
  ) {
    const said = await send(stage, receiver, file, ["--flip-incoming", String(byte * 8)]);

    assert.deepEqual(alert(said), { result, alert: undefined, place: undefined }, what);
  }
  assert.ok(!names(stage.inbox).includes("file"));
});

test("the second implementation refuses a receiver whose clock differs", async (stage) => {
  const file = stage.file("file", "text");
  const receiver = await stage.receive();

  const said = await send(stage, receiver, file, ["--clock-offset", "-125"]);

  assert.deepEqual(alert(said), { result: "clock_skew", alert: undefined, place: undefined });
  await receiver.process.says(/clocks differ/);
});

test("the second implementation gets the reason that the document names for each refusal", async (stage) => {
  const file = stage.file("file", "text");
  const large = stage.file("large", 2000);
  const receiver = await stage.receive({ args: ["--max-size", "1K"] });

  const named = await send(stage, receiver, file, ["--name", "nul.txt"]);
  const tooLarge = await send(stage, receiver, large);
  await sendWell(stage, receiver, file, ["--name", "taken"]);
  Deno.writeTextFileSync(file, "other");
  const taken = await send(stage, receiver, file, ["--name", "taken"]);

  assert.deepEqual([named.result, named.reason], ["rejected", 3]);
  assert.deepEqual([tooLarge.result, tooLarge.reason], ["rejected", 5]);
  assert.deepEqual([taken.result, taken.reason], ["rejected", 4]);
  assert.deepEqual(names(stage.inbox), ["taken"]);
});

/** Makes a file with a shared key, readable by its owner alone; returns its path. */
function sharedKey(stage: Stage, name = "shared_key"): string {
  const path = `${stage.folder}/${name}`;
  const line = `stx-psk ${randomBytes(32).toString("base64")} for a test\n`;
  Deno.writeTextFileSync(path, line, { mode: 0o600 });
  return path;
}

test("in mode psk the shared key is what counts", async (stage) => {
  const file = stage.file("file", 3 * BLOCK);
  const key = sharedKey(stage);
  const other = sharedKey(stage, "other_key");
  const stranger = await stage.newPerson("stranger");
  const receiver = await stage.receive({ args: ["--psk-file", key] });
  const anybody = { person: stranger, peer: undefined };

  const said = await sendWell(stage, receiver, file, ["--psk-file", key], anybody);
  const reordered = ["--mode", "identity", "--mode", "identity+psk", "--mode", "psk"];
  const second = await sendWell(stage, receiver, file, ["--psk-file", key, "--name", "copy", ...reordered]);
  const wrong = await send(stage, receiver, file, ["--psk-file", other], anybody);
  const without = await send(stage, receiver, file);
  const itself = await send(stage, receiver, file, ["--psk-file", key], { person: stage.receiver });

  assert.equal(said.mode, 2);
  assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  assert.equal(second.mode, 2, "the first that the receiver takes");
  assert.deepEqual(alert(wrong), { result: "refused_connection", alert: 1, place: IN_CLEAR });
  assert.deepEqual(alert(without), { result: "refused_connection", alert: 1, place: IN_CLEAR });
  assert.equal(itself.result, "bad_identity", "one's own identity is not a peer's");
});

test("in mode identity+psk both count", async (stage) => {
  const file = stage.file("file", 3 * BLOCK);
  const key = sharedKey(stage);
  const stranger = await stage.newPerson("stranger");
  const receiver = await stage.receive({ args: ["--psk-file", key, "--auth", "identity+psk"] });

  const said = await sendWell(stage, receiver, file, ["--psk-file", key]);
  const denied = await send(stage, receiver, file, ["--psk-file", key], { person: stranger });
  const alone = await send(stage, receiver, file, ["--psk-file", key, "--mode", "psk"]);
  const unnamed = await send(stage, receiver, file, ["--psk-file", key], { peer: undefined });

  assert.equal(said.mode, 3);
  assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  assert.deepEqual(alert(denied), { result: "unauthorized", alert: 3, place: SEALED });
  assert.deepEqual(alert(alone), { result: "refused_connection", alert: 1, place: IN_CLEAR });
  assert.equal(unnamed.result, "unknown_receiver");
});

test("a wrong shared key is not made good by mode identity", async (stage) => {
  const file = stage.file("file", "text");
  const key = sharedKey(stage);
  const other = sharedKey(stage, "other_key");
  const receiver = await stage.receive({ args: ["--psk-file", key, "--auth", "either"] });
  const both = ["--mode", "psk", "--mode", "identity"];

  const right = await sendWell(stage, receiver, file, ["--psk-file", key, ...both]);
  const wrong = await send(stage, receiver, file, ["--psk-file", other, ...both]);
  const identity = await sendWell(stage, receiver, file);

  assert.equal(right.mode, 2);
  assert.deepEqual(alert(wrong), { result: "refused_connection", alert: 1, place: IN_CLEAR });
  assert.equal(identity.mode, 1);
});

test("a receiver lets in the identity that an authorized sender announces, and then no longer the old one", async (stage) => {
  const file = stage.file("file", "text");
  const successor = await stage.newPerson("successor");
  const receiver = await stage.receive();

  const before = await send(stage, receiver, file, [], { person: successor });
  await sendWell(stage, receiver, file, ["--new-key", successor.identity]);
  await sendWell(stage, receiver, file, ["--name", "copy"], { person: successor });
  const after = await send(stage, receiver, file);

  assert.equal(before.result, "unauthorized");
  assert.deepEqual(alert(after), { result: "unauthorized", alert: 3, place: SEALED });
});

test("the second implementation learns of a receiver's change of identity", async (stage) => {
  const file = stage.file("file", "text");
  const rotated = await stage.run(["keys", "rotate"], { person: stage.receiver });
  assert.equal(rotated.code, 0, rotated.stderr);
  const receiver = await stage.receive();

  const said = await sendWell(stage, receiver, file);

  const [oldKey, newKey] = said.rotation!;
  assert.equal(oldKey, stage.receiver.fingerprint);
  assert.ok(rotated.stdout.includes(newKey), rotated.stdout);
});

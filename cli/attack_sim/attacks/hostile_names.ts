/**
 * Attacks on what lies around a transfer: the receiver's disk, both terminals, a file of a key.
 * @module
 */
import { escapeControls } from "../../../lib/bytes/escape.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import type { ConflictPolicy, Entry, Identity } from "../../../lib/ports.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { encodeReject } from "../../../lib/wire/message.ts";
import { makeIdentity } from "../../key_files.ts";
import { Progress } from "../../progress.ts";
import { ReceivingReport } from "../../receiving_report.ts";
import type { Output, Streams } from "../../terminal.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { RogueReceiver } from "../rogue_receiver.ts";
import { entryOf, folderOf, memorySource } from "../rogue_sender.ts";
import { FILE_NAME, type StxWorldOptions, withStxWorld } from "../stx_world.ts";
import { loadWeakIdentity, makeWeakOutput } from "../weak_files.ts";

const FOLDER = "A malicious sender touches nothing outside the folder, and nothing that exists";
const TERMINAL = "What a peer says does nothing to a terminal or a log";
const KEYS = "Keys that others can read are not used, and a secret is never shown";

/** Picks one. */
function pick<T>(stage: Stage, choices: readonly T[]): T {
  return choices[stage.seeded.below(choices.length)]!;
}

/** The sender's options for these entries, whose names nobody has looked at, and some content for each file. */
function sending(entries: readonly Entry[]): NonNullable<StxWorldOptions["sender"]> {
  const manifest = makeManifest(entries, true);
  return { manifest, source: memorySource(new Uint8Array(manifest.sizeBytes!)) };
}

/** Sends entries; what has come of them is asked with the receiver's folder and the one around it. */
async function playNames(
  stage: Stage,
  entries: readonly Entry[],
  hasSucceeded: (folder: string, inbox: string) => boolean,
  [won, lost]: readonly [string, string],
  { conflict = "refuse", prepare = () => {} }: {
    conflict?: ConflictPolicy;
    prepare?: (folder: string, inbox: string) => void;
  } = {},
): Promise<Played> {
  const options: StxWorldOptions = { sender: sending(entries), receiver: { conflict } };
  return await withStxWorld(stage, options, async (world) => {
    prepare(stage.folder, world.inbox);
    await world.send();
    await world.settle();
    const isWon = hasSucceeded(stage.folder, world.inbox);
    return world.played(isWon, isWon ? won : lost);
  });
}

/** Names that lead out of the private folder in which files wait, which lies two folders below the receiving one. */
async function playWayOut(stage: Stage): Promise<Played> {
  const target = pick(stage, ["profile", "crontab", "authorized_keys"]) + stage.seeded.below(1000);
  const folders = pick(stage, [[], ["a"], ["a", "a/b"], ["a", "a/b", "a/b/c"]]);
  const up = "../".repeat(folders.length + 4);
  const path = folders.length === 0 ? up + target : `${folders.at(-1)}/${up}${target}`;
  return await playNames(
    stage,
    [...folders.map(folderOf), entryOf(path, 1 + stage.seeded.below(1000))],
    (folder) => exists(`${folder}/${target}`),
    [
      "a file was written outside of the receiving folder",
      "nothing was written outside of the receiving folder",
    ],
  );
}

/** Names that programs of the receiver's user obey, where the receiving folder is its home. */
async function playHidden(stage: Stage): Promise<Played> {
  const paths = pick(stage, [[".bashrc"], [".profile"], [".ssh", ".ssh/authorized_keys"], [
    ".config",
    ".config/rc",
  ]]);
  const file = paths.at(-1)!;
  return await playNames(
    stage,
    [...paths.slice(0, -1).map(folderOf), entryOf(file, 1 + stage.seeded.below(1000))],
    (_, inbox) => exists(`${inbox}/${file}`),
    [`${file} stands in the receiving folder`, "no hidden file stands in the receiving folder"],
  );
}

/** A folder whose name is that of a symbolic link, which leads out of the receiving folder. */
async function playLink(stage: Stage): Promise<Played> {
  const name = pick(stage, ["photos", "music", "work"]);
  const file = `file-${stage.seeded.below(1000)}`;
  return await playNames(
    stage,
    [folderOf(name), entryOf(`${name}/${file}`, 1 + stage.seeded.below(1000))],
    (folder) => exists(`${folder}/elsewhere/${file}`),
    ["a file was written through the link", "nothing was written through the link"],
    {
      conflict: pick(stage, ["overwrite", "skip"]),
      prepare(folder, inbox) {
        Deno.mkdirSync(`${folder}/elsewhere`);
        Deno.symlinkSync(`${folder}/elsewhere`, `${inbox}/${name}`);
      },
    },
  );
}

/** A file whose name is taken. */
async function playTaken(stage: Stage): Promise<Played> {
  const mine = "what the receiver's user has written";
  return await playNames(
    stage,
    [entryOf(FILE_NAME, 1 + stage.seeded.below(1000))],
    (_, inbox) => Deno.readTextFileSync(`${inbox}/${FILE_NAME}`) !== mine,
    ["the receiver's own file was replaced", "the receiver's own file is as it was"],
    { prepare: (_, inbox) => Deno.writeTextFileSync(`${inbox}/${FILE_NAME}`, mine) },
  );
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What a terminal obeys, what forges a line of a log, and what shows a name in another order than it has. */
const ACTING_TEXTS = [
  "\x1b]0;owned\x07",
  "\x1b[2J\x1b[Howned",
  "owned\nstx recv: Received everything",
  "owned\r100 %",
  "owned\x9b31m",
  "owned\u202efdp.exe",
  "owned\u2028owned",
];

/** An output on a terminal that keeps all that is written to it. */
class Screen {
  readonly output: Output;
  #text = "";

  constructor({ off }: Stage, command: string) {
    const decoder = new TextDecoder();
    const sink = {
      isTerminal: () => true,
      writeSync: (bytes: Uint8Array): number => {
        this.#text += decoder.decode(bytes, { stream: true });
        return bytes.length;
      },
    };
    const streams: Streams = {
      stdin: { isTerminal: () => false, read: () => Promise.resolve(null) },
      stdout: sink,
      stderr: sink,
      columns: () => 200,
    };
    this.output = makeWeakOutput(off, {
      command,
      json: false,
      quiet: false,
      verbose: true,
      colour: false,
      streams,
      exit: () => {
        throw new Error("Nobody ends the simulator");
      },
    });
  }

  /** Says whether a text has got through as it is. */
  shows(text: string): boolean {
    return this.#text.includes(text);
  }
}

/** What the one end prints of what the other has said. */
async function playScreen(
  stage: Stage,
  end: "client" | "server",
  make: (text: string, screen: Screen) => StxWorldOptions,
): Promise<Played> {
  const text = pick(stage, ACTING_TEXTS);
  const screen = new Screen(stage, end === "client" ? "send" : "recv");
  return await withStxWorld(stage, make(text, screen), async (world) => {
    await world.send();
    await world.settle();
    const error = world.wires.errors[end];
    if (error !== undefined && error.code !== "internal") {
      screen.output.error(new StxError(error.code, error.message));
    }
    const isShown = screen.shows(text);
    return world.played(
      isShown,
      `"${escapeControls(text)}" ${isShown ? "acts on the terminal" : "is shown, and acts on nothing"}`,
    );
  });
}

/** The owner of a key sends with it, though others may read its file, and so send in the owner's name. */
async function playLooseKey(stage: Stage): Promise<Played> {
  const path = `${stage.folder}/identity`;
  await makeIdentity(path, "", false);
  Deno.chmodSync(path, pick(stage, [0o644, 0o640, 0o604, 0o660]));
  const client: { identity?: Identity } = {};
  return await withStxWorld(stage, { client, server: { authorize: () => {} } }, async (world) => {
    try {
      client.identity = await loadWeakIdentity(stage.off, path);
      await world.send({ identity: client.identity.publicKey });
      await world.settle();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      world.wires.errors.client = { code: codeOf(error) ?? "internal", message };
    }
    return world.played(
      world.isIntact,
      world.isIntact ? "a file was sent with a key that others can read" : "the key was not used",
    );
  });
}

/** See the module's text. */
export const NAME_ATTACKS: readonly Attack[] = [
  {
    name: "hostile-names",
    protocol: "stx",
    by: "sender",
    goal: "A file is written outside of the receiving folder.",
    does:
      "Offers a file whose name has so many `../` in it that it leads out of the folder, straight or by way of " +
      "folders that it offers too.",
    why:
      "Every name is checked before anything is opened, and no part of it may be `..`. The folder itself looks at " +
      "each path once more.",
    promises: [FOLDER],
    expected: { kind: "stopped", at: "server", code: "bad_name", during: "Cannot accept the name" },
    defences: ["names checked", "paths inside"],
    play: playWayOut,
  },
  {
    name: "hidden-files",
    protocol: "stx",
    by: "sender",
    goal: "A file that other programs obey, such as .bashrc, stands in a folder that is somebody's home.",
    does: "Offers a file or a folder whose name begins with a dot.",
    why:
      "No name at the top may begin with a dot unless the receiver's user has said so with --allow-dotfiles.",
    promises: [FOLDER],
    expected: { kind: "stopped", at: "server", code: "bad_name", during: "begins with a dot" },
    defences: ["names checked"],
    play: playHidden,
  },
  {
    name: "symlink-in-the-way",
    protocol: "stx",
    by: "sender",
    goal: "A file is written outside of the receiving folder, through a symbolic link that stands in it.",
    does: "Offers a folder that has the link's name, with a file in it, to a receiver that merges folders.",
    why:
      "A link is no folder, so the two are not merged. And before a file gets its name, every folder above it is " +
      "looked at once more.",
    promises: [FOLDER],
    expected: { kind: "stopped", at: "server", code: "exists", during: "is not a folder" },
    defences: ["folders that meet", "no link on the way"],
    play: playLink,
  },
  {
    name: "overwrite",
    protocol: "stx",
    by: "sender",
    goal: "A file of the receiver's user is replaced.",
    does: "Offers a file of the same name.",
    why:
      "What exists is not touched unless the receiver's user has said so with --on-conflict. That is looked at when " +
      "the offer comes, and again when the file is put in place.",
    promises: [FOLDER],
    expected: { kind: "stopped", at: "server", code: "exists", during: "the name is already taken" },
    defences: ["taken names"],
    play: playTaken,
  },
  {
    name: "acting-names",
    protocol: "stx",
    by: "sender",
    goal:
      "A name acts on the receiver's terminal: colours, a title, a line that looks as if stx had written it.",
    does: "Offers a file with control characters in its name.",
    why:
      "The name is refused. What the receiver prints until then, and about it, has its control characters made " +
      "visible.",
    promises: [TERMINAL],
    expected: { kind: "stopped", at: "server", code: "bad_name", during: "control character" },
    defences: ["printed text"],
    play: (stage) =>
      playScreen(stage, "server", (text, { output }) => {
        const report = new ReceivingReport(output, new Progress(output), "the attacker");
        return {
          sender: sending([entryOf(text, 4)]),
          receiver: { onEvent: (event) => report.report(event) },
        };
      }),
  },
  {
    name: "acting-refusal",
    protocol: "stx",
    by: "receiver",
    goal: "What a receiver says acts on the sender's terminal: a line that looks as if all had arrived.",
    does: "Refuses the transfer, and gives a reason with control characters in it.",
    why: "Whatever the sender prints has its control characters made visible.",
    promises: [TERMINAL],
    expected: { kind: "stopped", at: "client", code: "rejected", during: "The receiver refused" },
    defences: ["printed text"],
    play: (stage) =>
      playScreen(stage, "client", (text) => ({
        async receive(channel, options) {
          const rogue = await RogueReceiver.meet(channel, options);
          channel.send("reject", encodeReject({ reason: "policy", text }));
          return rogue.nothing;
        },
      })),
  },
  {
    name: "loose-key-file",
    protocol: "stx",
    by: "thief",
    goal:
      "Somebody else on the sender's machine reads its private key, and the sender goes on to use that key.",
    does: "Waits until the file of the key may be read by others, as after a careless chmod or a copy.",
    why: "stx looks at the file's mode before it uses the key, and says which chmod to run.",
    promises: [KEYS],
    expected: { kind: "stopped", at: "client", code: "bad_key_file", during: "others may read it" },
    defences: ["key file's mode"],
    play: playLooseKey,
  },
];

/**
 * Shows stx at work, on this machine and in a folder of its own: `deno task demo [PATH]`. Two identities are made, a
 * receiver is killed half-way and started again, the sender finishes by itself, and what arrived is verified.
 * Without PATH a random file and a small folder are sent. Exits 0 only if all of it held.
 * @module
 */
import { basename } from "node:path";
import { sha256OfFile } from "./checksums.ts";
import { flagsFor, keygenPermissions, recvPermissions, sendPermissions } from "./permissions.ts";
import { print, printError, printProgress } from "./print.ts";
import { Children, findProgram } from "./process.ts";
import { calledFrom } from "./project.ts";
import { type Needle, Relay } from "./relay.ts";
import { stxArguments, type StxEvent, StxProcess } from "./stx_process.ts";
import { differences, filesBelow, writeRandomFile } from "./tree.ts";
import { formatSize } from "./units.ts";

/** Below this there is no half-way: it would go over in a few blocks. */
const DATA_SIZE_MIN = 32 * 1024 * 1024;
const RANDOM_FILE_SIZE = 64 * 1024 * 1024;
const FOLDER_FILE_COUNT = 12;
/** How long the whole of it takes on the line; long enough to look at, and for the receiver to save its progress. */
const LINE_SECONDS = 6;
/** What is looked for on the line: names and beginnings of so many files of a folder, of so many bytes. */
const NEEDLE_FILES_MAX = 40;
const NEEDLE_SIZE_MIN = 8;
const NEEDLE_SIZE_MAX = 32;
const BAR_WIDTH = 30;

/** Where everything that this run makes lies. */
interface Folders {
  readonly sender: string;
  readonly receiver: string;
  readonly arrived: string;
}

/** A file or folder to send. */
interface Sent {
  readonly path: string;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
}

let step = 0;

/** Prints the next numbered step. */
function tell(text: string): void {
  printProgress("");
  print(`${String(++step).padStart(2)}  ${text}`);
}

/** Prints a fact about the last step. */
function fact(text: string): void {
  printProgress("");
  print(`    ${text}`);
}

/** Runs the whole demonstration in `folders`, sending `path` if one is given. */
async function demonstrate(children: Children, folders: Folders, path: string | undefined): Promise<void> {
  print("stx: a transfer that loses its receiver half-way, and arrives all the same");
  print();
  const sent = prepare(folders, path);
  const totalBytes = sizeOf(sent);

  const env = { STX_CONFIG_DIR: folders.sender, XDG_STATE_HOME: folders.sender };
  const senderKey = `${folders.sender}/identity`;
  const receiverKey = `${folders.receiver}/identity`;
  for (const key of [senderKey, receiverKey]) {
    const args = stxArguments(flagsFor(keygenPermissions({ out: key })), ["keygen", "--out", key]);
    await children.run(Deno.execPath(), args, { env });
  }
  tell("Made two identities, ordinary OpenSSH keys");
  fact(`sender    ${await fingerprintOf(`${senderKey}.pub`)}`);
  fact(`receiver  ${await fingerprintOf(`${receiverKey}.pub`)}`);

  const authorizedKeys = `${folders.receiver}/authorized_keys`;
  await Deno.copyFile(`${senderKey}.pub`, authorizedKeys);
  const startReceiver = async (listen: string): Promise<{ receiver: StxProcess; port: number }> => {
    const state = `${folders.receiver}/state`;
    const job = { listen, dir: folders.arrived, identity: receiverKey, authorizedKeys, state };
    const args = ["recv", "--once", "--listen", listen, "--dir", folders.arrived, "--identity", receiverKey];
    const receiver = new StxProcess(
      children,
      flagsFor(recvPermissions(job)),
      [...args, "--authorized-keys", authorizedKeys, "--state", state],
      env,
      showProgress,
    );
    return { receiver, port: (await receiver.first("listening")).port };
  };
  const first = await startReceiver("127.0.0.1:0");
  tell(`Receiver listens on 127.0.0.1:${first.port} and lets in this sender alone`);

  const bytesPerSecond = totalBytes / LINE_SECONDS;
  await using relay = new Relay(first.port, bytesPerSecond, needlesIn(sent));
  const receipt = `${folders.sender}/receipt`;
  const address = `127.0.0.1:${relay.port}`;
  const paths = sent.map((one) => one.path);
  const sender = new StxProcess(
    children,
    flagsFor(sendPermissions({
      paths,
      address,
      identity: senderKey,
      trust: `${receiverKey}.pub`,
      receipt,
    })),
    [
      "send",
      ...paths,
      address,
      "--identity",
      senderKey,
      "--peer",
      `${receiverKey}.pub`,
      "--receipt",
      receipt,
    ],
    env,
  );
  tell(
    `Sender sends ${formatSize(totalBytes)} over a line of ${
      formatSize(bytesPerSecond)
    }/s (a relay on this machine)`,
  );

  const half = await first.receiver.first(
    "progress",
    (event) => event.phase === "receiving" && event.bytes >= totalBytes / 2 && event.bytes < totalBytes,
  );
  first.receiver.child.kill();
  await first.receiver.child.end;
  tell(
    `Receiver killed at ${formatSize(half.bytes)}, ${
      percent(half.bytes, totalBytes)
    }, without a warning (SIGKILL)`,
  );
  const visible = [...Deno.readDirSync(folders.arrived)].filter((entry) => !entry.name.startsWith("."));
  if (visible.length > 0) {
    throw new Error(`in place too early: ${visible.map((entry) => entry.name).join(", ")}`);
  }
  fact("nothing has its final name yet; what came lies in a hidden folder");
  const retry = await sender.first("retry");
  fact(`sender: ${retry.message}; tries again in ${retry.delayMs.toFixed(0)} ms, and goes on trying`);

  const second = await startReceiver(`127.0.0.1:${first.port}`);
  tell("Receiver started again, at the same address");
  const resumed = await sender.first("resumed");
  if (resumed.offsetBytes === 0) throw new Error("the transfer began again from the start");
  fact(`both ends compared SHA-256 of the first ${formatSize(resumed.offsetBytes)} and went on from there`);
  await sender.succeed();
  await second.receiver.succeed();
  tell("Sender finished by itself; both ended with exit code 0");

  for (const { path } of sent) {
    const different = differences(path, `${folders.arrived}/${basename(path)}`);
    if (different.length > 0) throw new Error(`${basename(path)} arrived changed: ${different.join(", ")}`);
  }
  const fileCount = sent.reduce((count, one) => count + one.files.length, 0);
  tell(`Compared: ${fileCount} file${fileCount === 1 ? "" : "s"} arrived, each with the same SHA-256`);
  for (const { path, files } of sent.filter((one) => one.files[0]?.path === "")) {
    fact(`${sha256OfFile(path)}  ${basename(path)}, ${formatSize(files[0]!.sizeBytes)}`);
  }

  await verifyReceipt(receipt, `${receiverKey}.pub`);

  if (relay.seen.size > 0) throw new Error(`seen in clear on the line: ${[...relay.seen].join(", ")}`);
  tell(
    `The line carried ${formatSize(relay.bytesRelayed)}: no file's name and no file's beginning was among it`,
  );
}

/** Makes what is to be sent, as far as `path` is not enough. */
function prepare(folders: Folders, path: string | undefined): readonly Sent[] {
  const given: Sent[] = path === undefined ? [] : [{ path, files: filesBelow(path) }];
  if (sizeOf(given) >= DATA_SIZE_MIN) {
    tell(`To be sent: ${basename(given[0]!.path)}, ${formatSize(sizeOf(given))}`);
    return given;
  }
  const random = `${folders.sender}/random-data.bin`;
  writeRandomFile(random, RANDOM_FILE_SIZE);
  const made = [{ path: random, files: filesBelow(random) }];
  if (given.length > 0) {
    tell(`To be sent: ${basename(given[0]!.path)}, ${formatSize(sizeOf(given))}`);
    fact(`and, as that is too little to be cut half-way, ${formatSize(RANDOM_FILE_SIZE)} of random data`);
    return [...made, ...given];
  }
  const folder = `${folders.sender}/small-folder`;
  Deno.mkdirSync(`${folder}/below`, { recursive: true });
  for (let index = 0; index < FOLDER_FILE_COUNT; index++) {
    const below = index % 2 === 0 ? "" : "below/";
    writeRandomFile(`${folder}/${below}document-${index}.txt`, 100 + 997 * index);
  }
  made.push({ path: folder, files: filesBelow(folder) });
  tell(
    `Made a file of ${
      formatSize(RANDOM_FILE_SIZE)
    } of random data, and a folder of ${FOLDER_FILE_COUNT} small files`,
  );
  return made;
}

function sizeOf(sent: readonly Sent[]): number {
  return sent.flatMap((one) => one.files).reduce((size, file) => size + file.sizeBytes, 0);
}

/** Names and beginnings of files that must not be seen on the line. */
function needlesIn(sent: readonly Sent[]): readonly Needle[] {
  const encoder = new TextEncoder();
  return sent.flatMap(({ path, files }) =>
    files.slice(0, NEEDLE_FILES_MAX).flatMap((one) => {
      const file = one.path === "" ? path : `${path}/${one.path}`;
      using opened = Deno.openSync(file);
      const start = new Uint8Array(NEEDLE_SIZE_MAX);
      const size = opened.readSync(start) ?? 0;
      return [
        { name: `the name ${basename(file)}`, bytes: encoder.encode(basename(file)) },
        { name: `the beginning of ${basename(file)}`, bytes: start.slice(0, size) },
      ];
    })
  ).filter((needle) => needle.bytes.length >= NEEDLE_SIZE_MIN);
}

/** The SHA-256 fingerprint of a public key's file, as `ssh-keygen -lf` shows it. */
async function fingerprintOf(file: string): Promise<string> {
  const [, blob] = (await Deno.readTextFile(file)).split(" ");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.fromBase64(blob!)));
  return `SHA256:${digest.toBase64({ omitPadding: true })}`;
}

/** Has OpenSSH verify the receipt, where it is installed. */
async function verifyReceipt(receipt: string, publicKey: string): Promise<void> {
  const sshKeygen = findProgram("ssh-keygen");
  if (sshKeygen === undefined) {
    tell("Receipt not verified by another program: ssh-keygen is not installed");
    return;
  }
  const signers = `${receipt}.signers`;
  await Deno.writeTextFile(
    signers,
    `receiver namespaces="receipt@stx1" ${await Deno.readTextFile(publicKey)}`,
  );
  const args = [
    "-Y",
    "verify",
    "-f",
    signers,
    "-I",
    "receiver",
    "-n",
    "receipt@stx1",
    "-s",
    `${receipt}.sig`,
  ];
  const process = new Deno.Command(sshKeygen, { args, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = process.stdin.getWriter();
  await writer.write(await Deno.readFile(receipt));
  await writer.close();
  const { success, stdout, stderr } = await process.output();
  const text = new TextDecoder().decode(success ? stdout : stderr).trim();
  if (!success) throw new Error(`the receipt does not verify: ${text}`);
  tell("OpenSSH verifies the receipt that the receiver signed (ssh-keygen -Y verify):");
  fact(text);
}

/** Draws the receiver's progress where there is a terminal. */
function showProgress(event: StxEvent): void {
  if (event.event !== "progress" || event.totalBytes === null) return;
  const part = event.totalBytes === 0 ? 1 : event.bytes / event.totalBytes;
  const filled = Math.round(part * BAR_WIDTH);
  const bar = "#".repeat(filled) + ".".repeat(BAR_WIDTH - filled);
  const numbers = `${percent(event.bytes, event.totalBytes).padStart(5)}  ${formatSize(event.bytes)}`;
  printProgress(`    ${event.phase.padEnd(9)} [${bar}] ${numbers}`);
}

function percent(bytes: number, totalBytes: number): string {
  return `${Math.floor(totalBytes === 0 ? 100 : bytes / totalBytes * 100)} %`;
}

/** The path on the command line, from the folder in which the task was called. Throws if it cannot be sent. */
function pathFrom(args: readonly string[]): string | undefined {
  if (args.length > 1 || args[0]?.startsWith("-")) throw new Error("usage: deno task demo [PATH]");
  const [path] = args;
  if (path === undefined) return undefined;
  const absolute = calledFrom(path);
  Deno.lstatSync(absolute);
  return absolute;
}

/** Runs the demonstration in a folder of its own; returns the exit code. */
async function main(): Promise<number> {
  const start = performance.now();
  let path: string | undefined;
  try {
    path = pathFrom(Deno.args);
  } catch (error) {
    printError(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "stx-demo-" }));
  const remove = (): void => Deno.removeSync(root, { recursive: true });
  try {
    const folders = { sender: `${root}/sender`, receiver: `${root}/receiver`, arrived: `${root}/arrived` };
    for (const folder of Object.values(folders)) await Deno.mkdir(folder, { mode: 0o700 });
    await using children = new Children(remove);
    await demonstrate(children, folders, path);
  } catch (error) {
    printProgress("");
    printError(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    remove();
  }
  print();
  print(`Done in ${((performance.now() - start) / 1000).toFixed(1)} s. Everything made for this is removed.`);
  return 0;
}

if (import.meta.main) Deno.exit(await main());

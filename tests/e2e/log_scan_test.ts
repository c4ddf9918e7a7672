/** Everything that stx prints over a varied set of runs, searched for secrets and for what a terminal or a log obeys. */
import assert from "node:assert/strict";
import { encodeReject } from "../../lib/wire/message.ts";
import { parsePrivateKey } from "../../lib/identity/openssh_key.ts";
import { parseSharedKeys } from "../../lib/identity/shared_key.ts";
import { parseBaseKey, parseClientKey } from "../../lib/rounds/key_files.ts";
import { entry, offerAsIs, withHostileReceiver } from "../support/hostile_peer.ts";
import { isInstalled, runProgram, works } from "../support/programs.ts";
import { Relay } from "../support/relay.ts";
import { withGroup } from "../support/rounds_group.ts";
import { type Person, type Stage, withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";

/** What a terminal obeys, what forges a line of a log, and what shows a name in another order than it has. */
const RAW = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Cs}\u2028\u2029]/u;
/** What stx itself sends to a terminal: back to the beginning of the line, clear it, colours; script ends lines with CR. */
// deno-lint-ignore no-control-regex
const OWN_SEQUENCES = /\r\n|\r(?=\x1b\[K)|\x1b\[K|\x1b\[(?:0|1;31|1;33)m/g;

const ACTING = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt\u2028two\nlines\r\x00end";
/** The part of {@link ACTING} that a file name can have. */
const ACTING_NAME = ACTING.replace("\x00", "");
const PASSPHRASE = "correct horse battery staple";

/** Runs whose output is searched, and the secrets of the scenario. */
class Scan {
  readonly #secrets: string[] = [PASSPHRASE];
  readonly #outputs: string[] = [];

  /** A secret, in every form in which it could come to be printed. */
  keep(secret: Uint8Array): void {
    const bytes = new Uint8Array(secret);
    const base64 = bytes.toBase64();
    this.#secrets.push(
      bytes.toHex().slice(0, 24),
      bytes.toHex().toUpperCase().slice(0, 24),
      base64.slice(0, 20),
      base64.replaceAll("+", "-").replaceAll("/", "_").slice(0, 20),
      // As part of something longer, at either of the two other alignments.
      bytes.subarray(1, 22).toBase64().slice(0, 20),
      bytes.subarray(2, 23).toBase64().slice(0, 20),
      // As Deno shows bytes, without the white space.
      [...bytes.subarray(0, 8)].join(","),
    );
  }

  /** The secrets in a file, which are its base64 too. */
  keepText(path: string): string {
    const text = Deno.readTextFileSync(path);
    for (const word of text.match(/[A-Za-z0-9+/=]{32,}/g) ?? []) this.#secrets.push(word.slice(0, 24));
    return text;
  }

  /** Looks through what a run has printed. */
  look({ stdout, stderr }: Pick<Ended, "stdout" | "stderr">): void {
    this.#outputs.push(stdout, stderr);
    for (const text of [stdout, stderr]) assert.doesNotMatch(text, RAW);
  }

  /** Looks through what came on a terminal, where some sequences are stx's own. */
  lookOnTerminal({ stdout }: Pick<Ended, "stdout">): void {
    this.#outputs.push(stdout);
    assert.doesNotMatch(stdout.replace(OWN_SEQUENCES, ""), RAW);
  }

  /** At the end, when all secrets are known. */
  finish(): void {
    const printed = this.#outputs.join("\n");
    const all = `${printed}\n${printed.replaceAll(/\s|\\x0a/g, "")}`;
    assert.ok(all.length > 1_000, "something was printed at all");
    for (const secret of this.#secrets) {
      assert.ok(secret.length >= 10 && !all.includes(secret), `a secret was printed: ${secret}`);
    }
  }
}

/** The secrets of an identity, in a file. */
function keepIdentity(scan: Scan, person: Person): void {
  // The public half stands in the file too, and may be printed.
  const key = parsePrivateKey(Deno.readTextFileSync(person.identity));
  assert.ok(key.kind === "plain");
  scan.keep(key.seed);
}

/** Keeps the keys of every session that an end in this process has with a stx, while `body` runs. */
async function keepingSessionKeys(scan: Scan, body: () => Promise<void>): Promise<void> {
  const original = crypto.subtle.importKey;
  let keptCount = 0;
  // deno-lint-ignore no-explicit-any
  crypto.subtle.importKey = function (this: SubtleCrypto, ...args: any[]) {
    if (args[2] === "AES-GCM" || args[2] === "ChaCha20-Poly1305") {
      // Of zeros is the key with which a suite is tried.
      if (args[1].some((byte: number) => byte !== 0)) {
        scan.keep(args[1]);
        keptCount += 1;
      }
    }
    // deno-lint-ignore no-explicit-any
    return (original as any).apply(this, args);
  } as typeof original;
  try {
    await body();
  } finally {
    crypto.subtle.importKey = original;
  }
  assert.ok(keptCount >= 4, `${keptCount} keys`);
}

/** Both ways in which a run can be told to speak; with less it says less of the same. */
const VOICES = [["--verbose"], ["--json", "--verbose"]] as const;

Deno.test("a search finds what it looks for", () => {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const shows: readonly ((secret: Uint8Array<ArrayBuffer>) => string)[] = [
    (bytes) => bytes.toHex(),
    (bytes) => bytes.toBase64(),
    (bytes) => new Uint8Array([1, ...bytes]).toBase64(),
    (bytes) => new Uint8Array([1, 2, ...bytes]).toBase64(),
    (bytes) => `${[...bytes]}`,
    (bytes) => Deno.inspect(bytes),
  ];
  for (const show of shows) {
    const scan = new Scan();
    scan.keep(secret);
    scan.look({ stdout: `${"x".repeat(1_000)} ${show(secret)}`, stderr: "" });
    assert.throws(() => scan.finish(), /a secret was printed/, show(secret));
  }
  for (const acting of ["\x1b[2J", "\x9b", "\u202e", "\r", "\u2028", "\x00"]) {
    assert.throws(() => new Scan().look({ stdout: "", stderr: acting }), { code: "ERR_ASSERTION" });
  }
  for (const acting of ["\x1b[2J", "\x1b]0;x\x07", "a\rb", "\x9b"]) {
    assert.throws(() => new Scan().lookOnTerminal({ stdout: acting }), { code: "ERR_ASSERTION" });
  }
  new Scan().lookOnTerminal({ stdout: "\r\x1b[K\x1b[1;31mstx\x1b[0m\r\n" });
});

/** Transfers that come to good and bad ends, at both ends and in one voice. */
async function transfers(stage: Stage, scan: Scan, voice: readonly string[], psk: string): Promise<void> {
  const quiet = voice.filter((word) => word !== "--json");
  // Of the sender the stage asks for events in any case; without them it is started by hand.
  const isJson = voice.length !== quiet.length;
  const send = async (port: number, paths: readonly string[], args: readonly string[], person?: Person) => {
    const peer = args.includes("--peer") ? [] : ["--peer", stage.receiver.fingerprint];
    const ended = await stage.run(
      ["send", ...paths, `127.0.0.1:${port}`, ...peer, ...args, ...quiet, ...isJson ? ["--json"] : []],
      person === undefined ? {} : { person },
    );
    scan.look(ended);
    return ended;
  };
  const file = stage.file(`file-${voice.join("")}`, 3_000_000);
  const evil = stage.file(ACTING_NAME, "content");
  const other = await stage.newPerson("other");
  keepIdentity(scan, other);
  const args = ["--on-conflict", "rename", "--psk-file", psk, "--auth", "either", ...quiet];
  const receiver = await stage.receive({ args });
  await using relay = new Relay(receiver, {
    cutAfter: (connection) => connection === 0 ? 1_500_000 : undefined,
  });

  assert.equal((await send(receiver.port, [file], ["--checksum"])).code, 0);
  assert.equal((await send(relay.port, [file], ["--name", "again"])).code, 0);
  assert.equal((await send(receiver.port, [file], ["--psk-file", psk, "--name", "with-psk"])).code, 0);
  assert.equal((await send(receiver.port, [evil], [])).code, 4);
  assert.equal((await send(receiver.port, [file], [], other)).code, 3);
  assert.equal((await send(receiver.port, [file], ["--peer", other.fingerprint])).code, 3);
  assert.equal((await send(stage.closedPort().port, [file], ["--retry-for", "0"])).code, 5);
  assert.equal((await send(receiver.port, [`${stage.outbox}/${ACTING_NAME}/absent`], [])).code, 7);
  for (const path of [ACTING, `../${ACTING}`]) {
    assert.equal(await offerAsIs(receiver, stage.sender, [entry(path)]), "rejected");
  }
  receiver.process.kill("SIGTERM");
  const ended = await receiver.process.ended;
  assert.equal(ended.code, 143);
  scan.look(ended);
  // Without --json it prints no port to connect to, save for people.
  if (!isJson) {
    const plain = stage.start(
      ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--on-conflict", "rename", ...quiet],
      { env: stage.receiver.env },
    );
    await plain.says(/Send with: .*\n/);
    const port = Number(/Send with: .*:(\d+)\n/.exec(plain.stderr)![1]);
    assert.equal((await send(port, [file], [])).code, 0);
    assert.equal((await send(port, [file], [], other)).code, 3);
    assert.equal(await offerAsIs({ port }, stage.sender, [entry(ACTING)]), "rejected");
    plain.kill("SIGTERM");
    scan.look(await plain.ended);
  }
  await withHostileReceiver(stage.receiver, async (channel) => {
    await channel.receive();
    channel.send("reject", encodeReject({ reason: "policy", text: ACTING }));
    await channel.peerClosed();
  }, async ({ port }) => {
    assert.equal((await send(port, [file], [])).code, 4);
  });
}

for (const voice of VOICES) {
  Deno.test(`no run of send, recv, keys or doctor prints a secret, or what acts: ${voice.join(" ")}`, async () => {
    await withStage(async (stage) => {
      const scan = new Scan();
      const psk = `${stage.folder}/psk`;
      const run = async (args: readonly string[], person = stage.receiver) => {
        const takesJson = !args.includes("keygen");
        const ended = await stage.run([...args, ...voice.filter((word) => takesJson || word !== "--json")], {
          person,
        });
        scan.look(ended);
        return ended.code;
      };
      for (const person of [stage.sender, stage.receiver]) keepIdentity(scan, person);
      assert.equal(await run(["keygen", "--psk", "--out", psk, "--comment", "a comment"]), 0);
      scan.keep(parseSharedKeys(scan.keepText(psk))[0]!);
      await keepingSessionKeys(scan, () => transfers(stage, scan, voice, psk));

      Deno.writeTextFileSync(
        `${stage.receiver.config}/authorized_keys`,
        `${Deno.readTextFileSync(`${stage.sender.identity}.pub`).trim()} ${
          ACTING.replaceAll("\n", "")
        }\nno key ${ACTING}\n`,
      );
      assert.equal(await run(["keys", "list"]), 0);
      assert.equal(await run(["keys", "rotate"]), 0);
      const next = parsePrivateKey(Deno.readTextFileSync(`${stage.receiver.identity}.next`));
      assert.ok(next.kind === "plain");
      scan.keep(next.seed);
      const doctor = ["doctor", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--psk-file", psk];
      assert.equal(await run(doctor), 0);
      // That folder is not there, and recv does not make it.
      assert.equal(await run([...doctor, "--state", `${stage.inbox}/${ACTING_NAME}/db`]), 7);
      assert.equal(await run(["keys", "rotate", "--finish"]), 0);
      // Damaged files are where a careless message would quote what stands in them.
      const pskText = Deno.readTextFileSync(psk);
      Deno.writeTextFileSync(psk, pskText.replace(/(\S{10})(\s.*)?$/m, "!$1$2"));
      assert.equal(await run(["recv", "--psk-file", psk, "--dir", stage.inbox]), 7);
      const key = Deno.readTextFileSync(stage.sender.identity).split("\n");
      Deno.writeTextFileSync(
        stage.sender.identity,
        [...key.slice(0, 2), key[3], key[2], ...key.slice(4)].join("\n"),
      );
      assert.equal(await run(["send", psk, "127.0.0.1:1"], stage.sender), 7);
      if (isInstalled("ssh-keygen")) {
        const locked = `${stage.folder}/locked`;
        const made = await runProgram("ssh-keygen", ["-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", locked]);
        assert.equal(made.code, 0, made.stderr);
        assert.equal(await run([...doctor, "--identity", locked]), 7);
        assert.equal(await run(["send", psk, "127.0.0.1:1", "--identity", locked]), 7);
      }
      scan.finish();
    });
  });
}

for (const voice of VOICES) {
  Deno.test(`no run of rounds prints a secret, or what acts: ${voice.join(" ")}`, async () => {
    await withGroup(["roof"], async (group) => {
      const scan = new Scan();
      const run = async (args: readonly string[]) => {
        const ended = await group.start([
          ...args,
          ...voice.filter((word) => args[0] === "rounds" || word !== "--json"),
        ])
          .ended;
        scan.look(ended);
        return ended.code;
      };
      const keys = ["--keys", group.database];
      const base = `${group.folder}/base`;
      assert.equal(await run(["keygen", "--base-key", "--out", base]), 0);
      scan.keepText(base);
      scan.keep(parseBaseKey(Deno.readFileSync(base)));
      const out = group.keyFile("cellar");
      assert.equal(await run(["rounds", "enroll", "cellar", "--base-key", base, ...keys, "--out", out]), 0);
      const keepRoot = (path: string) => {
        scan.keepText(path);
        scan.keep(parseClientKey(Deno.readFileSync(path)).root);
      };
      for (const id of ["roof", "cellar"]) keepRoot(group.keyFile(id));
      const stolen = `${group.folder}/stolen`;
      Deno.copyFileSync(out, stolen);
      Deno.chmodSync(stolen, 0o600);
      const server = await group.serve(voice.filter((word) => word !== "--json"));
      const join = (key: string, data: string) =>
        run(["rounds", "join", `127.0.0.1:${server.port}`, "--key", key, "--data", data]);
      assert.equal(await join(group.keyFile("roof"), "20.5, 21"), 0);
      assert.equal(await join(out, `text ${ACTING.replace("\x00", "").replaceAll(/[\n\r\u2028]/g, "")}`), 0);
      // The epoch of a copy was used: the server says so, and the client is told nothing.
      assert.notEqual(await join(stolen, "1"), 0);
      for (const id of ["roof", "cellar"]) keepRoot(group.keyFile(id));
      assert.equal(await run(["rounds", "list", ...keys]), 0);
      assert.equal(await run(["rounds", "revoke", "roof", ...keys]), 0);
      assert.notEqual(await join(group.keyFile("roof"), "1"), 0);
      Deno.writeTextFileSync(out, Deno.readTextFileSync(out).replace(/(\S{10})\s*$/, "!$1\n"));
      assert.equal(await join(out, "1"), 7);
      server.process.kill("SIGTERM");
      scan.look(await server.process.ended);
      scan.finish();
    });
  });
}

Deno.test({
  name: "on a terminal stx moves in its own line, and nothing that it shows acts (needs script)",
  ignore: !works("script", "--version"),
  fn: async () => {
    await withStage(async (stage) => {
      const scan = new Scan();
      for (const person of [stage.sender, stage.receiver]) keepIdentity(scan, person);
      const recv = ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--verbose"];
      const receiver = stage.start(recv, { env: stage.receiver.env, terminal: true });
      await receiver.says(/Send with: .*\r?\n/);
      const port = Number(/Send with: .*:(\d+)\r?\n/.exec(receiver.stdout)![1]);
      const send = async (args: readonly string[]) => {
        const words = [
          "send",
          ...args,
          `127.0.0.1:${port}`,
          "--peer",
          stage.receiver.fingerprint,
          "--verbose",
        ];
        const ended = await stage.start(words, { env: stage.sender.env, terminal: true }).ended;
        scan.lookOnTerminal(ended);
        return ended.code;
      };
      const large = stage.file("large", 20_000_000);
      assert.equal(await send([large]), 0);
      assert.equal(await send([stage.file(ACTING_NAME, "content")]), 4);
      assert.equal(await send([`${stage.outbox}/${ACTING_NAME}-absent`]), 7);
      assert.equal(await offerAsIs({ port }, stage.sender, [entry(ACTING)]), "rejected");
      await receiver.says(/owned/);
      const doctor = ["doctor", "--listen", "127.0.0.1:0", "--dir", `${stage.inbox}/${ACTING_NAME}`];
      scan.lookOnTerminal(await stage.start(doctor, { env: stage.receiver.env, terminal: true }).ended);
      // Its own end, as the interrupt key would have it.
      await receiver.type("\x03");
      scan.lookOnTerminal(await receiver.ended);
      scan.finish();
    });
  },
});

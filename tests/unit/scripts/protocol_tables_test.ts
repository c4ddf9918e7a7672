import assert from "node:assert/strict";
import { ERROR_FACTS } from "../../../lib/errors.ts";
import { PROJECT_FOLDER } from "../../../scripts/project.ts";
import { type Document, DOCUMENTS, withTables } from "../../../scripts/protocol_tables.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

const PROTOCOL = "docs/protocol.md";
const ROUNDS = "docs/rounds.md";

function textOf(document: Document): string {
  return Deno.readTextFileSync(`${PROJECT_FOLDER}/${document}`);
}

/** The rows of the tables in a region, as cells. */
function rowsOf(name: string, document: Document = PROTOCOL): readonly (readonly string[])[] {
  const written = withTables(document, textOf(document));
  const start = written.indexOf(`<!-- generated: ${name} -->`);
  const region = written.slice(start, written.indexOf("<!-- end -->", start));
  return region.split("\n").filter((line) => line.startsWith("| ")).map((line) =>
    line.slice(2, -2).split(" | ").map((cell) => cell.trim())
  );
}

for (const document of DOCUMENTS) {
  Deno.test(`${document} says what the code does`, () => {
    assert.equal(withTables(document, textOf(document)), textOf(document));
  });
}

Deno.test("numbers come with their names and who sends them", () => {
  assert.deepEqual(rowsOf("frame types")[2]!.slice(0, 3), ["1", "HELLO", "client"]);
  assert.deepEqual(rowsOf("frame types").at(-1)!.slice(0, 3), ["6", "SEALED_ALERT", "client, server"]);
  const messages = rowsOf("message types").map((row) => row.slice(0, 3).join(" "));
  for (const expected of ["1 ACK either", "18 WANT_MANIFEST receiver", "25 END sender"]) {
    assert.ok(messages.includes(expected), expected);
  }
  assert.deepEqual(rowsOf("modes").map((row) => row[1]).slice(2), ["`identity`", "`psk`", "`identity+psk`"]);
});

Deno.test("an alert is one thing in clear and another sealed", () => {
  const first = rowsOf("alerts").filter((row) => row[0] === "1").map((row) => row.slice(3));
  assert.deepEqual(first, [
    ["in clear", "`refused_connection`", "at most 3 times"],
    ["sealed, in the handshake", "`handshake_failed`", "at most 3 times"],
  ]);
});

Deno.test("an error comes with its exit status, what the peer is told, and whether it is final", () => {
  const rowOf = (code: string) => rowsOf("errors").find((row) => row[0] === `\`${code}\``)!.slice(2);
  assert.deepEqual(rowOf("unauthorized"), ["server", "3", "handshake: 3 access denied", "no"]);
  assert.deepEqual(rowOf("connection_lost"), ["either", "5", "", "yes"]);
  assert.deepEqual(rowOf("disk_full"), [
    "receiver",
    "7",
    "handshake: 8 internal error; session: REJECT 2 space, then 8 internal error",
    "no",
  ]);
  assert.deepEqual(rowsOf("reject reasons").at(-1)!.slice(3), ["`digest_mismatch`", "`digest_mismatch`"]);
});

Deno.test("states come as a table and as a diagram", () => {
  assert.deepEqual(rowsOf("sender states")[2], ["(start)", "", "OFFER", "offered"]);
  assert.deepEqual(rowsOf("client states")[3], ["waitWelcome", "WELCOME", "VERIFY", "waitReady"]);
  assert.match(withTables(PROTOCOL, textOf(PROTOCOL)), /^ {4}waitVerify --> open: VERIFY, sends READY$/m);
  assert.match(withTables(PROTOCOL, textOf(PROTOCOL)), /^ {4}\[\*\] --> waitOffer$/m);
});

Deno.test("limits come with their value in a unit that people read", () => {
  const valueOf = (region: string, name: string) =>
    rowsOf(region).find((row) => row[0] === `\`${name}\``)![1];
  assert.equal(valueOf("limits of STX/1", "EARLY_SIZE_MAX"), "262,144 (256 KiB)");
  assert.equal(valueOf("limits of STX/1", "BLOCK_SIZE_MAX"), "1,048,512");
  assert.equal(valueOf("limits of STX/1", "NAK_SAME_MAX"), "3");
  assert.equal(valueOf("limits that a peer can notice", "RETRY_FOR_MS"), "600,000 (10 min)");
});

Deno.test("the rounds protocol's numbers, errors, states and limits come from its code", () => {
  assert.deepEqual(rowsOf("packets", ROUNDS).slice(2).map((row) => row.slice(0, 3).join(" ")), [
    "1 HELLO client",
    "2 CHALLENGE server",
    "3 DATA client",
    "4 AGGREGATE server",
    "5 CLOSE client, server",
  ]);
  assert.deepEqual(rowsOf("directions", ROUNDS)[2]!.slice(0, 2), ["0", "`c2s`"]);
  assert.deepEqual(rowsOf("reasons", ROUNDS).at(-1)!.slice(0, 2), ["3", "`full`"]);
  assert.deepEqual(rowsOf("errors", ROUNDS).slice(2).map((row) => `${row[0]} ${row[1]} ${row[3]}`), [
    "`LimitError` `limit_exceeded` 4",
    "`StateError` `bad_state` 6",
    "`DirectionError` `bad_direction` 6",
    "`RoundError` `bad_round` 3",
    "`MacError` `bad_mac` 3",
  ]);
  assert.match(rowsOf("errors", ROUNDS)[2]![2]!, /^[A-Z]/);
  assert.deepEqual(rowsOf("server states", ROUNDS).slice(2, 5), [
    ["(start)", "", "", "waitHello"],
    ["waitHello", "HELLO", "CHALLENGE", "waitData"],
    ["waitData", "DATA", "", "inRound"],
  ]);
  assert.deepEqual(rowsOf("client states", ROUNDS)[3], ["start", "", "HELLO", "waitChallenge"]);
  const limits = new Map(rowsOf("limits", ROUNDS).map(([name, value]) => [name, value]));
  assert.equal(limits.get("`ROUNDS_CIPHERTEXT_SIZE_MAX`"), "131,072 (128 KiB)");
  assert.equal(limits.get("`ROUND_DEADLINE_MS`"), "10,000 (10 s)");
});

Deno.test("no failure of one protocol stands in the other's document", () => {
  const codes = [PROTOCOL, ROUNDS].map((document) =>
    rowsOf("errors", document as Document).slice(2).map((row) => row.find((cell) => /^`[a-z_]+`$/.test(cell)))
  );
  assert.deepEqual(
    [...codes[0]!, ...codes[1]!].sort(),
    Object.keys(ERROR_FACTS).map((code) => `\`${code}\``).sort(),
  );
});

Deno.test("check:docs shows a difference and changes nothing; docs mends it", async () => {
  await withCopy(async (folder) => {
    const cases = [
      [PROTOCOL, "| 2    | WELCOME", "| 7    | WELCOME"],
      [ROUNDS, "| 2      | CHALLENGE", "| 7      | CHALLENGE"],
    ] as const;
    for (const [document, right, wrong] of cases) {
      const path = `${folder}/${document}`;
      const text = textOf(document);
      const stale = text.replace(right, wrong);
      assert.notEqual(stale, text);
      await Deno.writeTextFile(path, stale);

      const checked = await run(folder, "--check");
      assert.equal(checked.code, 1);
      assert.match(checked.stderr, /^- \| 7 .*\n\+ \| 2 .*\n.*\.md does not .*run: deno task docs\n$/m);
      assert.ok(checked.stderr.includes(document));
      assert.equal(await Deno.readTextFile(path), stale);

      assert.equal((await run(folder)).code, 0);
      assert.equal(await Deno.readTextFile(path), text);
      assert.equal((await run(folder, "--check")).code, 0);
    }
  });
});

Deno.test("sources that cannot be read as they are meant stop both", async () => {
  const cases = [
    [
      "lib/limits.ts",
      "/** Keys in one file",
      "/** How many keys",
      /SHARED_KEY_COUNT_MAX does not begin with a unit/,
    ],
    ["lib/limits.ts", "no peer notices them ----", "no peer notices them", /does not have three parts/],
    ["lib/wire/frame.ts", "  hello: 1,", '  hello: Number("1"),', /FRAME_TYPES is not read as it is written/],
    ["lib/rounds/packet.ts", "  hello: 1,", '  hello: Number("1"),', /OPCODES is not read as it is written/],
    [
      "lib/limits.ts",
      "/** Digits of a result",
      "/** How many",
      /ROUNDS_DIGITS_MAX does not begin with a unit/,
    ],
    ["lib/wire/frame.ts", "  hello: 1,", "  extra: 9,\n  hello: 1,", /hello has no description/],
  ] as const;
  await withCopy(async (folder) => {
    for (const [file, right, wrong, message] of cases) {
      const path = `${folder}/${file}`;
      const source = await Deno.readTextFile(path);
      assert.equal(source.split(right).length, 2, right);
      await Deno.writeTextFile(path, source.replace(right, wrong));
      for (const args of [[], ["--check"]]) {
        const { code, stderr } = await run(folder, ...args);
        assert.equal(code, 1);
        assert.match(stderr, message);
      }
      await Deno.writeTextFile(path, source);
    }
    for (const document of DOCUMENTS) {
      assert.equal(await Deno.readTextFile(`${folder}/${document}`), textOf(document));
    }
  });
});

/** Runs `body` with a copy of what the script reads. */
async function withCopy(body: (folder: string) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    for (const part of ["deno.json", "deno.lock", "lib", "cli", "scripts"]) {
      await copy(`${PROJECT_FOLDER}/${part}`, `${folder}/${part}`);
    }
    await Deno.mkdir(`${folder}/docs`);
    // What they say of attacks is by the promises of the threat model.
    for (const document of [...DOCUMENTS, "docs/threat-model.md"]) {
      await copy(`${PROJECT_FOLDER}/${document}`, `${folder}/${document}`);
    }
    await body(folder);
  });
}

async function run(folder: string, ...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-read", "--allow-write", "scripts/protocol_tables.ts", ...args],
    cwd: folder,
    stdout: "null",
    stderr: "piped",
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

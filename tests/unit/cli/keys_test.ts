import assert from "node:assert/strict";
import { dispatch } from "../../../cli/dispatch.ts";
import { makeIdentity } from "../../../cli/key_files.ts";
import * as keys from "../../../cli/keys.ts";
import { hasControls } from "../../../lib/bytes/escape.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { signRotation } from "../../../lib/identity/rotation.ts";
import { SqliteRotationStore } from "../../../lib/store/sqlite_rotation_store.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { fakeStreams } from "./fake_streams.ts";

const [A, B, C] = await Promise.all(
  [1, 2, 3].map(async (number) => {
    const identity = await identityFromSeed(new Uint8Array(32).fill(number));
    const { publicKey } = identity;
    return { identity, publicKey, name: fingerprint(publicKey), line: formatPublicKeyLine(publicKey, "") };
  }),
) as [Key, Key, Key];

interface Key {
  readonly identity: Awaited<ReturnType<typeof identityFromSeed>>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly line: string;
}

/** Runs `stx keys` with these words behind it. */
async function run(...words: string[]) {
  const streams = fakeStreams();
  const status = await dispatch(["keys", ...words], {
    load: () => Promise.resolve(keys),
    exit: (exit) => {
      throw new Error(`exit ${exit}`);
    },
    streams,
  });
  return { status, out: streams.out(), error: streams.error() };
}

/** Runs `body` with an empty configuration folder, which the environment names. */
async function withConfig(body: (config: string) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/config`);
    Deno.env.set("STX_CONFIG_DIR", `${folder}/config`);
    Deno.env.set("XDG_STATE_HOME", `${folder}/state`);
    await body(`${folder}/config`);
  });
}

function read(path: string): string {
  return Deno.readTextFileSync(path);
}

Deno.test("words and options that an action does not take are refused, with how it is written", async () => {
  await withConfig(async () => {
    const wrong: readonly (readonly [RegExp, ...string[]])[] = [
      [/Unknown action "lst".*did you mean list/, "lst"],
      [/ACTION is missing/],
      [/Unexpected argument "x".*stx keys list/, "list", "x"],
      [/KEY is missing.*stx keys trust KEY/, "trust"],
      [/KEY is missing.*stx keys revoke KEY/, "revoke"],
      [/Unexpected argument "host".*stx keys revoke/, "revoke", A.name, "host"],
      [/Unexpected argument "id".*stx keys rotate/, "rotate", "id"],
      [/--finish has no meaning for stx keys list/, "list", "--finish"],
      [/--force has no meaning for stx keys revoke/, "revoke", A.name, "--force"],
      [/--identity has no meaning for stx keys trust/, "trust", A.line, "-i", "id"],
      [/--state has no meaning for stx keys rotate/, "rotate", "--state", "x"],
      [/--finish and --force exclude/, "rotate", "--finish", "--force"],
      [/--force is for a receiver/, "trust", A.line, "--force"],
      [/has spaces.*quotes/, "trust", "ssh-ed25519", "AAAA"],
      [/has spaces.*quotes/, "trust", ...A.line.split(" "), "ann@host"],
      [/has spaces.*quotes/, "revoke", ...A.line.split(" "), "ann@host"],
      [/--authorized-keys is for a sender/, "trust", A.line, "host", "--authorized-keys", "x"],
      [/--state is for a sender/, "trust", A.line, "host", "--state", "x"],
      [/a fingerprint alone.*--peer/, "trust", A.name],
      [/a fingerprint alone.*--peer/, "trust", A.name, "host"],
      [/expected SHA256:/, "revoke", "SHA256:short"],
    ];
    for (const [words, ...args] of wrong) {
      const { status, error } = await run(...args);
      assert.equal(status, 2, `${args}: ${error}`);
      assert.match(error, words);
    }
  });
});

Deno.test("trust lets a sender in, once, and keeps what stands in the list", async () => {
  await withConfig(async (config) => {
    const path = `${config}/authorized_keys`;
    const first = await run("trust", `${A.line} ann@host`);
    assert.equal(first.status, 0, first.error);
    assert.equal(read(path), `${A.line} ann@host\n`);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    Deno.writeTextFileSync(`${config}/b.pub`, `${B.line} bob\n`);
    Deno.writeTextFileSync(path, `# mine\nfrom="192.0.2.1" ${A.line} ann`);
    Deno.chmodSync(path, 0o644);
    assert.equal((await run("trust", `${config}/b.pub`)).status, 0);
    const list = `# mine\nfrom="192.0.2.1" ${A.line} ann\n${B.line} bob\n`;
    assert.equal(read(path), list);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o644);
    const again = await run("trust", A.line);
    assert.deepEqual([again.status, read(path)], [0, list]);
    assert.match(again.error, /line 2 .* already/);
  });
});

Deno.test("trust does not say that a sender is let in whose line has expired", async () => {
  await withConfig(async (config) => {
    const path = `${config}/authorized_keys`;
    const list = `expiry-time="20200101Z" ${A.line}\n`;
    Deno.writeTextFileSync(path, list, { mode: 0o600 });
    const { status, error } = await run("trust", A.line);
    assert.deepEqual([status, read(path)], [7, list]);
    assert.match(error, /has expired in line 1 of .*expiry-time/);
    Deno.writeTextFileSync(path, `${list}expiry-time="29991231Z" ${A.line}\n`);
    assert.equal((await run("trust", A.line)).status, 0);
  });
});

Deno.test("trust does not say that a sender may send whose key another has replaced", async () => {
  await withConfig(async (config) => {
    Deno.mkdirSync(`${config}/../state/stx`, { recursive: true });
    await saveChange(config, false);
    assert.match((await run("trust", A.line)).error, /may send here/);
    await saveChange(config, true);
    for (const state of [[], ["--state", `${config}/../state/stx/recv.db`]]) {
      const { status, error } = await run("trust", A.line, ...state);
      assert.equal(status, 0);
      assert.match(
        error,
        /^stx keys: warning: .* may not send here, although .*replaced it; stx keys list .*\n$/,
      );
      assert.ok(error.includes(A.name) && error.includes(B.name), error);
    }
    assert.match((await run("trust", B.line)).error, /may send here/);
    Deno.writeTextFileSync(`${config}/damaged`, "no database".repeat(1000));
    const unknown = await run("trust", C.line, "--state", `${config}/damaged`);
    assert.equal(unknown.status, 0);
    assert.match(unknown.error, /warning: cannot tell whether .*damaged.*\n.* may send here/);
    assert.equal(read(`${config}/authorized_keys`), [A, B, C].map(({ line }) => `${line}\n`).join(""));
  });
});

Deno.test("trust follows a link to the list and leaves it one", async () => {
  await withConfig(async (config) => {
    Deno.writeTextFileSync(`${config}/ssh`, `${A.line}\n`, { mode: 0o600 });
    Deno.symlinkSync(`${config}/ssh`, `${config}/authorized_keys`);
    assert.equal((await run("trust", B.line)).status, 0);
    assert.ok(Deno.lstatSync(`${config}/authorized_keys`).isSymlink);
    assert.equal(read(`${config}/ssh`), `${A.line}\n${B.line}\n`);
  });
});

Deno.test("trust writes no list that others may change", async () => {
  await withConfig(async (config) => {
    for (const [name, ...args] of [["authorized_keys"], ["known_receivers", "host"]] as const) {
      Deno.writeTextFileSync(`${config}/${name}`, "");
      Deno.chmodSync(`${config}/${name}`, 0o666);
      const { status, error } = await run("trust", A.line, ...args);
      assert.equal(status, 7, error);
      assert.match(error, /others may change it/);
    }
  });
});

Deno.test("a comment is not a way to write a further line", async () => {
  await withConfig(async (config) => {
    for (const comment of ["a\r\nssh-ed25519 AAAA", "a\nb", "\x1b[2J"]) {
      const { status } = await run("trust", `${A.line} ${comment}`);
      assert.notEqual(status, 0);
    }
    assert.deepEqual([...Deno.readDirSync(config)], []);
  });
});

Deno.test("trust remembers a receiver, and replaces its keys only by force", async () => {
  await withConfig(async (config) => {
    const path = `${config}/known_receivers`;
    assert.equal((await run("trust", A.line, "host")).status, 0);
    assert.equal(read(path), `[host]:7891 ${A.line}\n`);
    assert.equal((await run("trust", A.line, "host")).status, 0);
    assert.equal(read(path), `[host]:7891 ${A.line}\n`);
    const refused = await run("trust", B.line, "HOST:7891");
    assert.equal(refused.status, 7);
    assert.ok(refused.error.includes(A.name) && refused.error.includes("--force"), refused.error);
    assert.equal((await run("trust", B.line, "host:9000")).status, 0);
    assert.equal((await run("trust", A.line, "host")).status, 0);
    assert.equal(read(path), `[host]:7891 ${A.line}\n[host]:9000 ${B.line}\n`);
    assert.equal((await run("trust", B.line, "host", "--force")).status, 0);
    assert.equal(read(path), `[host]:9000 ${B.line}\n[host]:7891 ${B.line}\n`);
  });
});

Deno.test("trust makes a line of a receiver's own word one of the user's", async () => {
  await withConfig(async (config) => {
    const path = `${config}/known_receivers`;
    const follows = `follows ${A.name} 2026-01-01T00:00:00.000Z`;
    Deno.writeTextFileSync(path, `# known\n[host]:7891 ${B.line} ${follows}\n[other]:1 ${C.line}\n`, {
      mode: 0o600,
    });
    assert.equal((await run("trust", B.line, "host")).status, 0);
    assert.equal(read(path), `# known\n[other]:1 ${C.line}\n[host]:7891 ${B.line}\n`);
  });
});

Deno.test("what is revoked is not trusted, wherever that is said", async () => {
  await withConfig(async (config) => {
    Deno.writeTextFileSync(`${config}/revoked_keys`, `# lost\n${A.name}\n`);
    for (const args of [[], ["host"]]) {
      const { status, error } = await run("trust", A.line, ...args);
      assert.equal(status, 3);
      assert.match(error, /revoked in line 2/);
    }
    Deno.writeTextFileSync(`${config}/known_receivers`, `@revoked * ${B.line}\n`, { mode: 0o600 });
    const { status, error } = await run("trust", B.line, "host");
    assert.equal(status, 3);
    assert.match(error, /revoked in .*known_receivers/);
  });
});

Deno.test("revoke takes a key, a file or a fingerprint, once", async () => {
  await withConfig(async (config) => {
    const path = `${config}/revoked_keys`;
    Deno.writeTextFileSync(`${config}/b.pub`, `${B.line} bob\n`);
    for (const key of [A.line, `${config}/b.pub`, C.name, A.name, B.line, `${C.line} c`]) {
      assert.equal((await run("revoke", key)).status, 0);
    }
    assert.equal(read(path), `${A.line}\n${B.line} bob\n${C.name}\n`);
    assert.match((await run("revoke", A.name)).error, /already/);
    const other = `${config}/other`;
    assert.equal((await run("revoke", A.name, "--revoked-keys", other)).status, 0);
    assert.equal(read(other), `${A.name}\n`);
  });
});

Deno.test("revoke of this machine's own key says that nobody else is told", async () => {
  await withConfig(async (config) => {
    const { fingerprint: own } = await makeIdentity(`${config}/identity`, "", false);
    for (const key of [own, `${config}/identity.pub`]) {
      const { status, error } = await run("revoke", key);
      assert.equal(status, 0);
      assert.match(error, /warning: .*own key/);
    }
    assert.doesNotMatch((await run("revoke", A.name)).error, /warning/);
    const { out } = await run("list", "--json");
    assert.deepEqual(JSON.parse(out.split("\n")[0]!).counts, false);
    Deno.writeTextFileSync(`${config}/identity`, "nonsense");
    assert.equal((await run("revoke", B.name)).status, 0);
  });
});

Deno.test("revoke does not add to a list that cannot be read", async () => {
  await withConfig(async (config) => {
    Deno.writeTextFileSync(`${config}/revoked_keys`, "nonsense\n");
    const { status, error } = await run("revoke", A.name);
    assert.equal(status, 7);
    assert.match(error, /Line 1/);
    assert.equal(read(`${config}/revoked_keys`), "nonsense\n");
  });
});

Deno.test("a key that is nowhere is an error that says what to give", async () => {
  await withConfig(async (config) => {
    for (const action of ["trust", "revoke"]) {
      const { status, error } = await run(action, `${config}/none.pub`);
      assert.equal(status, 7);
      assert.match(error, /no such file.*in quotes/);
    }
  });
});

/** Everything that there can be to list. */
async function fill(config: string): Promise<void> {
  await makeIdentity(`${config}/identity`, "me", false);
  assert.equal((await run("rotate")).status, 0);
  const options = 'expiry-time="20200101Z",from="192.0.2.*"';
  Deno.writeTextFileSync(
    `${config}/authorized_keys`,
    `# list\n${options} ${C.line} \x1b]0;evil\x07\u202e\n${A.line} ann\n`,
    { mode: 0o600 },
  );
  const follows = `follows ${A.name} 2026-01-01T00:00:00.000Z`;
  Deno.writeTextFileSync(
    `${config}/known_receivers`,
    `[host]:7891 ${C.line}\n[host]:7891 ${B.line} ${follows}\n@revoked * ${C.line}\n`,
    { mode: 0o600 },
  );
  Deno.writeTextFileSync(`${config}/revoked_keys`, `${fingerprint(new Uint8Array(32))} \x1b[2J gone\n`);
  Deno.mkdirSync(`${config}/../state/stx`, { recursive: true });
  await saveChange(config, true);
}

/** Lets the receiver know that B follows A. */
async function saveChange(config: string, isComplete: boolean): Promise<void> {
  const statement = await signRotation(A.identity, B.identity, 1);
  const state = new SqliteState(`${config}/../state/stx/recv.db`);
  new SqliteRotationStore(state).save({ oldKey: A.publicKey, newKey: B.publicKey, statement, isComplete });
  state.close();
}

Deno.test("list shows every key, and nothing that a terminal would obey", async () => {
  await withConfig(async (config) => {
    await fill(config);
    const { status, out, error } = await run("list");
    assert.deepEqual([status, error], [0, ""]);
    for (const line of out.split("\n")) assert.ok(!hasControls(line), line);
    const part = (title: string) =>
      out.split(/^(?=\S)/m).find((each) => each.startsWith(title))!.split("\n").slice(1, -1);
    assert.equal(part("This machine").length, 2);
    assert.match(part("This machine")[1]!, /not in use yet$/);
    const senders = part("Senders");
    assert.match(senders[0]!, /\\x1b\]0;evil.*, line 2, until 2020-.*, from 192\.0\.2\.\*, does not count$/);
    assert.equal(
      senders[1],
      `  ${A.name}, ann, line 3, does not count, but lets in the key that follows it`,
    );
    assert.deepEqual(part("Known receivers"), [
      `  host:7891, ${C.name}, does not count`,
      `  host:7891, ${B.name}, follows ${A.name}`,
      `  ${C.name}`,
    ]);
    assert.match(part("Revoked")[0]!, /\\x1b\[2J gone, line 1$/);
    assert.deepEqual(part("Changes"), [`  ${B.name}, follows ${A.name}`]);
    await saveChange(config, false);
    assert.ok((await run("list")).out.includes(`  ${A.name}, ann, line 3\n`));
  });
});

Deno.test("list --json prints one event a key", async () => {
  await withConfig(async (config) => {
    await fill(config);
    const { status, out } = await run("list", "--json");
    assert.equal(status, 0);
    assert.match(out, /^[\x20-\x7e\n]*$/);
    const events = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(events.map(({ event, kind, counts }) => [event, kind, counts]), [
      ["key", "identity", true],
      ["key", "next", false],
      ["key", "sender", false],
      ["key", "sender", false],
      ["key", "receiver", false],
      ["key", "receiver", true],
      ["key", "revoked", true],
      ["key", "revoked", true],
      ["key", "rotation", true],
    ]);
    const { comment, expiresMs, from, line, publicKey } = events[2];
    assert.deepEqual(
      { comment, expiresMs, from, line, publicKey },
      {
        comment: "\x1b]0;evil\x07\u202e",
        expiresMs: Date.UTC(2020, 0),
        from: "192.0.2.*",
        line: 2,
        publicKey: C.line,
      },
    );
    assert.deepEqual([events[5].address, events[5].follows], ["host:7891", [A.name]]);
    assert.deepEqual([events[7].publicKey, events[7].line], [null, 1]);
    assert.deepEqual([events[8].fingerprint, events[8].follows], [B.name, [A.name]]);
  });
});

Deno.test("list shows what it can where a file is damaged, and ends with that error", async () => {
  await withConfig(async (config) => {
    await fill(config);
    const whole = (await run("list", "--json")).out.trimEnd().split("\n");
    const damaged: readonly (readonly [string, RegExp, number])[] = [
      ["../state/stx/recv.db", /state file .* is damaged/, 1],
      ["known_receivers", /known_receivers: .*[Ll]ine 1/, 3],
      ["identity", /identity: /, 2],
    ];
    for (const [name, words, missingCount] of damaged) {
      const path = `${config}/${name}`;
      const before = Deno.readFileSync(path);
      Deno.writeTextFileSync(path, "nonsense, and no end of it ".repeat(1000));
      const { status, out, error } = await run("list");
      assert.deepEqual([status, out.match(/^\S/gm)!.length], [7, 5], name);
      assert.match(error, /^stx keys: [^\n]*\n$/);
      assert.match(error, words);
      const events = (await run("list", "--json")).out.trimEnd().split("\n").map((line) => JSON.parse(line));
      assert.deepEqual(
        [events.length, events.at(-1).event],
        [whole.length - missingCount + 1, "error"],
        name,
      );
      assert.equal(events.at(-1).exit, 7);
      Deno.writeFileSync(path, before);
    }
    for (const name of ["known_receivers", "../state/stx/recv.db"]) {
      Deno.writeTextFileSync(`${config}/${name}`, "?".repeat(9999));
    }
    const { status, error } = await run("list");
    assert.deepEqual([status, error.match(/^stx keys: /gm)!.length], [7, 2]);
    Deno.writeTextFileSync(`${config}/revoked_keys`, "nonsense");
    const nothing = await run("list");
    assert.deepEqual([nothing.status, nothing.out], [7, ""], "who counts is not known then");
  });
});

Deno.test("list says what does not count any more because of a revocation", async () => {
  await withConfig(async (config) => {
    await fill(config);
    Deno.writeTextFileSync(`${config}/revoked_keys`, `${A.name}\n`);
    const { out } = await run("list", "--json");
    const events = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    const counting = events.filter(({ counts }) => counts).map(({ kind }) => kind);
    assert.deepEqual(counting, ["identity", "revoked", "revoked"]);
    assert.doesNotMatch((await run("list")).out, /lets in/);
  });
});

Deno.test("list of nothing says so, and makes nothing", async () => {
  await withConfig(async (config) => {
    const { status, out } = await run("list");
    assert.equal(status, 0);
    assert.equal(out.match(/^ {2}none$/gm)!.length, 5);
    assert.deepEqual([...Deno.readDirSync(config)], []);
    assert.throws(() => Deno.statSync(`${config}/../state`), Deno.errors.NotFound);
  });
});

Deno.test("rotate prints the new fingerprint, and how to finish", async () => {
  await withConfig(async (config) => {
    const none = await run("rotate");
    assert.equal(none.status, 7);
    const key = `${config}/my key`;
    const made = await makeIdentity(key, "", false);
    const begun = await run("rotate", "--identity", key);
    assert.equal(begun.status, 0, begun.error);
    assert.match(begun.out, /^SHA256:\S{43}\n$/);
    assert.ok(begun.error.includes(`stx keys rotate --finish --identity '${key}'`), begun.error);
    assert.match(begun.error, /warning: --finish deletes the key .*my key.* if ssh or git use it/);
    const finished = await run("rotate", "--finish", "--identity", key, "--json");
    assert.deepEqual([finished.status, finished.error.includes(made.fingerprint)], [0, true]);
    const event = JSON.parse(finished.out);
    assert.deepEqual([event.event, event.kind, `${event.fingerprint}\n`], ["key", "identity", begun.out]);
  });
});

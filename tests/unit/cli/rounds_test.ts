import assert from "node:assert/strict";
import { dispatch } from "../../../cli/dispatch.ts";
import { parseArguments, valueOf } from "../../../cli/parse.ts";
import * as rounds from "../../../cli/rounds.ts";
import { makeBaseKey, openRoundsKeys, readClientKey, takeEpoch } from "../../../cli/rounds_key_files.ts";
import { ROUNDS_CLIENTS_MAX } from "../../../lib/limits.ts";
import { SqliteRoundsKeys } from "../../../lib/store/sqlite_rounds_keys.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { eventProblem } from "../../support/events.ts";
import { fakeStreams } from "./fake_streams.ts";

/** Runs `stx rounds` with these words behind it. */
async function run(...words: readonly string[]) {
  const streams = fakeStreams();
  const status = await dispatch(["rounds", ...words], {
    load: () => Promise.resolve(rounds),
    exit: (exit) => {
      throw new Error(`exit ${exit}`);
    },
    streams,
  });
  return { status, out: streams.out(), error: streams.error() };
}

/** A folder with a base key, and `stx rounds enroll` in it. */
class Place {
  readonly folder: string;
  readonly database: string;

  constructor(folder: string) {
    this.folder = folder;
    this.database = `${folder}/clients.db`;
    makeBaseKey(`${folder}/base`, "", false);
  }

  enroll(id: string, ...more: readonly string[]) {
    const out = more.includes("--out") ? [] : ["--out", `${this.folder}/${id}.key`];
    return run("enroll", id, "--base-key", `${this.folder}/base`, "--keys", this.database, ...out, ...more);
  }

  /** What the server knows of a client. */
  find(id: string) {
    const keys = openRoundsKeys(this.database);
    const found = keys.find(id);
    keys.close();
    return found;
  }

  key(id: string) {
    return readClientKey(`${this.folder}/${id}.key`);
  }

  async untouched(body: () => Promise<void>): Promise<void> {
    const state = () =>
      Array.from(
        Deno.readDirSync(this.folder),
        ({ name }) => [name, Deno.readFileSync(`${this.folder}/${name}`).toHex()],
      )
        .toSorted();
    const before = state();
    await body();
    assert.deepEqual(state(), before);
  }
}

function refused(result: { status: number; out: string; error: string }, status: number, said: RegExp): void {
  assert.deepEqual([result.status, result.out], [status, ""], result.error);
  assert.match(result.error, said);
  assert.match(result.error, /^stx rounds: [^\n]*\n$/);
}

Deno.test("a client is enrolled: both have the same root, nobody can foresee it, and nothing of it is shown", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    const { status, out, error } = await place.enroll("roof");
    assert.deepEqual([status, out], [0, `${folder}/roof.key\n`], error);
    const key = place.key("roof");
    assert.deepEqual([key.id, key.epoch, key.comment], ["roof", 0, ""]);
    assert.deepEqual(place.find("roof"), { root: key.root, epoch: 0 });
    assert.equal(Deno.statSync(`${folder}/roof.key`).mode! & 0o777, 0o600);
    assert.ok(!error.includes(key.root.toBase64().slice(0, 8)));
    assert.match(error, /over a channel that is already safe/);
    // Another salt each time, so that an old key is worth nothing.
    await place.enroll("roof", "--force");
    assert.notDeepEqual(place.key("roof").root, key.root);
    assert.deepEqual(place.find("roof"), { root: place.key("roof").root, epoch: 0 });
  });
});

Deno.test("the line that enroll prints is a command line that stx takes, for a shell too", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/it's a key`;
    const { error } = await new Place(folder).enroll("roof", "--out", path);
    const line = /^join with: stx (.*)$/m.exec(error)![1]!;
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${line}`] }).output();
    const request = parseArguments(new TextDecoder().decode(stdout).trimEnd().split("\n"));
    assert(request.kind === "run" && valueOf(request.parsed, "key") === path);
  });
});

Deno.test("a name that packets cannot have is refused", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    await place.untouched(async () => {
      for (const id of ["i".repeat(65), "a/b", "a b", "\x1b[2J", "é", ""]) {
        refused(
          await place.enroll(id, "--out", `${folder}/x`),
          2,
          /Cannot use the name ".*" for a client; write 1 to 64/,
        );
      }
    });
    assert.equal((await place.enroll("__proto__")).status, 0);
  });
});

Deno.test("a client is not enrolled twice, and no file is overwritten, unless told", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    await place.enroll("roof");
    Deno.writeTextFileSync(`${folder}/notes`, "mine");
    await place.untouched(async () => {
      refused(
        await place.enroll("roof", "--out", `${folder}/other`),
        7,
        /roof: it is enrolled in .* already; give --force/,
      );
      refused(
        await place.enroll("cellar", "--out", `${folder}/notes`),
        7,
        /Will not overwrite .*notes: it exists/,
      );
      // Even with --force, only a key of that very client: a slip must not cost the base key, or another client's.
      for (const out of ["base", "clients.db", "notes", "roof.key"]) {
        refused(
          await place.enroll("cellar", "--out", `${folder}/${out}`, "--force"),
          7,
          /Will not overwrite .*: it is not a key of cellar; /,
        );
      }
    });
    assert.equal((await place.enroll("roof", "--force")).status, 0);
    assert.equal((await place.enroll("cellar", "--force")).status, 0, "nothing is in the way");
  });
});

Deno.test("no more clients are enrolled than a round can have", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    const keys = new SqliteRoundsKeys(place.database);
    const random = seededRandom("many");
    for (let index = 1; index < ROUNDS_CLIENTS_MAX; index++) keys.enroll(`client-${index}`, random.bytes(32));
    keys.close();
    assert.equal((await place.enroll("last")).status, 0);
    refused(await place.enroll("more"), 4, /Will not enroll more: there are 100 clients already; revoke one/);
    assert.equal((await place.enroll("last", "--force")).status, 0, "that is none more");
    await run("revoke", "client-1", "--keys", place.database);
    assert.equal((await place.enroll("more")).status, 0);
  });
});

Deno.test("where the server cannot learn of a key, there is no file with it, and the old one stays", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    await place.enroll("roof");
    // Somebody who holds the database for longer than anybody waits would take longer than a test.
    Deno.writeTextFileSync(
      place.database,
      "no database at all, and longer than a header of one would be, surely so",
    );
    await place.untouched(async () => {
      refused(await place.enroll("roof", "--force"), 7, /key database .* is damaged/);
      refused(await place.enroll("cellar"), 7, /key database .* is damaged/);
    });
  });
});

Deno.test("a base key that is missing, or that others may read, enrols nobody", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    Deno.chmodSync(`${folder}/base`, 0o644);
    await place.untouched(async () => refused(await place.enroll("roof"), 7, /others may read it/));
    Deno.removeSync(`${folder}/base`);
    await place.untouched(async () =>
      refused(await place.enroll("roof"), 7, /no such file; make one with: stx keygen --base-key/)
    );
  });
});

Deno.test("a client is revoked, once, by its whole name", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    await place.enroll("roof");
    await place.enroll("cellar");
    refused(
      await run("revoke", "rof", "--keys", place.database),
      2,
      /Cannot revoke "rof": .* did you mean roof\? see: stx rounds list/,
    );
    refused(
      await run("revoke", "\x1b", "--keys", place.database),
      2,
      /Cannot revoke "\\x1b": no client of that name/,
    );
    const { status, out, error } = await run("revoke", "roof", "--keys", place.database);
    assert.deepEqual([status, out], [0, ""]);
    assert.match(
      error,
      /^roof is revoked: it is refused from its next connection on\.\nA session that it has open goes on/,
    );
    assert.equal(place.find("roof"), undefined);
    assert.notEqual(place.find("cellar"), undefined);
    refused(await run("revoke", "roof", "--keys", place.database), 2, /no client of that name/);
  });
});

Deno.test("list shows who is enrolled and which epoch comes next, as lines and as events", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    for (const id of ["roof", "cellar"]) await place.enroll(id);
    assert.deepEqual(await run("list", "--keys", place.database), {
      status: 0,
      out: "cellar, epoch 0\nroof, epoch 0\n",
      error: "",
    });
    const { out } = await run("list", "--keys", place.database, "--json");
    const lines = out.trimEnd().split("\n");
    assert.deepEqual(lines.map(eventProblem), [undefined, undefined]);
    assert.deepEqual(JSON.parse(lines[1]!), { v: 1, event: "client", id: "roof", epoch: "0" });
    for (const id of ["roof", "cellar"]) await run("revoke", id, "--keys", place.database);
    assert.deepEqual(await run("list", "--keys", place.database), {
      status: 0,
      out: "",
      error: "No client is enrolled.\n",
    });
  });
});

Deno.test("enroll --json prints an event and nothing else", async () => {
  await withTempFolder(async (folder) => {
    const { status, out } = await new Place(folder).enroll("roof", "--json");
    assert.deepEqual([status, out], [0, '{"v":1,"event":"client","id":"roof","epoch":"0"}\n']);
  });
});

Deno.test("without a database there is nobody to list, to revoke or to serve: enroll first", async () => {
  await withTempFolder(async (folder) => {
    const keys = ["--keys", `${folder}/none.db`];
    for (const words of [["list"], ["revoke", "a"], ["serve", "--listen", "127.0.0.1:0"]]) {
      refused(
        await run(...words, ...keys),
        7,
        /it does not exist; enroll a client first: stx rounds enroll ID/,
      );
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a wrong line is told before anything is opened", async () => {
  await withTempFolder(async (folder) => {
    const serve = ["serve", "--listen", "127.0.0.1:0", "--keys", `${folder}/none.db`];
    for (
      const [words, said] of [
        [["serve"], /Option --listen is missing; Usage: stx rounds serve|Option --listen is missing\. Usage/],
        [["serve", "--listen", ":0"], /Option --keys is missing/],
        [["serve", "more"], /Unexpected argument "more"/],
        [
          [...serve, "--min-clients", "0"],
          /Cannot use --min-clients "0": it is too small; write a whole number from 1 to 100/,
        ],
        [[...serve, "--min-clients", "101"], /"101": it is too large/],
        [[...serve, "--min-clients", "1e1"], /"1e1": it is not a whole number/],
        [[...serve, "--rounds", "0"], /Cannot use --rounds "0": it is too small/],
        [
          [...serve, "--deadline", "0"],
          /Cannot use --deadline "0": it is too short; write a duration up to 1d/,
        ],
        [[...serve, "--deadline", "25h"], /Cannot use --deadline "25h": it is too long/],
        [[...serve, "--deadline", "soon"], /it is not a duration/],
        [[...serve, "--force"], /Option --force has no meaning for stx rounds serve/],
        [["join"], /HOST:PORT is missing/],
        [["join", "127.0.0.1"], /Option --key is missing/],
        [["join", "user@host", "--key", "k"], /there are no user names in stx/],
        [["join", "host:0", "--key", "k"], /0 is not a port to connect to/],
        [["join", "host", "--key", "k", "--data", ""], /Option --data needs a value/],
        [["enroll"], /ID is missing/],
        [["enroll", "a"], /Option --base-key is missing/],
        [["revoke"], /ID is missing/],
        [["list", "a"], /Unexpected argument "a"/],
        [["frob"], /Unknown action "frob"/],
      ] as const
    ) {
      refused(await run(...words), 2, said);
    }
  });
});

Deno.test("join refuses what it cannot send, and a key that it cannot use, before it connects", async () => {
  await withTempFolder(async (folder) => {
    const place = new Place(folder);
    const join = (...more: readonly string[]) =>
      run("join", "127.0.0.1:1", "--key", `${folder}/roof.key`, ...more);
    refused(await join("--data", "1"), 7, /Cannot read the client's key .*: there is no such file; copy it/);
    await place.enroll("roof");
    const { epoch } = takeEpoch(`${folder}/roof.key`);
    assert.equal(epoch, 0);
    refused(
      await join("--data", "x".repeat(131_056)),
      2,
      /Cannot use --data: it has 131056 bytes, 131055 may be/,
    );
    // That fits, and nobody is there.
    refused(
      await join("--data", "x".repeat(131_055)),
      5,
      /connection refused; check the address, and that stx rounds serve/,
    );
    assert.equal(place.key("roof").epoch, 1);
  });
});

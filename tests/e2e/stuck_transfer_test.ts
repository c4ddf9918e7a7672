import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { sha256 } from "../../lib/crypto/hkdf.ts";
import { encodeManifest } from "../../lib/wire/manifest.ts";
import type { StoredTransfer } from "../../lib/ports.ts";
import { SqliteState } from "../../lib/store/sqlite_state.ts";
import { SqliteTransferStore } from "../../lib/store/sqlite_transfer_store.ts";
import { type Stage, withStage } from "../support/stage.ts";
import type { Ended } from "../support/stx_process.ts";
import { names } from "../support/tree.ts";

const STATES = ["receiving", "committing", "done"] as const;

/** Does something with the journal of a receiver that does not run. */
function withJournal<T>(stage: Stage, body: (store: SqliteTransferStore) => T): T {
  Deno.mkdirSync(`${stage.receiver.home}/state/stx`, { recursive: true });
  const state = new SqliteState(`${stage.receiver.home}/state/stx/recv.db`);
  try {
    return body(new SqliteTransferStore(state));
  } finally {
    state.close();
  }
}

/** The states of all transfers in the journal. */
function states(stage: Stage): readonly string[] {
  return withJournal(stage, (store) => STATES.flatMap((state) => store.list(state).map(() => state)));
}

/** Makes a partial folder with these files in it; returns its path. */
function makePartial(stage: Stage, id: string, files: Readonly<Record<string, string>>): string {
  const path = `${stage.inbox}/.stx-partial/${id}`;
  Deno.mkdirSync(`${path}/data`, { recursive: true });
  for (const each of [`${stage.inbox}/.stx-partial`, path, `${path}/data`]) Deno.chmodSync(each, 0o700);
  for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${path}/data/${name}`, text);
  return path;
}

/** Sends two files, "a" and "b", and makes it look as if the receiver had died between the renames of the two. */
async function dieHalfWay(
  stage: Stage,
  args: readonly string[],
): Promise<{ files: string[]; partial: string }> {
  const files = [stage.file("a", "first"), stage.file("b", "second")];
  const receiver = await stage.receive({ args });
  assert.equal((await stage.send(receiver, files)).code, 0);
  receiver.process.kill("SIGTERM");
  await receiver.process.ended;
  const partial = withJournal(stage, (store) => {
    const [row] = store.list("done");
    store.save(row!.peer, row!.transferId, { ...row!.transfer, state: "committing" });
    return makePartial(stage, row!.transferId.toHex(), {});
  });
  Deno.renameSync(`${stage.inbox}/b`, `${partial}/data/b`);
  return { files, partial };
}

/** Starts a receiver until it listens, and stops it; returns what it said. */
async function start(stage: Stage, args: readonly string[] = []): Promise<Ended> {
  const { process } = await stage.receive({ args });
  process.kill("SIGTERM");
  return await process.ended;
}

/** The codes of what a receiver could not do. */
function errorsOf(ended: Ended): readonly unknown[] {
  return ended.events.flatMap((each) => each.event === "error" ? [each.code] : []);
}

Deno.test("rename: a name that was taken while the receiver was down is replaced by another", async () => {
  await withStage(async (stage) => {
    const args = ["--on-conflict", "rename"];
    const { files } = await dieHalfWay(stage, args);
    Deno.writeTextFileSync(`${stage.inbox}/b`, "mine");

    const receiver = await stage.receive({ args });
    const sent = await stage.send(receiver, files);

    assert.equal(sent.code, 0, sent.stderr);
    receiver.process.kill("SIGTERM");
    assert.deepEqual(errorsOf(await receiver.process.ended), []);
    assert.deepEqual(names(stage.inbox), ["a", "b", "b-1"]);
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/a`), "first");
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/b`), "mine");
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/b-1`), "second");
    assert.deepEqual(states(stage), ["done"]);
  });
});

Deno.test("what was to be put in place and was removed by hand is told once, and can be sent again", async () => {
  await withStage(async (stage) => {
    const { files, partial } = await dieHalfWay(stage, []);
    Deno.removeSync(partial, { recursive: true });

    const first = await start(stage);
    assert.deepEqual(errorsOf(first), ["state_corrupt"]);
    assert.match(first.stderr, /^stx recv: .*b": it is missing or not whole.*has to begin again/m);
    assert.deepEqual(errorsOf(await start(stage)), []);

    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
    const sent = await stage.send(receiver, files);
    assert.equal(sent.code, 0, sent.stderr);
    assert.deepEqual(names(stage.inbox), ["a", "b"]);
    assert.equal(Deno.readTextFileSync(`${stage.inbox}/b`), "second");
  });
});

Deno.test("standard input that finds its name taken waits, until its folder is removed as the error says", async () => {
  await withStage(async (stage) => {
    const id = new Uint8Array(32).fill(0xcd);
    const entries = [{ path: "piped", kind: "file" as const, sizeBytes: 0, mtimeMs: 0, mode: 0o600 }];
    const manifest = encodeManifest(entries)[0]!;
    const transfer: StoredTransfer = {
      state: "committing",
      manifestDigest: sha256(manifest),
      manifestSizeBytes: manifest.length,
      blockSizeBytes: 65_536,
      durableBytes: 7,
      folder: stage.inbox,
      placement: { topNames: { piped: "piped" }, conflict: "refuse" },
      receipt: utf8("receipt"),
      updatedMs: Date.now(),
    };
    withJournal(stage, (store) => store.save(new Uint8Array(32).fill(1), id, transfer, manifest));
    const partial = makePartial(stage, id.toHex(), { piped: "arrived" });
    Deno.writeTextFileSync(`${stage.inbox}/piped`, "mine");

    for (let time = 0; time < 2; time++) {
      const told = await start(stage);
      assert.deepEqual(errorsOf(told), ["exists"]);
      assert.match(told.stderr, /^stx recv: [^\n]*"piped"[^\n]*already taken/m);
      assert.ok(told.stderr.includes(`to give the transfer up, remove "${partial}"`), told.stderr);
      assert.equal(Deno.readTextFileSync(`${partial}/data/piped`), "arrived");
    }
    Deno.removeSync(partial, { recursive: true });
    Deno.removeSync(`${stage.inbox}/piped`);
    assert.deepEqual(errorsOf(await start(stage)), ["state_corrupt"]);
    assert.deepEqual(errorsOf(await start(stage)), []);
    assert.deepEqual(states(stage), []);
    assert.deepEqual(names(stage.inbox), []);
  });
});

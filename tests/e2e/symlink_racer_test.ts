/**
 * Somebody else on the receiver's machine, who flips a folder and a symbolic link as fast as possible while files
 * arrive, so that they are written where the link leads. What cannot be closed is in docs/past-vulnerabilities.md.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names, tree } from "../support/tree.ts";

const FILE_COUNT = 10_000;
/** Where no race is to be expected, fewer show as much. */
const FEWER_FILES_COUNT = 2_000;
const RACER = `${PROJECT_FOLDER}/tests/support/symlink_racer.ts`;
/** Another user, "nobody" on every Linux; only the superuser can start a program as one. */
const NOBODY = 65_534;
const CAN_BE_ANOTHER = Deno.build.os !== "windows" && Deno.uid() === 0;

/** Makes a folder of so many files, in folders of a thousand. */
function manyFiles(stage: Stage, count: number): string {
  const content = randomBytes(64);
  for (let index = 0; index < count; index++) {
    const folder = `${stage.outbox}/many/${Math.floor(index / 1000)}`;
    if (index % 1000 === 0) Deno.mkdirSync(folder, { recursive: true });
    Deno.writeFileSync(`${folder}/file-${index}`, content);
  }
  return `${stage.outbox}/many`;
}

/** What lies outside of the receiving folder, and must stay as it is. */
function makeOutside(stage: Stage): string {
  const outside = `${stage.folder}/outside`;
  Deno.mkdirSync(`${outside}/.ssh`, { recursive: true });
  Deno.writeTextFileSync(`${outside}/.ssh/authorized_keys`, "mine");
  Deno.writeTextFileSync(`${outside}/canary`, "alive");
  return outside;
}

/** Who races, and by which program. */
interface Racer {
  readonly runtime: string;
  readonly script: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: Record<string, string>;
}

const OURSELVES: Racer = { runtime: Deno.execPath(), script: RACER };

/** Another user, who can reach neither our runtime nor our sources: so they get copies. */
function anotherUser(stage: Stage): Racer {
  const place = `${stage.folder}/nobody`;
  Deno.mkdirSync(place);
  Deno.chmodSync(place, 0o777);
  const racer = { runtime: `${place}/deno`, script: `${place}/racer.ts` };
  Deno.copyFileSync(Deno.execPath(), racer.runtime);
  Deno.chmodSync(racer.runtime, 0o755);
  Deno.copyFileSync(RACER, racer.script);
  Deno.chmodSync(racer.script, 0o644);
  return { ...racer, uid: NOBODY, gid: NOBODY, env: { DENO_DIR: place, HOME: place } };
}

/** Runs `body` while somebody races for the name `folder`. */
async function whileRacing(
  folder: string,
  outside: string,
  { runtime, script, ...as }: Racer,
  body: () => Promise<void>,
): Promise<void> {
  const racer = new Deno.Command(runtime, {
    args: ["run", "-A", "--no-check", "--no-config", script, folder, outside],
    cwd: "/",
    stdout: "piped",
    stderr: "inherit",
    ...as,
  }).spawn();
  try {
    const output = racer.stdout.getReader();
    assert.equal(new TextDecoder().decode((await output.read()).value), "racing\n");
    await output.cancel();
    await body();
  } finally {
    racer.kill("SIGKILL");
    await racer.status;
  }
}

/** Sends until it has arrived, at most so many times; a racer may get it refused, but nothing else. */
async function sendAll(stage: Stage, folder: string, tries: number): Promise<void> {
  const receiver = await stage.receive();
  for (let count = 0; count < tries; count++) {
    const sent = await stage.send(receiver, folder);
    if (sent.code === 0) {
      const arrived = tree(`${stage.inbox}/many`).filter(({ kind }) => kind === "file");
      assert.equal(arrived.length, tree(folder).filter(({ kind }) => kind === "file").length);
      return;
    }
    assert.ok([4, 5].includes(sent.code), sent.stderr);
  }
}

Deno.test("links made at the name of what arrives: none is followed", async () => {
  await withStage(async (stage) => {
    const outside = makeOutside(stage);
    const before = tree(outside);
    await whileRacing(`${stage.inbox}/many`, outside, OURSELVES, async () => {
      await sendAll(stage, manyFiles(stage, FEWER_FILES_COUNT), 3);
    });
    assert.deepEqual(tree(outside), before);
  });
});

Deno.test({
  name: "another user who may make names in the receiving folder, and not rename ours, wins no race",
  ignore: !CAN_BE_ANOTHER,
  fn: async () => {
    for (const name of ["many", ".stx-partial"]) {
      await withStage(async (stage) => {
        const outside = makeOutside(stage);
        const before = tree(outside);
        // Like /tmp: everybody may make names here, and nobody rename another's.
        Deno.chmodSync(stage.folder, 0o711);
        Deno.chmodSync(stage.inbox, 0o1777);
        await whileRacing(`${stage.inbox}/${name}`, outside, anotherUser(stage), async () => {
          await sendAll(stage, manyFiles(stage, 100), 10);
        });
        assert.deepEqual(tree(outside), before);
      });
    }
  },
});

Deno.test("a folder that 10,000 files are merged into becomes a link again and again: nothing outside changes", async () => {
  await withStage(async (stage) => {
    const outside = makeOutside(stage);
    const before = tree(outside);
    const folder = manyFiles(stage, FILE_COUNT);
    for (const name of names(folder)) Deno.mkdirSync(`${stage.inbox}/many/${name}`, { recursive: true });
    const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
    const sending = stage.startSend(receiver, folder);
    await sending.event("progress");

    await whileRacing(`${stage.inbox}/many/5`, outside, OURSELVES, async () => {
      const { code, stderr } = await sending.ended;
      assert.ok([0, 4, 5].includes(code), stderr);
    });

    // Whoever may rename our folders may win, about once in a thousand transfers; what was there is never replaced.
    const sent = new Set(names(`${folder}/5`));
    const arrived = names(outside).filter((name) => sent.has(name));
    assert.ok(arrived.length <= 1, `${arrived.length} files were put where the link leads`);
    for (const name of arrived) Deno.removeSync(`${outside}/${name}`);
    const after = tree(outside);
    assert.deepEqual(
      after.map(({ path, sha256 }) => [path, sha256]),
      before.map(({ path, sha256 }) => [path, sha256]),
    );
  });
});

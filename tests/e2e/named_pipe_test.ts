/**
 * Another process, of somebody who may write in a folder that files are merged into, puts a named pipe in its place while
 * they are put in place. Whoever opens one waits for its other end, and here that would be the whole receiver.
 */
import assert from "node:assert/strict";
import { HAS_PIPES, makePipe } from "../support/named_pipe.ts";
import { type Stage, withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";

const FILE_COUNT = 1_500;
/** The race is lost where all files are in place before the first one was seen there. */
const ATTEMPTS = 10;

/** Waits until there is a file, and says whether there was one before it was over. */
async function appears(path: string, isOver: () => boolean): Promise<boolean> {
  while (!isOver()) {
    try {
      Deno.lstatSync(path);
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  return false;
}

/**
 * Sends a file for one folder that exists, and many for the next; when the first is in place, a pipe takes the place of its
 * folder. Resolves to how the sender ended; `undefined` if all was in place before.
 */
async function race(stage: Stage, port: number, name: string): Promise<number | undefined> {
  for (const folder of ["a", "b"]) Deno.mkdirSync(`${stage.inbox}/${name}/${folder}`, { recursive: true });
  stage.file(`${name}/a/first`, "first");
  for (let index = 0; index < FILE_COUNT; index++) stage.file(`${name}/b/${index}`, "x");
  const sending = stage.startSend({ port }, `${stage.outbox}/${name}`);
  let isOver = false;
  sending.ended.finally(() => isOver = true);
  const folder = `${stage.inbox}/${name}/a`;
  let isMet = false;
  if (await appears(`${folder}/first`, () => isOver)) {
    Deno.renameSync(folder, `${folder}.aside`);
    makePipe(folder);
    isMet = names(`${stage.inbox}/${name}/b`).length < FILE_COUNT;
  }
  const { code } = await sending.ended;
  return isMet ? code : undefined;
}

Deno.test({
  name: "a named pipe in the place of a folder that files are merged into ends that transfer, and no other",
  ignore: !HAS_PIPES,
  fn: async () => {
    await withStage(async (stage) => {
      const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
      let code: number | undefined;
      for (let attempt = 0; attempt < ATTEMPTS && code === undefined; attempt++) {
        code = await race(stage, receiver.port, `shared-${attempt}`);
      }
      // The receiver refuses what it cannot make durable, and its log says why.
      assert.equal(code, 4);

      const sent = await stage.send(receiver, stage.file("after.txt", "still here"));
      assert.equal(sent.code, 0, sent.stderr);
      assert.equal(Deno.readTextFileSync(`${stage.inbox}/after.txt`), "still here");
      receiver.process.kill("SIGTERM");
      assert.equal((await receiver.process.ended).code, 143);
    });
  },
});

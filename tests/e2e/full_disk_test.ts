import assert from "node:assert/strict";
import { HAS_SMALL_DISKS, onSmallDisk } from "../support/programs.ts";
import { withStage } from "../support/stage.ts";
import { names, sha256 } from "../support/tree.ts";

Deno.test({
  name:
    "a full disk: the sender ends with 4, nothing is in place, and with room again it continues (needs mount)",
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withStage(async (stage) => {
      const file = stage.file("file", 6_000_000);
      const receiver = await stage.receive({ prefix: onSmallDisk(stage.inbox, "8m") });
      // The small disk is to be seen from inside that process alone.
      const inbox = `/proc/${receiver.process.pid}/root${stage.inbox}`;
      Deno.writeFileSync(`${inbox}/ballast`, new Uint8Array(4_000_000));

      const refused = await stage.send(receiver, file);

      assert.equal(refused.code, 4, refused.stderr);
      assert.match(refused.stderr, /disk is full/);
      assert.ok(
        !refused.stderr.includes(stage.inbox),
        "the receiver's own path is none of the sender's business",
      );
      const { code } = await receiver.process.event("error");
      assert.equal(code, "disk_full");
      assert.ok(!names(inbox).includes("file"));
      assert.equal(Deno.statSync(`${inbox}/ballast`).size, 4_000_000);

      Deno.removeSync(`${inbox}/ballast`);
      const again = await stage.send(receiver, file);
      assert.equal(again.code, 0, again.stderr);
      assert.equal(sha256(`${inbox}/file`), sha256(file));
      assert.deepEqual(names(inbox), ["file"]);
    });
  },
});

Deno.test({
  name: "a full disk below the journal: recv says so and ends with 7 (needs mount)",
  ignore: !HAS_SMALL_DISKS,
  fn: async () => {
    await withStage(async (stage) => {
      const state = `${stage.folder}/state`;
      Deno.mkdirSync(state);
      const fill = ["sh", "-c", 'head -c 1m /dev/zero > "$0/ballast" 2> /dev/null; exec "$@"', state];
      const { code, stderr } = await stage.run(
        ["recv", "--listen", "127.0.0.1:0", "--dir", stage.inbox, "--state", `${state}/recv.db`],
        { person: stage.receiver, prefix: [...onSmallDisk(state, "64k"), ...fill] },
      );
      assert.equal(code, 7, stderr);
      assert.match(stderr, /^stx recv: [^\n]*state file[^\n]*\n$/);
    });
  },
});

Deno.test("standard output that takes no events: recv ends with 7", async () => {
  await withStage(async (stage) => {
    const toFull = ["sh", "-c", 'exec "$@" > /dev/full', "sh"];
    const receiver = await stage.run(["recv", "--json", "--listen", "127.0.0.1:0", "--dir", stage.inbox], {
      person: stage.receiver,
      prefix: toFull,
    });
    assert.equal(receiver.code, 7, receiver.stderr);
    assert.match(receiver.stderr, /^stx recv: Cannot write to standard output: [^\n]+\n$/m);
  });
});

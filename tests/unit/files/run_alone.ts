/**
 * Scenarios that need a process to themselves: the user and the umask belong to a whole process, and tests run
 * beside each other in one. Each is run by the test of that name, by {@link runAlone}.
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { diskError } from "../../../lib/files/disk_error.ts";
import { openSource } from "../../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import {
  commitCut,
  ID,
  namesIn,
  nothing,
  placeIn,
  PRIVATE,
  receive,
  reopen,
  resume,
  withPlace,
} from "./receiving.ts";
import { contentOf, entry, expected, snapshot, streamOf, TREE } from "./tree.ts";

const SCENARIOS = {
  "umask": async () => {
    const entries = [
      entry("a", 3, 0o6755),
      entry("d/", 0, 0o7777),
      entry("d/b", 0, 0o7777),
      entry("e/", 0, 0o1000),
    ];
    const plain = entries.map((item) => ({ ...item, mode: item.mode & 0o777 }));
    for (const umask of [0o000, 0o022, 0o027, 0o077]) {
      Deno.umask(umask);
      await withPlace(async (place) => {
        const partial = await receive(place, entries);
        await partial.commit(nothing);
        partial.close();
        assert.equal(place.umask, umask);
        assert.deepEqual(snapshot(place.path), expected(plain, umask));
      });
      // Also after a commit that took bits and failed, and another attempt.
      await withPlace(async (place) => {
        const closed = [entry("a", 3, 0o466), entry("b", 3, 0o066), entry("c", 3, 0o666)];
        const first = await receive(place, closed);
        await assert.rejects(() => first.commit(() => assert.fail("dies here")), /dies here/);
        first.close();
        const second = reopen(place, closed);
        await resume(second, closed, 9);
        await second.commit(nothing);
        second.close();
        assert.deepEqual(snapshot(place.path), expected(closed, umask));
      });
    }
  },

  "private folders": async () => {
    Deno.umask(0o000);
    await withPlace(async (place) => {
      const partial = await receive(place, [entry("a", 3, 0o777)]);
      for (const path of [".stx-partial", PRIVATE, `${PRIVATE}/data`]) {
        assert.equal(Deno.statSync(`${place.path}/${path}`).mode! & 0o777, 0o700, path);
      }
      partial.close();
    });
  },

  "denied file": async () => {
    await asOrdinaryUser((folder) => {
      Deno.writeTextFileSync(`${folder}/file`, "", { mode: 0o000 });
      try {
        Deno.readFileSync(`${folder}/file`);
        assert.fail("expected a failure");
      } catch (error) {
        const { code, hint } = diskError(error, "read", "file");
        assert.equal(code, "permission");
        assert.ok(hint !== undefined);
      }
    });
  },

  "denied source": async () => {
    await asOrdinaryUser((folder) => {
      const open = () => openSource([`${folder}/top`], { followLinks: false, onWarning: assert.fail });
      Deno.mkdirSync(`${folder}/top/sub`, { recursive: true });
      Deno.writeTextFileSync(`${folder}/top/sub/c`, "c");
      Deno.chmodSync(`${folder}/top/sub`, 0o000);
      assert.throws(open, { code: "permission", message: /list the folder.*sub/ });
      Deno.chmodSync(`${folder}/top/sub`, 0o400);
      assert.throws(open, { code: "permission", message: /sub\/c/ });
      Deno.chmodSync(`${folder}/top/sub`, 0o700);
      Deno.chmodSync(`${folder}/top/sub/c`, 0o000);
      const source = open();
      assert.throws(() => source.read(new Uint8Array(10)), { code: "permission", message: /sub\/c/ });
      source.close();
    });
  },

  "denied receiving folder": async () => {
    await asOrdinaryUser(async (temp) => {
      Deno.mkdirSync(`${temp}/in`, { mode: 0o500 });
      const folder = openReceivingFolder(`${temp}/in`);
      const entries = [entry("top", 8)];
      const placement = await folder.place(entries, "refuse");
      assert.throws(() => folder.open(ID, entries, placement), { code: "permission" });
      Deno.chmodSync(`${temp}/in`, 0o700);
      const partial = folder.open(ID, entries, placement);
      await partial.resumeAt(0);
      await partial.write(new Uint8Array(8));
      Deno.chmodSync(`${temp}/in`, 0o500);
      await assert.rejects(() => partial.commit(nothing), { code: "permission" });
      Deno.chmodSync(`${temp}/in`, 0o700);
      await partial.commit(nothing);
      partial.close();
      assert.deepEqual(namesIn(`${temp}/in`), ["top"]);
    });
  },

  "closed files and folders": async () => {
    await asOrdinaryUser(async (temp) => {
      const place = placeIn(temp);
      const entries = [
        ...TREE,
        entry("shut", 3, 0o000),
        entry("dark/", 0, 0o000),
        entry("dark/inner/", 0, 0o111),
        entry("dark/inner/file", 3, 0o200),
      ];
      const first = await receive(place, entries);
      // The second time, the bits have gone already.
      for (let i = 0; i < 2; i++) {
        await assert.rejects(() => first.commit(() => assert.fail("dies here")), /dies here/);
      }
      first.close();
      // Going on after that needs the bits that were taken.
      const second = reopen(place, entries);
      const stream = streamOf(entries);
      await resume(second, entries, stream.length - 1);
      await second.write(stream.subarray(-1));
      assert.equal(await commitCut(second, 2), true);
      await second.commit(nothing);
      second.close();
      // The crash after the last change, before the journal said done.
      const third = reopen(place, entries);
      await third.commit(nothing);
      third.close();
      assert.deepEqual(namesIn(place.path), ["dark", "empty-first", "first", "last", "shut", "tree"]);
      for (const [path, mode] of [["shut", 0o000], ["dark", 0o000], ["dark/inner", 0o111]] as const) {
        assert.equal(Deno.lstatSync(`${place.path}/${path}`).mode! & 0o777, mode & ~place.umask, path);
        Deno.chmodSync(`${place.path}/${path}`, 0o700);
      }
      assert.equal(Deno.lstatSync(`${place.path}/dark/inner/file`).mode! & 0o777, 0o200);
      for (const path of ["tree/closed", "tree/closed/deep"]) {
        assert.equal(Deno.lstatSync(`${place.path}/${path}`).mode! & 0o200, 0);
        Deno.chmodSync(`${place.path}/${path}`, 0o700);
      }
      const over = TREE.find(({ path }) => path === "tree/closed/deep/over")!;
      assert.deepEqual(Deno.readFileSync(`${place.path}/${over.path}`), contentOf(over));
    });
  },
} satisfies Readonly<Record<string, () => Promise<void>>>;

/** Runs a scenario in a process of its own; fails with what it prints if it fails. */
export async function runAlone(name: keyof typeof SCENARIOS): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-lock", import.meta.filename!, name],
    stdin: "null",
  });
  const { success, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** The user "nobody" of every Unix. */
const NOBODY = 65_534;

/**
 * Runs `body` with a fresh folder as an ordinary user: as "nobody" if the tests run as root, whom no mode
 * stops, else as whoever runs them.
 */
async function asOrdinaryUser(body: (folder: string) => Promise<void> | void): Promise<void> {
  await withTempFolder(async (folder) => {
    if (Deno.uid() !== 0) return await body(folder);
    await Deno.chown(folder, NOBODY, null);
    process.seteuid!(NOBODY);
    try {
      await body(folder);
    } finally {
      process.seteuid!(0);
    }
  });
}

if (import.meta.main) {
  const [name] = Deno.args;
  await SCENARIOS[name as keyof typeof SCENARIOS]();
}

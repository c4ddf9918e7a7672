import assert from "node:assert/strict";
import { checkAbove } from "../../../cli/doctor_files.ts";
import type { Places } from "../../../cli/doctor_paths.ts";
import { checkConfiguration, checkReceivingFolder, checkState } from "../../../cli/doctor_places.ts";
import { DoctorReport } from "../../../cli/doctor_report.ts";
import type { StxError } from "../../../lib/errors.ts";
import { SqliteState, STATE_LAYOUT } from "../../../lib/store/sqlite_state.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { names, tree } from "../../support/tree.ts";
import { withState } from "../store/state_file.ts";
import { writeVersion1 } from "../store/version_1.ts";
import { findings, found, NOWHERE, outputOn, place } from "./doctor_findings.ts";
import { fakeStreams } from "./fake_streams.ts";

Deno.test("folder: one to receive in is tried and left as it was; what is none is a problem", async () => {
  await withTempFolder(async (folder) => {
    const inbox = `${folder}/inbox`;
    Deno.mkdirSync(inbox, { mode: 0o755 });
    const check = (path: string) => findings((report) => checkReceivingFolder(report, path));
    found(await check(inbox), ["folder", "ok", /made durable and put in place.*inbox, .* free/]);
    assert.deepEqual(names(inbox), []);
    Deno.chmodSync(inbox, 0o1777);
    found(
      await check(inbox),
      ["folder", "warning", /everybody may put files.*mode 1777/, /of your own/],
      ["folder", "ok", /./],
    );
    Deno.symlinkSync(folder, `${inbox}/.stx-partial`);
    found(await check(inbox), ["folder", "problem", /\.stx-partial.*not a real folder/, /Move it/]);
    found(await check(`${folder}/absent`), ["folder", "problem", /no such/, /path/]);
    Deno.writeTextFileSync(`${folder}/file`, "");
    const [notFolder] = await check(`${folder}/file`);
    assert.equal(notFolder!.status, "problem");
  });
});

Deno.test("folder: partial transfers wait where nobody else may enter, as recv has it", async () => {
  await withTempFolder(async (folder) => {
    const partial = `${folder}/.stx-partial`;
    const check = () => findings((report) => checkReceivingFolder(report, folder));
    Deno.mkdirSync(partial, { mode: 0o700 });
    Deno.utimeSync(partial, 1000, 1000);
    found(await check(), ["folder", "ok", /put in place/]);
    assert.deepEqual([names(folder), names(partial)], [[".stx-partial"], []]);
    assert.equal(Deno.lstatSync(partial).mtime?.getTime(), 1_000_000);
    Deno.chmodSync(partial, 0o755);
    found(await check(), ["folder", "problem", /other users may enter it/, /chmod 700/]);
  });
});

Deno.test("folder: whose we are is told by what we make in it", async () => {
  await withTempFolder(async (folder) => {
    const streams = fakeStreams();
    const report = new DoctorReport(outputOn(streams, true), { isJson: true, isQuiet: false });
    assert.equal(await checkReceivingFolder(report, folder), Deno.uid() ?? undefined);
    assert.equal(await checkReceivingFolder(report, `${folder}/absent`), undefined);
  });
});

Deno.test("configuration: a folder of our own, none yet, one that others may change, and none at all", async () => {
  await withTempFolder(async (folder) => {
    const check = (config: Places["config"], ownUid?: number) =>
      findings((report) => checkConfiguration(report, { ...NOWHERE, config }, ownUid));
    const config = `${folder}/config`;
    found(await check(config), ["configuration", "ok", /no folder.*stx keygen makes it/]);
    Deno.mkdirSync(config, { mode: 0o755 });
    const own = Deno.statSync(config).uid!;
    found(await check(config, own), ["configuration", "ok", /config$/]);
    assert.deepEqual(names(config), []);
    Deno.chmodSync(config, 0o775);
    found(await check(config, own), [
      "configuration",
      "problem",
      /others may change.*mode 775/,
      /chmod go-w/,
    ]);
    Deno.writeTextFileSync(`${folder}/file`, "");
    found(await check(`${folder}/file`), ["configuration", "problem", /not a folder/, /out of the way/]);
    const [unknown] = await check(NOWHERE.config);
    assert.equal(unknown!.status, "problem");
    assert.match(unknown!.message, /HOME/);
  });
});

Deno.test("configuration: none is needed where the command line names what recv reads in it", async () => {
  const check = (places: Partial<Places>) =>
    findings((report) => checkConfiguration(report, { ...NOWHERE, ...places }, undefined));
  const [identity, authorizedKeys, sharedKeys] = [place("/id"), place("/keys"), place("/psk")];
  for (const enough of [{ identity, authorizedKeys }, { identity, sharedKeys }]) {
    found(await check(enough), ["configuration", "warning", /HOME/, /send .*--peer/]);
  }
  for (const little of [{ identity }, { authorizedKeys, sharedKeys }]) {
    assert.deepEqual((await check(little)).map(({ status }) => status), ["problem"]);
  }
});

Deno.test("configuration: why nothing can be written into it is told, and resolved to", async () => {
  await withTempFolder(async (folder) => {
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/dangling`);
    const check = async (config: string) => {
      let why: StxError | undefined;
      const all = await findings(async (report) => {
        why = await checkConfiguration(report, { ...NOWHERE, config }, undefined);
      });
      return { all, code: why?.code };
    };
    const writable = await check(`${folder}/new/stx`);
    found(writable.all, ["configuration", "ok", /stx keygen makes it/]);
    assert.equal(writable.code, undefined);
    // No folder can be made in the place of a link.
    const dangling = await check(`${folder}/dangling/stx`);
    found(dangling.all, ["configuration", "warning", /stx yet, and it cannot be made: .*dangling/, /path/]);
    assert.equal(dangling.code, "disk");
    assert.deepEqual(names(folder), ["dangling"]);
  });
});

Deno.test("above: whoever may change a folder up to the home may exchange what is below it", async () => {
  await withTempFolder(async (temporary) => {
    const top = Deno.realPathSync(temporary);
    const home = `${top}/home`;
    const [config, state] = [`${home}/.config/stx`, place(`${home}/.local/state/stx/recv.db`, false)];
    for (const path of [config, `${home}/.local/state/stx`]) Deno.mkdirSync(path, { recursive: true });
    const uid = Deno.statSync(home).uid!;
    const check = (places: Partial<Places> = {}, ownUid = uid) =>
      findings((report) => checkAbove(report, { ...NOWHERE, config, state, home, ...places }, ownUid));
    Deno.chmodSync(top, 0o777);
    found(await check());
    found(
      await check({ home: undefined }),
      ["configuration", "problem", new RegExp(`others may change ${top} \\(mode 777\\)`), /chmod go-w/],
    );
    Deno.chmodSync(`${home}/.config`, 0o777);
    Deno.chmodSync(home, 0o775);
    found(
      await check(),
      ["configuration", "problem", /\.config \(mode 777\), and so exchange/, /chmod go-w .*\.config/],
      ["configuration", "problem", /home \(mode 775\)/, /chmod go-w .*home/],
    );
    // In such a folder others rename nothing but their own.
    for (const path of [`${home}/.config`, home]) Deno.chmodSync(path, 0o1777);
    found(await check());
    Deno.chmodSync(`${home}/.local/state`, 0o770);
    found(await check({ config: NOWHERE.config }), ["state-folder", "problem", /state \(mode 770\)/, /go-w/]);
    found(await check({ state: { ...state, isNamed: true } }));
    Deno.chmodSync(`${home}/.local/state`, 0o755);
    if (uid === 0) {
      Deno.chownSync(`${home}/.config`, 65534, 65534);
      found(await check(), ["configuration", "warning", /\.config belongs to another user/, /ls -ln/]);
    }
  });
});

Deno.test("above: a folder that a link leads to can be exchanged in two places", async () => {
  await withTempFolder(async (temporary) => {
    const top = Deno.realPathSync(temporary);
    const home = `${top}/home`;
    Deno.mkdirSync(`${home}/dots/stx`, { recursive: true });
    Deno.mkdirSync(`${home}/.config`);
    Deno.symlinkSync("../dots/stx", `${home}/.config/stx`);
    const check = () =>
      findings((report) =>
        checkAbove(report, { ...NOWHERE, config: `${home}/.config/stx`, home }, undefined)
      );
    found(await check());
    Deno.chmodSync(`${home}/dots`, 0o777);
    found(await check(), ["configuration", "problem", /dots \(mode 777\)/, /go-w/]);
    Deno.chmodSync(`${home}/.config`, 0o777);
    found(
      await check(),
      ["configuration", "problem", /\.config \(mode 777\)/, /go-w/],
      ["configuration", "problem", /dots \(mode 777\)/, /go-w/],
    );
    // A home that is a link is the end as well, by both its paths; and one folder is told of once.
    const linked = `${top}/linked`;
    Deno.symlinkSync("home", linked);
    Deno.mkdirSync(`${home}/.config/other`);
    Deno.chmodSync(top, 0o777);
    found(
      await findings((report) =>
        checkAbove(report, { ...NOWHERE, config: `${linked}/.config/other`, home: linked }, undefined)
      ),
      ["configuration", "problem", /linked\/\.config \(mode 777\)/, /go-w/],
    );
  });
});

Deno.test({
  name: "a file of another user is warned of, and one of root is not (as root)",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const check = (ownUid: number | undefined) =>
        findings((report) => checkConfiguration(report, { ...NOWHERE, config: `${folder}/config` }, ownUid));
      Deno.mkdirSync(`${folder}/config`);
      found(await check(1000), ["configuration", "ok", /./]);
      Deno.chownSync(`${folder}/config`, 65534, 65534);
      found(await check(65534), ["configuration", "ok", /./]);
      found(await check(undefined), ["configuration", "ok", /./]);
      found(await check(0), ["configuration", "warning", /another user \(65534\)/, /ls -ln/]);
    });
  },
});

Deno.test("state: none yet, whole, of an older layout, empty, in use, damaged, open to others", async () => {
  await withTempFolder(async (folder) => {
    const path = `${folder}/recv.db`;
    const check = async (isNamed = true) => {
      let isInUse = false;
      const all = await findings(async (report) => {
        isInUse = await checkState(report, { ...NOWHERE, state: place(path, isNamed) }, undefined);
      });
      return { all, isInUse };
    };
    found((await check()).all, ["state", "ok", /no .*recv\.db yet/]);
    assert.deepEqual(names(folder), []);
    Deno.writeTextFileSync(path, "");
    found((await check()).all, ["state", "ok", /empty/]);
    Deno.removeSync(path);

    writeVersion1(path);
    const before = tree(path);
    found(
      (await check()).all,
      ["state", "ok", /older layout, 1/],
      ["state", "ok", /whole: .*[KM]iB, layout 1, unfinished transfers: 2, finished: 1$/],
    );
    assert.deepEqual([tree(path), names(folder)], [before, ["recv.db"]]);
    withState(path, () => {});
    const idle = await check(false);
    found(idle.all, ["state-folder", "ok", /./], [
      "state",
      "ok",
      new RegExp(`whole: .*layout ${STATE_LAYOUT.versions.length}`),
    ]);
    assert.equal(idle.isInUse, false);
    const state = new SqliteState(path);
    try {
      const { all, isInUse } = await check();
      found(all, ["state", "ok", /works with it, or was killed$/]);
      assert.equal(isInUse, true);
    } finally {
      state.close();
    }

    Deno.renameSync(path, `${folder}/elsewhere.db`);
    Deno.symlinkSync("elsewhere.db", path);
    const linked = new SqliteState(path);
    try {
      assert.equal((await check()).isInUse, true, "its log is beside the file that the link leads to");
    } finally {
      linked.close();
    }
    Deno.removeSync(path);
    Deno.renameSync(`${folder}/elsewhere.db`, path);

    Deno.chmodSync(path, 0o666);
    found((await check()).all, ["state", "problem", /others may change.*666/, /chmod go-w/]);
    Deno.chmodSync(path, 0o600);
    Deno.writeTextFileSync(path, "no database".repeat(1000));
    found((await check()).all, ["state", "problem", /damaged/, /--state.*move this one away/]);
    const [unknown] = await findings((report) => checkState(report, NOWHERE, undefined));
    assert.equal(unknown!.status, "problem");
    const absent = { ...NOWHERE, state: place(`${folder}/absent/db`) };
    found(
      await findings((report) => checkState(report, absent, undefined)),
      ["state", "problem", /Cannot write into the folder .*absent": there is no such/, /path/],
    );
  });
});

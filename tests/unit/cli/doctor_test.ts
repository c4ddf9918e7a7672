import assert from "node:assert/strict";
import process from "node:process";
import type { CheckName, Events } from "../../../cli/events.ts";
import { checkKeys } from "../../../cli/doctor_keys.ts";
import {
  checkAddress,
  checkClock,
  checkCryptography,
  checkDeno,
  EARLIEST_MS,
  TESTED_DENO,
} from "../../../cli/doctor_machine.ts";
import type { Place, Places } from "../../../cli/doctor_paths.ts";
import { checkConfiguration, checkReceivingFolder, checkState } from "../../../cli/doctor_places.ts";
import { DoctorReport } from "../../../cli/doctor_report.ts";
import { makeIdentity } from "../../../cli/key_files.ts";
import { beginRotation, finishRotation } from "../../../cli/rotation_files.ts";
import { makeSharedKey } from "../../../cli/shared_key_files.ts";
import { Output } from "../../../cli/terminal.ts";
import { StxError } from "../../../lib/errors.ts";
import { SqliteState } from "../../../lib/store/sqlite_state.ts";
import { DENO_VERSION } from "../../../scripts/deno_version.ts";
import { isInstalled } from "../../support/programs.ts";
import { withAgent } from "../../support/ssh_agent.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { names, tree } from "../../support/tree.ts";
import { withState } from "../store/state_file.ts";
import { writeVersion1 } from "../store/version_1.ts";
import { fakeStreams } from "./fake_streams.ts";

type Finding = Events["check"];

/** What `body` finds, as events. */
async function findings(body: (report: DoctorReport) => unknown): Promise<readonly Finding[]> {
  const streams = fakeStreams();
  const output = outputOn(streams, true);
  await body(new DoctorReport(output, { isJson: true, isQuiet: false }));
  return streams.out().split("\n").slice(0, -1).map((line) => JSON.parse(line) as Finding);
}

function outputOn(streams: ReturnType<typeof fakeStreams>, json: boolean): Output {
  return new Output({
    command: "doctor",
    json,
    quiet: false,
    verbose: false,
    exit: (status) => {
      throw new Error(`exit ${status}`);
    },
    streams,
    colour: false,
  });
}

/** Asserts that exactly these are found, each by its name, its status, and texts that its message and its hint have. */
function found(
  actual: readonly Finding[],
  ...expected:
    readonly (readonly [name: CheckName, status: Finding["status"], message: RegExp, hint?: RegExp])[]
): void {
  assert.deepEqual(
    actual.map(({ name, status }) => [name, status]),
    expected.map(([name, status]) => [name, status]),
    JSON.stringify(actual, null, 1),
  );
  expected.forEach(([, , message, hint], index) => {
    assert.match(actual[index]!.message, message);
    if (hint === undefined) assert.equal(actual[index]!.hint, null);
    else assert.match(actual[index]!.hint ?? "", hint);
  });
}

const NOWHERE: Places = {
  config: new StxError("usage", "HOME is not set"),
  identity: undefined,
  authorizedKeys: undefined,
  knownReceivers: undefined,
  revokedKeys: undefined,
  sharedKeys: undefined,
  state: new StxError("usage", "HOME is not set"),
};

const place = (path: string, isNamed = true): Place => ({ path, isNamed });

Deno.test("a finding is a line with what to do, and an event; under --quiet only what is not well has a line", async () => {
  const tell = async (isJson: boolean, isQuiet: boolean) => {
    const streams = fakeStreams();
    const report = new DoctorReport(outputOn(streams, isJson), { isJson, isQuiet });
    report.ok("deno", "fine");
    report.warn("folder", "odd\x1b", "Look there.");
    report.problem("state", "bad.", "mend it");
    await report.check("clock", () => {
      throw new StxError("disk", "Cannot tell", { hint: "wait" });
    });
    await assert.rejects(
      report.check("clock", () => {
        throw new Error("a fault in stx");
      }),
      /fault/,
    );
    assert.deepEqual([report.count("ok"), report.count("warning"), report.count("problem")], [1, 1, 2]);
    return streams.out();
  };
  const rest =
    "warning  folder: odd\\x1b. Look there.\nproblem  state: bad; mend it\nproblem  clock: Cannot tell; wait\n";
  assert.equal(await tell(false, false), `ok       deno: fine\n${rest}`);
  assert.equal(await tell(false, true), rest);
  const events = await tell(true, true);
  assert.equal(events.split("\n").length, 5, "programs are told of everything");
  assert.deepEqual(JSON.parse(events.split("\n")[1]!), {
    v: 1,
    event: "check",
    name: "folder",
    status: "warning",
    message: "odd\x1b",
    hint: "Look there.",
  });
});

Deno.test("deno: the version that stx is tested with, and any other", async () => {
  assert.equal(TESTED_DENO, DENO_VERSION);
  found(await findings((report) => checkDeno(report, DENO_VERSION)), ["deno", "ok", /^version \d/]);
  found(await findings((report) => checkDeno(report, "2.0.0")), ["deno", "warning", /2\.0\.0/, /that one/]);
});

Deno.test("clock: plausible, before there was stx, and behind a file that was changed", async () => {
  const now = Date.UTC(2027, 4, 1);
  found(
    await findings((report) => checkClock(report, now, now)),
    ["clock", "ok", /2027-05-01T00:00.*date -u.*120 seconds/],
  );
  found(await findings((report) => checkClock(report, now + 120_000, now)), ["clock", "ok", /./]);
  found(
    await findings((report) => checkClock(report, now + 120_001, now)),
    ["clock", "warning", /2027-05-01T00:02/, /set it/],
  );
  found(
    await findings((report) => checkClock(report, 0, EARLIEST_MS - 1)),
    ["clock", "problem", /before/, /set it.*120 seconds/],
  );
});

Deno.test("address: free, taken, taken by what may well be recv, and none of this machine", async () => {
  found(
    await findings((report) => checkAddress(report, { host: "127.0.0.1", port: 0 }, false)),
    ["address", "ok", /127\.0\.0\.1:0 can be listened on$/],
  );
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = { host: "127.0.0.1", port: listener.addr.port };
  found(
    await findings((report) => checkAddress(report, taken, false)),
    ["address", "problem", /another process/, /--listen/],
  );
  found(
    await findings((report) => checkAddress(report, taken, true)),
    ["address", "warning", /another process/, /recv/],
  );
  found(
    await findings((report) => checkAddress(report, { host: "192.0.2.1", port: 0 }, true)),
    ["address", "problem", /192\.0\.2\.1/, /of this machine/],
  );
});

Deno.test("cryptography: everything is tried, and what does not work is told", async () => {
  found(
    await findings(checkCryptography),
    ["cryptography", "ok", /aes-256-gcm, chacha20-poly1305, ML-KEM.*X25519, Ed25519 and SQLite work/],
  );
  const { subtle } = crypto;
  const original = {
    importKey: subtle.importKey,
    verify: subtle.verify,
    deriveBits: subtle.deriveBits,
    decrypt: subtle.decrypt,
    getBuiltinModule: process.getBuiltinModule,
  };
  const without = (algorithm: string) => {
    // deno-lint-ignore no-explicit-any
    subtle.importKey = function (this: SubtleCrypto, ...args: any[]) {
      if (args[2] === algorithm) throw new Error("not here");
      // deno-lint-ignore no-explicit-any
      return (original.importKey as any).apply(this, args);
    } as typeof subtle.importKey;
  };
  const breaks: readonly (readonly [() => void, Finding["status"], RegExp])[] = [
    [() => without("ChaCha20-Poly1305"), "warning", /no chacha20-poly1305/],
    [() => without("AES-GCM"), "warning", /no aes-256-gcm/],
    // One that opens everything would be worse than none.
    [() => subtle.decrypt = () => Promise.resolve(new ArrayBuffer(1000)), "problem", /neither AES/],
    [() => subtle.verify = () => Promise.resolve(true), "problem", /Ed25519/],
    [() => subtle.verify = () => Promise.resolve(false), "problem", /Ed25519/],
    [
      () => subtle.deriveBits = () => Promise.resolve(crypto.getRandomValues(new Uint8Array(32)).buffer),
      "problem",
      /X25519/,
    ],
    [() => process.getBuiltinModule = () => undefined, "problem", /SQLite/],
  ];
  for (const [breakIt, status, message] of breaks) {
    try {
      breakIt();
      const [first] = await findings(checkCryptography);
      assert.equal(first!.status, status, `${message}`);
      assert.match(first!.message, message);
      assert.notEqual(first!.hint, null);
    } finally {
      Object.assign(subtle, {
        importKey: original.importKey,
        verify: original.verify,
        deriveBits: original.deriveBits,
        decrypt: original.decrypt,
      });
      process.getBuiltinModule = original.getBuiltinModule;
    }
  }
});

Deno.test("folder: one to receive in is tried and left as it was; what is none is a problem", async () => {
  await withTempFolder(async (folder) => {
    const inbox = `${folder}/inbox`;
    Deno.mkdirSync(inbox, { mode: 0o755 });
    const check = (path: string) => findings((report) => checkReceivingFolder(report, path));
    found(await check(inbox), ["folder", "ok", /made durable and put in place.*inbox, .* free/]);
    assert.deepEqual(names(inbox), []);
    Deno.chmodSync(inbox, 0o777);
    found(
      await check(inbox),
      ["folder", "warning", /everybody may put files.*mode 777/, /of your own/],
      ["folder", "ok", /./],
    );
    Deno.symlinkSync(folder, `${inbox}/.stx-partial`);
    found(await check(inbox), ["folder", "problem", /\.stx-partial.*no folder/, /move it/]);
    found(await check(`${folder}/absent`), ["folder", "problem", /no such/, /path/]);
    Deno.writeTextFileSync(`${folder}/file`, "");
    const [notFolder] = await check(`${folder}/file`);
    assert.equal(notFolder!.status, "problem");
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
      ["state", "ok", /whole: .*KiB, layout 1, unfinished transfers: 2, finished: 1$/],
    );
    assert.deepEqual([tree(path), names(folder)], [before, ["recv.db"]]);
    withState(path, () => {});
    const idle = await check(false);
    found(idle.all, ["state-folder", "ok", /./], ["state", "ok", /whole: .*layout 3/]);
    assert.equal(idle.isInUse, false);
    const state = new SqliteState(path);
    try {
      const { all, isInUse } = await check();
      found(all, ["state", "ok", /works with it, or was killed$/]);
      assert.equal(isInUse, true);
    } finally {
      state.close();
    }

    Deno.chmodSync(path, 0o666);
    found((await check()).all, ["state", "problem", /others may change.*666/, /chmod go-w/]);
    Deno.chmodSync(path, 0o600);
    Deno.writeTextFileSync(path, "no database".repeat(1000));
    found((await check()).all, ["state", "problem", /damaged/, /--state.*move this one away/]);
    const [unknown] = await findings((report) => checkState(report, NOWHERE, undefined));
    assert.equal(unknown!.status, "problem");
  });
});

/** Runs `body` in a folder with an identity, and a way to check the keys there. */
async function withKeys(
  body: (
    folder: string,
    check: (places: Partial<Places>, ownUid?: number) => Promise<readonly Finding[]>,
    fingerprint: string,
  ) => Promise<void>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    const { fingerprint } = await makeIdentity(`${folder}/identity`, "me", false);
    const check = (places: Partial<Places>, ownUid?: number) =>
      findings((report) => checkKeys(report, { ...NOWHERE, ...places }, ownUid));
    await body(folder, check, fingerprint);
  });
}

Deno.test("identity: none yet, a good one, one that others may read, damaged, and one that was named in vain", async () => {
  await withKeys(async (folder, check, fingerprint) => {
    const path = `${folder}/identity`;
    found(
      await check({ identity: place(`${folder}/absent`, false) }),
      ["identity", "warning", /absent yet/, /stx keygen/],
    );
    found(await check({ identity: place(`${folder}/absent`) }), [
      "identity",
      "problem",
      /no such file/,
      /keygen/,
    ]);
    const [good] = await check({ identity: place(path) });
    assert.equal(good!.status, "ok");
    assert.ok(good!.message.includes(fingerprint) && good!.message.endsWith("signs"), good!.message);
    Deno.chmodSync(path, 0o640);
    found(await check({ identity: place(path) }), ["identity", "problem", /others may read/, /chmod 600/]);
    Deno.chmodSync(path, 0o600);
    Deno.writeTextFileSync(path, "no key");
    const [damaged] = await check({ identity: place(path) });
    assert.equal(damaged!.status, "problem");
    assert.ok(damaged!.message.startsWith(path), damaged!.message);
  });
});

Deno.test("identity: its public half is missing, another's, or cannot be read", async () => {
  await withKeys(async (folder, check) => {
    const identity = place(`${folder}/identity`);
    Deno.removeSync(`${folder}/identity.pub`);
    found(
      await check({ identity }),
      ["identity", "ok", /signs/],
      ["identity", "warning", /no .*identity\.pub to give/, /ssh-keygen -y/],
    );
    await makeIdentity(`${folder}/other`, "other", false);
    Deno.copyFileSync(`${folder}/other.pub`, `${folder}/identity.pub`);
    found(
      await check({ identity }),
      ["identity", "ok", /signs/],
      ["identity", "problem", /identity\.pub is of another key/, /ssh-keygen -y/],
    );
    Deno.writeTextFileSync(`${folder}/identity.pub`, "nothing");
    const [, unreadable] = await check({ identity });
    assert.deepEqual([unreadable!.name, unreadable!.status], ["identity", "problem"]);
  });
});

Deno.test({
  name: "identity: a key in ssh-agent has to be there, and is not asked to sign (needs ssh-agent, ssh-add)",
  ignore: !isInstalled("ssh-agent") || !isInstalled("ssh-add"),
  fn: async () => {
    await withKeys(async (folder, check) => {
      const identity = place(`${folder}/identity.pub`);
      const before = Deno.env.get("SSH_AUTH_SOCK");
      try {
        Deno.env.delete("SSH_AUTH_SOCK");
        found(await check({ identity }), ["identity", "problem", /no ssh-agent runs/, /ssh-add/]);
        Deno.env.set("SSH_AUTH_SOCK", `${folder}/nobody`);
        found(await check({ identity }), ["identity", "problem", /Cannot reach ssh-agent/, /ssh-add/]);
        await withAgent(folder, async (socket) => {
          Deno.env.set("SSH_AUTH_SOCK", socket);
          found(await check({ identity }), ["identity", "problem", /does not hold/, /ssh-add/]);
          const { success } = await new Deno.Command("ssh-add", {
            args: ["-q", `${folder}/identity`],
            env: { SSH_AUTH_SOCK: socket },
          }).output();
          assert.ok(success);
          found(await check({ identity }), ["identity", "ok", /in ssh-agent$/]);
        });
      } finally {
        if (before === undefined) Deno.env.delete("SSH_AUTH_SOCK");
        else Deno.env.set("SSH_AUTH_SOCK", before);
      }
    });
  },
});

Deno.test("rotation: one under way, one that is done, and one that does not fit", async () => {
  await withKeys(async (folder, check) => {
    const path = `${folder}/identity`;
    const identity = place(path);
    await beginRotation(path, false);
    found(
      await check({ identity }),
      ["identity", "ok", /./],
      ["rotation", "ok", /is to follow this key.*--finish/],
    );
    finishRotation(path);
    found(await check({ identity }), ["identity", "ok", /./], ["rotation", "ok", /has followed/]);
    await makeIdentity(path, "", true);
    found(
      await check({ identity }),
      ["identity", "ok", /./],
      ["rotation", "problem", /do not fit/, /rotate --force/],
    );
    Deno.writeTextFileSync(`${path}.rotation`, "nothing");
    const [, damaged] = await check({ identity });
    assert.deepEqual([damaged!.name, damaged!.status], ["rotation", "problem"]);
    Deno.removeSync(`${path}.rotation`);
    await makeIdentity(`${path}.next`, "", false);
    const [, half] = await check({ identity });
    assert.deepEqual([half!.name, half!.status], ["rotation", "problem"]);
  });
});

Deno.test("authorized keys: who counts, and every line that does not", async () => {
  await withKeys(async (folder, check) => {
    const list = `${folder}/list`;
    const key = async (name: string) => (await makeIdentity(`${folder}/${name}`, name, false)).publicLine;
    const keys = [await key("one"), await key("two"), await key("three")];
    const revoked = `${folder}/revoked`;
    Deno.writeTextFileSync(revoked, `${keys[2]}\n`);
    const authorizedKeys = place(list);
    found(
      await check({ authorizedKeys: place(list, false) }),
      ["authorized-keys", "warning", /nobody may send/, /keys trust/],
    );
    found(await check({ authorizedKeys }), ["authorized-keys", "problem", /no .*list/, /path/]);
    Deno.writeTextFileSync(
      list,
      `${keys[0]}\nexpiry-time="20010101Z" ${keys[1]}\n# a comment\n${keys[2]}\ncommand="x" ${keys[1]}\n`,
    );
    found(
      await check({ authorizedKeys, revokedKeys: place(revoked) }),
      ["revoked-keys", "ok", /1 revoked/],
      ["authorized-keys", "warning", /list: .*[Ll]ine 5/, /correct/],
      ["authorized-keys", "warning", /expired in line 2/, /delete/],
      ["authorized-keys", "warning", /revoked in line 4/, /delete/],
      ["authorized-keys", "ok", /1 of 4 lines/],
    );
    Deno.writeTextFileSync(list, "");
    found(
      await check({ authorizedKeys }),
      ["authorized-keys", "warning", /lets in nobody/, /keys trust/],
      ["authorized-keys", "ok", /0 of 0/],
    );
    Deno.chmodSync(list, 0o662);
    found(await check({ authorizedKeys }), ["authorized-keys", "problem", /others may change/, /chmod go-w/]);
  });
});

Deno.test("authorized keys are not needed beside a shared key, unless they are named", async () => {
  await withKeys(async (folder, check) => {
    makeSharedKey(`${folder}/shared`, "", false);
    const sharedKeys = place(`${folder}/shared`);
    found(
      await check({ sharedKeys, authorizedKeys: place(`${folder}/absent`, false) }),
      ["authorized-keys", "ok", /not needed/],
      ["shared-keys", "ok", /1 of them$/],
    );
    found(
      await check({
        sharedKeys: place(`${folder}/shared`, false),
        authorizedKeys: place(`${folder}/absent`, false),
      }),
      ["authorized-keys", "warning", /nobody may send/, /trust/],
      ["shared-keys", "ok", /./],
    );
  });
});

Deno.test("shared keys: one, several, none named, one that others may read", async () => {
  await withKeys(async (folder, check) => {
    const path = `${folder}/shared`;
    found(await check({ sharedKeys: place(path, false) }));
    found(await check({ sharedKeys: place(path) }), ["shared-keys", "problem", /no such file/, /--psk/]);
    makeSharedKey(path, "", false);
    makeSharedKey(`${folder}/more`, "", false);
    Deno.writeTextFileSync(path, Deno.readTextFileSync(`${folder}/more`), { append: true });
    found(await check({ sharedKeys: place(path) }), ["shared-keys", "ok", /2 of them: .*send wants/]);
    Deno.chmodSync(path, 0o644);
    found(await check({ sharedKeys: place(path) }), [
      "shared-keys",
      "problem",
      /others may read/,
      /chmod 600/,
    ]);
  });
});

Deno.test("known receivers and revoked keys: counted, damaged, and what contradicts", async () => {
  await withKeys(async (folder, check, fingerprint) => {
    const [known, revoked] = [`${folder}/known`, `${folder}/revoked`];
    const own = Deno.readTextFileSync(`${folder}/identity.pub`).trim();
    found(
      await check({ knownReceivers: place(known, false), revokedKeys: place(revoked, false) }),
      ["revoked-keys", "ok", /no key is revoked/],
      ["known-receivers", "ok", /no receiver is known/],
    );
    Deno.writeTextFileSync(known, `[192.0.2.7]:7891 ${own}\n`);
    found(await check({ knownReceivers: place(known) }), ["known-receivers", "ok", /1 known, 0 revoked/]);
    Deno.writeTextFileSync(revoked, `${fingerprint}\n`);
    found(
      await check({
        identity: place(`${folder}/identity`),
        knownReceivers: place(known),
        revokedKeys: place(revoked),
      }),
      ["identity", "ok", /./],
      ["revoked-keys", "problem", /own key .* is revoked/, /keygen --force/],
      ["revoked-keys", "ok", /1 revoked/],
      ["known-receivers", "warning", /1 of the keys are revoked/, /keys list/],
      ["known-receivers", "ok", /./],
    );
    for (const path of [known, revoked]) Deno.writeTextFileSync(path, "# mine\nnothing\n");
    const broken = await check({ knownReceivers: place(known), revokedKeys: place(revoked) });
    assert.deepEqual(broken.map(({ status }) => status), ["problem", "problem"]);
    for (const { message } of broken) assert.match(message, /[Ll]ine 2/);
  });
});

Deno.test("when the youngest file was changed is remembered for the clock", async () => {
  await withKeys(async (folder) => {
    const streams = fakeStreams();
    const report = new DoctorReport(outputOn(streams, true), { isJson: true, isQuiet: false });
    makeSharedKey(`${folder}/shared`, "", false);
    Deno.utimeSync(`${folder}/identity`, 1000, 1000);
    Deno.utimeSync(`${folder}/shared`, 2000, 2000);
    const places = {
      ...NOWHERE,
      identity: place(`${folder}/identity`),
      sharedKeys: place(`${folder}/shared`),
    };
    assert.equal(await checkKeys(report, places, undefined), 2_000_000);
  });
});

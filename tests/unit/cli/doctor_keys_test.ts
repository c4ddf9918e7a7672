import assert from "node:assert/strict";
import { checkKeys } from "../../../cli/doctor_keys.ts";
import type { Places } from "../../../cli/doctor_paths.ts";
import { DoctorReport } from "../../../cli/doctor_report.ts";
import { makeIdentity } from "../../../cli/key_files.ts";
import { beginRotation, finishRotation } from "../../../cli/rotation_files.ts";
import { makeSharedKey } from "../../../cli/shared_key_files.ts";
import { StxError } from "../../../lib/errors.ts";
import { isInstalled } from "../../support/programs.ts";
import { withAgent } from "../../support/ssh_agent.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { type Finding, findings, found, NOWHERE, outputOn, place } from "./doctor_findings.ts";
import { fakeStreams } from "./fake_streams.ts";

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
    const whyNoKey = new StxError("disk", "Cannot write there", { hint: "mend it" });
    found(
      await findings((report) => {
        const identity = place(`${folder}/absent`, false);
        return checkKeys(report, { ...NOWHERE, identity }, undefined, whyNoKey);
      }),
      ["identity", "problem", /absent yet, and neither .*: Cannot write there$/, /^mend it$/],
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

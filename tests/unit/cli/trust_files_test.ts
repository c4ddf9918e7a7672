import assert from "node:assert/strict";
import {
  readKnownReceivers,
  readRevokedKeys,
  revokedKeysReader,
  rewrite,
  withLine,
} from "../../../cli/trust_files.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint } from "../../../lib/identity/public_key.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

const { publicKey: KEY } = await identityFromSeed(new Uint8Array(32).fill(1));
const VARIABLES = ["STX_CONFIG_DIR", "XDG_CONFIG_HOME", "HOME"];

/** Runs `body` while this variable alone leads to a configuration folder, or none does. */
function withVariable(name: string | undefined, value: string, body: () => void): void {
  const before = VARIABLES.map((each) => [each, Deno.env.get(each)] as const);
  for (const each of VARIABLES) Deno.env.delete(each);
  if (name !== undefined) Deno.env.set(name, value);
  try {
    body();
  } finally {
    for (const [each, old] of before) {
      if (old === undefined) Deno.env.delete(each);
      else Deno.env.set(each, old);
    }
  }
}

Deno.test("the revoked keys of the configuration folder count as soon as they are there", async () => {
  await withTempFolder((folder) => {
    withVariable("STX_CONFIG_DIR", folder, () => {
      const read = revokedKeysReader(undefined);
      assert.ok(!read().has(KEY));
      Deno.writeTextFileSync(`${folder}/revoked_keys`, fingerprint(KEY));
      assert.ok(read().has(KEY));
      Deno.writeTextFileSync(`${folder}/revoked_keys`, "");
      assert.ok(!read().has(KEY));
    });
  });
});

Deno.test("without a configuration folder there is no list but the one that is named", async () => {
  await withTempFolder((folder) => {
    withVariable(undefined, "", () => {
      assert.ok(!revokedKeysReader(undefined)().has(KEY));
      Deno.writeTextFileSync(`${folder}/list`, fingerprint(KEY));
      assert.ok(revokedKeysReader(`${folder}/list`)().has(KEY));
    });
  });
});

Deno.test("a list that cannot be used fails at once, and each time", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/list`;
    assert.throws(() => revokedKeysReader(path), { code: "bad_trust_file", message: /no such file/ });
    Deno.writeTextFileSync(path, "nonsense");
    assert.throws(() => revokedKeysReader(path), { code: "bad_trust_file", message: /list: Line 1/ });
    Deno.writeTextFileSync(path, fingerprint(KEY));
    const read = revokedKeysReader(path);
    const damages: readonly (() => void)[] = [
      () => Deno.writeTextFileSync(path, "nonsense"),
      () => {
        Deno.writeTextFileSync(path, "");
        Deno.chmodSync(path, 0o620);
      },
      () => Deno.chmodSync(path, 0o602),
      () => Deno.removeSync(path),
    ];
    for (const damage of damages) {
      damage();
      for (let i = 0; i < 2; i++) assert.throws(read, { code: "bad_trust_file" }, `${damage}`);
    }
    Deno.writeTextFileSync(path, fingerprint(KEY));
    assert.ok(read().has(KEY));
    assert.equal(readRevokedKeys(`${folder}/none`), undefined);
  });
});

Deno.test("a file of trust is written only if it changes, with the mode that it has", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/list`;
    assert.ok(!rewrite(path, "the list", (text) => text));
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
    assert.ok(rewrite(path, "the list", (text) => withLine(text, "one")));
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    Deno.chmodSync(path, 0o644);
    assert.ok(rewrite(path, "the list", (text) => withLine(text, "two")));
    const { mode, ino } = Deno.statSync(path);
    assert.equal(mode! & 0o777, 0o644);
    assert.equal(Deno.readTextFileSync(path), "one\ntwo\n");
    assert.ok(!rewrite(path, "the list", (text) => text));
    assert.equal(Deno.statSync(path).ino, ino);
  });
});

Deno.test("a file of trust that others may change is not written, and a link that leads nowhere is an error", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/list`;
    Deno.writeTextFileSync(path, "theirs\n");
    Deno.chmodSync(path, 0o666);
    assert.throws(() => rewrite(path, "the list", () => "ours\n"), { code: "bad_trust_file" });
    assert.equal(Deno.readTextFileSync(path), "theirs\n");
    Deno.symlinkSync(`${folder}/nowhere`, `${folder}/link`);
    assert.throws(() => rewrite(`${folder}/link`, "the list", () => "ours\n"), { code: "disk" });
    assert.ok(Deno.lstatSync(`${folder}/link`).isSymlink);
  });
});

Deno.test("what another stx has written meanwhile is kept", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/list`;
    Deno.writeTextFileSync(path, "one\n", { mode: 0o600 });
    let count = 0;
    rewrite(path, "the list", (text) => {
      count += 1;
      if (count === 1) Deno.writeTextFileSync(path, `${text}theirs\n`);
      return withLine(text, "ours");
    });
    assert.equal(Deno.readTextFileSync(path), "one\ntheirs\nours\n");
    const isOurs = rewrite(path, "the list", () => {
      Deno.writeTextFileSync(path, "done\n");
      return "done\n";
    });
    assert.ok(!isOurs, "another was quicker");
  });
});

Deno.test("a file that is not UTF-8 is not written: what cannot be decoded would be lost", async () => {
  await withTempFolder((folder) => {
    const path = `${folder}/list`;
    const bytes = Uint8Array.of(0x23, 0xe9, 0x0a);
    Deno.writeFileSync(path, bytes, { mode: 0o600 });
    assert.throws(() => rewrite(path, "the list", (text) => withLine(text, "x")), {
      code: "bad_trust_file",
      message: /UTF-8/,
    });
    assert.deepEqual(Deno.readFileSync(path), bytes);
  });
});

Deno.test("a list behind a link that leads nowhere is an error, not an empty list", async () => {
  await withTempFolder((folder) => {
    withVariable("STX_CONFIG_DIR", folder, () => {
      const path = `${folder}/revoked_keys`;
      Deno.writeTextFileSync(`${folder}/elsewhere`, fingerprint(KEY), { mode: 0o600 });
      Deno.symlinkSync(`${folder}/elsewhere`, path);
      const read = revokedKeysReader(undefined);
      assert.ok(read().has(KEY));
      Deno.removeSync(`${folder}/elsewhere`);
      assert.throws(read, { code: "disk", message: /the revoked keys/ });
      assert.throws(() => revokedKeysReader(undefined), { code: "disk" });
      assert.throws(() => readKnownReceivers(path), { code: "disk", message: /the known receivers/ });
    });
  });
});

Deno.test("a line begins on a line of its own", () => {
  assert.equal(withLine("", "x"), "x\n");
  assert.equal(withLine("a\n", "x"), "a\nx\n");
  assert.equal(withLine("a", "x"), "a\nx\n");
});

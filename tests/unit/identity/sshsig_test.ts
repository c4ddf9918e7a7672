import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concat, fromHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { formatPrivateKey } from "../../../lib/identity/openssh_key.ts";
import {
  encodePublicKeyBlob,
  formatPublicKeyLine,
  parsePublicKeyLine,
} from "../../../lib/identity/public_key.ts";
import { encodeString } from "../../../lib/identity/ssh_encoding.ts";
import {
  armorSshsig,
  signSshsig,
  signSshsigBlob,
  verifySshsig,
  verifySshsigBlob,
} from "../../../lib/identity/sshsig.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { assertRejects } from "./failures.ts";
import { HAS_KEYGEN, keygen, run } from "./ssh_tools.ts";

const SEED = fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
const NAMESPACE = "receipt@stx1";
const MESSAGE = utf8("a message\n");
const me = await identityFromSeed(SEED);
const other = await identityFromSeed(new Uint8Array(32));

Deno.test("a signature holds for its message, namespace and key, with either hash", async () => {
  for (const hash of ["sha256", "sha512"] as const) {
    const blob = await signSshsigBlob(me, NAMESPACE, MESSAGE, hash);
    assert.ok(await verifySshsigBlob(blob, NAMESPACE, MESSAGE, me.publicKey));
    const armored = await signSshsig(me, NAMESPACE, MESSAGE, hash);
    assert.equal(armored, armorSshsig(blob));
    assert.match(armored, /^-----BEGIN SSH SIGNATURE-----\n[^]*\n-----END SSH SIGNATURE-----\n$/);
    assert.ok(await verifySshsig(armored, NAMESPACE, MESSAGE, me.publicKey));
  }
});

Deno.test("a signature holds for nothing else", async () => {
  const blob = await signSshsigBlob(me, NAMESPACE, MESSAGE);
  assert.equal(await verifySshsigBlob(blob, NAMESPACE, utf8("another"), me.publicKey), false);
  assert.equal(await verifySshsigBlob(blob, "file", MESSAGE, me.publicKey), false);
  assert.equal(await verifySshsigBlob(blob, NAMESPACE, MESSAGE, other.publicKey), false);
});

Deno.test("a signature changed in any byte, cut or lengthened does not hold", async () => {
  const blob = await signSshsigBlob(me, NAMESPACE, MESSAGE);
  for (let at = 0; at < blob.length; at++) {
    const changed = blob.slice();
    changed[at]! ^= 1;
    assert.equal(await verifySshsigBlob(changed, NAMESPACE, MESSAGE, me.publicKey), false, `byte ${at}`);
    assert.equal(await verifySshsigBlob(blob.slice(0, at), NAMESPACE, MESSAGE, me.publicKey), false);
  }
  const longer = concat(blob, Uint8Array.of(0));
  assert.equal(await verifySshsigBlob(longer, NAMESPACE, MESSAGE, me.publicKey), false);
  const armored = armorSshsig(blob);
  for (let size = 0; size < armored.length - 1; size++) {
    assert.equal(await verifySshsig(armored.slice(0, size), NAMESPACE, MESSAGE, me.publicKey), false);
  }
});

/** A blob of parts that may be wrong, with a signature that is right for its namespace and hash. */
async function blobOf(parts: {
  magic?: string;
  version?: number;
  publicKey?: Bytes;
  namespace?: string;
  reserved?: string;
  hash?: string;
  algorithm?: string;
  tail?: Bytes;
}): Promise<Bytes> {
  const { namespace = NAMESPACE, hash = "sha512" } = parts;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", MESSAGE));
  const signature = await me.sign(concat(
    utf8("SSHSIG"),
    encodeString(namespace),
    encodeString(""),
    encodeString(hash),
    encodeString(digest),
  ));
  return concat(
    utf8(parts.magic ?? "SSHSIG"),
    u32(parts.version ?? 1),
    encodeString(encodePublicKeyBlob(parts.publicKey ?? me.publicKey)),
    encodeString(namespace),
    encodeString(parts.reserved ?? ""),
    encodeString(hash),
    encodeString(concat(
      encodeString(parts.algorithm ?? "ssh-ed25519"),
      encodeString(signature),
      parts.tail ?? new Uint8Array(0),
    )),
  );
}

Deno.test("each field of a blob must be as the format says", async () => {
  const holds = async (parts: Parameters<typeof blobOf>[0], namespace = NAMESPACE) =>
    await verifySshsigBlob(await blobOf(parts), namespace, MESSAGE, me.publicKey);
  assert.equal(await holds({}), true);
  assert.equal(await holds({ magic: "SSHSIH" }), false);
  assert.equal(await holds({ version: 2 }), false);
  assert.equal(await holds({ publicKey: other.publicKey }), false);
  assert.equal(await holds({ namespace: "file" }), false);
  assert.equal(await holds({ namespace: "" }, ""), false);
  assert.equal(await holds({ reserved: "x" }), false);
  assert.equal(await holds({ hash: "sha1" }), false);
  assert.equal(await holds({ algorithm: "ssh-rsa" }), false);
  assert.equal(await holds({ tail: Uint8Array.of(0) }), false);
});

Deno.test("nothing is signed without a namespace", async () => {
  await assertRejects(() => signSshsigBlob(me, "", MESSAGE), "usage", /namespace/);
  await assertRejects(() => signSshsig(me, "", MESSAGE), "usage", /namespace/);
});

Deno.test("random bytes and texts do not hold and throw nothing", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array(), fc.string(), async (bytes, text) => {
    const blob = concat(utf8("SSHSIG"), u32(1), bytes);
    assert.equal(await verifySshsigBlob(blob, NAMESPACE, MESSAGE, me.publicKey), false);
    assert.equal(await verifySshsig(text, NAMESPACE, MESSAGE, me.publicKey), false);
    assert.equal(await verifySshsig(armorSshsig(blob), NAMESPACE, MESSAGE, me.publicKey), false);
  }));
});

Deno.test({
  name: "ssh-keygen -Y verify accepts our signatures (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/signers`, `me ${formatPublicKeyLine(me.publicKey, "")}\n`);
      const verify = ["-Y", "verify", "-f", `${folder}/signers`, "-I", "me", "-s", `${folder}/sig`];
      for (const hash of ["sha256", "sha512"] as const) {
        await Deno.writeTextFile(`${folder}/sig`, await signSshsig(me, NAMESPACE, MESSAGE, hash));
        const good = await run("ssh-keygen", [...verify, "-n", NAMESPACE], MESSAGE);
        assert.ok(good.success, good.stderr);
        assert.equal((await run("ssh-keygen", [...verify, "-n", NAMESPACE], "another")).success, false);
        assert.equal((await run("ssh-keygen", [...verify, "-n", "file"], MESSAGE)).success, false);
      }
    });
  },
});

Deno.test({
  name: "we accept the signatures of ssh-keygen -Y sign (needs ssh-keygen)",
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const path = await keygen(folder, "key");
      const { publicKey } = parsePublicKeyLine(await Deno.readTextFile(`${path}.pub`));
      for (const hash of ["sha256", "sha512"]) {
        const sign = ["-Y", "sign", "-f", path, "-n", NAMESPACE, "-O", `hashalg=${hash}`];
        const { stdout } = await run("ssh-keygen", sign, MESSAGE);
        assert.ok(await verifySshsig(stdout, NAMESPACE, MESSAGE, publicKey));
        assert.equal(await verifySshsig(stdout, NAMESPACE, utf8("another"), publicKey), false);
      }
      // Ed25519 signatures are the same each time, so the same key gives the same text.
      await Deno.writeTextFile(`${folder}/ours`, formatPrivateKey(SEED, ""), { mode: 0o600 });
      const ours = await run("ssh-keygen", ["-Y", "sign", "-f", `${folder}/ours`, "-n", NAMESPACE], MESSAGE);
      assert.equal(await signSshsig(me, NAMESPACE, MESSAGE), ours.stdout);
    });
  },
});

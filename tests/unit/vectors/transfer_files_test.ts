import assert from "node:assert/strict";
import { fromHex, toHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import { codeOf } from "../../../lib/errors.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import {
  assertValidPublicKey,
  fingerprint,
  formatPublicKeyLine,
  parsePublicKeyLine,
} from "../../../lib/identity/public_key.ts";
import { formatSharedKey, parseSharedKeys } from "../../../lib/identity/shared_key.ts";
import { armorSshsig, verifySshsig, verifySshsigBlob } from "../../../lib/identity/sshsig.ts";
import { makeManifest, transferIdOf } from "../../../lib/transfer/manifest.ts";
import { checkEntries } from "../../../lib/transfer/names.ts";
import {
  RECEIPT_NAMESPACE,
  type ReceiptFacts,
  receiptText,
  signReceipt,
} from "../../../lib/transfer/receipt.ts";
import { decodeManifest, encodeManifest } from "../../../lib/wire/manifest.ts";
import { decodeDone } from "../../../lib/wire/message.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { HAS_KEYGEN, run } from "../identity/ssh_tools.ts";
import { assertBytes, entryOf, type PrintedEntry, readVectors } from "./files.ts";

interface ManifestVector {
  readonly name: string;
  readonly entries: readonly PrintedEntry[];
  readonly encoded: readonly string[];
  readonly manifest_digest: string;
  readonly size: number;
  readonly sender_id: string;
  readonly receiver_id: string;
  readonly block_size: number;
  readonly transfer_id: string;
}

Deno.test("manifests are encoded, hashed and named as the vectors say", () => {
  for (const vector of readVectors<{ cases: readonly ManifestVector[] }>("manifest").cases) {
    const { name } = vector;
    const entries = vector.entries.map(entryOf);
    entries.forEach((entry, i) => {
      assertBytes(encodeManifest([entry])[0]!, vector.encoded[i]!, `${name}: ${entry.path}`);
    });
    const whole = fromHex(vector.encoded.join(""));
    assert.deepEqual(decodeManifest(whole), entries, name);
    const manifest = makeManifest(entries, true);
    assertBytes(manifest.digest, vector.manifest_digest, name);
    assertBytes(sha256(whole), vector.manifest_digest, name);
    assert.equal(manifest.sizeBytes, vector.size, name);
    const [sender, receiver] = [vector.sender_id, vector.receiver_id].map(fromHex);
    assertBytes(
      transferIdOf(sender!, receiver!, vector.block_size, manifest.digest),
      vector.transfer_id,
      name,
    );
  }
});

interface ReceiptVector {
  readonly name: string;
  readonly receiver_seed: string;
  readonly sender_id: string;
  readonly receiver_id: string;
  readonly transfer_id: string;
  readonly manifest_digest: string;
  readonly session_id: string;
  readonly size: number;
  readonly entries: readonly PrintedEntry[];
  readonly time: number;
  readonly digests: readonly string[] | null;
  readonly text: string;
  readonly signature: string;
  readonly signature_file: string;
  readonly allowed_signers: string;
  readonly done: string;
}

function factsOf(vector: ReceiptVector): ReceiptFacts {
  return {
    sender: fromHex(vector.sender_id),
    receiver: fromHex(vector.receiver_id),
    transferId: fromHex(vector.transfer_id),
    manifestDigest: fromHex(vector.manifest_digest),
    sessionId: fromHex(vector.session_id),
    sizeBytes: vector.size,
    entries: vector.entries.map(entryOf),
    finishedMs: vector.time,
    digests: vector.digests?.map(fromHex),
  };
}

const RECEIPTS = readVectors<{ cases: readonly ReceiptVector[] }>("receipt").cases;

for (const vector of RECEIPTS) {
  Deno.test(`the receipt "${vector.name}" is written, signed and carried as the vectors say`, async () => {
    const facts = factsOf(vector);
    assert.equal(receiptText(facts), vector.text);
    const identity = await identityFromSeed(fromHex(vector.receiver_seed));
    assertBytes(await signReceipt(identity, facts), vector.done);
    const { signature } = decodeDone(fromHex(vector.done));
    assertBytes(signature, vector.signature);
    assert.equal(armorSshsig(signature), vector.signature_file);
    const message = utf8(vector.text);
    assert.ok(await verifySshsigBlob(signature, RECEIPT_NAMESPACE, message, facts.receiver));
    assert.ok(await verifySshsig(vector.signature_file, RECEIPT_NAMESPACE, message, facts.receiver));
    assert.equal(vector.allowed_signers, `receiver ${formatPublicKeyLine(facts.receiver, "")}\n`);
  });

  Deno.test({
    name: `ssh-keygen verifies the receipt "${vector.name}"`,
    ignore: !HAS_KEYGEN,
    fn: async () => {
      await withTempFolder(async (folder) => {
        Deno.writeTextFileSync(`${folder}/allowed_signers`, vector.allowed_signers);
        Deno.writeTextFileSync(`${folder}/receipt.sig`, vector.signature_file);
        const args = ["-Y", "verify", "-f", `${folder}/allowed_signers`, "-I", "receiver"];
        const more = ["-n", RECEIPT_NAMESPACE, "-s", `${folder}/receipt.sig`];
        const right = await run("ssh-keygen", [...args, ...more], vector.text);
        assert.ok(right.success, right.stderr);
        const wrong = await run("ssh-keygen", [...args, ...more], vector.text.replace("bytes: ", "bytes: 1"));
        assert.ok(!wrong.success);
      });
    },
  });
}

interface KeysFile {
  readonly identities: readonly {
    readonly seed: string;
    readonly public_key: string;
    readonly line: string;
    readonly fingerprint: string;
  }[];
  readonly refused: readonly { readonly why: string; readonly public_key: string }[];
  readonly shared_keys: readonly { readonly key: string; readonly line: string }[];
}

Deno.test("keys are derived, written and refused as the vectors say", async () => {
  const { identities, refused, shared_keys } = readVectors<KeysFile>("keys");
  for (const each of identities) {
    const { publicKey } = await identityFromSeed(fromHex(each.seed));
    assertBytes(publicKey, each.public_key);
    assertValidPublicKey(publicKey);
    assert.equal(formatPublicKeyLine(publicKey, ""), each.line);
    assert.deepEqual(parsePublicKeyLine(each.line), { publicKey, comment: "" });
    assert.equal(fingerprint(publicKey), each.fingerprint);
  }
  for (const { why, public_key } of refused) {
    const isRefused = (error: unknown): boolean => codeOf(error) === "bad_identity";
    assert.throws(() => assertValidPublicKey(fromHex(public_key)), isRefused, why);
  }
  for (const { key, line } of shared_keys) {
    assert.equal(formatSharedKey(fromHex(key), ""), line);
    assert.deepEqual(parseSharedKeys(line).map(toHex), [key]);
  }
});

interface NamesFile {
  readonly taken: readonly Names[];
  readonly refused: readonly {
    readonly why: string;
    readonly hidden_only: boolean;
    readonly entries: Names;
  }[];
}

type Names = readonly { readonly kind: "file" | "folder"; readonly path: string }[];

Deno.test("names are taken and refused as the vectors say", () => {
  const { taken, refused } = readVectors<NamesFile>("names");
  const entriesOf = (names: Names) =>
    names.map((each) => entryOf({ mode: 0o644, mtime: 0, size: 0, ...each }));
  for (const names of taken) {
    for (const allowDotfiles of [false, true]) checkEntries(entriesOf(names), { allowDotfiles });
  }
  for (const { why, hidden_only, entries } of refused) {
    for (const allowDotfiles of [false, true]) {
      const check = (): void => checkEntries(entriesOf(entries), { allowDotfiles });
      const isRefused = (error: unknown): boolean => codeOf(error) === "bad_name";
      if (hidden_only && allowDotfiles) check();
      else assert.throws(check, isRefused, `${why}: ${JSON.stringify(entries).slice(0, 200)}`);
    }
  }
});

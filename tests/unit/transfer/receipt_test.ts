import assert from "node:assert/strict";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { armorSshsig, signSshsigBlob, verifySshsigBlob } from "../../../lib/identity/sshsig.ts";
import {
  RECEIPT_NAMESPACE,
  RECEIPT_TIME_MS_MAX,
  type ReceiptFacts,
  receiptMessage,
  receiptText,
} from "../../../lib/transfer/receipt.ts";
import { isInstalled, runProgram } from "../../support/programs.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { entry } from "../files/tree.ts";

const SENDER = await identityFromSeed(new Uint8Array(32).fill(1));
const RECEIVER = await identityFromSeed(new Uint8Array(32).fill(2));

const FACTS: ReceiptFacts = {
  sender: SENDER.publicKey,
  receiver: RECEIVER.publicKey,
  transferId: new Uint8Array(32).fill(0xa0),
  manifestDigest: new Uint8Array(32).fill(0xb1),
  sessionId: new Uint8Array(16).fill(0xc2),
  sizeBytes: 2 ** 53 - 1,
  entries: [entry("a", 5), entry("d/"), entry("d/é b", 7)],
  finishedMs: Date.UTC(2026, 1, 3, 4, 5, 6, 7),
  digests: undefined,
};

const TEXT = `stx receipt 1
sender: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c
receiver: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU
transfer: ${"a0".repeat(32)}
manifest: ${"b1".repeat(32)}
session: ${"c2".repeat(16)}
entries: 3
bytes: 9007199254740991
finished: 2026-02-03T04:05:06.007Z
`;

Deno.test("a receipt's text is always the same", () => {
  assert.equal(receiptText(FACTS), TEXT);
});

Deno.test("every time that a receipt may name is written in the same 24 characters", () => {
  assert.match(receiptText({ ...FACTS, finishedMs: 0 }), /^finished: 1970-01-01T00:00:00.000Z$/m);
  const last = receiptText({ ...FACTS, finishedMs: RECEIPT_TIME_MS_MAX });
  assert.match(last, /^finished: 9999-12-31T23:59:59.999Z$/m);
});

Deno.test("with digests, a receipt has a line for each file as sha256sum writes it", () => {
  const digests = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  assert.equal(
    receiptText({ ...FACTS, digests }),
    `${TEXT}${"01".repeat(32)}  a\n${"02".repeat(32)}  d/é b\n`,
  );
});

Deno.test("a receipt's signature is of this text, this key and this use alone", async () => {
  const signature = await signSshsigBlob(RECEIVER, RECEIPT_NAMESPACE, receiptMessage(FACTS));
  const verify = (facts: ReceiptFacts, namespace = RECEIPT_NAMESPACE, key = RECEIVER.publicKey) =>
    verifySshsigBlob(signature, namespace, receiptMessage(facts), key);
  assert.equal(await verify(FACTS), true);
  assert.equal(await verify(FACTS, "file"), false);
  assert.equal(await verify(FACTS, RECEIPT_NAMESPACE, SENDER.publicKey), false);
  const changes: readonly Partial<ReceiptFacts>[] = [
    { sender: RECEIVER.publicKey },
    { receiver: SENDER.publicKey },
    { transferId: new Uint8Array(32) },
    { manifestDigest: new Uint8Array(32) },
    { sessionId: new Uint8Array(16) },
    { sizeBytes: 1 },
    { entries: [entry("a", 5)] },
    { finishedMs: FACTS.finishedMs + 1 },
    { digests: [new Uint8Array(32), new Uint8Array(32)] },
  ];
  for (const change of changes) {
    assert.equal(await verify({ ...FACTS, ...change }), false, Object.keys(change)[0]);
  }
});

const HAS_KEYGEN = isInstalled("ssh-keygen");

Deno.test({
  name: `ssh-keygen verifies a receipt${HAS_KEYGEN ? "" : " (needs ssh-keygen)"}`,
  ignore: !HAS_KEYGEN,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const digests = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
      const facts = { ...FACTS, digests };
      const blob = await signSshsigBlob(RECEIVER, RECEIPT_NAMESPACE, receiptMessage(facts));
      const signers = `${folder}/allowed_signers`;
      await Deno.writeTextFile(signers, `backup ${formatPublicKeyLine(RECEIVER.publicKey, "")}\n`);
      await Deno.writeTextFile(`${folder}/r.sig`, armorSshsig(blob));
      const verify = (input: string) => {
        const words = ["-Y", "verify", "-f", signers, "-I", "backup", "-n", RECEIPT_NAMESPACE];
        return runProgram("ssh-keygen", [...words, "-s", `${folder}/r.sig`], { input });
      };
      const good = await verify(receiptText(facts));
      assert.equal(good.code, 0, good.stderr);
      assert.notEqual((await verify(receiptText(FACTS))).code, 0);
    });
  },
});

/**
 * Keys, lists of who is trusted, signatures, and ssh-agent's answers.
 * @module
 */
import assert from "node:assert/strict";
import { type Bytes, concat, equal, fromHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { hasControls } from "../../../lib/bytes/escape.ts";
import {
  matchesAddress,
  parseAddress,
  parseAddressPatterns,
} from "../../../lib/identity/address_patterns.ts";
import { findAuthorized, parseAuthorizedKeys } from "../../../lib/identity/authorized_keys.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import {
  checkReceiver,
  findReceiver,
  formatReceiverLine,
  parseKnownReceivers,
} from "../../../lib/identity/known_receivers.ts";
import { formatPrivateKey, parsePrivateKey } from "../../../lib/identity/openssh_key.ts";
import { matchesPin, parsePeer } from "../../../lib/identity/peer_pin.ts";
import {
  decodePublicKeyBlob,
  encodePublicKeyBlob,
  formatPublicKeyLine,
  parsePublicKeyLine,
} from "../../../lib/identity/public_key.ts";
import { followReceiver, receiverUsed } from "../../../lib/identity/receiver_rotations.ts";
import { parseRevokedKeys, RevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import {
  formatRotation,
  parseRotation,
  signRotation,
  verifyPeerRotation,
  verifyRotation,
} from "../../../lib/identity/rotation.ts";
import { formatSharedKey, parseSharedKeys } from "../../../lib/identity/shared_key.ts";
import { agentIdentity, listAgentKeys } from "../../../lib/identity/ssh_agent.ts";
import { encodeString } from "../../../lib/identity/ssh_encoding.ts";
import { armorSshsig, verifySshsig, verifySshsigBlob } from "../../../lib/identity/sshsig.ts";
import type { Duplex } from "../../../lib/ports.ts";
import { u32, u8 } from "../../../lib/wire/fields.ts";
import { readVectors } from "../../unit/vectors/files.ts";
import { canonicalTarget, type Target, target, textTarget } from "../target.ts";
import { wordsOf } from "../mutation.ts";

interface KeyVectors {
  readonly identities: readonly {
    readonly public_key: string;
    readonly line: string;
    readonly seed: string;
  }[];
  readonly refused: readonly { readonly public_key: string }[];
  readonly shared_keys: readonly { readonly line: string }[];
}
interface ReceiptVectors {
  readonly cases: readonly {
    readonly text: string;
    readonly signature: string;
    readonly signature_file: string;
    readonly receiver_id: string;
  }[];
}

const KEYS = readVectors<KeyVectors>("keys");
const RECEIPTS = readVectors<ReceiptVectors>("receipt").cases;
const LINES = KEYS.identities.map(({ line }) => line);
const [OLD, NEW] = await Promise.all(
  KEYS.identities.slice(0, 2).map(({ seed }) => identityFromSeed(fromHex(seed))),
);
const NOW_MS = Date.UTC(2031, 0);
const STATEMENT = await signRotation(OLD!, NEW!, NOW_MS);
const BLOBS = [...KEYS.identities, ...KEYS.refused].map(({ public_key }) =>
  encodePublicKeyBlob(fromHex(public_key))
);

const LINE_WORDS = [
  ...wordsOf(
    "ssh-ed25519 ",
    "ssh-rsa ",
    "@revoked ",
    "@cert-authority ",
    "# ",
    "\n",
    "\r\n",
    " ",
    "\t",
    '"',
    '\\"',
  ),
]
  .concat(
    wordsOf(
      'from="',
      'expiry-time="20311231Z"',
      ",",
      "!",
      "*",
      "?",
      "10.0.0.0/8",
      "[h]:1 ",
      "SHA256:",
      "follows ",
    ),
  )
  .concat(
    wordsOf(
      "\u0000",
      "\u202e",
      "command=",
      "restrict ",
      "=",
      "/",
      "::",
      "::ffff:1.2.3.4",
      "20310229",
      "\x1b[2J",
    ),
  );

/** Nothing that an error or a warning says acts on a terminal, and no secret stands in it. */
function assertPrintable(...texts: readonly (string | undefined)[]): void {
  for (const text of texts) assert.ok(text === undefined || !hasControls(text), `not printable: ${text}`);
}

function checkAuthorizedKeys(text: string): void {
  const { keys, warnings } = parseAuthorizedKeys(text);
  assertPrintable(...warnings);
  for (const { publicKey, comment } of keys) {
    // A comment is printed by others, who escape it; no line of a file makes two.
    assert.ok(!comment.includes("\n"));
    for (const address of ["192.0.2.7", "2001:db8::1", "nonsense", "fe80::1%eth0"]) {
      findAuthorized(keys, publicKey, address, NOW_MS);
    }
  }
}

function checkKnownReceivers(text: string): void {
  const entries = parseKnownReceivers(text);
  for (const entry of entries) {
    if (entry.kind === "revoked") continue;
    const { host, port, publicKey, follows } = entry;
    findReceiver(entries, host, port);
    checkReceiver(entries, host, port, publicKey);
    const again = parseKnownReceivers(formatReceiverLine(host, port, publicKey, follows));
    assert.deepEqual(again, [entry]);
  }
}

/** What is written back has every line that was there, but those of the old key. */
function checkRotations(text: string): void {
  const lines = new Set(text.split("\n"));
  for (const peer of [OLD!.publicKey, NEW!.publicKey]) {
    const { text: rewritten } = followReceiver(
      text,
      verifyPeerRotation(STATEMENT, peer),
      new RevokedKeys(),
      NOW_MS,
    );
    parseKnownReceivers(rewritten);
    const added = rewritten.split("\n").filter((line) => !lines.has(line));
    for (const line of added) assert.match(line, /^\[[^\s]+\]:\d+ ssh-ed25519 [^\s]+ follows SHA256:/);
    assert.ok(receiverUsed(rewritten, peer).length <= rewritten.length);
  }
}

/** ssh-agent, which answers with these bytes and hangs up. */
function agent(answer: Bytes): Duplex {
  let at = 0;
  return {
    read(into) {
      const part = answer.subarray(at, at + into.length);
      into.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
    write: () => Promise.resolve(),
    closeWrite: () => Promise.resolve(),
    close() {},
  };
}

const MESSAGE = utf8("what is signed");
const SIGNED = await OLD!.sign(MESSAGE);
const AGENT_LIST = encodeString(
  concat(
    u8(12),
    u32(2),
    ...LINES.slice(0, 2).map((line) => {
      return concat(
        encodeString(encodePublicKeyBlob(parsePublicKeyLine(line).publicKey)),
        encodeString("a comment"),
      );
    }),
  ),
);
const AGENT_SIGNATURE = encodeString(
  concat(u8(14), encodeString(concat(encodeString("ssh-ed25519"), encodeString(SIGNED)))),
);

/** A signature is valid in one encoding alone, and what is signed cannot be said in two ways. */
async function checkSignature(blob: Bytes): Promise<void> {
  for (const { text, signature, receiver_id } of RECEIPTS) {
    const isValid = await verifySshsigBlob(blob, "receipt@stx1", utf8(text), fromHex(receiver_id));
    assert.equal(isValid, equal(blob, fromHex(signature)));
  }
}

async function checkArmor(text: string): Promise<void> {
  for (const { text: signed, signature, receiver_id } of RECEIPTS) {
    if (!await verifySshsig(text, "receipt@stx1", utf8(signed), fromHex(receiver_id))) continue;
    // Only lines may be broken elsewhere.
    assert.equal(text.replace(/\s/g, ""), armorSshsig(fromHex(signature)).replace(/\s/g, ""));
  }
}

function checkPrivateKey(text: string): void {
  const parsed = parsePrivateKey(text);
  if (parsed.kind === "encrypted") return;
  assert.equal(parsed.seed.length, 32);
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(parsed.comment)) return;
  assert.deepEqual(parsePrivateKey(formatPrivateKey(parsed.seed, parsed.comment)), parsed);
}

const KEY_FILES = KEYS.identities.map(({ seed }, index) =>
  formatPrivateKey(fromHex(seed), index === 0 ? "" : "alice@laptop")
);

/** Everything of identities and trust. */
export const IDENTITY_TARGETS: readonly Target[] = [
  canonicalTarget("identity public key blob", BLOBS, decodePublicKeyBlob, encodePublicKeyBlob, {
    codes: ["bad_identity"],
    words: wordsOf("ssh-ed25519", "ssh-rsa"),
    cost: 4,
  }),
  textTarget("identity public key line", LINES, (text) => {
    const { publicKey, comment } = parsePublicKeyLine(text);
    // Control characters in a comment are for whoever prints it to escape; written they are refused.
    if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(comment)) return;
    assert.deepEqual(parsePublicKeyLine(formatPublicKeyLine(publicKey, comment)), { publicKey, comment });
  }, { codes: ["bad_key_file"], words: LINE_WORDS, cost: 4 }),
  textTarget("identity private key", KEY_FILES, checkPrivateKey, {
    codes: ["bad_key_file"],
    words: wordsOf(
      "-----BEGIN OPENSSH PRIVATE KEY-----\n",
      "\n-----END OPENSSH PRIVATE KEY-----\n",
      "\n",
      "A",
      "=",
    ),
    cost: 4,
  }),
  textTarget(
    "identity authorized keys",
    [
      ...LINES,
      `from="192.0.2.0/24,!192.0.2.9,*.example" ${LINES[0]}`,
      `expiry-time="20311231",from="2001:db8::/32" ${LINES[1]}`,
    ]
      .concat([`# a comment\n\n${LINES[0]}\r\n${LINES[1]}\n`, `command="a \\"b\\" c" ${LINES[0]}`]),
    checkAuthorizedKeys,
    { codes: [], words: LINE_WORDS, cost: 4 },
  ),
  textTarget(
    "identity known receivers",
    [`[host.example]:7891 ${LINES[0]}\n[2001:db8::1]:7891 ${LINES[1]}`, `@revoked ${LINES[0]}\n`]
      .concat([`[h]:1 ${LINES[1]} follows SHA256:${"a".repeat(43)} 2031-01-01T00:00:00.000Z`]),
    checkKnownReceivers,
    { codes: ["bad_trust_file"], words: LINE_WORDS, cost: 8 },
  ),
  textTarget(
    "identity known receivers rewritten",
    [
      `[host.example]:7891 ${LINES[0]}\n`,
      `[h]:1 ${LINES[0]}\n[h]:1 ${LINES[1]}\n[i]:2 ${LINES[2]} follows SHA256:${
        "a".repeat(43)
      } 2031-01-01T00:00:00.000Z`,
    ]
      .concat([`# kept\n\n[h]:1 ${LINES[0]}\n@revoked ${LINES[2]}`]),
    checkRotations,
    { codes: ["bad_trust_file"], words: LINE_WORDS, cost: 40 },
  ),
  textTarget(
    "identity revoked keys",
    [...LINES, `SHA256:${"b".repeat(42)}A lost\n# x\n${LINES[2]}`],
    (text) => {
      const revoked = parseRevokedKeys(text);
      for (const { fingerprint } of revoked.entries) assert.ok(revoked.hasFingerprint(fingerprint));
    },
    { codes: ["bad_trust_file"], words: LINE_WORDS, cost: 4 },
  ),
  textTarget("identity peer", [LINES[0]!, `SHA256:${"b".repeat(42)}A`, "host.example"], (text) => {
    const pin = parsePeer(text);
    if (pin !== undefined) matchesPin(pin, OLD!.publicKey);
  }, { codes: ["usage", "bad_key_file"], words: LINE_WORDS, cost: 4 }),
  textTarget("identity address", ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", "::", "1::8"], (text) => {
    const address = parseAddress(text);
    if (address === undefined) return;
    assert.ok(address.bytes.length === 4 || address.bytes.length === 16);
    assert.deepEqual(parseAddress(address.text), address);
  }, { words: wordsOf(":", ".", "::", "0", "ffff", "255", "%eth0", "[", "x", "0x1", "/") }),
  textTarget(
    "identity address patterns",
    ["192.0.2.0/24", "!10.0.0.1,10.*,host.example", "2001:db8::/32,fe80::?", "*".repeat(30), "1.2.3.4/0"],
    (text) => {
      const patterns = parseAddressPatterns(text);
      for (const address of ["192.0.2.7", "10.0.0.1", "2001:db8::1", "fe80::1%eth0", text]) {
        matchesAddress(patterns, address);
      }
    },
    {
      codes: ["bad_trust_file"],
      words: wordsOf("*", "?", "!", ",", "/", "/33", ":", "::ffff:1.2.3.4", "a.b"),
    },
  ),
  textTarget("identity shared keys", KEYS.shared_keys.map(({ line }) => `# a key\n${line}\n`), (text) => {
    for (const key of parseSharedKeys(text)) {
      assert.deepEqual(parseSharedKeys(formatSharedKey(key, "")), [key]);
    }
  }, { codes: ["bad_key_file"], words: wordsOf("stx-psk ", "\n", " ", "\t", "#", "=", "\u2028") }),
  target("identity rotation", [STATEMENT], (input) => {
    verifyRotation(input);
    assert.deepEqual(input, STATEMENT, "a statement was taken that nobody has signed");
  }, { codes: ["malformed", "bad_identity", "bad_signature"], cost: 20 }),
  textTarget("identity rotation armor", [formatRotation(STATEMENT)], (text) => {
    const statement = parseRotation(text);
    if (statement !== undefined) assert.deepEqual(parseRotation(formatRotation(statement)), statement);
  }, { words: wordsOf("-----BEGIN STX IDENTITY ROTATION-----\n", "-----END", "\n", "=", "A") }),
  target("identity sshsig", RECEIPTS.map(({ signature }) => fromHex(signature)), checkSignature, {
    codes: [],
    words: wordsOf("SSHSIG", "receipt@stx1", "sha512", "sha256", "ssh-ed25519"),
    cost: 20,
  }),
  textTarget("identity sshsig armor", RECEIPTS.map(({ signature_file }) => signature_file), checkArmor, {
    codes: [],
    words: wordsOf("-----BEGIN SSH SIGNATURE-----\n", "-----END SSH SIGNATURE-----\n", "\n", "="),
    cost: 20,
  }),
  target("identity agent list", [AGENT_LIST, encodeString(u8(5))], async (input) => {
    for (const key of await listAgentKeys(agent(input))) assert.equal(key.length, 32);
  }, { codes: ["bad_key_file"], cost: 4 }),
  target("identity agent signature", [AGENT_SIGNATURE, encodeString(u8(5))], async (input) => {
    const { sign } = agentIdentity(OLD!.publicKey, () => Promise.resolve(agent(input)));
    assert.deepEqual(await sign(MESSAGE), SIGNED, "another signature was taken");
  }, { codes: ["bad_key_file"], cost: 4 }),
];

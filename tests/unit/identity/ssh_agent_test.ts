import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, utf8 } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { identityFromSeed, verifySignature } from "../../../lib/identity/identity.ts";
import { encodePublicKeyBlob, parsePublicKeyLine } from "../../../lib/identity/public_key.ts";
import { agentIdentity, listAgentKeys } from "../../../lib/identity/ssh_agent.ts";
import { encodeString } from "../../../lib/identity/ssh_encoding.ts";
import { signSshsig, verifySshsig } from "../../../lib/identity/sshsig.ts";
import type { Duplex } from "../../../lib/ports.ts";
import { u32, u8 } from "../../../lib/wire/fields.ts";
import { dialUnix } from "../../../lib/net/tcp.ts";
import { withAgent } from "../../support/ssh_agent.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { assertRejects } from "./failures.ts";
import { HAS_AGENT, keygen, run } from "./ssh_tools.ts";

const MESSAGE = utf8("a message");
const me = await identityFromSeed(
  fromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
);
const other = await identityFromSeed(new Uint8Array(32));

/** An agent in memory that answers one request with `reply`, `chunk` bytes at a time, and then closes. */
class FakeAgent implements Duplex {
  request: Bytes = new Uint8Array(0);
  closed = false;
  readonly #reply: Bytes;
  readonly #chunk: number;
  #at = 0;

  constructor(reply: Bytes, chunk = Infinity) {
    this.#reply = reply;
    this.#chunk = chunk;
  }
  read(into: Bytes): Promise<number | null> {
    const count = Math.min(into.length, this.#chunk, this.#reply.length - this.#at);
    into.set(this.#reply.subarray(this.#at, this.#at + count));
    this.#at += count;
    return Promise.resolve(count === 0 ? null : count);
  }
  write(bytes: Bytes): Promise<void> {
    this.request = concat(this.request, bytes);
    return Promise.resolve();
  }
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    this.closed = true;
  }
}

function frame(...parts: Bytes[]): Bytes {
  return encodeString(concat(...parts));
}

function signResponse(algorithm: string, signature: Bytes, tail: Bytes = new Uint8Array(0)): Bytes {
  return frame(u8(14), encodeString(concat(encodeString(algorithm), encodeString(signature))), tail);
}

function keyList(count: number, ...blobs: Bytes[]): Bytes {
  return frame(
    u8(12),
    u32(count),
    ...blobs.flatMap((blob) => [encodeString(blob), encodeString("a comment")]),
  );
}

async function signWith(agent: Duplex): Promise<Bytes> {
  return await agentIdentity(me.publicKey, () => Promise.resolve(agent)).sign(MESSAGE);
}

Deno.test("the request to sign is as the draft says, and the connection is closed", async () => {
  const signature = await me.sign(MESSAGE);
  for (const chunk of [1, 3, Infinity]) {
    const agent = new FakeAgent(signResponse("ssh-ed25519", signature), chunk);
    assert.deepEqual(await signWith(agent), signature);
    const blob = encodeString(encodePublicKeyBlob(me.publicKey));
    assert.deepEqual(agent.request, frame(u8(13), blob, encodeString(MESSAGE), u32(0)));
    assert.ok(agent.closed);
  }
});

Deno.test("an agent's identity has the public key that it was made with", () => {
  const identity = agentIdentity(me.publicKey, () => Promise.reject(new Error("not needed")));
  assert.deepEqual(identity.publicKey, me.publicKey);
});

Deno.test("the Ed25519 keys of a list are returned, and others left out", async () => {
  const rsa = concat(encodeString("ssh-rsa"), encodeString(Uint8Array.of(1, 0, 1)));
  const certificate = concat(encodeString("ssh-ed25519-cert-v01@openssh.com"), encodeString(me.publicKey));
  const weak = encodePublicKeyBlob(fromHex("01" + "00".repeat(31)));
  const mine = encodePublicKeyBlob(me.publicKey);
  const theirs = encodePublicKeyBlob(other.publicKey);
  const agent = new FakeAgent(keyList(6, rsa, mine, certificate, weak, theirs, new Uint8Array(0)));
  assert.deepEqual(await listAgentKeys(agent), [me.publicKey, other.publicKey]);
  assert.deepEqual(agent.request, frame(u8(11)));
  assert.equal(agent.closed, false);
  assert.deepEqual(await listAgentKeys(new FakeAgent(keyList(0))), []);
});

Deno.test("a list that does not hold what it says is refused", async () => {
  const mine = encodePublicKeyBlob(me.publicKey);
  for (const list of [keyList(2, mine), keyList(0, mine), keyList(2 ** 32 - 1), frame(u8(12))]) {
    const error = await assertRejects(
      () => listAgentKeys(new FakeAgent(list)),
      "bad_key_file",
      /Cannot use ssh-agent/,
    );
    assert.match(error.hint!, /ssh-add/);
  }
});

Deno.test("an agent that refuses is reported with what to do", async () => {
  const agent = new FakeAgent(frame(u8(5)));
  const error = await assertRejects(() => signWith(agent), "bad_key_file", /refused/);
  assert.match(error.hint!, /ssh-add/);
  assert.ok(agent.closed);
  await assertRejects(() => listAgentKeys(new FakeAgent(frame(u8(5)))), "bad_key_file", /refused/);
});

Deno.test("an answer of another type is refused", async () => {
  const signature = await me.sign(MESSAGE);
  const answer = signResponse("ssh-ed25519", signature);
  answer[4] = 12;
  await assertRejects(() => signWith(new FakeAgent(answer)), "bad_key_file", /type 12, expected 14/);
  const list = keyList(0);
  list[4] = 14;
  await assertRejects(() => listAgentKeys(new FakeAgent(list)), "bad_key_file", /type 14, expected 12/);
});

Deno.test("a signature by another key, of another message, algorithm or size is refused", async () => {
  const signature = await me.sign(MESSAGE);
  const cases: [Bytes, RegExp][] = [
    [signResponse("ssh-ed25519", await other.sign(MESSAGE)), /not one by the key SHA256:/],
    [signResponse("ssh-ed25519", await me.sign(utf8("another"))), /not one by the key/],
    [signResponse("ssh-ed25519", signature.slice(0, 63)), /not one by the key/],
    [signResponse("rsa-sha2-256", signature), /another algorithm/],
    [signResponse("ssh-ed25519", signature, Uint8Array.of(0)), /follow/],
    [frame(u8(14), encodeString(new Uint8Array(0))), /ends after/],
  ];
  for (const [answer, words] of cases) {
    await assertRejects(() => signWith(new FakeAgent(answer)), "bad_key_file", words);
  }
});

Deno.test("an answer beyond 256 KiB is refused unread", async () => {
  for (const size of [256 * 1024 + 1, 2 ** 32 - 1]) {
    await assertRejects(() => signWith(new FakeAgent(u32(size))), "bad_key_file", /larger than 262144/);
  }
  // One of exactly that size is read to its end.
  const padding = new Uint8Array(256 * 1024 - 1);
  await assertRejects(() => signWith(new FakeAgent(frame(u8(5), padding))), "bad_key_file", /refused/);
});

Deno.test("an answer that is cut anywhere is refused, and the connection closed", async () => {
  const answer = signResponse("ssh-ed25519", await me.sign(MESSAGE));
  for (let size = 0; size < answer.length; size++) {
    const agent = new FakeAgent(answer.slice(0, size));
    await assertRejects(() => signWith(agent), "bad_key_file", /closed the connection/);
    assert.ok(agent.closed);
  }
  // Cut in the contents, under a length that agrees.
  const contents = answer.slice(4);
  for (let size = 0; size < contents.length; size++) {
    await assertRejects(() => signWith(new FakeAgent(frame(contents.slice(0, size)))), "bad_key_file");
  }
});

Deno.test("a connection that cannot be opened, or breaks, is reported with what to do", async () => {
  const broken = new Error("no such socket");
  const identity = agentIdentity(me.publicKey, () => Promise.reject(broken));
  const error = await assertRejects(() => identity.sign(MESSAGE), "bad_key_file", /connection to it failed/);
  assert.match(error.hint!, /ssh-add/);
  assert.equal(error.cause, broken);
  const agent = new FakeAgent(new Uint8Array(0));
  agent.write = () => Promise.reject(new Error("broken pipe"));
  await assertRejects(() => signWith(agent), "bad_key_file", /connection to it failed/);
  assert.ok(agent.closed);
});

Deno.test("a failure with a code that opening the connection throws goes on unchanged", async () => {
  const identity = agentIdentity(me.publicKey, () => Promise.reject(new StxError("usage", "No agent named")));
  await assertRejects(() => identity.sign(MESSAGE), "usage", /^No agent named$/);
});

Deno.test({
  name: "a real ssh-agent lists its keys and signs (needs ssh-agent)",
  ignore: !HAS_AGENT,
  fn: async () => {
    await withTempFolder(async (folder) => {
      const path = await keygen(folder, "key");
      const second = await keygen(folder, "second", ["-t", "ecdsa"]);
      const { publicKey } = parsePublicKeyLine(await Deno.readTextFile(`${path}.pub`));
      await withAgent(folder, async (socket) => {
        const identity = agentIdentity(publicKey, () => dialUnix(socket));
        await assertRejects(() => identity.sign(MESSAGE), "bad_key_file", /refused/);

        const added = await run("ssh-add", ["-q", path, second], "", { SSH_AUTH_SOCK: socket });
        assert.ok(added.success, added.stderr);
        const connection = await dialUnix(socket);
        try {
          assert.deepEqual(await listAgentKeys(connection), [publicKey]);
        } finally {
          connection.close();
        }
        assert.ok(await verifySignature(publicKey, MESSAGE, await identity.sign(MESSAGE)));
        const armored = await signSshsig(identity, "receipt@stx1", MESSAGE);
        assert.ok(await verifySshsig(armored, "receipt@stx1", MESSAGE, publicKey));
      });
    });
  },
});

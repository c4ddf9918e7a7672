import assert from "node:assert/strict";
import { SenderTrust } from "../../../cli/sender_trust.ts";
import { Output } from "../../../cli/terminal.ts";
import { parseAuthorizedKeys } from "../../../lib/identity/authorized_keys.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { parseRevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import { ROTATION_CHAIN_MAX, signRotation, verifyPeerRotation } from "../../../lib/identity/rotation.ts";
import { SenderRotations } from "../../../lib/identity/sender_rotations.ts";
import type { Identity } from "../../../lib/ports.ts";
import { MemoryRotationStore } from "../../../lib/store/memory_rotation_store.ts";
import type { AuthMode } from "../../../lib/wire/handshake_messages.ts";
import { fakeStreams } from "./fake_streams.ts";

const IDENTITIES: readonly Identity[] = await Promise.all(
  Array.from({ length: ROTATION_CHAIN_MAX + 2 }, (_, i) => identityFromSeed(new Uint8Array(32).fill(i + 1))),
);
const [A, B, C] = IDENTITIES as readonly [Identity, Identity, Identity];

function name({ publicKey }: Identity): string {
  return fingerprint(publicKey);
}

/** A receiver's trust, and all that it says. */
class World {
  keys = parseAuthorizedKeys(formatPublicKeyLine(A.publicKey, "")).keys;
  revoked: readonly Identity[] = [];
  readonly streams = fakeStreams();
  readonly trust: SenderTrust;

  constructor(verbose = false) {
    const exit = (status: number): never => {
      throw new Error(`exit ${status}`);
    };
    this.trust = new SenderTrust({
      readKeys: () => this.keys,
      readRevoked: () => parseRevokedKeys(this.revoked.map(name).join("\n")),
      rotations: new SenderRotations(new MemoryRotationStore()),
      output: new Output({
        command: "recv",
        json: true,
        quiet: false,
        verbose,
        exit,
        streams: this.streams,
        colour: false,
      }),
    });
  }

  check(sender: Identity, mode: AuthMode = "identity", address = "192.0.2.1"): void {
    this.trust.check(sender.publicKey, address, mode);
  }

  refuses(sender: Identity, words: RegExp, mode?: AuthMode, hint = /./): void {
    assert.throws(
      () => this.check(sender, mode),
      (error: { code?: string; message?: string; hint?: string }) => {
        assert.equal(error.code, "unauthorized");
        assert.match(error.message!, words);
        assert.match(error.hint!, hint);
        return true;
      },
    );
  }

  async announce(from: Identity, to: Identity, by: Identity, timeMs = 1): Promise<void> {
    this.trust.announced(verifyPeerRotation(await signRotation(from, to, timeMs), by.publicKey));
  }

  /** All but `log`, which is what is said. */
  get events(): readonly unknown[] {
    return this.streams.out().split("\n").filter((line) => line !== "" && !line.includes(`"event":"log"`))
      .map((line) => {
        const { event, peer, oldKey, newKey, complete } = JSON.parse(line);
        return [event, peer, oldKey, newKey, complete];
      });
  }
}

Deno.test("a sender is refused in words that say why", () => {
  const world = new World();
  world.check(A);
  world.refuses(B, /not in authorized_keys/, "identity", /add its public key/);
  world.keys = parseAuthorizedKeys(`expiry-time="20200101Z" ${formatPublicKeyLine(A.publicKey, "")}`).keys;
  world.refuses(A, /expired/, "identity", /change the expiry-time/);
  world.keys = parseAuthorizedKeys(`from="198.51.100.1" ${formatPublicKeyLine(A.publicKey, "")}`).keys;
  world.refuses(A, /this address/, "identity", /change the from/);
  world.revoked = [A];
  world.refuses(A, /revoked/);
});

Deno.test("with a shared key alone every key is good that is not revoked or replaced", async () => {
  const world = new World();
  world.check(B, "psk");
  world.refuses(B, /not in/, "identity+psk");
  world.revoked = [B];
  world.refuses(B, /revoked/, "psk");
  world.revoked = [];
  await world.announce(A, B, B);
  world.refuses(A, /replaced/, "psk");
  world.refuses(A, /replaced/);
});

Deno.test("what cannot be read refuses everybody, in every mode", () => {
  const world = new World();
  const trust = new SenderTrust({
    readKeys: () => world.keys,
    readRevoked: () => parseRevokedKeys("nonsense"),
    rotations: new SenderRotations(new MemoryRotationStore()),
    output: {} as Output,
  });
  for (const mode of ["identity", "psk", "identity+psk"] as const) {
    assert.throws(() => trust.check(A.publicKey, "192.0.2.1", mode), { code: "bad_trust_file" });
  }
});

Deno.test("a change is told of when it is announced, and when it has come about, once each", async () => {
  const world = new World();
  await world.announce(A, B, A);
  await world.announce(A, B, A);
  const told = [["rotation", name(A), name(A), name(B), false], [
    "rotation",
    name(B),
    name(A),
    name(B),
    true,
  ]];
  assert.deepEqual(world.events, told.slice(0, 1));
  world.trust.opened(A.publicKey);
  assert.deepEqual(world.events, told.slice(0, 1));
  world.trust.opened(B.publicKey);
  assert.deepEqual(world.events, told);
  world.trust.opened(B.publicKey);
  await world.announce(A, B, B);
  assert.deepEqual(world.events, told);
  assert.equal(world.streams.error().split("\n").length - 1, 2);
});

Deno.test("a change that the new key tells of itself is told of as its", async () => {
  const world = new World();
  world.keys =
    parseAuthorizedKeys([A, B].map((each) => formatPublicKeyLine(each.publicKey, "")).join("\n")).keys;
  await world.announce(A, B, B);
  assert.deepEqual(world.events, [["rotation", name(B), name(A), name(B), true]]);
});

Deno.test("a change that is not accepted is warned of, with the reason", async () => {
  const cases: readonly [RegExp, (world: World) => Promise<void>][] = [
    [/another key has followed/, async (world) => {
      await world.announce(A, B, A, 2);
      await world.announce(A, C, A, 1);
    }],
    [/dated in the future/, (world) => world.announce(A, B, A, Date.now() + 1e9)],
    [/came before it/, async (world) => {
      await world.announce(A, B, A);
      await world.announce(B, A, B);
    }],
    [/is revoked/, async (world) => {
      world.revoked = [B];
      await world.announce(A, B, A);
    }],
    [/16 changes/, async (world) => {
      for (let i = 0; i <= ROTATION_CHAIN_MAX; i++) {
        await world.announce(IDENTITIES[i]!, IDENTITIES[i + 1]!, IDENTITIES[i]!);
      }
    }],
  ];
  for (const [words, act] of cases) {
    const world = new World();
    await act(world);
    assert.match(world.streams.error(), /stx recv: warning: [^\n]*not accepted: [^\n]*\n$/);
    assert.match(world.streams.error(), words);
  }
});

Deno.test("a change of keys that have no entry is nobody's concern", async () => {
  for (const verbose of [true, false]) {
    const world = new World(verbose);
    await world.announce(B, C, B);
    assert.deepEqual(world.events, []);
    assert.equal(world.streams.error() !== "", verbose);
  }
});

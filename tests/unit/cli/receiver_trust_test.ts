import assert from "node:assert/strict";
import { draftOf } from "../../../cli/replace_file.ts";
import { ReceiverTrust } from "../../../cli/receiver_trust.ts";
import { Output } from "../../../cli/terminal.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { formatReceiverLine } from "../../../lib/identity/known_receivers.ts";
import { fingerprint, formatPublicKeyLine } from "../../../lib/identity/public_key.ts";
import { parseRevokedKeys } from "../../../lib/identity/revoked_keys.ts";
import { signRotation, verifyPeerRotation } from "../../../lib/identity/rotation.ts";
import type { Identity } from "../../../lib/ports.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { fakeStreams } from "./fake_streams.ts";

const [A, B, C] = await Promise.all(
  [1, 2, 3].map((number) => identityFromSeed(new Uint8Array(32).fill(number))),
) as [Identity, Identity, Identity];
const ADDRESS = { host: "host", port: 7891 };

function line({ publicKey }: Identity): string {
  return formatReceiverLine(ADDRESS.host, ADDRESS.port, publicKey);
}

function name({ publicKey }: Identity): string {
  return fingerprint(publicKey);
}

/** A sender's trust in a receiver of which these lines are known, and all that it says. */
class World {
  readonly streams = fakeStreams();
  readonly path: string;
  readonly trust: ReceiverTrust;
  revoked: readonly Identity[] = [];

  constructor(folder: string, lines: readonly string[], peer?: string) {
    Deno.env.set("STX_CONFIG_DIR", folder);
    this.path = `${folder}/known_receivers`;
    Deno.writeTextFileSync(this.path, `${lines.join("\n")}\n`, { mode: 0o600 });
    const exit = (status: number): never => {
      throw new Error(`exit ${status}`);
    };
    const output = new Output({
      command: "send",
      json: true,
      quiet: false,
      verbose: false,
      exit,
      streams: this.streams,
      colour: false,
    });
    const readRevoked = () => parseRevokedKeys(this.revoked.map(name).join("\n"));
    this.trust = new ReceiverTrust(ADDRESS, peer, readRevoked, output);
  }

  async announce(by: Identity, timeMs = 1, next = B): Promise<void> {
    this.trust.announced(verifyPeerRotation(await signRotation(A, next, timeMs), by.publicKey));
  }

  get lines(): readonly string[] {
    return Deno.readTextFileSync(this.path).trimEnd().split("\n");
  }

  /** All but `log`, which is what is said. */
  get events(): readonly unknown[] {
    return this.streams.out().split("\n").filter((each) => each !== "" && !each.includes(`"event":"log"`))
      .map((each) => {
        const { event, peer, oldKey, newKey, complete } = JSON.parse(each);
        return [event, peer, oldKey, newKey, complete];
      });
  }
}

Deno.test("the new key is trusted from its announcement on, the old one no longer once it is used", async () => {
  await withTempFolder(async (folder) => {
    const world = new World(folder, [line(A)]);
    world.trust.check(A.publicKey, "identity");
    assert.throws(() => world.trust.check(B.publicKey, "identity"), { code: "receiver_changed" });
    await world.announce(A);
    world.trust.check(A.publicKey, "identity");
    world.trust.check(B.publicKey, "identity");
    await world.announce(B);
    world.trust.check(B.publicKey, "identity");
    assert.throws(() => world.trust.check(A.publicKey, "identity"), { code: "receiver_changed" });
    await world.announce(B);
    assert.deepEqual(world.events, [
      ["rotation", name(A), name(A), name(B), false],
      ["rotation", name(B), name(A), name(B), true],
    ]);
    assert.equal(world.lines.length, 1);
    assert.equal(world.streams.error().split("\n").length - 1, 2);
  });
});

Deno.test("a receiver whose key is revoked is refused, named by --peer too", async () => {
  await withTempFolder((folder) => {
    for (const peer of [undefined, name(A)]) {
      const world = new World(folder, [line(A)], peer);
      world.trust.check(A.publicKey, "identity");
      world.revoked = [A];
      assert.throws(() => world.trust.check(A.publicKey, "identity"), {
        code: "receiver_changed",
        message: /revoked/,
      });
    }
  });
});

Deno.test("a new key that only follows a revoked one is refused", async () => {
  await withTempFolder(async (folder) => {
    const world = new World(folder, [line(A)]);
    await world.announce(A);
    world.revoked = [A];
    assert.throws(() => world.trust.check(B.publicKey, "identity"), {
      code: "receiver_changed",
      message: /followed/,
    });
  });
});

Deno.test("a list that cannot be written is not the end: what to change by hand is said", async () => {
  await withTempFolder(async (folder) => {
    for (
      const [lines, by, words] of [
        [[line(A)], A, `put this line into it: ${line(B)}`],
        [[line(A), line(B)], B, `take the lines of ${name(A)} out of it`],
      ] as const
    ) {
      const world = new World(folder, lines);
      Deno.mkdirSync(draftOf(world.path));
      await world.announce(by);
      await world.announce(by);
      assert.ok(world.streams.error().includes(words), world.streams.error());
      assert.match(world.streams.error(), /^stx send: warning: [^\n]*\n$/);
      assert.deepEqual([world.lines, world.events], [lines, []]);
      Deno.removeSync(draftOf(world.path));
    }
  });
});

Deno.test("the list is read for every connection: what changes in it meanwhile counts", async () => {
  await withTempFolder((folder) => {
    const world = new World(folder, [line(A)]);
    world.trust.check(A.publicKey, "identity");
    Deno.writeTextFileSync(world.path, `${line(B)}\n`);
    assert.throws(() => world.trust.check(A.publicKey, "identity"), { code: "receiver_changed" });
    world.trust.check(B.publicKey, "identity");
    const key = formatPublicKeyLine(B.publicKey, "");
    Deno.writeTextFileSync(world.path, `${line(B)}\n@revoked * ${key}\n`);
    assert.throws(() => world.trust.check(B.publicKey, "identity"), {
      code: "receiver_changed",
      message: /revoked/,
    });
    Deno.writeTextFileSync(world.path, "nonsense\n");
    assert.throws(() => world.trust.check(B.publicKey, "identity"), { code: "bad_trust_file" });
  });
});

Deno.test("a list that cannot be used is an error before any connection", async () => {
  await withTempFolder((folder) => {
    assert.throws(() => new World(folder, ["nonsense"]), { code: "bad_trust_file" });
  });
});

Deno.test("the first session under the new key ends the old one, announced or not", async () => {
  await withTempFolder(async (folder) => {
    const world = new World(folder, [line(A)]);
    world.trust.opened(A.publicKey);
    await world.announce(A);
    world.trust.opened(A.publicKey);
    assert.equal(world.lines.length, 2);
    world.trust.opened(B.publicKey);
    assert.throws(() => world.trust.check(A.publicKey, "identity"), { code: "receiver_changed" });
    world.trust.check(B.publicKey, "identity");
    world.trust.opened(B.publicKey);
    await world.announce(B);
    assert.deepEqual(world.events, [
      ["rotation", name(A), name(A), name(B), false],
      ["rotation", name(B), name(A), name(B), true],
    ]);
    assert.equal(world.lines.length, 1);
  });
});

Deno.test("an old key that cannot be taken out of the list is warned of, once", async () => {
  await withTempFolder(async (folder) => {
    const world = new World(folder, [line(A)]);
    await world.announce(A);
    const before = world.streams.error();
    Deno.mkdirSync(draftOf(world.path));
    world.trust.opened(B.publicKey);
    await world.announce(B);
    const said = world.streams.error().slice(before.length);
    assert.match(said, /^stx send: warning: [^\n]*\n$/);
    assert.ok(said.includes(`take the lines of ${name(A)} out of it`), said);
    const named = new World(folder, [line(A), line(B)], name(B));
    named.trust.opened(B.publicKey);
    assert.equal(named.streams.error(), "");
  });
});

Deno.test("a change that is not accepted is warned of, with the reason", async () => {
  await withTempFolder(async (folder) => {
    const revoked = new World(folder, [line(A)]);
    revoked.revoked = [B];
    await revoked.announce(A);
    assert.match(revoked.streams.error(), /warning: .*not accepted: that key is revoked/);
    const outdated = new World(folder, [line(A)]);
    await outdated.announce(A, 2);
    await outdated.announce(A, 1, C);
    assert.match(outdated.streams.error(), /warning: .*not accepted: .*another key.*later/);
    const ahead = new World(folder, [line(A)]);
    await ahead.announce(A, Date.now() + 1e9);
    assert.match(ahead.streams.error(), /warning: .*not accepted: .*future/);
    assert.deepEqual([ahead.lines, ahead.events], [[line(A)], []]);
  });
});

Deno.test("with --peer nothing is written, and the next --peer is said before the change alone", async () => {
  await withTempFolder(async (folder) => {
    const world = new World(folder, [line(A)], name(A));
    await world.announce(A);
    assert.match(world.streams.error(), /warning: .*--peer SHA256:/);
    assert.ok(world.streams.error().includes(name(B)));
    const after = new World(folder, [line(A), line(B)], name(B));
    await after.announce(B);
    assert.equal(after.streams.error(), "");
    assert.deepEqual(after.lines, [line(A), line(B)]);
  });
});

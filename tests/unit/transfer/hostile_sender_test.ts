import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { crc32 } from "../../../lib/bytes/crc32.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import type { ErrorCode } from "../../../lib/errors.ts";
import {
  BLOCK_SIZE_MAX,
  BLOCK_SIZE_MIN,
  ENTRY_COUNT_MAX,
  MANIFEST_BODY_SIZE_MAX,
} from "../../../lib/limits.ts";
import type { Entry } from "../../../lib/ports.ts";
import { makeManifest, type Manifest, transferIdOf } from "../../../lib/transfer/manifest.ts";
import type { ReceivedTransfer, ReceiverOptions } from "../../../lib/transfer/receiver_options.ts";
import { u64 } from "../../../lib/wire/fields.ts";
import {
  decodeAccept,
  decodeReject,
  encodeEnd,
  encodeOffer,
  encodeOffset,
  MESSAGE_TYPES,
  type MessageType,
  type Offer,
} from "../../../lib/wire/message.ts";
import type { ChannelEnd, ChannelPair } from "../../support/channel_pair.ts";
import { content, entry } from "../files/tree.ts";
import { assertFailed, BLOCK, namesIn, type Result, withWorld, type World } from "./world.ts";

/** Two blocks and a bit. */
const CONTENT = content(2 * BLOCK + 100);
const ENTRIES = [entry("file", CONTENT.length)];

/** A sender that says whatever the test wants. */
class HostileSender {
  readonly world: World;
  readonly pair: ChannelPair;
  readonly end: ChannelEnd;
  readonly result: Promise<Result<ReceivedTransfer>>;

  constructor(world: World, options: Partial<ReceiverOptions> = {}) {
    this.world = world;
    this.pair = world.pair({ windowMessages: 1000 });
    this.end = this.pair.sender;
    this.result = world.receive(this.pair, options);
  }

  offerOf(manifest: Manifest, changes: Partial<Offer> = {}): Offer {
    const { sender, receiver } = this.world;
    const blockSizeBytes = changes.blockSizeBytes ?? BLOCK;
    const manifestDigest = changes.manifestDigest ?? manifest.digest;
    return {
      transferId: transferIdOf(sender.publicKey, receiver.publicKey, blockSizeBytes, manifestDigest),
      sizeBytes: manifest.sizeBytes,
      entryCount: manifest.entries.length,
      blockSizeBytes,
      manifestDigest,
      withDigests: false,
      isRepeated: false,
      ...changes,
    };
  }

  offer(manifest: Manifest, changes: Partial<Offer> = {}): void {
    this.end.send("offer", encodeOffer(this.offerOf(manifest, changes)));
    for (const body of manifest.bodies) this.end.send("manifest", body);
  }

  /** As an honest sender, up to and with START. */
  async begin(changes: Partial<Offer> = {}, entries: readonly Entry[] = ENTRIES): Promise<void> {
    this.offer(makeManifest(entries, changes.sizeBytes !== null), changes);
    await this.end.expect("wantManifest");
    await this.end.expect("accept");
    this.end.send("start", encodeOffset(0));
  }

  block(index: number, data: Bytes = CONTENT.subarray(index * BLOCK, (index + 1) * BLOCK)): void {
    this.end.send("data", concat(u64(index), data));
  }

  finish(changes: Partial<{ sizeBytes: number; blockCount: number; crc32: number }> = {}): void {
    const end = { sizeBytes: CONTENT.length, blockCount: 3, crc32: crc32(CONTENT), ...changes };
    this.end.send("end", encodeEnd(end));
  }

  async fails(code: ErrorCode, message?: RegExp): Promise<void> {
    // A sender that hangs up then would only cut.
    assertFailed(await this.result, code, message);
    this.world.assertNothingInPlace();
    assert.equal(this.pair.count("receiver", "done"), 0);
  }
}

/** Runs a hostile sender, and asserts that the receiver fails so; the real file can come all the same afterwards. */
async function attack(
  body: (sender: HostileSender) => Promise<void> | void,
  code: ErrorCode,
  options: Partial<ReceiverOptions> & { message?: RegExp } = {},
): Promise<void> {
  const { message, ...receiver } = options;
  await withWorld(async (world) => {
    const sender = new HostileSender(world, receiver);
    await body(sender);
    await sender.fails(code, message);
    world.write("file", CONTENT);
    const attempt = await world.attempt();
    assert.equal(attempt.received.error, undefined);
    assert.deepEqual(Deno.readFileSync(`${world.inbox}/file`), CONTENT);
  });
}

Deno.test("the honest one among hostile senders succeeds", async () => {
  await withWorld(async (world) => {
    const sender = new HostileSender(world);
    await sender.begin();
    for (let i = 0; i < 3; i++) sender.block(i);
    sender.finish();
    assert.equal((await sender.result).error, undefined);
    assert.deepEqual(Deno.readFileSync(`${world.inbox}/file`), CONTENT);
  });
});

Deno.test("an extra block is refused", async () => {
  await attack(
    async (sender) => {
      await sender.begin();
      for (let i = 0; i < 3; i++) sender.block(i);
      sender.block(3, Uint8Array.of(1));
    },
    "malformed",
    { message: /block 3/ },
  );
  // Also where the content ends with a whole block.
  await attack(
    async (sender) => {
      await sender.begin({}, [entry("file", BLOCK)]);
      sender.block(0);
      sender.block(1);
    },
    "malformed",
    { message: /block 1/ },
  );
  // And where it holds nothing.
  await attack(
    async (sender) => {
      await sender.begin({}, [entry("file", BLOCK)]);
      sender.block(0);
      sender.block(1, new Uint8Array(0));
    },
    "malformed",
    { message: /block 1/ },
  );
});

Deno.test("a block with another index is refused", async () => {
  for (const index of [1, 2, 2 ** 52]) {
    await attack(async (sender) => {
      await sender.begin();
      sender.block(index, CONTENT.subarray(0, BLOCK));
    }, "malformed");
  }
  await attack(async (sender) => {
    await sender.begin();
    sender.block(0);
    sender.block(0);
  }, "malformed");
});

Deno.test("a block of another size is refused", async () => {
  for (const size of [0, 1, BLOCK - 1, BLOCK + 1, 2 * BLOCK]) {
    await attack(async (sender) => {
      await sender.begin();
      sender.block(0, CONTENT.subarray(0, size));
    }, "malformed");
  }
  for (const size of [0, 99, 101, BLOCK]) {
    await attack(async (sender) => {
      await sender.begin();
      sender.block(0);
      sender.block(1);
      sender.block(2, content(size));
    }, "malformed");
  }
});

Deno.test("a block behind a short one, where the size is not known, is refused", async () => {
  const unknown = { sizeBytes: null, transferId: new Uint8Array(32).fill(9) };
  for (const sizes of [[5, 5], [5, BLOCK], [0], [BLOCK, 0], [BLOCK + 1]]) {
    await attack(async (sender) => {
      await sender.begin(unknown, [entry("file")]);
      sizes.forEach((size, i) => sender.block(i, content(size)));
    }, "malformed");
  }
});

Deno.test("an end before all has come is refused", async () => {
  const honest = CONTENT.subarray(0, BLOCK);
  for (
    const end of [
      {},
      { sizeBytes: BLOCK, blockCount: 1, crc32: crc32(honest) },
      { sizeBytes: CONTENT.length, blockCount: 1, crc32: crc32(honest) },
    ]
  ) {
    await attack(async (sender) => {
      await sender.begin();
      sender.block(0);
      sender.finish(end);
    }, "digest_mismatch");
  }
});

Deno.test("an end with other numbers than what came is refused, and the sender told", async () => {
  for (
    const end of [{ crc32: crc32(CONTENT) ^ 1 }, { sizeBytes: CONTENT.length - 1 }, { blockCount: 4 }, {
      blockCount: 2,
    }]
  ) {
    await attack(async (sender) => {
      await sender.begin();
      for (let i = 0; i < 3; i++) sender.block(i);
      sender.finish(end);
      await sender.result;
      const told = sender.pair.letters.at(-1)!;
      assert.equal(told.type, "reject");
      assert.equal(decodeReject(told.body).reason, "integrity");
    }, "digest_mismatch");
  }
  await attack(
    async (sender) => {
      await sender.begin({ sizeBytes: null, transferId: new Uint8Array(32).fill(9) }, [entry("file")]);
      sender.block(0, content(10));
      sender.finish({ sizeBytes: 11, blockCount: 1, crc32: crc32(content(10)) });
    },
    "digest_mismatch",
  );
});

Deno.test("a manifest that does not fit its digest is refused", async () => {
  const other = makeManifest([entry("other", CONTENT.length)], true);
  await attack(
    (sender) => sender.offer(makeManifest(ENTRIES, true), { manifestDigest: other.digest }),
    "bad_manifest",
  );
});

Deno.test("more entries than were offered are refused", async () => {
  const manifest = makeManifest([...ENTRIES, entry("more", 5)], true);
  await attack((sender) => sender.offer(manifest, { entryCount: 1 }), "bad_manifest");
});

Deno.test("sizes that do not add up to the offer's are refused", async () => {
  const manifest = makeManifest(ENTRIES, true);
  for (const sizeBytes of [0, CONTENT.length - 1, CONTENT.length + 1]) {
    await attack((sender) => sender.offer(manifest, { sizeBytes }), "bad_manifest", { message: /add up/ });
  }
  // Where no size is known, the entry has none either.
  const transferId = new Uint8Array(32).fill(9);
  await attack((sender) => sender.offer(manifest, { sizeBytes: null, transferId }), "bad_manifest");
});

Deno.test("a transfer's name that does not follow from its manifest is refused before anything is asked", async () => {
  const transferId = sha256(Uint8Array.of(1));
  await attack(async (sender) => {
    sender.offer(makeManifest(ENTRIES, true), { transferId });
    await sender.result;
    assert.equal(sender.pair.count("receiver", "wantManifest"), 0);
  }, "bad_transfer_id");
});

Deno.test("the name of a transfer that exists is not taken for one of unknown size", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    const first = await world.attempt({ pair: { cutAfter: 7 } });
    assert.ok(first.received.error !== undefined);
    const row = world.store.list("receiving")[0]!;
    const sender = new HostileSender(world);
    const { sender: { publicKey }, receiver } = world;
    const transferId = transferIdOf(publicKey, receiver.publicKey, BLOCK, world.manifest().digest);
    sender.offer(makeManifest([entry("file")], false), { transferId });
    await sender.fails("bad_transfer_id");
    assert.deepEqual(world.store.list("receiving"), [row]);
    assert.equal((await world.attempt()).received.error, undefined);
    world.assertArrived();
  });
});

Deno.test("a name that was chosen for other content is worth nothing", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    const { sender, receiver } = world;
    const transferId = transferIdOf(sender.publicKey, receiver.publicKey, BLOCK, world.manifest().digest);
    const hostile = new HostileSender(world);
    await hostile.begin({ sizeBytes: null, transferId }, [entry("file")]);
    hostile.finish({ sizeBytes: 0, blockCount: 0, crc32: 0 });
    assert.equal((await hostile.result).error, undefined);
    const attempt = await world.attempt({ receiver: { conflict: "overwrite" } });
    assert.equal(attempt.sent.error, undefined);
    assert.equal(attempt.received.value!.receivedBytes, CONTENT.length);
    world.assertArrived();
  });
});

Deno.test("only one file may have an unknown size", async () => {
  const unknown = { sizeBytes: null, transferId: new Uint8Array(32).fill(9) };
  const two = makeManifest([entry("file"), entry("more")], false);
  await attack((sender) => sender.offer(two, unknown), "bad_manifest", { message: /several/ });
  const folder = makeManifest([entry("folder/")], false);
  await attack((sender) => sender.offer(folder, unknown), "bad_manifest", { message: /folder/ });
});

Deno.test("offers out of bounds are refused", async () => {
  const manifest = makeManifest(ENTRIES, true);
  for (const entryCount of [0, ENTRY_COUNT_MAX + 1, 2 ** 32 - 1]) {
    await attack((sender) => sender.offer(manifest, { entryCount }), "bad_manifest", { message: /entries/ });
  }
  for (const blockSizeBytes of [0, 1, BLOCK_SIZE_MIN - 1, BLOCK_SIZE_MAX + 1, 2 ** 32 - 1]) {
    await attack((sender) => sender.offer(manifest, { blockSizeBytes }), "malformed", {
      message: /blocks of/,
    });
  }
});

Deno.test("a manifest's message that is empty or too large is refused", async () => {
  const manifest = makeManifest(ENTRIES, true);
  await attack(
    (sender) => {
      sender.offer({ ...manifest, bodies: [] });
      sender.end.send("manifest");
    },
    "malformed",
    { message: /no entry/ },
  );
  const large = Array.from(
    { length: 600 },
    (_, i) => makeManifest([entry(`${"n".repeat(100)}${i}`)], true).bodies[0]!,
  );
  const body = concat(...large);
  assert.ok(body.length > MANIFEST_BODY_SIZE_MAX);
  await attack(
    (sender) => {
      sender.offer({ ...manifest, bodies: [body] }, { entryCount: 600 });
    },
    "malformed",
    { message: /bytes/ },
  );
});

Deno.test("names that lead elsewhere are refused, and nothing is touched", async () => {
  for (const path of ["../file", "/etc/file", "a/file", ".stx-partial", ".hidden", "con"]) {
    await withWorld(async (world) => {
      const sender = new HostileSender(world);
      sender.offer(makeManifest([entry(path, 5)], true));
      await sender.end.expect("wantManifest");
      assert.equal(decodeReject(await sender.end.expect("reject")).reason, "name");
      await sender.fails("bad_name");
      world.assertUntouched();
    });
  }
});

Deno.test("wrong digests are found out, and none of the data is trusted any more", async () => {
  await attack(
    async (sender) => {
      await sender.begin({ withDigests: true });
      for (let i = 0; i < 3; i++) sender.block(i);
      sender.end.send("digests", sha256(Uint8Array.of(1)));
      sender.finish();
      await sender.result;
      assert.equal(sender.world.store.list("receiving")[0]!.transfer.durableBytes, 0);
    },
    "digest_mismatch",
    { message: /read back/ },
  );
});

Deno.test("too few, too many, broken and uncalled-for digests are refused", async () => {
  const digest = sha256(CONTENT);
  const cases: readonly (readonly [boolean, readonly Bytes[], ErrorCode])[] = [
    [true, [], "malformed"],
    [true, [digest, digest], "malformed"],
    [true, [concat(digest, digest)], "malformed"],
    [true, [digest.subarray(1)], "malformed"],
    [false, [digest], "malformed"],
    [false, [new Uint8Array(0)], "malformed"],
  ];
  for (const [withDigests, bodies, code] of cases) {
    await attack(async (sender) => {
      await sender.begin({ withDigests });
      for (let i = 0; i < 3; i++) sender.block(i);
      for (const body of bodies) sender.end.send("digests", body);
      sender.finish();
    }, code);
  }
});

Deno.test("where there are no files, no DIGESTS come, or one without a hash", async () => {
  for (const bodies of [[], [new Uint8Array(0)]]) {
    await withWorld(async (world) => {
      const sender = new HostileSender(world);
      await sender.begin({ withDigests: true }, [entry("folder/")]);
      for (const body of bodies) sender.end.send("digests", body);
      sender.finish({ sizeBytes: 0, blockCount: 0, crc32: 0 });
      await sender.end.expect("done");
      assert.equal((await sender.result).error, undefined);
      assert.deepEqual(namesIn(world.inbox), ["folder"]);
    });
  }
});

Deno.test("too many digests are refused before the end", async () => {
  await attack(
    async (sender) => {
      await sender.begin({ withDigests: true });
      sender.end.send("digests", new Uint8Array(64));
      await sender.result;
    },
    "malformed",
    { message: /more than files/ },
  );
});

Deno.test("a start at a place that was not offered is refused", async () => {
  for (const offset of [1, BLOCK, 2 * BLOCK, 2 ** 53 - 1]) {
    await attack(
      async (sender) => {
        sender.offer(makeManifest(ENTRIES, true));
        await sender.end.expect("wantManifest");
        await sender.end.expect("accept");
        sender.end.send("start", encodeOffset(offset));
      },
      "malformed",
      { message: /start at/ },
    );
  }
  // Nor between what was offered and the beginning.
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    await world.attempt({ pair: { cutAfter: 8 } });
    const sender = new HostileSender(world);
    sender.offer(world.manifest());
    const { offsetBytes } = decodeAccept(await sender.end.expect("accept"));
    assert.ok(offsetBytes > 0);
    sender.end.send("start", encodeOffset(offsetBytes === BLOCK ? 2 * BLOCK : BLOCK));
    await sender.fails("malformed");
  });
});

const OF_THE_TRANSFER = (Object.keys(MESSAGE_TYPES) as MessageType[]).filter((type) =>
  MESSAGE_TYPES[type] >= 16
);

/** What leads to each state, and which messages may come in it. */
const STATES: Readonly<
  Record<string, readonly [(sender: HostileSender) => Promise<void> | void, MessageType[]]>
> = {
  waitOffer: [() => {}, ["offer"]],
  listing: [async (sender) => {
    sender.offer({ ...makeManifest(ENTRIES, true), bodies: [] });
    await sender.end.expect("wantManifest");
  }, ["manifest"]],
  accepted: [async (sender) => {
    sender.offer(makeManifest(ENTRIES, true));
    await sender.end.expect("wantManifest");
    await sender.end.expect("accept");
  }, ["manifest", "start"]],
  receiving: [(sender) => sender.begin(), ["data", "digests", "end"]],
};

for (const [state, [lead, allowed]] of Object.entries(STATES)) {
  Deno.test(`what may not come ends the transfer in the state ${state}`, async () => {
    for (const type of OF_THE_TRANSFER.filter((each) => !allowed.includes(each))) {
      await attack(
        async (sender) => {
          await lead(sender);
          sender.end.send(type, new Uint8Array(8));
        },
        "unexpected_message",
        { message: new RegExp(type) },
      );
    }
  });
}

Deno.test("a sender that leaves at any point leaves nothing in place", async () => {
  for (let blocks = 0; blocks <= 3; blocks++) {
    await attack(async (sender) => {
      await sender.begin();
      for (let i = 0; i < blocks; i++) sender.block(i);
      sender.end.close();
    }, "connection_lost");
  }
});

Deno.test("a manifest larger than memory should hold is refused", async () => {
  // Each entry is of the largest size, so that few are needed; the same message over and over.
  const name = "n".repeat(250);
  const body = makeManifest(Array.from({ length: 240 }, () => entry(name)), true).bodies[0]!;
  const count = Math.ceil(256 * 1024 * 1024 / body.length) + 1;
  await withWorld(async (world) => {
    const sender = new HostileSender(world);
    sender.offer({ ...makeManifest(ENTRIES, true), bodies: [] }, { entryCount: count * 240 });
    await sender.end.expect("wantManifest");
    for (let i = 0; i < count && !sender.pair.count("receiver", "reject"); i++) {
      sender.end.send("manifest", body);
      if (i % 16 === 15) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.equal(decodeReject(await sender.end.expect("reject")).reason, "quota");
    await sender.fails("too_large", /list of names/);
    world.assertUntouched();
    assert.deepEqual(namesIn(world.inbox), []);
  });
});

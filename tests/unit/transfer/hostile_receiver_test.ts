import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import { stdinSource } from "../../../lib/files/stdin_source.ts";
import { signSshsigBlob } from "../../../lib/identity/sshsig.ts";
import type { Identity, Source } from "../../../lib/ports.ts";
import { makeManifest, type Manifest, transferIdOf } from "../../../lib/transfer/manifest.ts";
import { RECEIPT_NAMESPACE, type ReceiptFacts, receiptMessage } from "../../../lib/transfer/receipt.ts";
import type { SenderEvent, SentReceipt } from "../../../lib/transfer/sender.ts";
import { u64 } from "../../../lib/wire/fields.ts";
import {
  decodeData,
  decodeEnd,
  decodeOffer,
  decodeOffset,
  type Done,
  encodeAccept,
  encodeDone,
  encodeOffset,
  encodeReject,
  MESSAGE_TYPES,
  type MessageType,
} from "../../../lib/wire/message.ts";
import type { ChannelEnd, ChannelPair } from "../../support/channel_pair.ts";
import { content } from "../files/tree.ts";
import { assertFailed, BLOCK, type Result, turn, withWorld, type World } from "./world.ts";

/** Two blocks and a bit. */
const CONTENT = content(2 * BLOCK + 100);
const NOTHING = sha256();
const DIGEST = sha256(CONTENT);

interface Options {
  readonly withDigests?: boolean;
  /** Whether the sender has sent all of it before. */
  readonly isRepeated?: boolean;
  /** Whether the content has no known size. */
  readonly isPiped?: boolean;
  readonly windowMessages?: number;
  readonly source?: Source;
}

/** A receiver that says whatever the test wants. */
class HostileReceiver {
  readonly world: World;
  readonly pair: ChannelPair;
  readonly end: ChannelEnd;
  readonly manifest: Manifest;
  readonly events: SenderEvent[] = [];
  readonly result: Promise<Result<SentReceipt>>;

  constructor(world: World, options: Options = {}) {
    this.world = world;
    this.pair = world.pair({ windowMessages: options.windowMessages ?? 1000 });
    this.end = this.pair.receiver;
    world.write("file", CONTENT);
    if (options.isPiped) {
      const source = stdinSource(ReadableStream.from([CONTENT]), "stdin", world.clock);
      this.manifest = makeManifest(source.entries, false);
      this.result = world.send(this.pair, { ...options, source, manifest: this.manifest }, this.events);
    } else {
      this.manifest = world.manifest();
      this.result = world.send(this.pair, options, this.events);
    }
  }

  accept(offsetBytes = 0, hash = NOTHING): void {
    this.end.send("accept", encodeAccept({ offsetBytes, sha256: hash }));
  }

  /** As an honest receiver, up to and with END; returns what came. */
  async takeAll(): Promise<Bytes> {
    await this.end.expect("offer");
    await this.end.expect("manifest");
    this.end.send("wantManifest");
    this.accept();
    await this.end.expect("start");
    const blocks: Bytes[] = [];
    for (;;) {
      const message = await this.end.receive();
      if (message.type === "data") blocks.push(decodeData(message.body).data);
      if (message.type === "end") return concat(...blocks);
    }
  }

  /** The receipt of an honest receiver, but for what is changed. */
  async receipt(
    changes: Partial<ReceiptFacts> = {},
    done: Partial<Done> = {},
    signer: Identity = this.world.receiver,
    namespace = RECEIPT_NAMESPACE,
  ): Promise<Bytes> {
    const { sender, receiver } = this.world;
    const offer = decodeOffer(this.pair.letters[0]!.body);
    const facts: ReceiptFacts = {
      sender: sender.publicKey,
      receiver: receiver.publicKey,
      transferId: offer.transferId,
      manifestDigest: this.manifest.digest,
      sessionId: this.end.sessionId,
      sizeBytes: CONTENT.length,
      entries: this.manifest.entries,
      finishedMs: 1_700_000_000_000,
      digests: undefined,
      ...changes,
    };
    const isDateable = facts.finishedMs <= 8.64e15;
    const signed = receiptMessage(isDateable ? facts : { ...facts, finishedMs: 0 });
    return encodeDone({
      finishedMs: facts.finishedMs,
      sizeBytes: facts.sizeBytes,
      sessionId: facts.sessionId,
      withDigests: facts.digests !== undefined,
      signature: await signSshsigBlob(signer, namespace, signed),
      ...done,
    });
  }
}

/** Runs a hostile receiver, and asserts that the sender fails so. */
async function attack(
  body: (receiver: HostileReceiver) => Promise<void> | void,
  code: ErrorCode,
  options: Options & { message?: RegExp } = {},
): Promise<void> {
  const { message, ...rest } = options;
  await withWorld(async (world) => {
    const receiver = new HostileReceiver(world, rest);
    await body(receiver);
    assertFailed(await receiver.result, code, message);
  });
}

Deno.test("the honest one among hostile receivers succeeds", async () => {
  for (const isPiped of [false, true]) {
    await withWorld(async (world) => {
      const receiver = new HostileReceiver(world, { isPiped });
      assert.deepEqual(await receiver.takeAll(), CONTENT);
      // The last moment that a receipt may name.
      receiver.end.send("done", await receiver.receipt({ finishedMs: 253_402_300_799_999 }));
      assert.equal((await receiver.result).error, undefined);
    });
  }
});

Deno.test("what a sender offers follows from its files and both keys", async () => {
  await withWorld(async (world) => {
    const receiver = new HostileReceiver(world);
    const offer = decodeOffer(await receiver.end.expect("offer"));
    const { sender, receiver: identity } = world;
    assert.deepEqual(
      offer.transferId,
      transferIdOf(sender.publicKey, identity.publicKey, BLOCK, receiver.manifest.digest),
    );
    assert.equal(offer.sizeBytes, CONTENT.length);
    receiver.end.close();
    assertFailed(await receiver.result, "connection_lost");
  });
});

Deno.test("more than there is, or a part of a block, cannot have survived", async () => {
  for (const offset of [1, BLOCK - 1, CONTENT.length + 1, 3 * BLOCK, 2 ** 53 - 1]) {
    await attack(
      ({ end }) => {
        end.send("accept", encodeAccept({ offsetBytes: offset, sha256: DIGEST }));
      },
      "malformed",
      { message: /no whole block/ },
    );
  }
  await attack((receiver) => receiver.accept(BLOCK), "malformed", { isPiped: true });
});

Deno.test("a prefix with another digest is sent again from the start", async () => {
  const prefix = CONTENT.slice(0, 2 * BLOCK);
  const cases: readonly (readonly [number, Bytes, number])[] = [
    [2 * BLOCK, sha256(prefix), 2 * BLOCK],
    [2 * BLOCK, sha256(prefix.subarray(1)), 0],
    [2 * BLOCK, NOTHING, 0],
    [BLOCK, sha256(prefix), 0],
    [0, DIGEST, 0],
  ];
  for (const [offset, hash, expected] of cases) {
    await withWorld(async (world) => {
      const receiver = new HostileReceiver(world);
      await receiver.end.expect("offer");
      await receiver.end.expect("manifest");
      receiver.accept(offset, hash);
      const start = decodeOffset({ type: "start", body: await receiver.end.expect("start") });
      assert.equal(start, expected);
      const { index, data } = decodeData(await receiver.end.expect("data"));
      assert.equal(index, expected / BLOCK);
      assert.deepEqual(data, CONTENT.subarray(expected, expected + BLOCK));
      for (;;) {
        const message = await receiver.end.receive();
        if (message.type !== "end") continue;
        const end = decodeEnd(message.body);
        assert.equal(end.sizeBytes, CONTENT.length);
        break;
      }
      receiver.end.send("done", await receiver.receipt());
      assert.equal((await receiver.result).error, undefined);
    });
  }
});

Deno.test("a receipt of anything else than what was sent is no receipt", async () => {
  const wrong: readonly Partial<ReceiptFacts>[] = [
    { sender: new Uint8Array(32).fill(1) },
    { transferId: new Uint8Array(32) },
    { manifestDigest: new Uint8Array(32) },
    { entries: [] },
  ];
  for (const changes of wrong) {
    await attack(
      async (receiver) => {
        await receiver.takeAll();
        receiver.end.send("done", await receiver.receipt(changes));
      },
      "bad_receipt",
      { message: /not valid/ },
    );
  }
});

Deno.test("a receipt that says another time, session or signature than was signed is no receipt", async () => {
  const wrong: readonly Partial<Done>[] = [
    { finishedMs: 5 },
    { sessionId: new Uint8Array(16) },
    { signature: new Uint8Array(0) },
    { signature: new Uint8Array(64) },
  ];
  for (const done of wrong) {
    await attack(
      async (receiver) => {
        await receiver.takeAll();
        receiver.end.send("done", await receiver.receipt({}, done));
      },
      "bad_receipt",
      { message: /not valid/ },
    );
  }
});

Deno.test("a receipt that somebody else signed, or for another purpose, is no receipt", async () => {
  await attack(async (receiver) => {
    await receiver.takeAll();
    receiver.end.send("done", await receiver.receipt({}, {}, receiver.world.sender));
  }, "bad_receipt");
  await attack(async (receiver) => {
    await receiver.takeAll();
    receiver.end.send("done", await receiver.receipt({}, {}, receiver.world.receiver, "file"));
  }, "bad_receipt");
});

Deno.test("a receipt for another size is no receipt, though it is signed", async () => {
  for (const isPiped of [false, true]) {
    for (const sizeBytes of [0, CONTENT.length - 1, CONTENT.length + 1]) {
      await attack(
        async (receiver) => {
          await receiver.takeAll();
          receiver.end.send("done", await receiver.receipt({ sizeBytes }));
        },
        "bad_receipt",
        { isPiped, message: new RegExp(`${sizeBytes} bytes`) },
      );
    }
  }
});

Deno.test("a receipt from a time after the year 9999 is no receipt", async () => {
  for (const finishedMs of [253_402_300_800_000, 8.64e15 + 1]) {
    await attack(
      async (receiver) => {
        await receiver.takeAll();
        receiver.end.send("done", await receiver.receipt({ finishedMs }));
      },
      "bad_receipt",
      { message: /time/ },
    );
  }
});

Deno.test("a receipt with digests that nobody asked for, or without those that were, is no receipt", async () => {
  await attack(
    async (receiver) => {
      await receiver.takeAll();
      receiver.end.send("done", await receiver.receipt({ digests: [DIGEST] }));
    },
    "bad_receipt",
    { message: /asked for/ },
  );
  await attack(
    async (receiver) => {
      await receiver.takeAll();
      receiver.end.send("done", await receiver.receipt());
    },
    "bad_receipt",
    { withDigests: true, message: /asked for/ },
  );
  // Also where it is of an earlier session.
  await attack(
    async (receiver) => {
      receiver.end.send("done", await receiver.receipt());
    },
    "bad_receipt",
    { withDigests: true, isRepeated: true, message: /asked for/ },
  );
});

Deno.test("a receipt for other content is no receipt", async () => {
  await attack(
    async (receiver) => {
      await receiver.takeAll();
      receiver.end.send("done", await receiver.receipt({ digests: [NOTHING] }));
    },
    "bad_receipt",
    { withDigests: true, message: /not valid/ },
  );
  await attack(
    async (receiver) => {
      receiver.end.send("done", await receiver.receipt({ digests: [NOTHING] }));
    },
    "bad_receipt",
    { withDigests: true, isRepeated: true, message: /not valid/ },
  );
});

Deno.test("a receipt of an earlier session counts before anything is sent, and only then", async () => {
  await withWorld(async (world) => {
    const receiver = new HostileReceiver(world, { isRepeated: true });
    const sessionId = new Uint8Array(16).fill(9);
    receiver.end.send("done", await receiver.receipt({ sessionId }));
    const { value } = await receiver.result;
    assert.deepEqual(value!.facts.sessionId, sessionId);
  });
  // Equal names, sizes and times: that does not make it what this run has sent.
  await attack(async (receiver) => {
    receiver.end.send("done", await receiver.receipt());
  }, "unexpected_message");
  await attack(async (receiver) => {
    receiver.end.send("wantManifest");
    receiver.end.send("done", await receiver.receipt());
  }, "unexpected_message");
  // The window is too small for all of it, so END has not gone out.
  await attack(
    async (receiver) => {
      receiver.accept();
      receiver.end.send("done", await receiver.receipt());
    },
    "unexpected_message",
    { windowMessages: 4, message: /sending/ },
  );
});

Deno.test("what was never sent before cannot be done already", async () => {
  for (const sizeBytes of [0, CONTENT.length]) {
    await attack(
      async (receiver) => {
        receiver.end.send("done", await receiver.receipt({ sizeBytes }));
      },
      "unexpected_message",
      { isPiped: true },
    );
  }
});

Deno.test("what was not sent cannot be durable", async () => {
  await attack(({ end }) => end.send("durable", encodeOffset(0)), "unexpected_message");
  await attack(
    (receiver) => {
      receiver.accept();
      receiver.end.send("durable", encodeOffset(CONTENT.length + 1));
    },
    "malformed",
    { message: /durable/ },
  );
});

Deno.test("the manifest is asked for once, and by an empty message", async () => {
  await attack((receiver) => {
    receiver.end.send("wantManifest");
    receiver.end.send("wantManifest");
  }, "unexpected_message");
  await attack((receiver) => receiver.end.send("wantManifest", Uint8Array.of(0)), "malformed");
});

Deno.test("messages that are not whole are refused", async () => {
  for (const type of ["accept", "reject", "done"] as const) {
    await attack((receiver) => receiver.end.send(type, new Uint8Array(2)), "malformed");
  }
  await attack((receiver) => {
    receiver.accept();
    receiver.end.send("durable", new Uint8Array(7));
  }, "malformed");
});

const OF_THE_TRANSFER = (Object.keys(MESSAGE_TYPES) as MessageType[]).filter((type) =>
  MESSAGE_TYPES[type] >= 16
);

/** What leads to each state, and which messages may come in it. */
const STATES: Readonly<
  Record<string, readonly [(receiver: HostileReceiver) => Promise<unknown> | void, MessageType[]]>
> = {
  offered: [() => {}, ["wantManifest", "accept", "reject", "done"]],
  listed: [(receiver) => receiver.end.send("wantManifest"), ["accept", "reject"]],
  sending: [(receiver) => receiver.accept(), ["durable", "reject"]],
  waitDone: [(receiver) => receiver.takeAll(), ["durable", "done", "reject"]],
};

for (const [state, [lead, allowed]] of Object.entries(STATES)) {
  Deno.test(`what may not come ends the sending in the state ${state}`, async () => {
    for (const type of OF_THE_TRANSFER.filter((each) => !allowed.includes(each))) {
      await attack(
        async (receiver) => {
          await lead(receiver);
          receiver.end.send(type, new Uint8Array(40));
        },
        "unexpected_message",
        { message: new RegExp(`${type}:.*${state}`) },
      );
    }
  });

  Deno.test(`a refusal ends the sending in the state ${state}, also before a hangup`, async () => {
    for (const [reason, code] of [["quota", "rejected"], ["integrity", "digest_mismatch"]] as const) {
      await attack(
        async (receiver) => {
          await lead(receiver);
          receiver.end.send("reject", encodeReject({ reason, text: "because" }));
          receiver.end.close();
        },
        code,
        { message: /because/ },
      );
    }
  });
}

Deno.test("a refusal that has come counts more than the end of the connection while sending", async () => {
  await withWorld(async (world) => {
    const receiver = new HostileReceiver(world);
    await receiver.end.expect("offer");
    receiver.accept();
    receiver.end.send("durable", encodeOffset(0));
    receiver.end.send("reject", encodeReject({ reason: "space", text: "full" }));
    receiver.pair.cut();
    assertFailed(await receiver.result, "rejected", /full/);
  });
});

Deno.test("a refusal counts also where sending fails before it is read, but nothing out of order does", async () => {
  for (const type of ["durable", "start"] as const) {
    await withWorld(async (world) => {
      const receiver = new HostileReceiver(world, { windowMessages: 4 });
      receiver.accept();
      while (receiver.pair.letters.length < 5) await turn();
      // What has come takes its time, so that the pump, which waits for room, is the first to notice the cut.
      const { sender } = receiver.pair;
      const receive = sender.receive.bind(sender);
      sender.receive = async () => {
        const message = await receive();
        for (let i = 0; i < 20; i++) await Promise.resolve();
        return message;
      };
      receiver.end.send("durable", encodeOffset(0));
      await turn();
      receiver.end.send(type, encodeOffset(0));
      receiver.end.send("reject", encodeReject({ reason: "space", text: "full" }));
      receiver.pair.cut();
      assertFailed(await receiver.result, type === "durable" ? "rejected" : "connection_lost");
    });
  }
});

Deno.test("a receiver that leaves at any point is a lost connection", async () => {
  for (const [lead] of Object.values(STATES)) {
    await attack(async (receiver) => {
      await lead(receiver);
      receiver.end.close();
    }, "connection_lost");
  }
});

/** A source whose reads wait until the test lets them go on. */
class SlowSource {
  readonly reads: ((size: number) => void)[] = [];

  read(into: Bytes): Promise<number> {
    return new Promise((resolve) => this.reads.push((size) => resolve(Math.min(size, into.length))));
  }

  seek(): void {}
  checkUnchanged(): void {}
  close(): void {}

  async hasRead(count: number): Promise<void> {
    while (this.reads.length < count) await turn();
  }
}

Deno.test("once it is over, nothing more is read or sent", async () => {
  for (const offset of [0, BLOCK]) {
    await withWorld(async (world) => {
      world.write("file", CONTENT);
      const pair = world.pair();
      const source = new SlowSource();
      const result = world.send(pair, { source, manifest: world.manifest(), staysOpen: true });
      pair.receiver.send("accept", encodeAccept({ offsetBytes: offset, sha256: NOTHING }));
      await source.hasRead(1);
      pair.receiver.send("reject", encodeReject({ reason: "policy", text: "no" }));
      assertFailed(await result, "rejected");
      const before = pair.letters.length;
      source.reads[0]!(BLOCK);
      await turn();
      assert.equal(source.reads.length, 1);
      assert.equal(pair.letters.length, before);
    });
  }
});

Deno.test("once it is over, nothing is read because there is room", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    const pair = world.pair({ windowMessages: 4 });
    const source = new SlowSource();
    const result = world.send(pair, { source, manifest: world.manifest(), staysOpen: true });
    pair.receiver.send("accept", encodeAccept({ offsetBytes: 0, sha256: NOTHING }));
    // OFFER, MANIFEST, START and this block fill the window.
    await source.hasRead(1);
    source.reads[0]!(BLOCK);
    await turn();
    pair.receiver.send("reject", encodeReject({ reason: "policy", text: "no" }));
    assertFailed(await result, "rejected");
    while (pair.receiver.hasWaiting) await pair.receiver.receive();
    await turn();
    assert.equal(source.reads.length, 1);
  });
});

Deno.test("once it is over, no end follows digests that waited for room", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT.subarray(0, 100));
    const pair = world.pair({ windowMessages: 4 });
    const result = world.send(pair, { withDigests: true, staysOpen: true });
    pair.receiver.send("accept", encodeAccept({ offsetBytes: 0, sha256: NOTHING }));
    while (pair.count("sender", "data") === 0) await turn();
    pair.receiver.send("reject", encodeReject({ reason: "policy", text: "no" }));
    assertFailed(await result, "rejected");
    while (pair.receiver.hasWaiting) await pair.receiver.receive();
    await turn();
    assert.equal(pair.count("sender", "end"), 0);
  });
});

Deno.test("a source that ends early while it is compared has changed", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    const pair = world.pair();
    const source = new SlowSource();
    const result = world.send(pair, { source, manifest: world.manifest() });
    pair.receiver.send("accept", encodeAccept({ offsetBytes: BLOCK, sha256: NOTHING }));
    await source.hasRead(1);
    source.reads[0]!(0);
    assertFailed(await result, "source_changed");
  });
});

Deno.test("a source that changes while it is compared has nothing given up that has arrived", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    const source = world.source();
    const pair = world.pair();
    const result = world.send(pair, { source });
    world.write("file", CONTENT.map((byte) => byte ^ 1));
    Deno.utimeSync(`${world.outbox}/file`, new Date(0), new Date(0));
    // Whoever has opened it before looks at it again only where it ends.
    source.read = (into) => into.length;
    const check = source.checkUnchanged.bind(source);
    let checkCount = 0;
    source.checkUnchanged = () => {
      checkCount += 1;
      check();
    };
    pair.receiver.send("accept", encodeAccept({ offsetBytes: BLOCK, sha256: DIGEST }));
    assertFailed(await result, "source_changed");
    assert.equal(checkCount, 1);
    assert.equal(pair.count("sender", "start"), 0);
  });
});

Deno.test("a source that changes while it is compared with a receipt has changed", async () => {
  await withWorld(async (world) => {
    world.write("file", CONTENT);
    const source = world.source();
    source.checkUnchanged = () => {
      throw new StxError("source_changed", "for a test");
    };
    const receiver = new HostileReceiver(world, { withDigests: true, isRepeated: true, source });
    receiver.end.send("done", await receiver.receipt({ digests: [DIGEST] }));
    assertFailed(await receiver.result, "source_changed");
  });
});

Deno.test("numbers beyond 2^53 are refused", async () => {
  await attack((receiver) => {
    receiver.end.send("accept", concat(u64(0).fill(0xff), NOTHING));
  }, "malformed");
});

/** Whole transfers over sealed channels, from disk to disk, on lines that a test spoils. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { codeOf } from "../../../lib/errors.ts";
import { openSource } from "../../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../../lib/files/receiving_folder.ts";
import { systemRandom } from "../../../lib/net/tcp.ts";
import type { TransferStore } from "../../../lib/ports.ts";
import { MemoryTransferStore } from "../../../lib/store/memory_transfer_store.ts";
import { ActiveTransfers } from "../../../lib/transfer/active_transfers.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { receiveTransfer } from "../../../lib/transfer/receiver.ts";
import type { ReceivedTransfer } from "../../../lib/transfer/receiver_options.ts";
import { sendTransfer, type SentReceipt } from "../../../lib/transfer/sender.ts";
import { seededFractions } from "../../support/random.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { withTempFolder } from "../../support/temp_folder.ts";
import { names } from "../../support/tree.ts";
import { meet, type Meeting, RECEIVER, SENDER } from "./meeting.ts";

const BLOCK = 16 * 1024;

/** What came of one side. */
type Result<T> = PromiseSettledResult<T>;

/** Folders, a memory of transfers, and connections between two who use them. */
class World {
  readonly outbox: string;
  readonly inbox: string;
  readonly store: TransferStore = new MemoryTransferStore();
  readonly #active = new ActiveTransfers();
  /** Bytes that the last attempt to receive began with. */
  resumedAt = 0;

  constructor(folder: string) {
    this.outbox = `${folder}/outbox`;
    this.inbox = `${folder}/inbox`;
    Deno.mkdirSync(this.outbox);
    Deno.mkdirSync(this.inbox);
  }

  /** Puts a file of random content into the outbox. */
  file(name: string, sizeBytes: number): Bytes {
    const bytes = new Uint8Array(randomBytes(sizeBytes));
    Deno.writeFileSync(`${this.outbox}/${name}`, bytes);
    return bytes;
  }

  /** Sends the outbox over a meeting's client; hangs up when it is over. */
  async send({ client, clock }: Meeting): Promise<SentReceipt> {
    const paths = names(this.outbox).map((name) => `${this.outbox}/${name}`);
    const source = openSource(paths, { followLinks: false, onWarning: assert.fail });
    try {
      const receipt = await sendTransfer(client, {
        identity: SENDER.publicKey,
        manifest: makeManifest(source.entries, true),
        source,
        blockSizeBytes: BLOCK,
        withDigests: false,
        random: systemRandom,
        clock,
        onEvent: () => {},
      });
      await client.close();
      return receipt;
    } catch (error) {
      await client.closeFor(error);
      throw error;
    } finally {
      source.close();
    }
  }

  /** Receives into the inbox over a meeting's server; hangs up when it is over. */
  async receive({ server, clock }: Meeting): Promise<ReceivedTransfer> {
    try {
      this.resumedAt = 0;
      const result = await receiveTransfer(server, {
        identity: RECEIVER,
        clock,
        store: this.store,
        folder: openReceivingFolder(this.inbox),
        folderPath: this.inbox,
        conflict: "refuse",
        maxSizeBytes: Infinity,
        allowDotfiles: false,
        claim: (id) =>
          this.#active.claim(
            server.peerIdentity,
            id,
            server.helloNumber,
            () => void server.abort("closing"),
          ),
        onEvent: (event) => {
          if (event.kind === "resumed") this.resumedAt = event.offset;
        },
      });
      await server.peerClosed();
      await server.close();
      return result;
    } catch (error) {
      await server.closeFor(error);
      throw error;
    }
  }

  /** Both together, with as much time as they need. */
  async attempt(meeting: Meeting): Promise<[Result<SentReceipt>, Result<ReceivedTransfer>]> {
    let isOver = false;
    const both = Promise.allSettled([this.send(meeting), this.receive(meeting)]);
    both.then(() => isOver = true);
    await meeting.quiet();
    while (!isOver) await meeting.pass(1_000, 1_000);
    meeting.assertNothingLeft();
    return await both;
  }
}

async function withWorld(body: (world: World) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => await body(new World(await Deno.realPath(folder))));
}

cryptoTest("a file goes from disk to disk", async () => {
  await withWorld(async (world) => {
    const bytes = world.file("file", 1_000_000);
    const [sent, received] = await world.attempt(await meet());
    assert.equal(sent.status, "fulfilled");
    assert.equal(received.status, "fulfilled");
    assert.deepEqual(new Uint8Array(Deno.readFileSync(`${world.inbox}/file`)), bytes);
    assert.deepEqual(names(world.inbox), ["file"]);
  });
});

cryptoTest("once the receipt is there, neither end needs the other's goodbye", async () => {
  for (const spoils of ["damage", "cut"] as const) {
    for (const side of [0, 1] as const) {
      await withWorld(async (world) => {
        world.file("file", 100_000);
        const meeting = await meet();
        const line = meeting.lines[side]!;
        const closing = side === 0 ? meeting.client : meeting.server;
        const { close } = closing;
        let spoilt = 0;
        closing.close = function () {
          line.tap = (bytes) => {
            spoilt += bytes.length;
            if (spoils === "cut") line.cut();
            else bytes[bytes.length - 1]! ^= 1;
            return bytes;
          };
          return close.call(this);
        };
        const [sent, received] = await world.attempt(meeting);
        assert.equal(spoilt, 33, "CLOSE, and nothing else");
        assert.equal(sent.status, "fulfilled");
        assert.equal(received.status, "fulfilled");
        assert.deepEqual(names(world.inbox), ["file"]);
      });
    }
  }
});

cryptoTest("a refusal is always heard, though an alert and the end of the line follow at once", async () => {
  await withWorld(async (world) => {
    world.file("file", 300_000);
    Deno.writeTextFileSync(`${world.inbox}/file`, "mine");
    for (let i = 0; i < 30; i++) {
      const [sent, received] = await world.attempt(await meet());
      assert.ok(sent.status === "rejected" && received.status === "rejected");
      assert.equal(codeOf(received.reason), "exists");
      assert.equal(codeOf(sent.reason), "rejected", String(sent.reason));
    }
    assert.equal(Deno.readTextFileSync(`${world.inbox}/file`), "mine");
  });
});

cryptoTest(
  "on a noisy line everything arrives in the end, and noise is never taken for an attack",
  async () => {
    await withWorld(async (world) => {
      for (let seed = 1; seed <= 12; seed++) {
        const random = seededFractions(seed);
        const name = `file ${seed}`;
        const bytes = world.file(name, 100_000 + seed);
        let attempts = 0;
        for (let isWhole = false; !isWhole; attempts++) {
          assert.ok(attempts < 30, `seed ${seed} does not come through`);
          const meeting = await meet();
          for (const line of meeting.lines) {
            line.tap = (piece) => {
              if (random() < 0.08) {
                piece[Math.floor(random() * piece.length)]! ^= 1 << Math.floor(random() * 8);
              }
              return piece;
            };
          }
          const results = await world.attempt(meeting);
          for (const result of results) {
            if (result.status === "rejected") {
              assert.equal(
                codeOf(result.reason),
                "connection_lost",
                `seed ${seed}`,
              );
            }
          }
          isWhole = results[0].status === "fulfilled";
        }
        assert.deepEqual(new Uint8Array(Deno.readFileSync(`${world.inbox}/${name}`)), bytes);
        assert.deepEqual(names(world.inbox), [name]);
        Deno.removeSync(`${world.inbox}/${name}`);
        Deno.removeSync(`${world.outbox}/${name}`);
      }
    });
  },
);

cryptoTest("a line that is cut anywhere is continued, and never puts a part in place", async () => {
  await withWorld(async (world) => {
    const bytes = world.file("file", 20 * BLOCK + 5);
    const random = seededFractions(7);
    let resumed = 0;
    for (let cut = 0; cut < 12; cut++) {
      const meeting = await meet({ capacityBytes: 8_000 });
      let left = Math.floor(random() * 22 * BLOCK);
      meeting.lines[0].tap = (piece) => {
        left -= piece.length;
        if (left < 0) meeting.lines[0].cut();
        return piece;
      };
      const [sent] = await world.attempt(meeting);
      resumed += world.resumedAt > 0 ? 1 : 0;
      if (sent.status === "fulfilled") break;
      assert.equal(codeOf(sent.reason), "connection_lost");
      assert.deepEqual(names(world.inbox), [".stx-partial"]);
    }
    const [last] = await world.attempt(await meet());
    assert.equal(last.status, "fulfilled");
    assert.ok(resumed > 0, "something was continued");
    assert.deepEqual(new Uint8Array(Deno.readFileSync(`${world.inbox}/file`)), bytes);
    assert.deepEqual(names(world.inbox), ["file"]);
  });
});

cryptoTest("a sender that comes back ends its old connection, which nobody knows to be dead", async () => {
  await withWorld(async (world) => {
    const bytes = world.file("file", 40 * BLOCK);
    const dead = await meet({ capacityBytes: 8_000 });
    const old = Promise.allSettled([world.send(dead), world.receive(dead)]);
    await dead.lines[1].arrived(20 * BLOCK);
    for (const line of dead.lines) line.pause();
    const [sent, received] = await world.attempt(await meet());
    assert.equal(sent.status, "fulfilled");
    assert.equal(received.status, "fulfilled");
    assert.deepEqual(new Uint8Array(Deno.readFileSync(`${world.inbox}/file`)), bytes);
    let isOver = false;
    old.then(() => isOver = true);
    while (!isOver) await dead.pass(1_000, 1_000);
    assert.deepEqual((await old).map((each) => each.status === "rejected" && codeOf(each.reason)), [
      "connection_lost",
      "cancelled",
    ]);
    dead.assertNothingLeft();
  });
});

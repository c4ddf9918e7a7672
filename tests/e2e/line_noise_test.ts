import assert from "node:assert/strict";
import { chosenSeed, seededFractions } from "../support/random.ts";
import { Relay } from "../support/relay.ts";
import { withStage } from "../support/stage.ts";
import { tree } from "../support/tree.ts";

/** The handshake, which no noise may pass, is a few kilobytes each way; noise begins behind it. */
const HANDSHAKE_SIZE_MAX = 16 * 1024;
const HANDSHAKE_ANSWERS_SIZE_MAX = 1500;

Deno.test("bits that flip on the line now and then do no harm to a transfer", async () => {
  const seed = chosenSeed();
  const random = seededFractions(seed);
  let flips = 0;
  await withStage(async (stage) => {
    const file = stage.file("big", 32_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, {
      damage(bytes, at) {
        // One bit in three megabytes on average.
        if (at < HANDSHAKE_SIZE_MAX || random() > bytes.length / 3_000_000) return;
        const place = Math.floor(random() * bytes.length);
        bytes[place]! ^= 1 << Math.floor(random() * 8);
        flips += 1;
      },
    });

    const sent = await stage.send(relay, file);

    const told = `seed ${seed}, ${flips} bits flipped: ${sent.stderr}`;
    assert.equal(sent.code, 0, told);
    assert.ok(flips > 0, told);
    assert.deepEqual(tree(`${stage.inbox}/big`), tree(file), told);
  });
});

Deno.test("a bit that flips in the first handshake costs another handshake and no more", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", "content");
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, {
      damage(bytes, at) {
        // In HELLO's public key.
        if (relay.connectionCount === 1 && at === 0) bytes[700]! ^= 1;
      },
    });

    const sent = await stage.send(relay, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.equal(relay.connectionCount, 2, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  });
});

Deno.test("a bit that flips in what the receiver answers costs one record more", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 3_000_000);
    const receiver = await stage.receive();
    let isDamaged = false;
    await using relay = new Relay(receiver, {
      damageAnswers(bytes, at) {
        if (isDamaged || at < HANDSHAKE_ANSWERS_SIZE_MAX) return;
        // Behind sequence number and size, which are eight bytes.
        bytes[12]! ^= 1;
        isDamaged = true;
      },
    });

    const sent = await stage.send(relay, file);

    assert.equal(sent.code, 0, sent.stderr);
    assert.ok(isDamaged);
    assert.equal(relay.connectionCount, 1, sent.stderr);
    assert.deepEqual(tree(`${stage.inbox}/file`), tree(file));
  });
});

Deno.test("a line that changes everything ends the transfer, and nothing is in place", async () => {
  await withStage(async (stage) => {
    const file = stage.file("file", 3_000_000);
    const receiver = await stage.receive();
    await using relay = new Relay(receiver, {
      damage(bytes, at) {
        for (let index = Math.max(0, 2 * HANDSHAKE_SIZE_MAX - at); index < bytes.length; index += 500) {
          bytes[index]! ^= 0x55;
        }
      },
    });

    const sent = await stage.send(relay, file, { args: ["--retry-for", "2s"] });

    assert.ok([5, 6].includes(sent.code), `${sent.code}: ${sent.stderr}`);
    assert.ok(!Array.from(Deno.readDirSync(stage.inbox), ({ name }) => name).includes("file"));
  });
});

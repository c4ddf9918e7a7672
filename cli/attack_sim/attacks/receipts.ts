/**
 * Attacks on the receipt: the sender of a transfer, or its receiver, wants the other to believe what is not so.
 * @module
 */
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import { verifySshsigBlob } from "../../../lib/identity/sshsig.ts";
import { makeManifest } from "../../../lib/transfer/manifest.ts";
import { RECEIPT_NAMESPACE, type ReceiptFacts, receiptMessage } from "../../../lib/transfer/receipt.ts";
import { decodeDone, encodeOffset } from "../../../lib/wire/message.ts";
import type { Attack, Played, Stage } from "../attack.ts";
import { RogueReceiver } from "../rogue_receiver.ts";
import { entryOf, RogueSender } from "../rogue_sender.ts";
import { FILE_NAME, newIdentity, type StxWorldOptions, withStxWorld } from "../stx_world.ts";

const RECEIPT = "Exit 0 of a sender means that the receiver has signed for it";

/** Sends to a receiver that answers as `answer` does; succeeds if the sender believes that its file has arrived. */
async function playLiar(
  stage: Stage,
  answer: (rogue: RogueReceiver) => Promise<Bytes>,
  sender: StxWorldOptions["sender"] = {},
): Promise<Played> {
  const receive: StxWorldOptions["receive"] = async (channel, options) => {
    const rogue = await RogueReceiver.meet(channel, options);
    channel.send("done", await answer(rogue));
    return rogue.nothing;
  };
  return await withStxWorld(stage, { receive, sender }, async (world) => {
    const isBelieved = await world.send() !== undefined;
    await world.settle();
    return world.played(
      isBelieved,
      isBelieved ? "the sender ends with exit 0" : "the sender believes nothing of it",
    );
  });
}

/** A sender that wants the receiver to have signed for a list of files that it has never sent. */
async function playFalseManifest(stage: Stage): Promise<Played> {
  const content = stage.seeded.bytes(100 + stage.seeded.below(1000));
  const claimed = makeManifest([entryOf(`contract-${stage.seeded.below(1000)}.pdf`, content.length)], true);
  const sent = makeManifest([entryOf(FILE_NAME, content.length)], true);
  let isSigned = false;
  const send: StxWorldOptions["send"] = async (channel, options) => {
    const rogue = new RogueSender(channel, options);
    const offer = rogue.offerOf(claimed);
    await rogue.begin(offer, sent);
    await rogue.blocks(content);
    const { finishedMs, sizeBytes, sessionId, signature } = decodeDone(await rogue.end());
    const facts: ReceiptFacts = {
      sender: options.identity,
      receiver: channel.peerIdentity,
      transferId: offer.transferId,
      manifestDigest: claimed.digest,
      sessionId,
      sizeBytes,
      entries: claimed.entries,
      finishedMs,
      digests: undefined,
    };
    isSigned = await verifySshsigBlob(signature, RECEIPT_NAMESPACE, receiptMessage(facts), facts.receiver);
    return { facts, signature };
  };
  return await withStxWorld(stage, { send }, async (world) => {
    await world.send();
    await world.settle();
    return world.played(
      isSigned,
      isSigned
        ? `the receiver has signed for ${claimed.entries[0]!.path}, which was never sent`
        : "the receiver has signed nothing",
    );
  });
}

/** A receiver that says more is safe on its disk than was sent. */
async function playDurable(stage: Stage): Promise<Played> {
  const ahead = 1 + stage.seeded.below(1_000_000);
  let shownBytes = 0;
  const options: StxWorldOptions = {
    receive: async (channel, receiverOptions) => {
      const rogue = await RogueReceiver.meet(channel, receiverOptions);
      rogue.accept();
      channel.send("durable", encodeOffset(rogue.sizeBytes + ahead));
      await rogue.expect("end");
      channel.send("done", await rogue.receipt());
      return rogue.nothing;
    },
    sender: {
      onEvent(event) {
        if (event.kind === "durable") shownBytes = event.bytes;
      },
    },
  };
  return await withStxWorld(stage, options, async (world) => {
    await world.send();
    await world.settle();
    const sentBytes = world.content.length;
    const evidence = `${shownBytes} bytes are said to be safe, the file has ${sentBytes}`;
    return world.played(shownBytes > sentBytes, evidence);
  });
}

/** A receipt that the receiver's key has not signed over what was sent; there are four ways to make one. */
async function forgedReceipt(rogue: RogueReceiver, stage: Stage): Promise<Bytes> {
  await rogue.takeAll();
  const { seeded } = stage;
  switch (seeded.below(4)) {
    case 0:
      return await rogue.receipt({}, await newIdentity(stage));
    case 1:
      return await rogue.receipt({ manifestDigest: seeded.bytes(32) });
    case 2:
      return await rogue.receipt({}, undefined, "file");
    default:
      return await rogue.receipt({}, undefined, undefined, { signature: seeded.bytes(64) });
  }
}

/** See the module's text. */
export const RECEIPT_ATTACKS: readonly Attack[] = [
  {
    name: "forged-receipt",
    protocol: "stx",
    by: "receiver",
    goal:
      "The sender ends with exit 0, and the receiver can say later that it has never signed for the file.",
    does: "Takes the whole file, keeps none of it, and answers with a receipt that its key has not signed: " +
      "another key has, or it is over other files, for another purpose, or just bytes.",
    why:
      "The sender writes down by itself what the receipt must say, and checks that the receiver's key has signed " +
      "exactly that.",
    promises: [RECEIPT],
    expected: {
      kind: "stopped",
      at: "client",
      code: "bad_receipt",
      during: "is not valid for what was sent",
    },
    defences: ["receipt signature"],
    play: (stage) => playLiar(stage, (rogue) => forgedReceipt(rogue, stage)),
  },
  {
    name: "short-receipt",
    protocol: "stx",
    by: "receiver",
    goal: "The sender ends with exit 0, and the receiver has signed for a part of the file only.",
    does: "Takes the whole file, and answers with a receipt over fewer bytes, signed with its own key.",
    why:
      "The receipt's size is compared with what was sent. The signature is checked over the sender's own number, " +
      "so a receipt over another one would not fit either.",
    promises: [RECEIPT],
    expected: { kind: "stopped", at: "client", code: "bad_receipt", during: "The receipt is about" },
    defences: ["receipt size", "receipt signature"],
    play: (stage) =>
      playLiar(stage, async (rogue) => {
        await rogue.takeAll();
        return await rogue.receipt({ sizeBytes: stage.seeded.below(rogue.sizeBytes) });
      }),
  },
  {
    name: "receipt-without-digests",
    protocol: "stx",
    by: "receiver",
    goal:
      "A sender that asks for a receipt with the hash of every file ends with exit 0 without those hashes.",
    does: "Takes the whole file, and signs a receipt that has no hashes in it, as if nobody had asked.",
    why: "The sender remembers what it has asked for, and takes no other kind of receipt.",
    promises: [RECEIPT],
    expected: { kind: "stopped", at: "client", code: "bad_receipt", during: "not what was asked for" },
    defences: ["receipt digests"],
    play: (stage) =>
      playLiar(stage, async (rogue) => {
        await rogue.takeAll();
        return await rogue.receipt();
      }, { withDigests: true }),
  },
  {
    name: "early-done",
    protocol: "stx",
    by: "receiver",
    goal: "The sender ends with exit 0 before it has sent anything.",
    does:
      "Answers the offer at once with a receipt, properly signed, as if the file had come in an earlier session.",
    why:
      "The sender knows whether this run of it has ever sent the whole file, and looks at no receipt before.",
    promises: [RECEIPT],
    expected: { kind: "stopped", at: "client", code: "unexpected_message", during: "was never sent before" },
    defences: ["done after the end"],
    play: (stage) =>
      playLiar(stage, (rogue) => rogue.receipt({ finishedMs: 1 + stage.seeded.below(2 ** 31) })),
  },
  {
    name: "durable-unsent",
    protocol: "stx",
    by: "receiver",
    goal: "The sender's user is told that more of the file is safe on the receiver's disk than was sent.",
    does: "Takes the transfer, and says at once that more bytes are saved than the file has.",
    why: "The sender knows how far it has sent, and takes no larger number.",
    promises: [RECEIPT],
    expected: { kind: "stopped", at: "client", code: "malformed", during: "bytes are durable" },
    defences: ["durable mark"],
    play: playDurable,
  },
  {
    name: "false-manifest",
    protocol: "stx",
    by: "sender",
    goal: "The receiver signs for a list of files that was never sent.",
    does:
      "Offers the hash of one list of files, and then sends another list, of the same size, with its file.",
    why: "The receiver hashes the list that has come. It signs for no other.",
    promises: [RECEIPT],
    expected: { kind: "stopped", at: "server", code: "bad_manifest", during: "not the one that was offered" },
    defences: ["manifest digest"],
    play: playFalseManifest,
  },
];

/**
 * A sender under Node, over Node's own sockets: `send_file.js PORT SEED RECEIVER SIZE`. SEED is the sender's, RECEIVER
 * the receiver's fingerprint, SIZE how many bytes to send. It prints the receipt's text and its signature.
 * @module
 */
import { once } from "node:events";
import { connect as dial } from "node:net";
import process from "node:process";
import { Duplex } from "node:stream";
import { type ByteStreams, connect, identityFromSeed, makeManifest, send, streamDuplex } from "../../mod.ts";
import { armorSshsig, fingerprint, receiptText, StxError } from "../../mod.ts";
import { fromHex } from "../../lib/bytes/bytes.ts";
import { MemorySource } from "./memory_files.ts";

const [port, seed, receiver, size] = process.argv.slice(2);
const identity = await identityFromSeed(fromHex(seed!));
const socket = dial(Number(port), "127.0.0.1");
await once(socket, "connect");
const channel = await connect(streamDuplex(Duplex.toWeb(socket) as unknown as ByteStreams), {
  identity,
  checkServer(key) {
    if (fingerprint(key) !== receiver) throw new StxError("receiver_changed", fingerprint(key));
  },
});
const source = new MemorySource({ "from node": new Uint8Array(Number(size)).map((_, index) => index * 7) });
const manifest = makeManifest(source.entries, true);
const { facts, signature } = await send(channel, {
  identity: identity.publicKey,
  manifest,
  source,
  withDigests: true,
});
process.stdout.write(receiptText(facts) + armorSshsig(signature));

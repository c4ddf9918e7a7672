/**
 * Two handshakes in place of one: a man in the middle with ephemeral keys of its own plays the receiver for the sender
 * and the sender for the receiver. It has no identity, so it hands on what each end shows of its own.
 * @module
 */
import type { Step } from "../../lib/attacks/middle.ts";
import type { End } from "../../lib/attacks/wire.ts";
import { type Bytes, concat } from "../../lib/bytes/bytes.ts";
import { deferred } from "../../lib/bytes/deferred.ts";
import { ClientHandshake } from "../../lib/handshake/client.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import { ServerHandshake } from "../../lib/handshake/server.ts";
import { WINDOW_RECORDS, WINDOW_SIZE_BYTES } from "../../lib/limits.ts";
import { type Channel, openChannel } from "../../lib/net/channel.ts";
import { systemClock, systemRandom } from "../../lib/net/tcp.ts";
import type { Duplex } from "../../lib/ports.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { decodeData } from "../../lib/wire/message.ts";
import { watched } from "./rogue_relay.ts";

/** The public keys of the two ends, which are no secret. */
export interface BridgeKeys {
  readonly sender: Bytes;
  readonly receiver: Bytes;
}

/** Stands between the two ends; resolves to what it has read of the file. */
export async function bridge(
  ends: Readonly<Record<End, Duplex>>,
  keys: BridgeKeys,
  onStep: (step: Step) => void,
): Promise<Bytes> {
  // Each end's signature is made in the one handshake and shown in the other.
  const [serverSignature, clientSignature] = [deferred<Bytes>(), deferred<Bytes>()];
  for (const { promise } of [serverSignature, clientSignature]) promise.catch(() => {});
  class TowardsClient extends ServerHandshake {
    protected override checkClientSignature(_id: Bytes, _signed: Bytes, signature: Bytes): Promise<void> {
      clientSignature.resolve(signature);
      return Promise.resolve();
    }
  }
  class TowardsServer extends ClientHandshake {
    protected override checkServerSignature(_id: Bytes, _signed: Bytes, signature: Bytes): Promise<void> {
      serverSignature.resolve(signature);
      return Promise.resolve();
    }
  }
  const nowMs = systemClock.nowMs();
  const common = { random: systemRandom, suites: ["aes-256-gcm"], authModes: ["identity"] } as const;
  const asServer = new TowardsClient({
    ...common,
    identity: { publicKey: keys.receiver, sign: () => serverSignature.promise },
    sharedKeys: [],
    guard: new HelloGuard(),
    nonces: new MemoryNonceStore(),
    limits: { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES },
    authorize: () => {},
  }, nowMs);
  const asClient = await TowardsServer.start({
    ...common,
    identity: { publicKey: keys.sender, sign: () => clientSignature.promise },
    sharedKey: undefined,
    intent: "send",
    checkServer: () => {},
  }, nowMs);
  const opening = [
    openChannel(watched(ends.client, "client", onStep), asServer, systemClock),
    openChannel(watched(ends.server, "server", onStep), asClient, systemClock),
  ];
  for (const each of opening) {
    each.catch((error) => {
      // Nobody waits for a signature that will not come any more.
      serverSignature.reject(error);
      clientSignature.reject(error);
    });
  }
  const opened = await Promise.allSettled(opening);
  const channels = opened.map((each) => each.status === "fulfilled" ? each.value : undefined);
  const [sender, receiver] = channels;
  if (sender === undefined || receiver === undefined) {
    await Promise.all(channels.map((channel) => channel?.abort("closing")));
    return new Uint8Array(0);
  }
  const read: Bytes[] = [];
  await Promise.all([handOn(sender, receiver, read), handOn(receiver, sender, [])]);
  return concat(...read);
}

/** Hands on all messages of one direction, and keeps what it reads of the file. */
async function handOn(from: Channel, to: Channel, read: Bytes[]): Promise<void> {
  try {
    for (;;) {
      const { type, body } = await from.receive();
      if (type === "data") read.push(decodeData(body).data.slice());
      await to.room(body.length);
      to.send(type, body);
    }
  } catch {
    // One end has finished, or failed: so does the other.
    await to.close();
  }
}

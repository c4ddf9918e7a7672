/** Clients and servers as a vector describes them. */
import { fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { sha256 } from "../../../lib/crypto/hkdf.ts";
import { StxError } from "../../../lib/errors.ts";
import { ClientHandshake } from "../../../lib/handshake/client.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { ServerHandshake } from "../../../lib/handshake/server.ts";
import { identityFromSeed } from "../../../lib/identity/identity.ts";
import { PUBLIC_KEY_BURST } from "../../../lib/limits.ts";
import type { Random } from "../../../lib/ports.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { u32 } from "../../../lib/wire/fields.ts";
import { type ClientSetup, drawing, modeOf, type ServerSetup, suiteOf } from "./files.ts";

/** A handshake and the randomness that it draws. */
export interface StartedHandshake<Machine> {
  readonly machine: Machine;
  readonly random: Random & { readonly leftCount: number };
}

/** A client that has made HELLO. */
export async function startClient(setup: ClientSetup): Promise<StartedHandshake<ClientHandshake>> {
  const random = drawing(setup.kem_seed, setup.x25519_secret, setup.nonce);
  const machine = await ClientHandshake.start({
    identity: await identityFromSeed(fromHex(setup.identity_seed)),
    random,
    suites: setup.suites.map(suiteOf),
    authModes: setup.modes.map(modeOf),
    sharedKey: setup.shared_key === null ? undefined : prepareSharedKey(fromHex(setup.shared_key)),
    intent: "send",
    checkServer(key) {
      if (setup.receiver === null) throw new StxError("unknown_receiver", "nobody knows it");
      if (setup.receiver !== toHex(key)) throw new StxError("receiver_changed", "it is another");
    },
  }, setup.time * 1000);
  return { machine, random };
}

/** A server that waits for HELLO. */
export async function startServer(setup: ServerSetup): Promise<StartedHandshake<ServerHandshake>> {
  const random = drawing(setup.x25519_secret, setup.nonce);
  const nowMs = setup.time * 1000;
  const guard = new HelloGuard();
  for (const nonce of setup.nonces_in_memory) guard.admit(fromHex(nonce), nowMs);
  const answered = PUBLIC_KEY_BURST - setup.answers_left;
  for (let i = setup.nonces_in_memory.length; i < answered; i++) guard.admit(sha256(u32(i)), nowMs);
  const nonces = new MemoryNonceStore();
  for (const nonce of setup.nonces_on_disk) nonces.claim(fromHex(nonce), Infinity, nowMs);
  const machine = new ServerHandshake({
    identity: await identityFromSeed(fromHex(setup.identity_seed)),
    random,
    suites: setup.suites.map(suiteOf),
    authModes: setup.modes.map(modeOf),
    sharedKeys: setup.shared_keys.map((key) => prepareSharedKey(fromHex(key))),
    guard,
    nonces,
    limits: { windowRecords: setup.window_records, windowSizeBytes: setup.window_bytes },
    authorize(key, _, mode) {
      if (mode === "psk" || setup.senders.includes(toHex(key))) return;
      throw new StxError("unauthorized", "it is not on the list");
    },
  }, nowMs);
  return { machine, random };
}

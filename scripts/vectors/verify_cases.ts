/**
 * Faults that a server must notice in VERIFY, and in what comes in its place.
 * @module
 */
import {
  type Case,
  clear,
  clearAlert,
  comes,
  goes,
  inSession,
  sealed,
  sealedAlert,
  type Step,
} from "./cases.ts";
import { Client, Server } from "./handshake.ts";
import { BOTH, CHACHA, PLAIN, PSK, serverSetup, STRANGER_SEED, TIME } from "./handshake_cases.ts";
import { contentToSign, frame, frameHeader, FRAMES } from "./handshake_inputs.ts";
import { Direction, message, rotation } from "./messages.ts";
import {
  type Bytes,
  ds,
  ed25519Sign,
  extract,
  finished,
  flipped,
  FORGED_SIGNATURE,
  hex,
  join,
  NEUTRAL,
  NEUTRAL_NOT_CANONICAL,
  NOTHING,
  number,
  seal,
  sha256,
  ZEROS,
} from "./primitives.ts";
import { atVerify } from "./server_case.ts";

const UNOPENED = { error: "handshake_failed", alert: sealed(1) };

const SEALS: readonly Case[] = [
  atVerify("one bit of VERIFY's tag flipped", {
    client: { sealed: (right) => flipped(right, -1) },
    ...UNOPENED,
  }),
  atVerify("one bit of VERIFY's ciphertext flipped", {
    inputs: CHACHA,
    client: { sealed: (right) => flipped(right, 0) },
    ...UNOPENED,
  }),
  atVerify("VERIFY sealed under number 1", { client: { number: 1 }, ...UNOPENED }),
  atVerify("VERIFY sealed under the server's secret", {
    client: { secret: (_, values) => values["s_hs"]! },
    ...UNOPENED,
  }),
  atVerify("VERIFY sealed with other additional data", {
    client: {
      sealed: (_, values) =>
        seal(1, values["c_hs"]!, 0, frameHeader(FRAMES.verify, 0), values["verify_plaintext"]!),
    },
    ...UNOPENED,
  }),
  atVerify("VERIFY without the shared key in a mode that has one", {
    inputs: PSK,
    client: {
      sealed: (right, values) => {
        const hs = extract(
          ds(extract(ZEROS, ZEROS), "derived", sha256()),
          join(values["ss_mlkem"]!, values["ss_x25519"]!),
        );
        const secret = ds(hs, "c hs", values["th2"]!);
        return seal(1, secret, 0, frameHeader(FRAMES.verify, right.length), values["verify_plaintext"]!);
      },
    },
    ...UNOPENED,
  }),
  atVerify("a byte behind VERIFY's last field", {
    client: { plaintext: (right) => join(right, number(0, 1)) },
    error: "malformed",
    alert: sealed(1),
  }),
  atVerify("VERIFY lacks its last byte", {
    client: { plaintext: (right) => right.slice(0, -1) },
    error: "malformed",
    alert: sealed(1),
  }),
];

const BAD_SIGNATURE = { error: "bad_signature", alert: sealed(1) };
const BAD_PROOF = { error: "bad_proof", alert: sealed(1) };
const BAD_IDENTITY = { error: "bad_identity", alert: sealed(1) };

const PROOFS: readonly Case[] = [
  atVerify("client_signature over TH5", {
    client: { signed: (_, values) => contentToSign("client", values["th5"]!) },
    ...BAD_SIGNATURE,
  }),
  atVerify("the server's context string in client_signature", {
    client: { signed: (_, values) => contentToSign("server", values["th6"]!) },
    ...BAD_SIGNATURE,
  }),
  atVerify("the server's own signature as client_signature", {
    inputs: CHACHA,
    client: {
      signature: (_, values) => ed25519Sign(CHACHA.serverSeed, contentToSign("server", values["th3"]!)),
    },
    ...BAD_SIGNATURE,
  }),
  atVerify("client_signature by another key than client_id", {
    inputs: PSK,
    client: { signature: (_, values) => ed25519Sign(STRANGER_SEED, contentToSign("client", values["th6"]!)) },
    ...BAD_SIGNATURE,
  }),
  atVerify("client_proof wrong, the signature right", {
    client: { proof: (right) => flipped(right, 0) },
    ...BAD_PROOF,
  }),
  atVerify("client_proof over TH6", {
    client: { proof: (_, values) => finished(values["c_hs"]!, values["th6"]!) },
    ...BAD_PROOF,
  }),
  atVerify("client_proof with the server's key", {
    inputs: BOTH,
    client: { proof: (_, values) => finished(values["s_hs"]!, values["th7"]!) },
    ...BAD_PROOF,
  }),
  atVerify("client_proof and client_signature both wrong", {
    client: { signature: (right) => flipped(right, 0), proof: (right) => flipped(right, 0) },
    ...BAD_PROOF,
  }),
  ...([
    ["the neutral element", NEUTRAL],
    ["the neutral element in another encoding", NEUTRAL_NOT_CANONICAL],
  ] as const).map(([what, id]) =>
    atVerify(`the client's identity is ${what}, with a forged signature`, {
      client: { id, signature: () => FORGED_SIGNATURE },
      setup: { senders: [hex(id)] },
      ...BAD_IDENTITY,
    })
  ),
  atVerify("the client's identity is no point, and its proof is wrong", {
    client: { id: join(number(2, 1), new Uint8Array(31)), proof: (right) => flipped(right, 0) },
    ...BAD_IDENTITY,
  }),
  atVerify("a reflection: in mode psk the client shows the server's own identity", {
    inputs: { ...PSK, clientSeed: PSK.serverSeed },
    ...BAD_IDENTITY,
  }),
  atVerify("a reflection in mode identity+psk, by a client that is not on the list", {
    inputs: { ...BOTH, clientSeed: BOTH.serverSeed, clientTime: TIME + 1_000 },
    setup: { senders: [] },
    ...BAD_IDENTITY,
  }),
  atVerify("intent 2", { client: { intent: 2 }, error: "handshake_failed", alert: sealed(1) }),
  atVerify("intent 0, of a client that is not on the list", {
    client: { intent: 0 },
    setup: { senders: [] },
    error: "handshake_failed",
    alert: sealed(1),
  }),
  atVerify("a client that is not on the list, in mode identity", {
    setup: { senders: [] },
    error: "unauthorized",
    alert: sealed(3),
  }),
  atVerify("a client that is not on the list, in mode identity+psk", {
    inputs: BOTH,
    setup: { senders: [] },
    error: "unauthorized",
    alert: sealed(3),
  }),
  atVerify("a client that is not on the list, and whose HELLO has opened a session before", {
    setup: { senders: [], nonces_on_disk: [hex(PLAIN.clientNonce)] },
    error: "unauthorized",
    alert: sealed(3),
  }),
];

/** What a client of another handshake between the same two has sealed. */
const OTHER_VERIFY: Bytes = (() => {
  const client = new Client(CHACHA);
  const server = new Server(CHACHA);
  client.welcome(server.welcome(client.hello()));
  client.authentication(server);
  return client.verify();
})();

const INSTEAD_OF_VERIFY: readonly Case[] = [
  atVerify("VERIFY of another handshake between the same two", { last: () => OTHER_VERIFY, ...UNOPENED }),
  atVerify("HELLO a second time", {
    last: () => new Client(PLAIN).hello(),
    error: "unexpected_message",
    alert: sealed(1),
  }),
  atVerify("the server's own WELCOME comes back", {
    last: () => new Server(PLAIN).welcome(new Client(PLAIN).hello()),
    error: "unexpected_message",
    alert: sealed(1),
  }),
  atVerify("READY in place of VERIFY", {
    last: () => frame(FRAMES.ready, new Uint8Array(70)),
    error: "unexpected_message",
    alert: sealed(1),
  }),
  atVerify("ALERT 1 in place of VERIFY", {
    last: () => clearAlert(1),
    error: "refused_connection",
    alert: null,
  }),
  atVerify("ALERT of no byte in place of VERIFY", {
    last: () => frame(FRAMES.alert, NOTHING),
    error: "malformed",
    alert: sealed(1),
  }),
  ...([[1, "handshake_failed"], [4, "clock_skew"]] as const).map(([alert, error]) =>
    atVerify(`SEALED_ALERT ${alert} in place of VERIFY`, {
      last: (client) => sealedAlert(1, client.values["c_hs"]!, 0, alert),
      error,
      alert: null,
    })
  ),
  atVerify("SEALED_ALERT under number 1", {
    last: (client) => sealedAlert(1, client.values["c_hs"]!, 1, 4),
    ...UNOPENED,
  }),
  atVerify("SEALED_ALERT under the server's own secret", {
    last: (client) => sealedAlert(1, client.values["s_hs"]!, 0, 4),
    ...UNOPENED,
  }),
];

function earlyRotation(client: Client, verify: Bytes): Bytes {
  const statement = rotation(PLAIN.clientSeed, STRANGER_SEED, TIME * 1000);
  return join(verify, new Direction(1, client.values["c_ap_0"]!).record(message("rotation", statement), 0));
}

/** HELLO and, at once, far more than a client may send before READY. */
function tooMuch(): Case {
  const hello = new Client(PLAIN).hello();
  const step = { in: hex(hello), then: { byte: "00", count: 311_297 - hello.length } };
  return {
    name: "more than 311,296 bytes before READY",
    end: "server",
    setup: serverSetup(PLAIN),
    steps: [step, goes(clearAlert(1))],
    error: "malformed",
    alert: clear(1),
  };
}

function timed(): readonly Case[] {
  const setup = serverSetup(PLAIN);
  const hello = new Client(PLAIN).hello();
  const welcome = new Server(PLAIN).welcome(hello);
  const common = { end: "server", setup, error: "connection_lost", alert: null } as const;
  const late: readonly Step[] = [{ at: 9_999 }, { at: 10_000 }];
  return [
    { name: "no HELLO within 10 s", steps: late, ...common },
    { name: "no VERIFY within 10 s", steps: [comes(hello), goes(welcome), ...late], ...common },
  ];
}

const FRESHNESS: readonly Case[] = [
  atVerify("a HELLO whose nonce has opened a session before", {
    setup: { nonces_on_disk: [hex(PLAIN.clientNonce)] },
    error: "handshake_failed",
    alert: sealed(1),
  }),
  atVerify("the client's clock is 121 s ahead", {
    inputs: { ...PLAIN, clientTime: TIME + 121 },
    error: "clock_skew",
    alert: sealed(4),
  }),
  atVerify("the client's clock is 121 s behind", {
    inputs: { ...BOTH, clientTime: TIME - 121 },
    error: "clock_skew",
    alert: sealed(4),
  }),
  atVerify("a client whom nobody has authorized and whose clock is wrong", {
    inputs: { ...PLAIN, clientTime: TIME - 121 },
    setup: { senders: [] },
    error: "clock_skew",
    alert: sealed(4),
  }),
];

/** All of them. */
export function verifyCases(): readonly Case[] {
  return [
    ...SEALS,
    ...PROOFS,
    ...FRESHNESS,
    ...INSTEAD_OF_VERIFY,
    atVerify("ROTATION before READY", {
      last: earlyRotation,
      error: "unexpected_message",
      alert: inSession(5),
    }),
    tooMuch(),
    ...timed(),
  ];
}

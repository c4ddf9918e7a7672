/**
 * Faults that a client must notice in READY, and in what comes in its place.
 * @module
 */
import { type Case, clearAlert, comes, goes, inSession, sealedAlert, type Step } from "./cases.ts";
import { Client, Server } from "./handshake.ts";
import { BOTH, clientSetup, PLAIN } from "./handshake_cases.ts";
import { finished, flipped, join, NOTHING, number, text } from "./primitives.ts";
import { atReady, withExtensions } from "./client_case.ts";

const LIMITS: readonly Case[] = [
  [15, 262_144],
  [16, 262_143],
  [257, 16_777_216],
].map(([windowRecords, windowBytes]) =>
  atReady(`READY allows ${windowRecords} records and ${windowBytes} bytes`, {
    server: { limits: { windowRecords: windowRecords!, windowBytes: windowBytes! } },
    error: "bad_limits",
    alert: inSession(8),
  })
);

const PROVED = { error: "bad_proof", alert: inSession(8) };
const NOT_OPENED = { error: "handshake_failed", alert: inSession(8) };

const READY: readonly Case[] = [
  atReady("READY names another session", {
    server: { sessionId: (right) => flipped(right, 0) },
    ...PROVED,
  }),
  atReady("server_proof wrong", { server: { proof: (right) => flipped(right, 31) }, ...PROVED }),
  atReady("server_proof over TH8", {
    server: { proof: (_, values) => finished(values["ready"]!, values["th8"]!) },
    ...PROVED,
  }),
  atReady("server_proof with the key of server_finished", {
    inputs: BOTH,
    server: { proof: (_, values) => finished(values["s_hs"]!, values["th9"]!) },
    ...PROVED,
  }),
  atReady("server_proof wrong, and a limit too low", {
    server: { proof: (right) => flipped(right, 0), limits: { windowRecords: 0, windowBytes: 0 } },
    ...PROVED,
  }),
  ...LIMITS,
  atReady("one bit of READY's tag flipped", {
    server: { readySealed: (right) => flipped(right, -1) },
    ...NOT_OPENED,
  }),
  atReady("READY sealed under number 0", { server: { readyNumber: 0 }, ...NOT_OPENED }),
  atReady("READY sealed under c_hs", {
    server: { readySecret: (_, values) => values["c_hs"]! },
    ...NOT_OPENED,
  }),
  atReady("a byte behind READY's last field", {
    server: { readyPlaintext: (right) => join(right, number(0, 1)) },
    error: "malformed",
    alert: inSession(5),
  }),
  atReady("READY lacks its last byte", {
    server: { readyPlaintext: (right) => right.slice(0, -1) },
    error: "malformed",
    alert: inSession(5),
  }),
  atReady("WELCOME a second time", {
    last: () => new Server(PLAIN).welcome(new Client(PLAIN).hello()),
    error: "unexpected_message",
    alert: inSession(5),
  }),
  atReady("the client's own VERIFY comes back", {
    last: (_, verify) => verify,
    error: "unexpected_message",
    alert: inSession(5),
  }),
  atReady("ALERT 1 in clear in place of READY", {
    last: () => clearAlert(1),
    error: "refused_connection",
    alert: inSession(8),
  }),
  ...([
    [1, "handshake_failed"],
    [3, "unauthorized"],
    [4, "clock_skew"],
    [200, "connection_lost"],
  ] as const).map(([alert, error]) =>
    atReady(`SEALED_ALERT ${alert} in place of READY`, {
      last: (server) => sealedAlert(1, server.values["s_hs"]!, 1, alert),
      error,
      alert: null,
    })
  ),
  atReady("SEALED_ALERT under number 0", {
    last: (server) => sealedAlert(1, server.values["s_hs"]!, 0, 3),
    ...NOT_OPENED,
  }),
  atReady("SEALED_ALERT under the client's own secret", {
    last: (server) => sealedAlert(1, server.values["c_hs"]!, 1, 3),
    ...NOT_OPENED,
  }),
];

/** What a client has to survive. */
function survived(): readonly Case[] {
  const client = new Client(PLAIN);
  const server = new Server(PLAIN, withExtensions([7, text("what is not known")], [0xffff, NOTHING]));
  const hello = client.hello();
  const welcome = server.welcome(hello);
  client.welcome(welcome);
  client.authentication(server);
  const verify = client.verify();
  server.verify(client);
  const ready = server.ready();
  const steps = [goes(hello), comes(welcome), goes(verify), comes(ready)];
  const setup = clientSetup(PLAIN);
  const late: Step = { at: 10_000 };
  return [
    { name: "WELCOME with unknown extensions", end: "client", setup, steps, error: null, alert: null },
    {
      name: "no WELCOME within 10 s",
      end: "client",
      setup,
      steps: [goes(hello), { at: 9_999 }, late],
      error: "connection_lost",
      alert: null,
    },
    {
      name: "no READY within 10 s",
      end: "client",
      setup,
      steps: [goes(hello), comes(welcome), goes(verify), { at: 9_999 }, late],
      error: "connection_lost",
      alert: null,
    },
  ];
}

/** All of them. */
export function readyCases(): readonly Case[] {
  return [...READY, ...survived()];
}

/**
 * How a case about a server is made: which frame is its last.
 * @module
 */
import { type Case, clearAlert, comes, goes, type PrintedAlert, serverAlert, type Step } from "./cases.ts";
import { Client, Server } from "./handshake.ts";
import { PLAIN, type ServerSetup, serverSetup } from "./handshake_cases.ts";
import type { ClientFaults, Inputs } from "./handshake_inputs.ts";
import type { Bytes } from "./primitives.ts";

/** What a case is, beside its name. */
export interface ServerCase {
  readonly inputs?: Inputs;
  readonly setup?: Partial<ServerSetup>;
  /** Where the client departs from the specification. */
  readonly client?: ClientFaults;
  readonly hello?: (hello: Bytes) => Bytes;
  readonly error: string | null;
  readonly alert: PrintedAlert | null;
}

/** HELLO is the server's last frame, and it is refused for its public keys. */
export function atShare(name: string, given: ServerCase): Case {
  const { inputs = PLAIN, error, alert } = given;
  const sent = new Client(inputs, given.client).hello();
  const hello = given.hello?.(sent) ?? sent;
  const steps: Step[] = [comes(hello)];
  if (alert !== null) steps.push(goes(clearAlert(alert.number)));
  return { name, end: "server", setup: serverSetup(inputs, given.setup), steps, error, alert };
}

/** HELLO is the server's last frame, and it is refused before any work with public keys. */
export function atHello(name: string, given: ServerCase): Case {
  return { ...atShare(name, given), public_key_work: false };
}

/** VERIFY is the server's last frame, or what `last` makes in its place is. */
export function atVerify(
  name: string,
  given: ServerCase & { readonly last?: (client: Client, verify: Bytes) => Bytes },
): Case {
  const { inputs = PLAIN, error, alert } = given;
  const client = new Client(inputs, given.client);
  const server = new Server(inputs);
  const hello = client.hello();
  const welcome = server.welcome(hello);
  client.welcome(welcome);
  client.authentication(server);
  const verify = client.verify();
  const last = given.last?.(client, verify) ?? verify;
  const steps: Step[] = [comes(hello), goes(welcome), comes(last)];
  if (error === null || alert?.where === "session") {
    server.verify(client);
    steps.push(goes(server.ready()));
  }
  if (alert !== null) steps.push(goes(serverAlert(server, inputs.suite, alert)));
  return { name, end: "server", setup: serverSetup(inputs, given.setup), steps, error, alert };
}

/**
 * How a case about a client is made: which frame is its last.
 * @module
 */
import { type Case, clientAlert, comes, goes, type PrintedAlert, type Step } from "./cases.ts";
import { Client, Server } from "./handshake.ts";
import { type ClientSetup, clientSetup, PLAIN } from "./handshake_cases.ts";
import { extensions, type Inputs, type ServerFaults } from "./handshake_inputs.ts";
import { type Bytes, join } from "./primitives.ts";

/** What a case is, beside its name. */
export interface ClientCase {
  readonly inputs?: Inputs;
  readonly setup?: Partial<ClientSetup>;
  /** Where the server departs from the specification. */
  readonly server?: ServerFaults;
  /** What the server works with, where it is not what the client does. */
  readonly serverInputs?: Partial<Inputs>;
  /** What becomes of frames on their way. */
  readonly hello?: (hello: Bytes) => Bytes;
  readonly welcome?: (welcome: Bytes) => Bytes;
  readonly error: string | null;
  readonly alert: PrintedAlert | null;
}

/** WELCOME is the client's last frame, or what comes in its place is. */
export function atWelcome(name: string, given: ClientCase): Case {
  const { inputs = PLAIN, error, alert } = given;
  const client = new Client(inputs);
  const server = new Server({ ...inputs, ...given.serverInputs }, given.server);
  const hello = client.hello();
  const sent = server.welcome(given.hello?.(hello) ?? hello);
  const welcome = given.welcome?.(sent) ?? sent;
  // A client whose alert is sealed has opened WELCOME.
  if (alert?.where === "sealed") client.welcome(welcome);
  const steps = [goes(hello), comes(welcome), ...says(client, inputs, alert)];
  return { name, end: "client", setup: clientSetup(inputs, given.setup), steps, error, alert };
}

/** The last step of a client that has something to say. */
export function says(client: Client, inputs: Inputs, alert: PrintedAlert | null): readonly Step[] {
  return alert === null ? [] : [goes(clientAlert(client, inputs.suite, alert))];
}

/** READY is the client's last frame, or what `last` makes in its place is. */
export function atReady(
  name: string,
  given: ClientCase & { readonly last?: (server: Server, verify: Bytes) => Bytes },
): Case {
  const { inputs = PLAIN, error, alert } = given;
  const client = new Client(inputs);
  const server = new Server(inputs, given.server);
  const hello = client.hello();
  const welcome = server.welcome(hello);
  client.welcome(welcome);
  client.authentication(server);
  const verify = client.verify();
  server.verify(client);
  const last = given.last?.(server, verify) ?? server.ready();
  const steps = [goes(hello), comes(welcome), goes(verify), comes(last), ...says(client, inputs, alert)];
  return { name, end: "client", setup: clientSetup(inputs, given.setup), steps, error, alert };
}

/** An extension behind WELCOME's own fields. */
export function withExtensions(...each: readonly (readonly [number, Bytes])[]): ServerFaults {
  return { clear: (right) => join(right.slice(0, -2), extensions(...each)) };
}

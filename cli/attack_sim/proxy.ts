/**
 * `stx attack-sim proxy`: the man in the middle alone, between a user's own client and server.
 * @module
 */
import { lookup } from "node:dns/promises";
import { escapeControls } from "../../lib/bytes/escape.ts";
import { Middle, type Protocol, type Step } from "../../lib/attacks/middle.ts";
import { Seeded } from "../../lib/attacks/seeded.ts";
import type { Attacker } from "../../lib/attacks/wire.ts";
import { StxError } from "../../lib/errors.ts";
import { matchesAddress, parseAddress, parseAddressPatterns } from "../../lib/identity/address_patterns.ts";
import { connDuplex, dial, listen } from "../../lib/net/tcp.ts";
import type { Duplex } from "../../lib/ports.ts";
import { acceptLoop } from "../accept_loop.ts";
import { type ParsedCommand, valueOf } from "../parse.ts";
import { onStopSignal, statusOf, type StopSignal } from "../signals.ts";
import { nearest } from "../suggest.ts";
import type { Output } from "../terminal.ts";
import { type Address, formatAddress, parseListenAddress, parseRemoteAddress } from "../values.ts";
import { ATTACKS } from "./catalog.ts";
import { runMiddle } from "./relay.ts";

/** Networks that nobody reaches from elsewhere (RFC 1918, 3927, 4193, 4291). */
const PRIVATE_NETWORKS = parseAddressPatterns(
  "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,::1,fc00::/7,fe80::/10",
);
const USAGE = "stx attack-sim proxy --listen HOST:PORT --upstream HOST:PORT --attack NAME";

/** Runs the proxy until it is told to stop; resolves to the exit status. */
export async function runProxy(
  command: ParsedCommand,
  names: readonly string[],
  seed: number,
  output: Output,
): Promise<number> {
  const listenAddress = parseListenAddress(needed(command, "listen"), "--listen");
  const upstream = parseRemoteAddress(needed(command, "upstream"), "--upstream");
  const { protocol, name, attackerFor } = attackOf(command, names, seed);
  refusePublicNumber("--listen", listenAddress.host);
  refusePublicNumber("--upstream", upstream.host);
  const listener = listen(listenAddress.host, listenAddress.port);
  const bound = listener.addr as Deno.NetAddr;
  try {
    refusePublic("--listen", bound.hostname);
    output.info(
      `Attacking by ${name} (seed ${seed}): listening on ${formatAddress(bound.hostname, bound.port)}`,
    );
    output.info(
      `The ${protocol === "stx" ? "receiver" : "server"} is ${formatAddress(upstream.host, upstream.port)}`,
    );
    output.event("listening", {
      address: bound.hostname,
      port: bound.port,
      fingerprint: null,
      command: protocol === "stx"
        ? `stx send PATH ${formatAddress(bound.hostname, bound.port)}`
        : `stx rounds join ${formatAddress(bound.hostname, bound.port)} --key FILE`,
    });
    let stoppedBy: StopSignal | undefined;
    const open = new Set<Duplex>();
    const ignore = onStopSignal((signal) => {
      stoppedBy = signal;
      listener.close();
      for (const duplex of open) duplex.close();
    });
    let count = 0;
    await acceptLoop({
      listener,
      output,
      isStopping: () => stoppedBy !== undefined,
      serve: async (conn) => {
        const number = count++;
        const own: Duplex[] = [];
        const keep = (duplex: Duplex) => {
          own.push(duplex);
          open.add(duplex);
          return duplex;
        };
        const client = keep(connDuplex(conn));
        try {
          const server = keep(await dialPrivate(upstream));
          const middle = new Middle(protocol, attackerFor(number), (step) => tell(step, number + 1, output));
          await runMiddle({ client, server }, middle, async () => keep(await dialPrivate(upstream)));
        } catch (error) {
          output.error(error, { continues: true });
        } finally {
          for (const duplex of own) {
            duplex.close();
            open.delete(duplex);
          }
        }
      },
    });
    ignore();
    return stoppedBy === undefined ? 0 : statusOf(stoppedBy);
  } finally {
    closeListener(listener);
  }
}

function needed(command: ParsedCommand, option: "listen" | "upstream" | "attack"): string {
  const value = valueOf(command, option);
  if (value !== undefined) return value;
  throw new StxError("usage", `Option --${option} is missing`, { hint: `Usage: ${USAGE}` });
}

interface Chosen {
  readonly protocol: Protocol;
  readonly name: string;
  readonly attackerFor: (connection: number) => Attacker;
}

function attackOf(command: ParsedCommand, words: readonly string[], seed: number): Chosen {
  const protocol = valueOf(command, "protocol") ?? "stx";
  const [name, more] = [...needed(command, "attack").split(","), ...words];
  if (more !== undefined || protocol === "all") {
    throw new StxError("usage", "The proxy plays one attack on one protocol", { hint: `Usage: ${USAGE}` });
  }
  const known = ATTACKS.filter((attack) => attack.protocol === protocol);
  const attack = known.find((each) => each.name === name);
  const playable = known.filter(({ onPath }) => onPath !== undefined).map((each) => each.name);
  if (attack?.onPath !== undefined) {
    const attackerFor = attack.onPath(Seeded.for(seed, attack.name));
    return { protocol: attack.protocol, name: attack.name, attackerFor };
  }
  const meant = nearest(name!, playable);
  throw new StxError(
    "usage",
    attack === undefined
      ? `Unknown attack "${escapeControls(name!)}"`
      : `The attack ${attack.name} is not one that a proxy can play: it needs an end of its own, or a key`,
    { hint: `${meant === undefined ? "" : `did you mean ${meant}? `}It plays ${playable.join(", ")}` },
  );
}

/** Connects, and makes sure where to before anything is sent there: a name may lead anywhere, and elsewhere next time. */
async function dialPrivate({ host, port }: Address): Promise<Duplex> {
  const addresses = await addressesOf(host);
  for (const address of addresses) refusePublic("--upstream", address);
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await dial(address, port);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The addresses of a host, one at least. Throws `connection_lost`. */
async function addressesOf(host: string): Promise<readonly string[]> {
  if (isNumber(host)) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new StxError("connection_lost", `Cannot connect to ${host}: the name cannot be resolved`, {
      hint: "check the address",
      cause,
    });
  }
}

/** Whether this is an IP address, with or without a zone, and no name. */
function isNumber(host: string): boolean {
  return parseAddress(host.replace(/%.*$/, "")) !== undefined;
}

function refusePublicNumber(option: string, host: string): void {
  if (isNumber(host)) refusePublic(option, host);
}

function refusePublic(option: string, address: string): void {
  if (matchesAddress(PRIVATE_NETWORKS, address)) return;
  throw new StxError(
    "usage",
    `Cannot use ${option}: ${escapeControls(address)} is neither loopback nor private`,
    {
      hint: "the proxy attacks what passes, so it stays where nobody else's traffic can come",
    },
  );
}

function tell(step: Step, connection: number, output: Output): void {
  const { from, to, name, sizeBytes, note } = step;
  output.event("step", { connection, from, to, name, bytes: sizeBytes, note: note ?? null });
  const text = `${connection}: ${from} -> ${to}  ${name}, ${sizeBytes} bytes`;
  if (note === undefined) output.verbose(text);
  else output.info(`${text}: ${note}`);
}

function closeListener(listener: Deno.Listener): void {
  try {
    listener.close();
  } catch {
    // It is closed already.
  }
}

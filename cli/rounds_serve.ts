/**
 * `stx rounds serve`: holds rounds with the clients that are enrolled.
 * @module
 */
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { ROUND_DEADLINE_MS, ROUNDS_CLIENTS_MAX } from "../lib/limits.ts";
import { RoundsService, type RoundsServiceEvent } from "../lib/net/rounds_server.ts";
import { connDuplex, listen, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type { RoundsKeyStore } from "../lib/ports.ts";
import { acceptLoop } from "./accept_loop.ts";
import { type ParsedCommand, valueOf } from "./parse.ts";
import { reachableHost } from "./reachable_host.ts";
import { openRoundsKeys } from "./rounds_key_files.ts";
import { RoundsReport } from "./rounds_report.ts";
import { onStopSignal, statusOf, type StopSignal } from "./signals.ts";
import type { Output } from "./terminal.ts";
import { DEFAULT_PORT, formatAddress, parseCount, parseDuration, parseListenAddress } from "./values.ts";

/** A round that takes longer is none; timers end at 24 days. */
const DEADLINE_MAX_MS = 86_400_000;

/** Runs the action; resolves to the exit status. */
export async function serveRounds(command: ParsedCommand, output: Output): Promise<number> {
  const address = parseListenAddress(valueOf(command, "listen")!, "--listen");
  const minClients = parseCount(valueOf(command, "min-clients") ?? "1", "--min-clients", ROUNDS_CLIENTS_MAX);
  const deadlineMs = deadlineOf(valueOf(command, "deadline"));
  const rounds = valueOf(command, "rounds");
  const roundsMax = rounds === undefined ? Infinity : parseCount(rounds, "--rounds", Number.MAX_SAFE_INTEGER);
  const database = valueOf(command, "keys")!;
  const keys = openRoundsKeys(database);
  try {
    warnOfClients(keys, minClients, database, output);
    const listener = listen(address.host, address.port);
    const report = new RoundsReport(command, output);
    let isStopping = false;
    let stoppedBy: StopSignal | undefined;
    let failure: { readonly error: unknown } | undefined;
    const stop = () => {
      if (isStopping) return;
      isStopping = true;
      listener.close();
      void service.stop();
    };
    const onEvent = (event: RoundsServiceEvent) => {
      try {
        report.tell(event);
      } catch (error) {
        // What cannot be told is no reason to leave a client without its answer: all end together, and properly.
        failure ??= { error };
        stop();
      }
      if (event.kind === "round" && event.number >= roundsMax) stop();
    };
    const service = new RoundsService({
      keys,
      random: systemRandom,
      clock: systemClock,
      minClients,
      deadlineMs,
      onEvent,
    });
    announce(listener.addr as Deno.NetAddr, output);
    const ignore = onStopSignal((signal) => {
      stoppedBy = signal;
      stop();
    });
    await acceptLoop({
      listener,
      output,
      isStopping: () => isStopping,
      serve: async (conn) => {
        conn.setNoDelay(true);
        conn.setKeepAlive(true);
        await service.serve(connDuplex(conn), conn.remoteAddr.hostname);
      },
    });
    ignore();
    if (failure !== undefined) throw failure.error;
    report.finish(service.failures);
    return stoppedBy === undefined ? 0 : statusOf(stoppedBy);
  } finally {
    keys.close();
  }
}

function deadlineOf(option: string | undefined): number {
  if (option === undefined) return ROUND_DEADLINE_MS;
  const deadlineMs = parseDuration(option, "--deadline");
  if (deadlineMs > 0 && deadlineMs <= DEADLINE_MAX_MS) return deadlineMs;
  throw new StxError(
    "usage",
    `Cannot use --deadline "${escapeControls(option)}": it is too ${deadlineMs === 0 ? "short" : "long"}`,
    {
      hint: "write a duration up to 1d, such as 10s",
    },
  );
}

function warnOfClients(keys: RoundsKeyStore, minClients: number, database: string, output: Output): void {
  const { length } = keys.list();
  if (length === 0) output.warn(`no client is enrolled in ${database} yet`);
  else if (length < minClients) {
    output.warn(
      `no round begins with fewer than ${minClients} clients; enrolled in ${database}: ${length}`,
    );
  }
}

/** Says where clients find this server, and what they type. */
function announce(bound: Deno.NetAddr, output: Output): void {
  const host = reachableHost(bound.hostname);
  const to = bound.port === DEFAULT_PORT && !host.includes(":") ? host : formatAddress(host, bound.port);
  const command = `stx rounds join ${to} --key FILE`;
  output.info(`Holding rounds on ${formatAddress(bound.hostname, bound.port)}`);
  output.info(`Join with: ${command}`);
  output.event("listening", { address: bound.hostname, port: bound.port, fingerprint: null, command });
}

/**
 * `stx rounds join`: takes part with one value a round.
 * @module
 */
import { utf8 } from "../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { GOODBYE_TIMEOUT_MS, ROUNDS_CIPHERTEXT_SIZE_MAX } from "../lib/limits.ts";
import { ClosedByServer, joinRounds, type RoundsMembership } from "../lib/net/rounds_client.ts";
import { dial, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type { Duplex } from "../lib/ports.ts";
import { ProtocolError, type ProtocolErrorKind } from "../lib/rounds/errors.ts";
import { type Aggregate, ROUNDS_NONCE_SIZE } from "../lib/rounds/messages.ts";
import { InputLines } from "./input_lines.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { readClientKey, takeEpoch } from "./rounds_key_files.ts";
import { aggregateLine } from "./rounds_lines.ts";
import { onStopSignal, statusOf, type StopSignal } from "./signals.ts";
import type { Output } from "./terminal.ts";
import { type Address, formatAddress, parseRemoteAddress } from "./values.ts";

/** Bytes of a value: the first one of a session has the challenge before it, and each at least a byte of padding behind. */
const VALUE_SIZE_MAX = ROUNDS_CIPHERTEXT_SIZE_MAX - ROUNDS_NONCE_SIZE - 1;
/**
 * How long to wait for the end of the input once the server has said that it is done: who has sent its last value ends
 * in the same moment as a server that has held its last round.
 */
const LAST_VALUE_MS = 1_000;

/** Where values come from; `undefined` is the end. */
export interface Values {
  next(): Promise<string | undefined>;
}

/** What a person or a script asked for ends here. */
class Stopped extends Error {
  readonly signal: StopSignal;

  constructor(signal: StopSignal) {
    super(signal);
    this.signal = signal;
  }
}

/** Runs the action; resolves to the exit status. */
export async function takePart(word: string, command: ParsedCommand, output: Output): Promise<number> {
  const address = parseRemoteAddress(word, "the server's address");
  const keyFile = valueOf(command, "key")!;
  // A file that cannot be used is an error now, and not when the first value is there.
  readClientKey(keyFile).root.fill(0);
  const values = valuesOf(valueOf(command, "data"), output);
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  const ignore = onStopSignal((signal) => stopped.reject(new Stopped(signal)));
  let membership: RoundsMembership | undefined;
  const takeRounds = async () => {
    let value = await values.next();
    while (value !== undefined) {
      membership ??= await join(address, keyFile, output);
      tell(await membership.round(value), isSet(command, "json"), output);
      value = await nextValue(values, membership, Deno.stdin.isTerminal());
    }
  };
  try {
    await Promise.race([takeRounds(), stopped.promise]);
    return 0;
  } catch (error) {
    if (error instanceof Stopped) return statusOf(error.signal);
    throw advised(error);
  } finally {
    ignore();
    if (membership !== undefined) await within(GOODBYE_TIMEOUT_MS, membership.close());
  }
}

/** The lines of standard input, or the one value of `--data`. */
function valuesOf(data: string | undefined, output: Output): Values {
  if (data === undefined) {
    if (Deno.stdin.isTerminal()) output.info("Each line is the value of one round; Ctrl-D ends.");
    return new InputLines(Deno.stdin, VALUE_SIZE_MAX);
  }
  const size = utf8(data).length;
  if (size > VALUE_SIZE_MAX) {
    throw new StxError("usage", `Cannot use --data: it has ${size} bytes, ${VALUE_SIZE_MAX} may be`);
  }
  const values = [data];
  return { next: () => Promise.resolve(values.shift()) };
}

/** Connects with the first value and not before: who has a session keeps rounds waiting for its value. */
async function join({ host, port }: Address, keyFile: string, output: Output): Promise<RoundsMembership> {
  const duplex = await reach(host, port);
  let key;
  try {
    key = takeEpoch(keyFile);
  } catch (error) {
    duplex.close();
    throw error;
  }
  const { id, epoch, root } = key;
  output.verbose(`Joining ${formatAddress(host, port)} as ${id}, epoch ${epoch}`);
  return await joinRounds(duplex, { id, epoch, root, random: systemRandom }, systemClock);
}

async function reach(host: string, port: number): Promise<Duplex> {
  try {
    return await dial(host, port);
  } catch (error) {
    if (codeOf(error) !== "connection_lost") throw error;
    throw new StxError("connection_lost", (error as StxError).message, {
      hint: "check the address, and that stx rounds serve runs there",
      cause: error,
    });
  }
}

/**
 * The next value, unless the server ends the session before it is there. Rejects with what `membership` rejects with, but
 * for one case: where the input is at its end, too, and the server is done, nobody has missed anything.
 * @param isTyped whether a person types the values, who is told at once
 */
export async function nextValue(
  values: Values,
  membership: Pick<RoundsMembership, "ended">,
  isTyped: boolean,
): Promise<string | undefined> {
  const next = values.next();
  // Nobody may be left who waits for it.
  next.catch(() => {});
  try {
    return await Promise.race([next, membership.ended()]);
  } catch (error) {
    const isDone = error instanceof ClosedByServer && error.reason === "done";
    if (!isDone || isTyped) throw error;
    if (await within(LAST_VALUE_MS, next.then((value) => value === undefined)) === true) return undefined;
    throw error;
  }
}

function tell(aggregate: Aggregate, isJson: boolean, output: Output): void {
  const { serverRound, sum, product, clients } = aggregate;
  if (!isJson) output.print(aggregateLine(aggregate, output.printColumns()));
  output.event("aggregate", { round: String(serverRound), sum, product, clients: String(clients) });
}

const NO_SERVER =
  "check the address: what answers there is no stx rounds serve, or somebody on the way interferes";

/** What a packet that is wrong means to a client, whose own server sends none. */
const ADVICE: Readonly<Record<ProtocolErrorKind, string>> = {
  round: "somebody on the way repeats packets, drops them or puts them in another order",
  mac: "somebody on the way changes packets, or poses as the server",
  direction: "somebody on the way sends this client's own packets back to it",
  state: NO_SERVER,
  limit: NO_SERVER,
};

function advised(error: unknown): unknown {
  if (!(error instanceof ProtocolError) || error.hint !== undefined) return error;
  return new StxError(error.code, error.message, { hint: ADVICE[error.kind], cause: error });
}

/** Waits for `work`, but no longer than `delayMs`, and then resolves to `undefined`. */
async function within<T>(delayMs: number, work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const cancel = systemClock.after(delayMs, () => late.resolve(undefined));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}

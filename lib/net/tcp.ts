/**
 * TCP and Unix sockets as duplexes, and the system's clock and randomness: where the library touches Deno.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { CONNECT_TIMEOUT_MS } from "../limits.ts";
import type { Clock, Duplex, Random } from "../ports.ts";

/** The system's clock and timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The system's random source. */
export const systemRandom: Random = {
  bytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
};

/** A Deno connection as a duplex. */
export function connDuplex(conn: Deno.Conn): Duplex {
  let isClosed = false;
  return {
    read: (into) => conn.read(into),
    async write(bytes: Bytes) {
      let rest = bytes;
      while (rest.length > 0) rest = rest.subarray(await conn.write(rest));
    },
    async closeWrite() {
      await conn.closeWrite();
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      try {
        conn.close();
      } catch (error) {
        // Whoever holds the connection itself may have closed it.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    },
  };
}

/**
 * Dials. Throws `connection_lost` with the reason where nobody answers; `signal` ends the attempt.
 */
export async function dial(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
  const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const signals = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const conn = await Deno.connect({ hostname: host, port, signal: signals });
    // Every message is written whole: waiting to fill a packet would only add delay.
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    return connDuplex(conn);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new StxError(
      "connection_lost",
      `Cannot connect to ${host} port ${port}: ${reasonOf(error, timeout)}`,
      {
        hint: "check the address, and that a receiver listens there",
        cause: error,
      },
    );
  }
}

/** How the runtime says that a host's name leads to no address. */
const NOT_RESOLVED = /lookup|resolve|not known/i;

function reasonOf(error: unknown, timeout: AbortSignal): string {
  if (timeout.aborted) return `no answer within ${CONNECT_TIMEOUT_MS / 1000} seconds`;
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  if (error instanceof Deno.errors.NotCapable) {
    return "this run has no permission to connect there (--allow-net)";
  }
  const text = error instanceof Error ? error.message : String(error);
  if (NOT_RESOLVED.test(text)) return "the name cannot be resolved";
  return text.replace(/\s*\(os error \d+\)/, "");
}

/** Listens. Throws `address_in_use` or `permission`; port 0 takes any free one. */
export function listen(host: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: host, port });
  } catch (error) {
    const where = `${host} port ${port}`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new StxError("address_in_use", `Cannot listen on ${where}: another process does already`, {
        hint: "choose another port with --listen",
        cause: error,
      });
    }
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      throw new StxError("permission", `Cannot listen on ${where}: not permitted`, {
        hint: "ports below 1024 need privileges, and a deno run needs --allow-net for this address",
        cause: error,
      });
    }
    const [why, hint] = listenTrouble(error);
    throw new StxError("address_in_use", `Cannot listen on ${where}: ${why}`, { hint, cause: error });
  }
}

/** Why an address cannot be listened on that nobody else holds, and what to do. */
function listenTrouble(error: unknown): readonly [string, string] {
  if (error instanceof Error && "code" in error && ["EMFILE", "ENFILE"].includes(String(error.code))) {
    return ["too many files are open", "raise the limit with: ulimit -n 4096"];
  }
  const text = error instanceof Error ? error.message : String(error);
  if (NOT_RESOLVED.test(text)) return ["the name cannot be resolved", "check it, or give an IP address"];
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return ["this machine has no such address", "ip addr shows the addresses of this machine"];
  }
  return [text.replace(/\s*\(os error \d+\)/, ""), "--listen takes an address of this machine"];
}

/** Dials a Unix socket, for ssh-agent. */
export async function dialUnix(path: string): Promise<Duplex> {
  return connDuplex(await Deno.connect({ transport: "unix", path }));
}

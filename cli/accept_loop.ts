/**
 * Taking connections, one after the other, for as long as somebody listens.
 * @module
 */
import { systemClock } from "../lib/net/tcp.ts";
import type { Output } from "./terminal.ts";

/** How long to wait when the system has no file descriptor left for another connection. */
const ACCEPT_PAUSE_MS = 100;

/** What a loop works with. */
export interface AcceptOptions {
  readonly listener: Deno.TcpListener;
  /** Serves one connection to its end, and closes it. Where it rejects, that one connection is closed. */
  readonly serve: (conn: Deno.TcpConn) => Promise<void>;
  /** Whether to take no more connections; the listener is closed then. */
  readonly isStopping: () => boolean;
  readonly output: Output;
  /** Awaited before each connection is taken. */
  readonly hasRoom?: () => Promise<void>;
}

/** Serves connections until told to stop, many at once; resolves when the last one has ended. */
export async function acceptLoop(options: AcceptOptions): Promise<void> {
  const { listener, serve, isStopping, output, hasRoom } = options;
  const connections = new Set<Promise<void>>();
  while (!isStopping()) {
    await hasRoom?.();
    let conn: Deno.TcpConn;
    try {
      conn = await listener.accept();
    } catch (error) {
      if (isStopping()) break;
      output.verbose(`Cannot accept a connection now: ${error}`);
      await new Promise<void>((resolve) => systemClock.after(ACCEPT_PAUSE_MS, resolve));
      continue;
    }
    if (isStopping()) {
      // It was on its way when this was told to stop, so nobody has closed it.
      closeQuietly(conn);
      break;
    }
    // One connection's failure is nobody else's: some systems refuse to set options of a socket that is gone already.
    const serving = serve(conn).catch((error) => {
      output.verbose(`A connection failed: ${error}`);
      closeQuietly(conn);
    }).finally(() => connections.delete(serving));
    connections.add(serving);
  }
  await Promise.all(connections);
}

/** Closes a connection that may be closed already. */
export function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
  }
}

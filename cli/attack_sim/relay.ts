/**
 * Puts a man in the middle between two connections: reads from either end, and does what the attacker says.
 * @module
 */
import type { Middle } from "../../lib/attacks/middle.ts";
import type { End, Move } from "../../lib/attacks/wire.ts";
import type { Duplex } from "../../lib/ports.ts";

const READ_SIZE = 64 * 1024;

/**
 * Carries one connection to its end. Rejects only where the attacker itself fails; both ends are closed then too.
 * @param dialServer opens one more connection to the server, for what the attacker does afterwards
 */
export async function runMiddle(
  ends: Readonly<Record<End, Duplex>>,
  middle: Middle,
  dialServer: () => Promise<Duplex>,
): Promise<void> {
  // What goes to one end may come from both sides of the middle: one write waits for the other.
  const writing: Record<End, Promise<void>> = { client: Promise.resolve(), server: Promise.resolve() };
  const write = (to: End, work: () => Promise<void>) => {
    // An end that has gone takes nothing any more; its own error says why it went.
    return writing[to] = writing[to].then(work).catch(() => {});
  };
  const close = () => {
    ends.client.close();
    ends.server.close();
  };
  async function act(moves: readonly Move[]): Promise<void> {
    for (const move of moves) {
      if (move.kind === "send") await write(move.to, () => ends[move.to].write(move.bytes));
      if (move.kind === "end") await write(move.to, () => ends[move.to].closeWrite());
      if (move.kind === "cut") close();
    }
  }
  async function carry(from: End): Promise<void> {
    const buffer = new Uint8Array(READ_SIZE);
    for (;;) {
      const size = await ends[from].read(buffer).catch(() => null);
      await act(size === null ? middle.end(from) : middle.receive(from, buffer.slice(0, size)));
      if (size === null) return;
    }
  }
  try {
    await Promise.all([carry("client"), carry("server")]);
  } finally {
    // Where an attacker stumbles over what an end has said, the other end waits for nothing.
    close();
  }
  const afterwards = middle.afterwards();
  if (afterwards.length === 0) return;
  try {
    await replay(await dialServer(), afterwards);
  } catch {
    // The server is gone, or hangs up before it has heard all: what it has noticed, it says itself.
  }
}

/** Says over a connection of its own what is to be said, and waits until the server hangs up. */
export async function replay(server: Duplex, moves: readonly Move[]): Promise<void> {
  try {
    for (const move of moves) if (move.kind === "send") await server.write(move.bytes);
    await server.closeWrite();
    const buffer = new Uint8Array(READ_SIZE);
    while (await server.read(buffer) !== null);
  } finally {
    server.close();
  }
}

import assert from "node:assert/strict";
import { parseClientKey } from "../../lib/rounds/key_files.ts";
import { SqliteRoundsKeys } from "../../lib/store/sqlite_rounds_keys.ts";
import { chosenSeed, seededFractions } from "../support/random.ts";
import { type RoundsGroup, type RoundsServerProcess, withGroup } from "../support/rounds_group.ts";
import type { StxProcess } from "../support/stx_process.ts";

const KILL_COUNT = 8;
/** Longer than a process takes to start, and to make some rounds. */
const KILL_AFTER_MS_MAX = 400;

/** A value for every round, for as long as somebody reads. */
function endless(value: string): ReadableStream<Uint8Array> {
  const line = new TextEncoder().encode(`${value}\n`);
  return new ReadableStream({ pull: (controller) => controller.enqueue(line) }, { highWaterMark: 0 });
}

/** A client that joins again whenever its process has ended. */
class Persistent {
  readonly id: string;
  readonly ended: Promise<void>;
  process!: StxProcess;
  #isOver = false;

  constructor(group: RoundsGroup, to: { readonly port: number }, id: string, value: string) {
    this.id = id;
    this.ended = this.#run(group, to, value);
    // Whoever waits for something looks at it.
    this.ended.catch(() => {});
  }

  async #run(group: RoundsGroup, to: { readonly port: number }, value: string): Promise<void> {
    while (!this.#isOver) {
      this.process = group.join(to, this.id, { stream: endless(value) });
      const { code, stderr, events } = await this.process.ended;
      // The server is gone, or this one was killed: nothing else may happen to it.
      assert.ok(code === 5 || code === 137 || code === 143, `exit ${code}: ${stderr}`);
      for (const event of events) {
        if (event.event === "aggregate") {
          assert.ok(["2 2", "2 6", "3 3", "3 6"].includes(`${event.sum} ${event.product}`));
        }
      }
      assert.equal(parseClientKey(Deno.readFileSync(group.keyFile(this.id))).id, this.id);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.process.kill("SIGTERM");
    await this.ended;
  }
}

Deno.test(`${KILL_COUNT} times kill -9, of the server, of clients, of all at once: everything recovers by itself`, async () => {
  const seed = chosenSeed();
  const random = seededFractions(seed);
  await withGroup(["a", "b"], async (group) => {
    const servers: RoundsServerProcess[] = [await group.serve(["--verbose"])];
    let server = servers[0]!;
    const { port } = server;
    const clients = [new Persistent(group, server, "a", "2"), new Persistent(group, server, "b", "3")];
    const kills: string[] = [];
    for (let kill = 0; kill < KILL_COUNT; kill++) {
      await new Promise((resolve) => setTimeout(resolve, random() * KILL_AFTER_MS_MAX));
      const who = ["server", "a", "b", "all"][Math.floor(random() * 4)]!;
      kills.push(who);
      for (const { id, process } of clients) if (who === id || who === "all") process.kill("SIGKILL");
      if (who !== "server" && who !== "all") continue;
      server.process.kill("SIGKILL");
      await server.process.ended;
      server = await group.serve(["--verbose"], port);
      servers.push(server);
    }

    // Both are there again, without anybody's help.
    const told = `seed ${seed}, killed: ${kills.join(", ")}`;
    const { events } = server.process;
    const before = new Set(events);
    await Promise.race([
      server.process.event("round", (round) => round.clients === "2" && !before.has(round)),
      ...clients.map((client) => client.ended),
    ]);
    await Promise.all(clients.map((client) => client.stop()));
    server.process.kill("SIGINT");
    const { code, stderr } = await server.process.ended;
    assert.equal(code, 130, `${told}: ${stderr}`);
    // No key was refused at any time.
    for (const { process } of servers) assert.doesNotMatch(process.stderr, /warning/, told);
    const keys = new SqliteRoundsKeys(group.database);
    for (const { id, epoch } of keys.list()) {
      const mine = parseClientKey(Deno.readFileSync(group.keyFile(id)));
      assert.ok(
        epoch > 0 && epoch <= mine.epoch,
        `${told}: ${id} is at ${mine.epoch}, the server at ${epoch}`,
      );
    }
    keys.close();
  });
});

import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { hkdfExpand } from "../../lib/crypto/hkdf.ts";
import { sessionChains } from "../../lib/rounds/chain.ts";
import { parseClientKey } from "../../lib/rounds/key_files.ts";
import type { Direction, Packet } from "../../lib/rounds/packet.ts";
import { canReadMemory, countInMemory } from "../support/process_memory.ts";
import { Lines, withGroup } from "../support/rounds_group.ts";
import { Meddler } from "../support/rounds_meddler.ts";

/** What opens one packet: its chain's key, and the two keys that follow from that. */
function keysOf(chain: Bytes): readonly Bytes[] {
  const derived = (label: string, size: number) => hkdfExpand(chain, utf8(`stx rounds ${label}`), size);
  return [chain.slice(), derived("encrypt", 16), derived("mac", 32)];
}

Deno.test({
  name:
    "whoever takes all memory and files of both ends in a session finds nothing to open what came before (Linux)",
  ignore: !canReadMemory(),
  fn: async () => {
    await withGroup(["a"], async (group) => {
      const { root } = parseClientKey(Deno.readFileSync(group.keyFile("a")));
      const server = await group.serve();
      const packets: Record<Direction, Packet[]> = { c2s: [], s2c: [] };
      await using recorder = new Meddler(server, ({ packet, direction }) => {
        packets[direction].push(packet);
        return packet.bytes;
      });
      const lines = new Lines();
      const client = group.join(recorder, "a", lines);
      for (const round of ["1", "2"]) {
        lines.write(`the secret of round ${round}`);
        await client.event("aggregate", (event) => event.round === round);
      }

      // Whoever has the root opens everything, so what is looked for is what it should be.
      const chains = sessionChains(root.slice(), packets.c2s[0]!.bytes, packets.s2c[0]!.bytes);
      const past = [root, utf8(root.toBase64().slice(0, 40))];
      const present: Bytes[] = [];
      for (const direction of ["c2s", "s2c"] as const) {
        for (const packet of packets[direction].slice(1)) {
          past.push(...keysOf(chains[direction].key));
          chains[direction].open(packet);
        }
        present.push(chains[direction].key.slice());
      }
      assert.equal(past.length, 2 + 4 * 3);
      const none = past.map(() => 0);
      for (const [name, { pid }] of Object.entries({ client, server: server.process })) {
        assert.ok(countInMemory(pid, present).every((count) => count > 0), "what is there is found");
        assert.deepEqual(countInMemory(pid, past), none, `the ${name}'s memory`);
      }
      for (const { name } of Deno.readDirSync(group.folder)) {
        const file = Deno.readFileSync(`${group.folder}/${name}`).toHex();
        for (const key of past) assert.ok(!file.includes(key.toHex()), name);
      }
      lines.end();
      assert.equal((await client.ended).code, 0);
      server.process.kill("SIGINT");
      await server.process.ended;
    });
  },
});

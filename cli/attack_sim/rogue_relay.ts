/**
 * A man in the middle who works with keys, which takes time: it may change each unit that passes.
 * @module
 */
import type { Step } from "../../lib/attacks/middle.ts";
import { StxUnits } from "../../lib/attacks/stx_units.ts";
import { type End, PEER, type Unit } from "../../lib/attacks/wire.ts";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import type { Duplex } from "../../lib/ports.ts";

const READ_SIZE = 64 * 1024;

/** What goes on in place of a unit, and what was done to it; `undefined` lets it go on as it came. */
export type ChangeUnit = (
  unit: Unit,
) => Promise<{ readonly bytes: Bytes; readonly note: string } | undefined>;

/** Carries one connection to its end; never rejects. */
export async function relayChanging(
  ends: Readonly<Record<End, Duplex>>,
  change: ChangeUnit,
  onStep: (step: Step) => void,
): Promise<void> {
  async function carry(from: End): Promise<void> {
    const units = new StxUnits(from);
    const buffer = new Uint8Array(READ_SIZE);
    const to = PEER[from];
    for (;;) {
      const size = await ends[from].read(buffer);
      if (size === null) break;
      for (const unit of units.push(buffer.slice(0, size))) {
        const changed = await change(unit);
        tell(unit, changed?.note, onStep);
        await ends[to].write(changed?.bytes ?? unit.bytes);
      }
    }
    await ends[to].closeWrite();
  }
  function hangUp(): void {
    ends.client.close();
    ends.server.close();
  }
  // An end that has gone takes and gives nothing any more; its own error says why it went.
  await Promise.all([carry("client").catch(hangUp), carry("server").catch(hangUp)]);
  hangUp();
}

function tell({ from, name, bytes }: Unit, note: string | undefined, onStep: (step: Step) => void): void {
  const step = { name, sizeBytes: bytes.length };
  if (note === undefined) {
    onStep({ ...step, from, to: PEER[from] });
    return;
  }
  onStep({ ...step, from, to: "attacker" });
  onStep({ ...step, from: "attacker", to: PEER[from], note });
}

/** A duplex of the attacker's with one end, which reports every unit that it reads and writes. */
export function watched(duplex: Duplex, end: End, onStep: (step: Step) => void): Duplex {
  const [inward, outward] = [new StxUnits(end), new StxUnits(PEER[end])];
  return {
    async read(into) {
      const size = await duplex.read(into);
      for (const { name, bytes } of inward.push(into.slice(0, size ?? 0))) {
        onStep({ from: end, to: "attacker", name, sizeBytes: bytes.length });
      }
      return size;
    },
    async write(bytes) {
      for (const unit of outward.push(bytes.slice())) {
        onStep({
          from: "attacker",
          to: end,
          name: unit.name,
          sizeBytes: unit.bytes.length,
          note: "the attacker's",
        });
      }
      await duplex.write(bytes);
    },
    closeWrite: () => duplex.closeWrite(),
    close: () => duplex.close(),
  };
}

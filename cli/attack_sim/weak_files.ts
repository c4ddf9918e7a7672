/**
 * A receiving folder, a terminal and a file of a key with some of their defences switched off: the same code, but for
 * what is the defence.
 * @module
 */
import type { Off } from "../../lib/attacks/defences.ts";
import { PlacementRules } from "../../lib/files/placement_rules.ts";
import { DiskFolder, openReceivingFolder } from "../../lib/files/receiving_folder.ts";
import type { ConflictPolicy, Entry, Identity } from "../../lib/ports.ts";
import { identityIn, loadIdentity, readText } from "../key_files.ts";
import { Output, type OutputOptions } from "../terminal.ts";

/** The receiving folder `path` without some defences. */
export function openWeakFolder(off: Off, path: string): DiskFolder {
  class WeakRules extends PlacementRules {
    override checkInside(entries: readonly Entry[]): void {
      if (!off.has("paths inside")) super.checkInside(entries);
    }

    override checkTaken(name: string, conflict: ConflictPolicy): void {
      if (!off.has("taken names")) super.checkTaken(name, conflict);
    }

    override checkKind(entry: Entry, target: Deno.FileInfo, name: string): void {
      if (!off.has("folders that meet")) super.checkKind(entry, target, name);
    }

    override checkWay(root: string, name: string): void {
      if (!off.has("no link on the way")) super.checkWay(root, name);
    }
  }
  class WeakFolder extends DiskFolder {
    protected override makeRules(): PlacementRules {
      return new WeakRules();
    }
  }
  return new WeakFolder(openReceivingFolder(path).path);
}

/** What a run prints, without some defences. */
export function makeWeakOutput(off: Off, options: OutputOptions): Output {
  class WeakOutput extends Output {
    override safe(text: string): string {
      return off.has("printed text") ? text : super.safe(text);
    }
  }
  return new WeakOutput(options);
}

/** The identity in the file `path`, without some defences. */
export async function loadWeakIdentity(off: Off, path: string): Promise<Identity> {
  if (!off.has("key file's mode")) return await loadIdentity(path);
  return await identityIn(path, readText(path, "the private key")!.text);
}

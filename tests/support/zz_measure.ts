import { DiskFolder } from "../../lib/files/receiving_folder.ts";
import type { Entry } from "../../lib/ports.ts";
const tries = Number(Deno.args[0]); const FILES = 200; const which = Deno.args[1];
const base = Deno.realPathSync(Deno.makeTempDirSync());
const inbox = `${base}/inbox`; Deno.mkdirSync(inbox);
const outside = `${base}/outside`; Deno.mkdirSync(outside);
let wins = 0, moved = 0; const codes: Record<string, number> = {};
const target = which === "merge" ? `${inbox}/many` : `${inbox}/.stx-partial`;
if (which === "merge") Deno.mkdirSync(target);
const racer = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", new URL("./symlink_racer.ts", import.meta.url).pathname, target, outside], stdout: "piped" }).spawn();
const reader = racer.stdout.getReader(); await reader.read();
for (let n = 0; n < tries; n++) {
  const entries: Entry[] = [{ path: "many", kind: "directory", sizeBytes: 0, mtimeMs: 0, mode: 0o755 }, ...Array.from({ length: FILES }, (_, i) => ({ path: `many/${n}-${i}`, kind: "file", sizeBytes: 1, mtimeMs: 0, mode: 0o644 } as const))];
  const folder = new DiskFolder(inbox);
  const id = new Uint8Array(32); new DataView(id.buffer).setUint32(0, n);
  let code = "ok";
  try {
    const partial = folder.open(id, entries, { topNames: { many: "many" }, conflict: "overwrite" });
    try { await partial.resumeAt(0); await partial.write(new Uint8Array(FILES)); await partial.commit(() => {}); } finally { partial.close(); }
  } catch (e) { code = (e as { code?: string }).code ?? String(e); }
  codes[code] = (codes[code] ?? 0) + 1;
  const got = [...Deno.readDirSync(outside)].length;
  if (got) { wins++; moved += got; for (const f of [...Deno.readDirSync(outside)]) Deno.removeSync(`${outside}/${f.name}`, { recursive: true }); }
}
racer.kill("SIGKILL"); await reader.cancel(); await racer.status;
console.log(which, { tries, wins, moved, codes });
Deno.removeSync(base, { recursive: true });

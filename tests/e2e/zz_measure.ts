import { randomBytes } from "node:crypto";
import { withStage } from "../support/stage.ts";
import { names } from "../support/tree.ts";
const N = Number(Deno.args[0]); const which = Deno.args[1]!; const FILES = Number(Deno.args[2] ?? 10000);
let wins = 0, moved = 0; const codes: Record<string, number> = {};
await withStage(async (stage) => {
  const folder = `${stage.outbox}/many`;
  const content = randomBytes(64);
  for (let i = 0; i < FILES; i++) {
    if (i % 1000 === 0) Deno.mkdirSync(`${folder}/${i / 1000}`, { recursive: true });
    Deno.writeFileSync(`${folder}/${Math.floor(i / 1000)}/${i % 1000}`, content);
  }
  const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
  for (let n = 0; n < N; n++) {
    for (const { name } of [...Deno.readDirSync(stage.inbox)]) Deno.removeSync(`${stage.inbox}/${name}`, { recursive: true });
    const outside = `${stage.folder}/outside${n}`; Deno.mkdirSync(outside);
    let target: string;
    if (which === "merge") { for (let k = 0; k < FILES / 1000; k++) Deno.mkdirSync(`${stage.inbox}/many/${k}`, { recursive: true }); target = `${stage.inbox}/many/5`; }
    else { target = `${stage.inbox}/.stx-partial`; Deno.mkdirSync(target, {mode: 0o700}); }
    // change content so that each is a new transfer
    content.writeUInt32BE(n); Deno.writeFileSync(`${folder}/0/0`, content);
    const start = () => new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", new URL("../support/symlink_racer.ts", import.meta.url).pathname, target, outside], stdout: "piped" }).spawn();
    const sending = stage.startSend(receiver, folder);
    let racer: Deno.ChildProcess | undefined;
    if (which === "merge") { await sending.event("progress").catch(() => {}); await new Promise((r) => setTimeout(r, Math.random() * 400)); }
    racer = start();
    const { code } = await sending.ended;
    racer.kill("SIGKILL"); await racer.stdout.cancel(); await racer.status;
    codes[code] = (codes[code] ?? 0) + 1;
    const got = names(outside).length; if (got) { wins++; moved += got; }
    try { Deno.lstatSync(target + ".aside"); Deno.removeSync(target + ".aside", {recursive: true}); } catch { /**/ }
  }
  receiver.process.kill("SIGKILL");
}).catch((e) => console.log(String(e).slice(0, 500)));
console.log(which, { tries: N, wins, moved, codes });

/** `stx attack-sim proxy` between a user's own `stx send` and `stx recv`, three processes: each attack by its name. */
import assert from "node:assert/strict";
import { ATTACKS } from "../../cli/attack_sim/catalog.ts";
import { equal } from "../../lib/bytes/bytes.ts";
import { type Stage, withStage } from "../support/stage.ts";

const PLAYABLE = ATTACKS.filter(({ protocol, onPath }) => protocol === "stx" && onPath !== undefined);
/** So many at once: most of their time they wait for each other, or before they connect again. */
const AT_ONCE = 7;
/** What passes a listener is as it came. */
const ONLY_LISTENS: ReadonlySet<string> = new Set(["eavesdrop", "eavesdrop-identities"]);

/** Sends a file through the proxy, and holds what came of it against what the sender says. */
async function sendThrough(stage: Stage, attack: string): Promise<void> {
  const receiver = await stage.receive({ args: ["--on-conflict", "overwrite"] });
  const upstream = `127.0.0.1:${receiver.port}`;
  const proxy = stage.start(
    // deno-fmt-ignore
    ["attack-sim", "proxy", "--listen", "127.0.0.1:0", "--upstream", upstream, "--attack", attack, "--seed", "5", "--json"],
    { env: stage.sender.env },
  );
  const { port } = await proxy.event("listening");
  const isTouched = () => proxy.events.some((event) => "note" in event && event.note !== null);
  const contents: Uint8Array<ArrayBuffer>[] = [];
  const send = async () => {
    const file = stage.file("letter.bin", 2_500_000);
    contents.push(await Deno.readFile(file));
    return await stage.send({ port }, file, { args: ["--retry-for", "20s"] });
  };
  let sent = await send();
  // One that puts parts of one session into another waits for the second.
  if (!isTouched()) sent = await send();
  proxy.kill("SIGTERM");
  assert.equal((await proxy.ended).code, 128 + 15, attack);
  assert.equal(isTouched(), !ONLY_LISTENS.has(attack), `${attack} has, or has not, done anything`);
  const inPlace = await Deno.readFile(`${stage.inbox}/letter.bin`).catch(() => undefined);
  const last = contents.at(-1)!;
  if (sent.code === 0) assert.ok(inPlace !== undefined && equal(inPlace, last), `${attack}: not in place`);
  assert.ok(
    inPlace === undefined || contents.some((each) => equal(inPlace, each)),
    `${attack}: another file`,
  );
  if (sent.code !== 0) assert.ok([3, 5, 6].includes(sent.code), `${attack}: ${sent.code}: ${sent.stderr}`);
}

for (let at = 0; at < PLAYABLE.length; at += AT_ONCE) {
  const names = PLAYABLE.slice(at, at + AT_ONCE).map(({ name }) => name);
  Deno.test(`${names.join(", ")}: the file arrives whole or not at all, and the sender knows which`, async () => {
    await Promise.all(names.map((name) => withStage((stage) => sendThrough(stage, name))));
  });
}

/** A short run of every fuzzer, and the corpus, in processes whose memory is capped. The long run: `deno task fuzz`. */
import assert from "node:assert/strict";
import { CHILD, runCapped } from "./capped.ts";
import { CORPUS } from "./corpus.ts";
import { type Report, seriesNames } from "./series.ts";
import { TARGETS } from "./targets.ts";

/** The seed of these runs: they do the same each time. */
const SEED = "1";

/** Runs the child; gives its reports. Fails for what it found, and with its last words if it was ended. */
async function fuzz(...args: readonly string[]): Promise<readonly Report[]> {
  const { stdout, stderr, code } = await runCapped(CHILD, args).output();
  const text = new TextDecoder().decode(stdout);
  const lines = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  for (const { name, seed, problem, input } of lines) {
    assert.ok(problem === undefined, `${name}, seed ${seed}, input ${input?.slice(0, 1000)}:\n${problem}`);
  }
  assert.equal(code, 0, `${text.slice(-500)}\n${new TextDecoder().decode(stderr).slice(-2000)}`);
  return lines.filter(({ begins }) => begins === undefined);
}

Deno.test("a decoder gives a value or a documented error, in bounded memory and time, whatever comes", async () => {
  const names = TARGETS.map(({ name }) => name);
  const reports = await fuzz(SEED, "2000", ...names);
  assert.deepEqual(reports.map(({ name }) => name), names);
});

Deno.test("both ends of a session end, with nothing wrong in place, whatever goes over the line", async () => {
  const [report] = await fuzz(SEED, "2000", "sessions");
  assert.equal(report!.runs, 40);
});

Deno.test("a handshake opens if all that is sealed in it is right, and never otherwise", async () => {
  const [report] = await fuzz(SEED, "2000", "handshakes");
  assert.equal(report!.runs, 200);
});

Deno.test("rounds go on for those who are honest, whatever the others send", async () => {
  const [report] = await fuzz(SEED, "2000", "rounds sessions");
  assert.equal(report!.runs, 100);
});

Deno.test("what was found once is not found again", async () => {
  assert.equal((await fuzz("replay")).length, CORPUS.length);
});

Deno.test("a name on the command line stands for one series, the beginning of names for several", () => {
  assert.deepEqual(seriesNames(["wire NAK", "sessions"]), ["wire NAK", "sessions"]);
  assert.ok(seriesNames(["identity"]).length > 10);
  assert.ok(seriesNames([]).length === TARGETS.length + 3);
});

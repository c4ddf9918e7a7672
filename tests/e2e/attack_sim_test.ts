/** `stx attack-sim` as its users run it. */
import assert from "node:assert/strict";
import { ATTACKS } from "../../cli/attack_sim/catalog.ts";
import { withProcesses } from "../support/stage.ts";
import { type Ended, StxProcess } from "../support/stx_process.ts";

async function attackSim(
  args: readonly string[],
  use: (ended: Ended, process: StxProcess, folder: string) => void | Promise<void>,
): Promise<void> {
  await withProcesses(async (folder, processes) => {
    const words = args.map((word) => word.replace("FOLDER", folder));
    const process = new StxProcess(["attack-sim", ...words], { env: { HOME: folder } });
    processes.push(process);
    await use(await process.ended, process, folder);
  });
}

Deno.test("--list names every attack, with its goal", async () => {
  await attackSim(["--list"], ({ code, stdout }) => {
    assert.equal(code, 0);
    assert.deepEqual(
      [...stdout.matchAll(/^ {2}(stx|rounds) +(\S+) /gm)].map(([, protocol, name]) => `${protocol} ${name}`),
      ATTACKS.map(({ protocol, name }) => `${protocol} ${name}`),
    );
  });
});

Deno.test("an attack by name: verdict, summary, report, and nothing left behind", async () => {
  await attackSim(
    ["--attack", "tamper", "--protocol", "stx", "--seed", "7", "--json", "--report", "FOLDER/report.html"],
    async ({ code, stderr }, process, folder) => {
      assert.equal(code, 0, stderr);
      const [verdict, summary, ...more] = process.events as unknown as Record<string, unknown>[];
      assert.deepEqual(more, []);
      const { elapsedMs, message, goal: _goal, ...rest } = verdict!;
      assert.ok(Number(elapsedMs) >= 0);
      assert.match(String(message), /authentication tag/);
      assert.deepEqual(rest, {
        v: 1,
        event: "verdict",
        protocol: "stx",
        attack: "tamper",
        verdict: "stopped",
        error: "bad_record",
        side: "server",
        control: "succeeded",
        defences: ["record tag", "stream checksum"],
        bounds: [],
        firstDesign: rest["firstDesign"],
        problem: null,
      });
      assert.equal(summary!["failed"], 0);
      assert.equal(summary!["seed"], 7);
      assert.match(await Deno.readTextFile(`${folder}/report.html`), /tamper/);
    },
  );
});

Deno.test("a table for people, in 80 columns, and the seed that repeats it", async () => {
  await attackSim(["--attack", "tamper", "--protocol", "stx"], ({ code, stdout }) => {
    assert.equal(code, 0);
    assert.match(stdout, /^Seed \d+\. /);
    assert.match(stdout, /^stx +tamper +stopped +receiver: bad_record +succeeds$/m);
    assert.match(stdout, /^1 attacks?: 1 stopped/m);
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  });
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [["--attack", "tampre"], /Unknown attack "tampre"; did you mean tamper\?/],
  [["--seed", "-1"], /--seed/],
  [["--seed", "x"], /Cannot use --seed "x"/],
  [["--listen", "127.0.0.1:0"], /proxy alone/],
  [["proxy", "--listen", "127.0.0.1:0", "--attack", "tamper"], /Option --upstream is missing/],
  [["proxy", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--attack", "nothing"], /It plays /],
  [["proxy", "--listen", "0.0.0.0:0", "--upstream", "127.0.0.1:1", "--attack", "tamper"], /neither loopback/],
  [["proxy", "--listen", "[::]:0", "--upstream", "127.0.0.1:1", "--attack", "tamper"], /neither loopback/],
  [
    ["proxy", "--listen", "127.0.0.1:0", "--upstream", "192.0.2.1:1", "--attack", "tamper"],
    /neither loopback/,
  ],
  [
    ["proxy", "--listen", "[::1]:0", "--upstream", "[::ffff:192.0.2.1]:1", "--attack", "drop"],
    /neither loopback/,
  ],
  [["proxy", "--listen", "[::1]:0", "--upstream", "[2001:db8::1]:1", "--attack", "drop"], /neither loopback/],
];
for (const [args, expected] of WRONG) {
  Deno.test(`attack-sim ${args.join(" ")} is refused`, async () => {
    await attackSim(args, ({ code, stderr }) => {
      assert.equal(code, 2);
      assert.match(stderr, expected);
      assert.equal(stderr.trimEnd().split("\n").length, 1);
    });
  });
}

Deno.test("a name that leads to a public address is refused before anybody is dialled", async () => {
  await withProcesses(async (folder, processes) => {
    const process = new StxProcess(
      // The system takes this name for the address 192.0.0.2, which is none that stx would read as one.
      // deno-fmt-ignore
      ["attack-sim", "proxy", "--listen", "127.0.0.1:0", "--upstream", "192.2:9", "--attack", "drop", "--json"],
      { env: { HOME: folder } },
    );
    processes.push(process);
    const { port } = await process.event("listening");
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const error = await process.event("error");
    assert.equal(error["code"], "usage");
    assert.match(String(error["message"]), /192\.0\.0\.2 is neither loopback nor private/);
    assert.equal(await conn.read(new Uint8Array(1)), null);
  });
});

Deno.test("what is in a report's place stays until there is another one", async () => {
  await withProcesses(async (folder, processes) => {
    const report = `${folder}/report.html`;
    await Deno.writeTextFile(report, "an older one");
    const process = new StxProcess(["attack-sim", "--json", "--report", report], { env: { HOME: folder } });
    processes.push(process);
    await process.event("verdict");
    process.kill("SIGINT");
    await process.ended;
    assert.equal(await Deno.readTextFile(report), "an older one");
  });
});

Deno.test("a report that cannot be written is an error before the work", async () => {
  await attackSim(["--report", "FOLDER/no/such/report.html"], ({ code, stderr, stdout }) => {
    assert.equal(code, 7);
    assert.match(stderr, /Cannot write the report/);
    assert.equal(stdout, "");
  });
});

Deno.test("SIGINT in the middle: exit 130, and no temporary folder stays", async () => {
  await withProcesses(async (folder, processes) => {
    const temporary = `${folder}/tmp`;
    await Deno.mkdir(temporary);
    const process = new StxProcess(["attack-sim", "--json"], { env: { HOME: folder, TMPDIR: temporary } });
    processes.push(process);
    await process.event("verdict");
    process.kill("SIGINT");
    assert.equal((await process.ended).code, 128 + 2);
    assert.deepEqual([...Deno.readDirSync(temporary)], []);
  });
});

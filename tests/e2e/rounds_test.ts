import assert from "node:assert/strict";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import { works } from "../support/programs.ts";
import { Lines, type RoundsGroup, withGroup } from "../support/rounds_group.ts";
import { type Ended, STX, type StxProcess } from "../support/stx_process.ts";

/** The rounds that a process has told of: a server's, or those that a client took part in. */
function results({ events }: Pick<Ended, "events">) {
  return events.filter((each) => each.event === "round" || each.event === "aggregate")
    .map(({ v: _, ...result }) => result);
}

function aggregate(round: number, sum: string, product: string, clients: number) {
  return { event: "aggregate", round: String(round), sum, product, clients: String(clients) };
}

async function endsWith(process: StxProcess, code: number, said: RegExp): Promise<Ended> {
  const ended = await process.ended;
  assert.equal(ended.code, code, ended.stderr);
  assert.match(ended.stderr, said);
  return ended;
}

/** Puts `stx` where a shell finds it; returns the environment for that. */
function shellFor(group: RoundsGroup): Record<string, string> {
  Deno.mkdirSync(`${group.folder}/bin`);
  const words = STX.map((word) => `'${word}'`).join(" ");
  Deno.writeTextFileSync(`${group.folder}/bin/stx`, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return { HOME: group.folder, PATH: `${group.folder}/bin:${Deno.env.get("PATH")}` };
}

Deno.test("the group of the README sums its sensor readings from a shell", async () => {
  await withGroup([], async (group) => {
    const readme = await Deno.readTextFile(`${PROJECT_FOLDER}/README.md`);
    const section = readme.split(/^## /m).find((each) => each.startsWith("A group that sums\n"))!;
    const [server, clients] = [...section.matchAll(/^```\n(.*?)^```$/gms)].map(([, text]) => text!);
    using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const run = (script: string) =>
      group.start([], {
        prefix: ["bash", "-ec", script.replaceAll(":7892", `:${port}`), "bash"],
        env: shell,
      });
    const shell = shellFor(group);
    const serving = run(server!.replace("stx rounds serve", "exec stx rounds serve"));
    await serving.says(/^Join with: stx rounds join /m);

    const joined = await run(`${clients}wait`).ended;

    assert.equal(joined.code, 0, joined.stderr);
    const { code, stdout, stderr } = await serving.ended;
    assert.equal(code, 0, stderr);
    const told = /# (round 1: .*)$/m.exec(clients!)![1]!;
    assert.ok(joined.stdout.split("\n").includes(told), joined.stdout);
    assert.deepEqual(joined.stdout.trimEnd().split("\n").toSorted(), [
      "round 1: sum 12.5, product 4356.25, 3 clients",
      "round 1: sum 17, product 4356.25, 3 clients",
      "round 1: sum 20.5, product 4356.25, 3 clients",
      "round 2: sum 12, product 4410, 3 clients",
      "round 2: sum 17.5, product 4410, 3 clients",
      "round 2: sum 21, product 4410, 3 clients",
    ]);
    const rounds = stdout.split("\n").filter((line) => line.startsWith("round "));
    assert.equal(rounds.length, 2, stdout);
    assert.match(rounds[0]!, /^round 1: product 4356\.25, 3 clients \((\w+ [\d.]+(, |\)$)){3}/);
    for (const part of ["roof 20.5", "cellar 12.5", "garden 17"]) assert.ok(rounds[0]!.includes(part));
  });
});

Deno.test("both ends tell of the same rounds, and all leave properly when the server has held them", async () => {
  await withGroup(["a", "b", "c"], async (group) => {
    const server = await group.serve(["--min-clients", "3", "--rounds", "2"]);
    assert.deepEqual(server.process.events[0], {
      v: 1,
      event: "listening",
      address: "127.0.0.1",
      port: server.port,
      fingerprint: null,
      command: `stx rounds join 127.0.0.1:${server.port} --key FILE`,
    });
    // Numbers that no floating point holds; a text, which counts its bytes; a line without an end.
    const a = group.join(server, "a", "-0.1, 123456789012345678901234567890\n+2\n");
    const b = group.join(server, "b", "1e5 is no number, ä\r\n3");
    const c = group.join(server, "c", "0.3\n7\nthis one is for no round\n");

    const sums = { a: "123456789012345678901234567889.9", b: "20", c: "0.3" };
    const product = "740740734074074073407407407339.4";
    for (const [process, own, second] of [[a, sums.a, "2"], [b, sums.b, "3"]] as const) {
      const ended = await endsWith(process, 0, /^$/);
      assert.deepEqual(results(ended), [aggregate(1, own, product, 3), aggregate(2, second, "42", 3)]);
    }
    const left = await endsWith(c, 4, /holds no more rounds/);
    assert.deepEqual(results(left), [aggregate(1, sums.c, product, 3), aggregate(2, "7", "42", 3)]);
    const served = await endsWith(server.process, 0, /^Holding rounds on 127.0.0.1:\d+\nJoin with: .*\n$/);
    assert.deepEqual(results(served), [
      { event: "round", round: "1", clients: "3", product, sums, late: [] },
      { event: "round", round: "2", clients: "3", product: "42", sums: { a: "2", b: "3", c: "7" }, late: [] },
    ]);
  });
});

Deno.test("a client without a value holds no session; --data is one round; the end of the input is no error", async () => {
  await withGroup(["idle", "a"], async (group) => {
    const server = await group.serve();
    const lines = new Lines();
    const idle = group.join(server, "idle", lines);
    const key = Deno.readTextFileSync(group.keyFile("idle"));

    const one = await group.join(server, "a", new Lines(), ["--data=-1.5 -1"]).ended;

    assert.equal(one.code, 0, one.stderr);
    // Nobody has waited for the other.
    assert.deepEqual(results(one), [aggregate(1, "-2.5", "-2.5", 1)]);
    assert.equal(Deno.readTextFileSync(group.keyFile("idle")), key);
    lines.write("x");
    await idle.event("aggregate");
    lines.end();
    assert.deepEqual(results(await endsWith(idle, 0, /^$/)), [aggregate(2, "1", "1", 1)]);
    assert.equal((await group.join(server, "a", "").ended).code, 0, "no value at all");
    server.process.kill("SIGINT");
    const { code, events } = await server.process.ended;
    assert.equal(code, 130);
    assert.deepEqual(events.slice(1).map(({ event }) => event), ["round", "round"]);
  });
});

Deno.test("a client that is late, one that is superseded, and one that is revoked; nobody else notices", async () => {
  await withGroup(["a", "b", "c", "d"], async (group) => {
    const server = await group.serve(["--deadline", "1.5s", "--min-clients", "3", "--verbose"]);
    const member = await group.member(server, "a");
    const [late, old] = [new Lines(), new Lines()];
    const b = group.join(server, "b", late);
    const c = group.join(server, "c", old);
    late.write("2");
    old.write("3");
    assert.equal((await member.round("5")).product, "30");
    // Both have a session now, and send nothing for the next round.
    await Promise.all([b.event("aggregate"), c.event("aggregate")]);
    const c2 = new Lines();
    const newer = group.join(server, "c", c2);
    c2.write("4");
    await server.process.says(/c has left: superseded/);

    assert.deepEqual(await member.round("6"), { serverRound: 2, sum: "6", product: "24", clients: 2 });

    await endsWith(c, 4, /A newer session of this client has begun/);
    await newer.event("aggregate");
    await endsWith(b, 4, /did not come before the round's deadline/);
    const round = await server.process.event("round", ({ round }) => round === "2");
    assert.deepEqual(round, {
      v: 1,
      event: "round",
      round: "2",
      clients: "2",
      product: "24",
      sums: { a: "6", c: "4" },
      late: ["b"],
    });

    // What help says of a client that is revoked: it goes on, and does not come back.
    const revoked = await group.start(["rounds", "revoke", "c", "--keys", group.database]).ended;
    assert.equal(revoked.code, 0, revoked.stderr);
    assert.match(revoked.stderr, /c is revoked: it is refused from its next connection on/);
    const d = await group.member(server, "d");
    c2.write("7");
    assert.deepEqual((await Promise.all([member.round("1"), d.round("2")])).map(({ product }) => product), [
      "14",
      "14",
    ]);
    c2.end();
    assert.equal((await newer.ended).code, 0);
    await endsWith(group.join(server, "c", "1\n"), 5, /without a word; .* c has to be enrolled again/);
    await Promise.all([member.close(), d.close()]);
    server.process.kill("SIGTERM");
    const { code, stderr, events } = await server.process.ended;
    assert.equal(code, 143);
    assert.match(stderr, /warning: connections refused from strangers: 1 bad_mac\n$/);
    assert.deepEqual(events.filter(({ event }) => event === "refused"), [
      { v: 1, event: "refused", client: null, code: "bad_mac", count: "1" },
    ]);
  });
});

Deno.test("a wrong key and an old copy of one: exit 5, what to do, and the server counts them by client", async () => {
  await withGroup(["a", "b"], async (group) => {
    const server = await group.serve(["--verbose", "--min-clients", "1"]);
    assert.doesNotMatch(server.process.stderr, /warning/);
    Deno.copyFileSync(group.keyFile("a"), `${group.folder}/copy`);
    const first = await group.join(server, "a", "1\n").ended;
    assert.equal(first.code, 0, first.stderr);
    assert.match(Deno.readTextFileSync(group.keyFile("a")), /^stx-rounds-key a 1 \S+\n$/);
    Deno.copyFileSync(`${group.folder}/copy`, group.keyFile("a"));

    await endsWith(
      group.join(server, "a", "1\n"),
      5,
      /without a word; .*where the key file is an old copy, or a was revoked .*, a has to be enrolled again\n$/,
    );
    await server.process.says(
      /refused one who calls itself "a", from 127\.0\.0\.1: .* of epoch 0: 1 to 1025 may come; a client whose key file was restored from a copy has to be enrolled again\n/,
    );

    const text = Deno.readTextFileSync(group.keyFile("b"));
    Deno.writeTextFileSync(group.keyFile("b"), text.replace(" b ", " a ").replace(" 0 ", " 9 "));
    await endsWith(group.join(server, "b", "1\n"), 5, /without a word/);
    await server.process.says(/calls itself "a", .* its MAC does not hold/);

    server.process.kill("SIGINT");
    const { stderr, events } = await server.process.ended;
    assert.match(stderr, /connections refused in the name of a: 1 bad_round, 1 bad_mac\n$/);
    assert.deepEqual(events.filter(({ event }) => event === "refused"), [
      { v: 1, event: "refused", client: "a", code: "bad_round", count: "1" },
      { v: 1, event: "refused", client: "a", code: "bad_mac", count: "1" },
    ]);
  });
});

Deno.test("a client that is told to stop leaves properly, wherever it is, and the others go on", async () => {
  await withGroup(["a", "b", "c"], async (group) => {
    const server = await group.serve(["--min-clients", "2", "--verbose"]);
    const [idleLines, waitingLines] = [new Lines(), new Lines()];
    const idle = group.join(server, "a", idleLines);
    const waiting = group.join(server, "b", waitingLines);
    idleLines.write("2");
    waitingLines.write("3");
    await Promise.all([idle.event("aggregate"), waiting.event("aggregate")]);
    waitingLines.write("4");
    await server.process.says(/b has joined/);

    // One has no value, the other waits for the answer to one.
    idle.kill("SIGTERM");
    await server.process.says(/a has left: done/);
    waiting.kill("SIGINT");
    await server.process.says(/b has left: done/);

    assert.equal((await idle.ended).code, 143);
    assert.equal((await waiting.ended).code, 130);
    const [a, c] = [await group.member(server, "a"), await group.member(server, "c")];
    const products = await Promise.all([a.round("5"), c.round("6")]);
    assert.ok(
      products.every(({ product }) => product.endsWith("30") || product === "120"),
      "and b's 4, perhaps",
    );
    await Promise.all([a.close(), c.close()]);
  });
});

Deno.test("a server that is killed or told to stop: who waits for it is told at once", async () => {
  await withGroup(["a", "b"], async (group) => {
    for (
      const [signal, code, said] of [
        ["SIGKILL", 5, /without a word; it was stopped/],
        ["SIGTERM", 4, /holds no more rounds/],
      ] as const
    ) {
      const server = await group.serve(["--min-clients", "2"]);
      const [lines, others] = [new Lines(), new Lines()];
      const a = group.join(server, "a", lines);
      const b = group.join(server, "b", others);
      lines.write("2");
      others.write("3");
      await Promise.all([a.event("aggregate"), b.event("aggregate")]);
      // It has a value on its way; the other has none.
      lines.write("4");
      server.process.kill(signal);
      await Promise.all([endsWith(a, code, said), endsWith(b, code, said)]);
      assert.equal((await server.process.ended).code, signal === "SIGKILL" ? 137 : 143);
    }
    using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const key = Deno.readTextFileSync(group.keyFile("a"));
    await endsWith(
      group.join({ port }, "a", "1\n"),
      5,
      /connection refused; check the address, and that stx rounds serve/,
    );
    assert.equal(Deno.readTextFileSync(group.keyFile("a")), key, "and no epoch is lost with that");
  });
});

Deno.test("a server that cannot write its output answers the round, lets all go properly, and exits with 7", async () => {
  await withGroup(["a"], async (group) => {
    const server = group.start(["rounds", "serve", "--listen", "127.0.0.1:0", "--keys", group.database], {
      prefix: ["bash", "-c", 'exec "$@" > /dev/full', "bash"],
    });
    await server.says(/Join with: .* --key FILE/);
    const port = Number(/Join with: .*:(\d+) --key/.exec(server.stderr)![1]);
    const member = await group.member({ port }, "a");
    assert.equal((await member.round("1")).sum, "1");
    await assert.rejects(member.ended(), { code: "rejected", message: /holds no more rounds/ });
    await member.close();
    await endsWith(server, 7, /Cannot write to standard output: .*\n$/);
  });
});

Deno.test("a line that cannot be sent ends the client properly, behind the rounds before it", async () => {
  await withGroup(["a"], async (group) => {
    const server = await group.serve(["--verbose"]);
    const stream = new Blob([new Uint8Array([0x31, 0x0a, 0xff, 0x0a])]).stream();
    const ended = await endsWith(
      group.join(server, "a", { stream }),
      2,
      /line 2 of standard input: it is not UTF-8/,
    );
    assert.deepEqual(results(ended), [aggregate(1, "1", "1", 1)]);
    await server.process.says(/a has left: done/);
  });
});

Deno.test("a server that will hold no round says so when it starts", async () => {
  await withGroup(["a"], async (group) => {
    const few = await group.serve(["--min-clients", "2"]);
    await few.process.says(
      /warning: no round begins with fewer than 2 clients; enrolled in .*clients\.db: 1\n/,
    );
    const revoked = await group.start(["rounds", "revoke", "a", "--keys", group.database]).ended;
    assert.equal(revoked.code, 0, revoked.stderr);
    const none = await group.serve();
    await none.process.says(/warning: no client is enrolled in .*clients\.db yet\n/);
  });
});

Deno.test("what answers is no rounds server: exit 4 or 6, and to check the address", async () => {
  await withGroup(["a"], async (group) => {
    for (
      const [answer, code] of [["HTTP/1.1 400 Bad Request\r\n\r\n", 4], [
        "\x05\x02\x01\x01a" + "\0\0\0\0\0\0\0\0\0\0\0\x10" + "x".repeat(64),
        6,
      ]] as const
    ) {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const client = group.join(listener.addr, "a", "1\n");
      using conn = await listener.accept();
      await conn.read(new Uint8Array(1000));
      await conn.write(new TextEncoder().encode(answer));
      await endsWith(client, code, /check the address: what answers there is no stx rounds serve/);
    }
  });
});

Deno.test({
  name: "on a terminal a round is one line of at most 80 columns, in full elsewhere (needs script)",
  ignore: !works("script", "--version"),
  fn: async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `client-${index}`);
    await withGroup(ids, async (group) => {
      const args = ["rounds", "serve", "--listen", "127.0.0.1:0", "--keys", group.database];
      const more = ["--min-clients", "20", "--rounds", "1"];
      const shown = group.start([...args, ...more], { terminal: true });
      const plain = group.start([...args, ...more]);
      const product = 10n ** 30n;
      for (const server of [shown, plain]) {
        await server.says(/Join with: .*:\d+ --key FILE/);
        const text = server === plain ? server.stderr : server.stdout;
        const port = Number(/Join with: .*:(\d+) --key/.exec(text)![1]);
        const members = await Promise.all(ids.map((id) => group.member({ port }, id)));
        const answers = await Promise.all(
          members.map((member, index) => member.round(index === 19 ? `${product}` : "1")),
        );
        assert.ok(answers.every((answer) => answer.product === `${product}`));
        await Promise.all(members.map((member) => member.close()));
      }
      const line = (await shown.ended).stdout.split("\r\n").find((each) => each.startsWith("round 1"))!;
      assert.ok(line.length < 80, line);
      assert.match(line, /^round 1: product 10000000\.\.0000 \(31 long\), 20 clients \(.* and \d+ more\)$/);
      const { stdout, stderr } = await plain.ended;
      assert.match(stdout, new RegExp(`^round 1: product ${product}, 20 clients \\(.*client-0 1, .*\\)\n$`));
      for (const text of [stdout, stderr]) assert.match(text, /^[\P{Cc}\n]*$/u);
    });
  },
});

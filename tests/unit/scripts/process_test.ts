import assert from "node:assert/strict";
import { Children, findProgram } from "../../../scripts/process.ts";

/** A program that runs until it is ended. */
const ENDLESS = ["eval", "console.log('up'); setInterval(() => {}, 1000);"];

async function nextLine(lines: AsyncIterable<string>): Promise<string | undefined> {
  for await (const line of lines) return line;
  return undefined;
}

Deno.test("start gives the lines of standard output, also a last one without an end", async () => {
  await using children = new Children();
  const script = 'await new Blob(["one\\n\\nthr", "ee\\nfour"]).stream().pipeTo(Deno.stdout.writable)';
  const child = children.start(Deno.execPath(), ["eval", script]);
  assert.deepEqual(await Array.fromAsync(child.lines), ["one", "", "three", "four"]);
  assert.deepEqual(await child.end, { code: 0, stderr: "" });
});

Deno.test("start gives exit code and standard error, and passes the environment and the folder on", async () => {
  await using children = new Children();
  const script = 'console.error(Deno.env.get("STX_TEST"), Deno.cwd()); Deno.exit(5)';
  const child = children.start(Deno.execPath(), ["eval", script], { env: { STX_TEST: "told" }, cwd: "/" });
  assert.deepEqual(await Array.fromAsync(child.lines), []);
  assert.deepEqual(await child.end, { code: 5, stderr: "told /\n" });
});

Deno.test("kill ends a child at once, and again does nothing", async () => {
  await using children = new Children();
  const child = children.start(Deno.execPath(), ENDLESS);
  assert.equal(await nextLine(child.lines), "up");
  child.kill();
  assert.equal((await child.end).code, 128 + 9);
  child.kill();
});

Deno.test("disposing of the children ends those that run", async () => {
  let child;
  {
    await using children = new Children();
    child = children.start(Deno.execPath(), ENDLESS);
    assert.equal(await nextLine(child.lines), "up");
  }
  assert.equal((await child.end).code, 128 + 9);
});

Deno.test("a signal to the script ends its children, then cleans up", async () => {
  // The inner child dials us: its connection ends with it, and that can be waited for.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const inner =
    `await Deno.connect({ hostname: "127.0.0.1", port: ${listener.addr.port} }); setInterval(() => {}, 1000);`;
  const script = `
    import { Children } from ${JSON.stringify(import.meta.resolve("../../../scripts/process.ts"))};
    const children = new Children(() => console.log("clean"));
    children.start(Deno.execPath(), ["eval", ${JSON.stringify(inner)}]);
  `;
  await using children = new Children();
  const outer = children.start(Deno.execPath(), ["eval", script]);
  using connection = await listener.accept();
  Deno.kill(outer.pid, "SIGINT");
  assert.equal(await nextLine(outer.lines), "clean");
  assert.equal((await outer.end).code, 130);
  assert.equal(await connection.read(new Uint8Array(1)), null);
});

Deno.test("run returns the output, and throws with the standard error of what fails", async () => {
  await using children = new Children();
  assert.equal(await children.run(Deno.execPath(), ["eval", "console.log(1); console.log(2)"]), "1\n2\n");
  await assert.rejects(children.run(Deno.execPath(), ["eval", "console.error('why'); Deno.exit(3)"]), {
    message: /eval ended with 3: why$/,
  });
});

Deno.test("findProgram looks where the shell does, and where servers lie", () => {
  assert.match(findProgram("sh") ?? "", /^\/.*\/sh$/);
  assert.equal(findProgram("no-such-program-anywhere"), undefined);
  assert.equal(findProgram("bin"), undefined, "a folder is no program");
});

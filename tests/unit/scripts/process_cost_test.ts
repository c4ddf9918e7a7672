import assert from "node:assert/strict";
import { childrenOf, cpuSecondsOf, MemoryWatch, peakMemoryOf } from "../../../scripts/process_cost.ts";
import { Children } from "../../../scripts/process.ts";

const ignore = Deno.build.os !== "linux";

Deno.test({
  name: "the processor time of a child is that of its parent's children once it has ended",
  ignore,
  fn: async () => {
    await using children = new Children();
    const before = cpuSecondsOf("self", "children");
    await children.run(Deno.execPath(), [
      "eval",
      "let sum = 0; for (let i = 0; i < 2e8; i++) sum += i % 7; console.log(sum)",
    ]);
    const spent = cpuSecondsOf("self", "children") - before;
    assert.ok(spent >= 0.05, `${spent}`);
    assert.ok(cpuSecondsOf("self", "own and children") > cpuSecondsOf("self", "children"));
  },
});

Deno.test({
  name: "the watch sums the peaks of a tree of processes, and forgets nothing that has ended",
  ignore,
  fn: async () => {
    await using children = new Children();
    const SIZE = 64 * 1024 * 1024;
    // It fills memory, says so, and waits.
    const inner = `new Uint8Array(${SIZE}).fill(1); console.log("filled"); setInterval(() => {}, 1000);`;
    const outer = `const child = new Deno.Command(Deno.execPath(), { args: ["eval", ${
      JSON.stringify(inner)
    }] }).spawn();
      console.error(child.pid); await child.status;`;
    const root = children.start(Deno.execPath(), ["eval", outer]);
    const watch = new MemoryWatch([() => [root.pid], () => []]);
    const lines = root.lines[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "filled");
    const [inside] = childrenOf(root.pid);
    assert.ok(peakMemoryOf(inside!) > SIZE);
    watch.look();
    Deno.kill(inside!, "SIGKILL");
    await root.end;
    const [peak, nothing] = watch.stop();
    assert.ok(peak! > SIZE, `${peak}`);
    assert.equal(nothing, 0);
    assert.equal(peakMemoryOf(inside!), 0);
    assert.deepEqual(childrenOf(inside!), []);
  },
});

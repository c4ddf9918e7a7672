import assert from "node:assert/strict";
import { Progress } from "../../../cli/progress.ts";
import { Output } from "../../../cli/terminal.ts";
import { fakeStreams } from "./fake_streams.ts";

const MIB = 1024 ** 2;

function setUp(options: { terminal?: boolean; quiet?: boolean; columns?: () => number } = {}) {
  const streams = fakeStreams({ terminal: options.terminal ?? true, columns: options.columns ?? (() => 80) });
  const output = new Output({
    command: "send",
    json: false,
    quiet: options.quiet ?? false,
    verbose: false,
    exit: (status) => {
      throw new Error(`exit ${status}`);
    },
    streams,
    colour: false,
  });
  const clock = { ms: 0 };
  const progress = new Progress(output, () => clock.ms);
  /** The lines as drawn one after the other. */
  const drawn = () => streams.error().split("\r\x1b[K").slice(1);
  return { streams, output, clock, progress, drawn };
}

Deno.test("a transfer is drawn as it goes, and its last line stays", () => {
  const { clock, progress, drawn } = setUp();
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "sending", totalBytes: 10 * MIB });
  for (let tick = 1; tick <= 10; tick++) {
    clock.ms += 1000;
    transfer.update({ bytes: tick * MIB });
  }
  transfer.update({ phase: "finishing" });
  clock.ms += 2500;
  transfer.finish();
  const lines = drawn();
  assert.match(lines[0]!, /^a\.bin +0% +0 B {2}of 10\.0 MiB$/);
  assert.match(lines[5]!, /^a\.bin +50% +5\.0 MiB {2}of 10\.0 MiB {4}1\.0 MiB\/s {5}5s left$/);
  assert.match(lines.at(-2)!, /^a\.bin +finishing {2}100% +10\.0 MiB/);
  // 10 MiB in 12.5 seconds.
  assert.match(lines.at(-1)!, /^a\.bin +100% +10\.0 MiB {2}of 10\.0 MiB {2}819\.2 KiB\/s +in 13s\n$/);
});

Deno.test("the line is drawn ten times a second at most, and at once when the phase changes", () => {
  const { clock, progress, drawn } = setUp();
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "sending", totalBytes: 1000 });
  for (; clock.ms < 1000; clock.ms++) transfer.update({ bytes: clock.ms });
  assert.equal(drawn().length, 10);
  transfer.update({ phase: "finishing" });
  assert.equal(drawn().length, 11);
});

Deno.test("bytes that were there before do not count into the rates", () => {
  const { clock, progress, drawn } = setUp();
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "hashing", totalBytes: 1000 * MIB, bytes: 900 * MIB });
  clock.ms = 1000;
  transfer.update({ phase: "resuming" });
  transfer.resumeAt(800 * MIB);
  transfer.update({ phase: "sending" });
  clock.ms = 2000;
  transfer.update({ bytes: 810 * MIB });
  assert.match(drawn().at(-1)!, / 81% .* 10\.0 MiB\/s {4}19s left$/);
  clock.ms = 4000;
  transfer.finish();
  assert.match(drawn().at(-1)!, / 2\.5 MiB\/s +in 4\.0s\n$/);
});

Deno.test("resuming behind what was sent counts what is sent again, and no more", () => {
  const { clock, progress, drawn } = setUp();
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "sending", totalBytes: 100 * MIB, bytes: 50 * MIB });
  transfer.update({ phase: "connecting" });
  assert.match(drawn().at(-1)!, /connecting {3}50%/);
  transfer.update({ phase: "resuming" });
  transfer.resumeAt(40 * MIB);
  transfer.update({ phase: "sending" });
  assert.match(drawn().at(-1)!, / 40% /);
  transfer.update({ bytes: 100 * MIB });
  clock.ms = 10_000;
  transfer.finish();
  // 50 and 60 MiB in ten seconds.
  assert.match(drawn().at(-1)!, / 11\.0 MiB\/s /);
});

Deno.test("a phase does not inherit the bytes that were hashed", () => {
  const { progress, drawn } = setUp();
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "hashing", totalBytes: 100, bytes: 60 });
  assert.match(drawn().at(-1)!, /hashing {3}60%/);
  transfer.update({ phase: "connecting" });
  assert.match(drawn().at(-1)!, /connecting {4}0%/);
  transfer.update({ phase: "sending", bytes: 30 });
  transfer.update({ phase: "hashing" });
  assert.match(drawn().at(-1)!, /hashing {4}0%/);
});

Deno.test("an unknown size works to the end", () => {
  const { clock, progress, drawn } = setUp();
  const transfer = progress.start("stdin");
  transfer.update({ phase: "sending" });
  clock.ms = 1000;
  transfer.update({ bytes: MIB });
  assert.match(drawn().at(-1)!, /^stdin +1\.0 MiB {4}1\.0 MiB\/s$/);
  transfer.finish();
  assert.match(drawn().at(-1)!, /^stdin +1\.0 MiB {4}1\.0 MiB\/s {5}in 1\.0s\n$/);
});

Deno.test("a transfer that takes no time has no rate", () => {
  const { progress, drawn } = setUp();
  const transfer = progress.start("a");
  transfer.update({ phase: "sending", bytes: 5, totalBytes: 5 });
  transfer.finish();
  assert.match(drawn().at(-1)!, /^a +100% +5 B {2}of 5 B +in 0\.0s\n$/);
});

Deno.test("several transfers are summed up in the one line", () => {
  const { clock, progress, drawn } = setUp();
  const first = progress.start("a");
  const second = progress.start("b");
  first.update({ phase: "receiving", totalBytes: 10 * MIB, totalFiles: 2 });
  second.update({ phase: "receiving", totalBytes: 30 * MIB, totalFiles: 3 });
  clock.ms = 1000;
  first.update({ bytes: 5 * MIB, files: 1 });
  clock.ms = 1100;
  second.update({ bytes: 11 * MIB, files: 1 });
  assert.match(drawn().at(-1)!, /^2 transfers +40% +16\.0 MiB .* 15\.0 MiB\/s {5}2s left {2}2\/5 files$/);
  first.finish();
  const [kept, next] = drawn().slice(-2);
  assert.match(kept!, /^a .* in 1\.1s {2}1\/2 files\n$/);
  assert.match(next!, /^b +36% /);
  const third = progress.start("c");
  third.update({ phase: "receiving" });
  assert.match(drawn().at(-1)!, /^2 transfers +11\.0 MiB/);
});

Deno.test("a transfer that is stopped leaves its last state", () => {
  const { progress, drawn, output, streams } = setUp();
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "sending", bytes: 50, totalBytes: 100 });
  transfer.stop();
  assert.match(drawn().at(-1)!, /^a\.bin +50% .*\n$/);
  const before = streams.error();
  transfer.stop();
  transfer.finish();
  transfer.update({ phase: "finishing" });
  output.close();
  assert.equal(streams.error(), before);
});

Deno.test("names cannot act on the terminal", () => {
  const { progress, drawn } = setUp();
  progress.start("a\x1b[2J\n").update({ phase: "sending" });
  assert.match(drawn().at(-1)!, /^a\\x1b\[2J\\x0a /);
});

Deno.test("nothing is shown without a terminal or when quiet", () => {
  for (const options of [{ terminal: false }, { quiet: true }]) {
    const { streams, progress } = setUp(options);
    const transfer = progress.start("a.bin");
    transfer.update({ phase: "sending", bytes: 1 });
    transfer.finish();
    progress.start("b").stop();
    assert.equal(streams.error(), "");
  }
});

Deno.test("a terminal of unknown width is taken as 80 columns wide", () => {
  const unknown = () => {
    throw new Error("no terminal");
  };
  for (const columns of [() => 0, unknown]) {
    const { progress, drawn } = setUp({ columns });
    progress.start("a.bin").update({ phase: "sending" });
    assert.equal(drawn().at(-1)!.length, 79);
  }
});

Deno.test("a new width counts from the next drawing on", () => {
  let columns = 60;
  const { clock, progress, drawn } = setUp({ columns: () => columns });
  const transfer = progress.start("a.bin");
  transfer.update({ phase: "sending" });
  columns = 30;
  clock.ms = 200;
  transfer.update({ bytes: 1 });
  assert.deepEqual(drawn().map(({ length }) => length), [59, 29]);
});

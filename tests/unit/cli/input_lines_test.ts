import assert from "node:assert/strict";
import { InputLines } from "../../../cli/input_lines.ts";
import { concat, utf8 } from "../../../lib/bytes/bytes.ts";

/** An input that gives these pieces one by one. */
function inputOf(...pieces: readonly (string | Uint8Array)[]) {
  const rest = pieces.map((piece) => typeof piece === "string" ? utf8(piece) : piece);
  let readCount = 0;
  return {
    get readCount() {
      return readCount;
    },
    read(into: Uint8Array): Promise<number | null> {
      readCount += 1;
      const piece = rest.shift();
      if (piece === undefined) return Promise.resolve(null);
      into.set(piece);
      return Promise.resolve(piece.length);
    },
  };
}

async function linesOf(input: ReturnType<typeof inputOf>, sizeMax = 1000): Promise<string[]> {
  const lines = new InputLines(input, sizeMax);
  const all: string[] = [];
  for (let line; (line = await lines.next()) !== undefined;) all.push(line);
  assert.equal(await lines.next(), undefined, "the end stays");
  return all;
}

Deno.test("lines end in LF or CR LF, and the last one need not", async () => {
  assert.deepEqual(await linesOf(inputOf("a\nbc\r\n\n d \r\r\nlast")), ["a", "bc", "", " d \r", "last"]);
  assert.deepEqual(await linesOf(inputOf("a\n")), ["a"]);
  assert.deepEqual(await linesOf(inputOf("\n\r\n")), ["", ""]);
  assert.deepEqual(await linesOf(inputOf()), []);
  assert.deepEqual(await linesOf(inputOf("a\r")), ["a\r"]);
});

Deno.test("lines are the same however the input is cut", async () => {
  const text = utf8("eins\r\nzwölf\n\n🔑 1.5, 2\n");
  const whole = await linesOf(inputOf(text));
  assert.deepEqual(whole, ["eins", "zwölf", "", "🔑 1.5, 2"]);
  assert.deepEqual(await linesOf(inputOf(...Array.from(text, (byte) => new Uint8Array([byte])))), whole);
  for (let at = 1; at < text.length; at++) {
    assert.deepEqual(await linesOf(inputOf(text.subarray(0, at), text.subarray(at))), whole, `${at}`);
  }
});

Deno.test("nothing is read before it is asked for", async () => {
  const input = inputOf("a\n", "b\n");
  const lines = new InputLines(input, 10);
  assert.equal(input.readCount, 0);
  assert.equal(await lines.next(), "a");
  assert.equal(input.readCount, 1);
});

Deno.test("a line that is too long is an error as soon as it is known, and not kept", async () => {
  assert.deepEqual(await linesOf(inputOf("12345\n12345\r\n", "12345"), 5), ["12345", "12345", "12345"]);
  const tooLong = { code: "usage", message: "Cannot use a line of standard input: it has more than 5 bytes" };
  await assert.rejects(linesOf(inputOf("123456\n"), 5), tooLong);
  await assert.rejects(linesOf(inputOf("123456"), 5), tooLong);
  const endless = inputOf(...Array.from({ length: 1000 }, () => "1234"));
  await assert.rejects(linesOf(endless, 5), tooLong);
  assert.equal(endless.readCount, 2);
});

Deno.test("a line that is no UTF-8 is an error that names it", async () => {
  const bytes = concat(utf8("fine\n"), new Uint8Array([0x41, 0xff]), utf8("\n"));
  const lines = new InputLines(inputOf(bytes), 10);
  assert.equal(await lines.next(), "fine");
  await assert.rejects(lines.next(), {
    code: "usage",
    message: "Cannot use line 2 of standard input: it is not UTF-8",
  });
});

Deno.test("an input that cannot be read is an error of this machine", async () => {
  const lines = new InputLines({ read: () => Promise.reject(new Error("it is gone")) }, 10);
  await assert.rejects(lines.next(), { code: "disk", message: "Cannot read standard input: it is gone" });
});

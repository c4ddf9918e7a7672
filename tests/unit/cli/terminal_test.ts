import assert from "node:assert/strict";
import { Output, type OutputOptions } from "../../../cli/terminal.ts";
import { StxError } from "../../../lib/errors.ts";
import { type FakeStreams, fakeStreams } from "./fake_streams.ts";

class Exited extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

function outputOn(streams: FakeStreams, options: Partial<OutputOptions> = {}): Output {
  return new Output({
    command: "send",
    json: false,
    quiet: false,
    verbose: false,
    exit: (status) => {
      throw new Exited(status);
    },
    streams,
    colour: false,
    ...options,
  });
}

const PROGRESS = {
  transfer: null,
  phase: "sending",
  bytes: 5,
  totalBytes: null,
  files: 0,
  totalFiles: 1,
} as const;

Deno.test("events are lines on standard output, and only with --json", () => {
  const streams = fakeStreams();
  outputOn(streams).event("progress", PROGRESS);
  assert.equal(streams.out(), "");
  outputOn(streams, { json: true, quiet: true }).event("progress", PROGRESS);
  assert.equal(
    streams.out(),
    '{"v":1,"event":"progress","transfer":null,"phase":"sending","bytes":5,"totalBytes":null,"files":0,"totalFiles":1}\n',
  );
  assert.equal(streams.error(), "");
});

Deno.test("events have no raw control character and give the true names when decoded", () => {
  const streams = fakeStreams();
  const path = 'a\x1b\x7f\x9b\u202e\u2028é😀\ud800\n"\\';
  outputOn(streams, { json: true }).event("file", { transfer: "00", path, sizeBytes: 1 });
  assert.match(streams.out(), /^[\x20-\x7e]*\n$/);
  assert.equal(JSON.parse(streams.out()).path, path);
});

Deno.test("big integers in events are decimal strings", () => {
  const streams = fakeStreams();
  outputOn(streams, { json: true }).event("file", {
    transfer: "00",
    path: "a",
    sizeBytes: 2n ** 64n as never,
  });
  assert.equal(JSON.parse(streams.out()).sizeBytes, "18446744073709551616");
});

Deno.test("print writes escaped lines to standard output, quiet or not", () => {
  const streams = fakeStreams();
  outputOn(streams, { quiet: true }).print("one", "", "t\two");
  assert.equal(streams.out(), "one\n\nt\\x09wo\n");
});

Deno.test("what people are told are events too: warnings always, all else under --verbose", () => {
  const tell = (options: Partial<OutputOptions>) => {
    const streams = fakeStreams();
    const output = outputOn(streams, { json: true, ...options });
    output.info("info");
    output.verbose("more");
    output.warn("beware\x1b");
    return streams.out().split("\n").slice(0, -1).map((line) => JSON.parse(line));
  };
  const log = (level: string, message: string) => ({ v: 1, event: "log", level, message });
  const warning = log("warning", "beware\x1b");
  assert.deepEqual(tell({}), [warning]);
  assert.deepEqual(tell({ quiet: true }), [warning]);
  assert.deepEqual(tell({ verbose: true }), [log("info", "info"), log("detail", "more"), warning]);
  assert.deepEqual(tell({ verbose: true, quiet: true }), [log("detail", "more"), warning]);
  assert.deepEqual(tell({ json: false, verbose: true }), []);
});

Deno.test("a warning that cannot be an event, for want of standard output, is told all the same", () => {
  const streams = fakeStreams();
  const stdout = {
    isTerminal: () => false,
    writeSync(): number {
      throw new Error("no space left (os error 28)");
    },
  };
  outputOn({ ...streams, stdout }, { json: true }).warn("beware");
  assert.match(streams.error(), /beware/);
});

Deno.test("who is told what", () => {
  const tell = (options: Partial<OutputOptions>) => {
    const streams = fakeStreams();
    const output = outputOn(streams, options);
    output.info("info\x1b\n");
    output.verbose("more\x1b\n");
    output.warn("beware\x1b\n");
    assert.equal(streams.out(), "");
    return streams.error();
  };
  const warning = "stx send: warning: beware\\x1b\\x0a\n";
  assert.equal(tell({}), `info\\x1b\\x0a\n${warning}`);
  assert.equal(tell({ quiet: true }), warning);
  assert.equal(tell({ verbose: true }), `info\\x1b\\x0a\nmore\\x1b\\x0a\n${warning}`);
  assert.match(tell({ command: undefined }), /\nstx: warning:/);
});

Deno.test("an error is one line with its hint, and gives the exit status", () => {
  const errorLine = (error: unknown) => {
    const streams = fakeStreams();
    const status = outputOn(streams, { quiet: true }).error(error);
    assert.equal(streams.out(), "");
    return [status, streams.error()];
  };
  assert.deepEqual(errorLine(new StxError("unauthorized", "cannot log in: no key")), [
    3,
    "stx send: cannot log in: no key\n",
  ]);
  assert.deepEqual(errorLine(new StxError("disk", "Cannot write: full", { hint: "make room" })), [
    7,
    "stx send: Cannot write: full; make room\n",
  ]);
  assert.deepEqual(errorLine(new StxError("usage", "cannot\x1b: bad.", { hint: "Run\n this" })), [
    2,
    "stx send: cannot\\x1b: bad. Run\\x0a this\n",
  ]);
});

Deno.test("what has no code is called unexpected, without a stack", () => {
  const cases: [unknown, string][] = [
    [new TypeError("x is\nundefined"), "TypeError: x is\\x0aundefined"],
    ["text", '"text"'],
    [undefined, "undefined"],
    [Object.create(null), "[Object: null prototype] {}"],
  ];
  for (const [error, text] of cases) {
    const streams = fakeStreams();
    assert.equal(outputOn(streams).error(error), 1);
    assert.equal(
      streams.error(),
      `stx send: Unexpected error: ${text}; this is a fault in stx; --verbose shows where\n`,
    );
  }
});

Deno.test("--verbose shows causes, and where an unexpected error comes from", () => {
  const streams = fakeStreams();
  const output = outputOn(streams, { verbose: true });
  output.error(
    new StxError("disk", "Cannot write", { cause: new StxError("disk", "inner", { cause: "deep\x1b" }) }),
  );
  assert.equal(
    streams.error(),
    'stx send: Cannot write\n    caused by StxError: inner\n    caused by "deep\\x1b"\n',
  );
  const second = fakeStreams();
  outputOn(second, { verbose: true }).error(new Error("boom"));
  const lines = second.error().trimEnd().split("\n");
  assert.match(lines[0]!, /^stx send: Unexpected error: Error: boom;/);
  assert.match(lines[1]!, /^ {4}at .*terminal_test\.ts/);
  const third = fakeStreams();
  outputOn(third, { verbose: true }).error(new StxError("disk", "no cause"));
  outputOn(third, { verbose: true }).error(undefined);
  assert.match(third.error(), /^stx send: no cause\nstx send: Unexpected error: undefined;[^\n]*\n$/);
  const ring = new StxError("disk", "round");
  Object.defineProperty(ring, "cause", { value: ring });
  assert.equal(output.error(ring), 7);
});

Deno.test("an error is an event too", () => {
  const streams = fakeStreams();
  const output = outputOn(streams, { json: true });
  output.error(new StxError("unauthorized", "no\x1b", { hint: "do" }));
  output.error(new Error("boom"), { transfer: "ab", peer: "SHA256:x", continues: true });
  const events = streams.out().trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(events, [
    {
      v: 1,
      event: "error",
      code: "unauthorized",
      message: "no\x1b",
      hint: "do",
      exit: 3,
      transfer: null,
      peer: null,
    },
    {
      v: 1,
      event: "error",
      code: "unexpected",
      message: "Unexpected error: Error: boom",
      hint: "this is a fault in stx; --verbose shows where",
      exit: null,
      transfer: "ab",
      peer: "SHA256:x",
    },
  ]);
  outputOn(streams, { json: true }).error(new StxError("busy", "full"));
  assert.equal(JSON.parse(streams.out().trimEnd().split("\n").at(-1)!).hint, null);
});

Deno.test("colours are for terminals, and only where they are wanted", () => {
  const warnAndFail = (terminal: boolean, colour: boolean) => {
    const streams = fakeStreams({ terminal });
    const output = outputOn(streams, { colour });
    output.warn("w");
    output.error(new StxError("disk", "e"));
    return streams.error();
  };
  assert.equal(
    warnAndFail(true, true),
    "stx send: \x1b[1;33mwarning:\x1b[0m w\n\x1b[1;31mstx send:\x1b[0m e\n",
  );
  assert.equal(warnAndFail(true, false), "stx send: warning: w\nstx send: e\n");
  assert.equal(warnAndFail(false, true), "stx send: warning: w\nstx send: e\n");
});

Deno.test("NO_COLOR is honoured", () => {
  const before = Deno.env.get("NO_COLOR");
  const failWith = (value: string) => {
    Deno.env.set("NO_COLOR", value);
    const streams = fakeStreams({ terminal: true });
    new Output({
      command: "send",
      json: false,
      quiet: false,
      verbose: false,
      exit: (status) => {
        throw new Exited(status);
      },
      streams,
    }).error(new StxError("disk", "e"));
    return streams.error();
  };
  try {
    assert.equal(failWith("1"), "stx send: e\n");
    assert.equal(failWith(""), "\x1b[1;31mstx send:\x1b[0m e\n");
  } finally {
    if (before === undefined) Deno.env.delete("NO_COLOR");
    else Deno.env.set("NO_COLOR", before);
  }
});

const CLEAR = "\r\x1b[K";

Deno.test("what is told during progress stands above the line", () => {
  const streams = fakeStreams({ terminal: true });
  const output = outputOn(streams);
  output.drawLine("50%");
  output.warn("beware");
  output.drawLine("50%");
  output.drawLine("60%");
  output.keepLine("100%");
  output.info("bye");
  assert.equal(
    streams.error(),
    `${CLEAR}50%${CLEAR}stx send: warning: beware\n50%${CLEAR}60%${CLEAR}100%\nbye\n`,
  );
});

Deno.test("events on a terminal stand above the line, elsewhere they leave it alone", () => {
  for (const outTerminal of [true, false]) {
    const streams = fakeStreams({ terminal: true, outTerminal });
    const output = outputOn(streams, { json: true });
    output.drawLine("50%");
    output.event("progress", PROGRESS);
    assert.equal(streams.error(), outTerminal ? `${CLEAR}50%${CLEAR}${CLEAR}50%` : `${CLEAR}50%`);
  }
  const streams = fakeStreams({ terminal: true });
  outputOn(streams).print("x");
  assert.equal(streams.error(), "");
});

Deno.test("the last error and the end leave no open line", () => {
  const streams = fakeStreams({ terminal: true });
  const output = outputOn(streams);
  output.drawLine("50%");
  output.error(new StxError("busy", "full"), { continues: true });
  output.error(new StxError("busy", "over"));
  assert.equal(
    streams.error(),
    `${CLEAR}50%${CLEAR}stx send: full\n50%${CLEAR}50%\nstx send: over\n`,
  );
  output.drawLine("60%");
  output.close();
  output.close();
  assert(streams.error().endsWith(`over\n${CLEAR}60%${CLEAR}60%\n`));
});

Deno.test("progress has columns on a terminal alone", () => {
  assert.equal(outputOn(fakeStreams({ terminal: true, columns: () => 132 })).progressColumns(), 132);
  assert.equal(outputOn(fakeStreams({ terminal: false })).progressColumns(), undefined);
  assert.equal(outputOn(fakeStreams({ terminal: true }), { quiet: true }).progressColumns(), undefined);
});

Deno.test("lines have columns where standard output is a terminal, under --quiet too", () => {
  const streams = fakeStreams({ terminal: false, outTerminal: true, columns: () => 132 });
  assert.equal(outputOn(streams, { quiet: true }).printColumns(), 132);
  assert.equal(outputOn(fakeStreams({ terminal: true, columns: () => 0 })).printColumns(), 80);
  assert.equal(outputOn(fakeStreams({ terminal: true, outTerminal: false })).printColumns(), undefined);
});

Deno.test("a question is answered by yes in full and nothing else", async () => {
  const answers: [string, boolean][] = [
    ["yes\n", true],
    ["yes\r\n", true],
    ["y\n", false],
    ["YES\n", false],
    ["no\n", false],
    ["\n", false],
    [" yes\n", false],
    ["yes please\n", false],
    ["yes", false],
    ["", false],
  ];
  for (const [input, agreed] of answers) {
    const streams = fakeStreams({ terminal: true, input });
    assert.equal(await outputOn(streams, { quiet: true }).confirm("Trust\x1b it?"), agreed, input);
    assert.equal(streams.error(), `Trust\\x1b it? (yes/no)? ${input.includes("\n") ? "" : "\n"}`);
  }
});

Deno.test("a question clears the line of progress", async () => {
  const streams = fakeStreams({ terminal: true, input: "yes\n" });
  const output = outputOn(streams);
  output.drawLine("50%");
  await output.confirm("Sure?");
  output.close();
  assert.equal(streams.error(), `${CLEAR}50%${CLEAR}Sure? (yes/no)? `);
});

Deno.test("without a terminal nothing is asked and the answer is no", async () => {
  for (
    const streams of [
      fakeStreams({ terminal: false, inTerminal: true, input: "yes\n" }),
      fakeStreams({ terminal: true, inTerminal: false, input: "yes\n" }),
    ]
  ) {
    assert.equal(await outputOn(streams).confirm("Sure?"), false);
    assert.equal(streams.error(), "");
    assert.notEqual(await streams.stdin.read(new Uint8Array(9)), null);
  }
});

function failing(stream: "stdout" | "stderr", error: Error): FakeStreams {
  return {
    ...fakeStreams(),
    [stream]: {
      isTerminal: () => false,
      writeSync(): number {
        throw error;
      },
    },
  };
}

Deno.test("when nobody reads any more, the program ends as by SIGPIPE", () => {
  const gone = new Deno.errors.BrokenPipe("gone");
  const ends = (action: () => unknown) =>
    assert.throws(action, (error) => error instanceof Exited && error.status === 141);
  ends(() => outputOn(failing("stdout", gone)).print("x"));
  ends(() => outputOn(failing("stdout", gone), { json: true }).event("progress", PROGRESS));
  ends(() => outputOn(failing("stderr", gone)).info("x"));
});

Deno.test("other failures of standard output are errors, those of standard error are not", () => {
  const full = new Error("No space left on device (os error 28)");
  const codeIs = (code: string) => (error: unknown) => error instanceof StxError && error.code === code;
  assert.throws(() => outputOn(failing("stdout", full)).print("x"), codeIs("disk_full"));
  assert.throws(() => outputOn(failing("stdout", new Error("EIO"))).print("x"), codeIs("disk"));
  outputOn(failing("stderr", full)).info("x");
  // Reporting an error does not fail by what it reports.
  const streams = failing("stdout", full);
  assert.equal(outputOn(streams, { json: true }).error(new StxError("busy", "full")), 5);
  assert.equal(streams.error(), "stx send: full\n");
});

import assert from "node:assert/strict";
import process from "node:process";
import {
  checkAddress,
  checkClock,
  checkCryptography,
  checkDeno,
  EARLIEST_MS,
  listenersOf,
  TESTED_DENO,
} from "../../../cli/doctor_machine.ts";
import { DoctorReport } from "../../../cli/doctor_report.ts";
import { StxError } from "../../../lib/errors.ts";
import { DENO_VERSION } from "../../../scripts/deno_version.ts";
import { type Finding, findings, found, outputOn } from "./doctor_findings.ts";
import { fakeStreams } from "./fake_streams.ts";

Deno.test("a finding is a line with what to do, and an event; under --quiet only what is not well has a line", async () => {
  const tell = async (isJson: boolean, isQuiet: boolean) => {
    const streams = fakeStreams();
    const report = new DoctorReport(outputOn(streams, isJson), { isJson, isQuiet });
    report.ok("deno", "fine");
    report.warn("folder", "odd\x1b", "Look there.");
    report.problem("state", "bad.", "mend it");
    await report.check("clock", () => {
      throw new StxError("disk", "Cannot tell", { hint: "wait" });
    });
    await assert.rejects(
      report.check("clock", () => {
        throw new Error("a fault in stx");
      }),
      /fault/,
    );
    assert.deepEqual([report.count("ok"), report.count("warning"), report.count("problem")], [1, 1, 2]);
    return streams.out();
  };
  const rest =
    "warning  folder: odd\\x1b. Look there.\nproblem  state: bad; mend it\nproblem  clock: Cannot tell; wait\n";
  assert.equal(await tell(false, false), `ok       deno: fine\n${rest}`);
  assert.equal(await tell(false, true), rest);
  const events = await tell(true, true);
  assert.equal(events.split("\n").length, 5, "programs are told of everything");
  assert.deepEqual(JSON.parse(events.split("\n")[1]!), {
    v: 1,
    event: "check",
    name: "folder",
    status: "warning",
    message: "odd\x1b",
    hint: "Look there.",
  });
});

Deno.test("the summary counts problems and warnings, and is a sentence", () => {
  const report = new DoctorReport(outputOn(fakeStreams(), true), { isJson: true, isQuiet: false });
  report.ok("deno", "fine");
  assert.equal(report.summary(), "No problems, no warnings.");
  report.warn("folder", "odd");
  report.problem("state", "bad");
  assert.equal(report.summary(), "1 problem, 1 warning.");
  report.warn("folder", "odd");
  report.problem("state", "bad");
  assert.equal(report.summary(), "2 problems, 2 warnings.");
});

Deno.test("deno: the version that stx is tested with, and any other", async () => {
  assert.equal(TESTED_DENO, DENO_VERSION);
  found(await findings((report) => checkDeno(report, DENO_VERSION)), ["deno", "ok", /^version \d/]);
  found(await findings((report) => checkDeno(report, "2.0.0")), ["deno", "warning", /2\.0\.0/, /that one/]);
});

Deno.test("clock: plausible, before there was stx, and behind a file that was changed", async () => {
  const now = Date.UTC(2027, 4, 1);
  found(
    await findings((report) => checkClock(report, now, now)),
    ["clock", "ok", /2027-05-01T00:00.*date -u.*120 seconds/],
  );
  found(await findings((report) => checkClock(report, now + 120_000, now)), ["clock", "ok", /./]);
  found(
    await findings((report) => checkClock(report, now + 120_001, now)),
    ["clock", "warning", /2027-05-01T00:02/, /set it/],
  );
  found(
    await findings((report) => checkClock(report, 0, EARLIEST_MS - 1)),
    ["clock", "problem", /before/, /set it.*120 seconds/],
  );
});

Deno.test("address: free, taken, taken by what may well be recv, and none of this machine", async () => {
  found(
    await findings((report) => checkAddress(report, { host: "127.0.0.1", port: 0 }, false)),
    ["address", "ok", /127\.0\.0\.1:0 can be listened on$/],
  );
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const taken = { host: "127.0.0.1", port: listener.addr.port };
  found(
    await findings((report) => checkAddress(report, taken, false)),
    [
      "address",
      "problem",
      /another process/,
      new RegExp(`--listen, or see who it is with: .*:${taken.port}`),
    ],
  );
  found(
    await findings((report) => checkAddress(report, taken, true)),
    ["address", "warning", /another process/, new RegExp(`recv .*, all is well; see who .*:${taken.port}`)],
  );
  found(
    await findings((report) => checkAddress(report, { host: "192.0.2.1", port: 0 }, true)),
    ["address", "problem", /192\.0\.2\.1/, /of this machine/],
  );
});

Deno.test("address: who listens there is shown by a command that the system has", () => {
  assert.equal(listenersOf(17900, "linux"), "ss -ltnp 'sport = :17900'");
  assert.equal(listenersOf(17900, "darwin"), "lsof -nP -iTCP:17900 -sTCP:LISTEN");
});

Deno.test("cryptography: everything is tried, and what does not work is told", async () => {
  found(
    await findings(checkCryptography),
    ["cryptography", "ok", /aes-256-gcm, chacha20-poly1305, ML-KEM.*X25519, Ed25519 and SQLite work/],
  );
  const { subtle } = crypto;
  const original = {
    importKey: subtle.importKey,
    verify: subtle.verify,
    deriveBits: subtle.deriveBits,
    decrypt: subtle.decrypt,
    getBuiltinModule: process.getBuiltinModule,
  };
  const without = (algorithm: string) => {
    // deno-lint-ignore no-explicit-any
    subtle.importKey = function (this: SubtleCrypto, ...args: any[]) {
      if (args[2] === algorithm) throw new Error("not here");
      // deno-lint-ignore no-explicit-any
      return (original.importKey as any).apply(this, args);
    } as typeof subtle.importKey;
  };
  const breaks: readonly (readonly [() => void, Finding["status"], RegExp])[] = [
    [() => without("ChaCha20-Poly1305"), "warning", /no chacha20-poly1305/],
    [() => without("AES-GCM"), "warning", /no aes-256-gcm/],
    // One that opens everything would be worse than none.
    [() => subtle.decrypt = () => Promise.resolve(new ArrayBuffer(1000)), "problem", /neither AES/],
    [() => subtle.verify = () => Promise.resolve(true), "problem", /Ed25519/],
    [() => subtle.verify = () => Promise.resolve(false), "problem", /Ed25519/],
    [
      () => subtle.deriveBits = () => Promise.resolve(crypto.getRandomValues(new Uint8Array(32)).buffer),
      "problem",
      /X25519/,
    ],
    [() => process.getBuiltinModule = () => undefined, "problem", /SQLite/],
  ];
  for (const [breakIt, status, message] of breaks) {
    try {
      breakIt();
      const [first] = await findings(checkCryptography);
      assert.equal(first!.status, status, `${message}`);
      assert.match(first!.message, message);
      assert.notEqual(first!.hint, null);
    } finally {
      Object.assign(subtle, {
        importKey: original.importKey,
        verify: original.verify,
        deriveBits: original.deriveBits,
        decrypt: original.decrypt,
      });
      process.getBuiltinModule = original.getBuiltinModule;
    }
  }
});

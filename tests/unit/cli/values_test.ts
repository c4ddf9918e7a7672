import assert from "node:assert/strict";
import {
  formatAddress,
  formatDuration,
  parseCount,
  parseDuration,
  parseListenAddress,
  parseRemoteAddress,
  parseSize,
} from "../../../cli/values.ts";
import { throwsUsage } from "./throws_usage.ts";

Deno.test("parseSize reads every unit", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["100", 100],
    ["100B", 100],
    ["10K", 10240],
    ["10k", 10240],
    ["10KiB", 10240],
    ["10kB", 10000],
    ["1.5M", 1.5 * 1024 ** 2],
    ["1MB", 1e6],
    ["2G", 2 * 1024 ** 3],
    ["1 GiB", 1024 ** 3],
    ["1gb", 1e9],
    ["3T", 3 * 1024 ** 4],
    ["1TiB", 1024 ** 4],
    ["1TB", 1e12],
    ["0.3K", 307],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, size] of cases) assert.equal(parseSize(text, "--max-size"), size, text);
});

Deno.test("parseSize refuses everything else", () => {
  const hint = "write a number and a unit, such as 500M or 2GiB";
  throwsUsage(
    () => parseSize("10X", "--max-size"),
    'Cannot use --max-size "10X": X is not a unit of size',
    hint,
  );
  for (
    const text of ["", "K", "-1", "1e3", "0x10", ".5", "5.", "1.2.3K", "10K ", " 10", "1  K", "1K1", "٣"]
  ) {
    throwsUsage(
      () => parseSize(text, "--max-size"),
      `Cannot use --max-size "${text}": it is not a size`,
      hint,
    );
  }
  for (const text of ["9007199254740992", "99999T", "9".repeat(400)]) {
    throwsUsage(() => parseSize(text, "--max-size"), /it is too large$/, hint);
  }
  throwsUsage(() => parseSize("1constructor", "--max-size"), /constructor is not a unit/);
});

Deno.test("parseDuration reads every form", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["90", 90_000],
    ["90s", 90_000],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["1H30M5S", 5_405_000],
    ["3d", 259_200_000],
    ["0.5s", 500],
    ["0.0019s", 2],
    ["1.5h", 5_400_000],
    ["1m05s", 65_000],
  ];
  for (const [text, durationMs] of cases) assert.equal(parseDuration(text, "--retry-for"), durationMs, text);
});

Deno.test("parseDuration refuses everything else", () => {
  for (const text of ["", "s", "-1", "1h30", "1w", "1 h", "10ms", "1e3", ".5s", "5.s", "1..2s", "٣s"]) {
    throwsUsage(
      () => parseDuration(text, "--retry-for"),
      `Cannot use --retry-for "${text}": it is not a duration`,
      /90s or 1h30m/,
    );
  }
  throwsUsage(() => parseDuration("9999999999999d", "--retry-for"), /it is too long$/, /90s or 1h30m/);
});

Deno.test("addresses with and without a port", () => {
  const cases: [string, string, number][] = [
    ["host", "host", 7891],
    ["host.example:9000", "host.example", 9000],
    ["192.0.2.7:1", "192.0.2.7", 1],
    ["my_host-1:65535", "my_host-1", 65535],
    ["[::1]:7000", "::1", 7000],
    ["[2001:db8::1]", "2001:db8::1", 7891],
    ["::1", "::1", 7891],
    ["fe80::1%eth0", "fe80::1%eth0", 7891],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
    ["::ffff:192.0.2.7", "::ffff:192.0.2.7", 7891],
    ["bücher.example", "bücher.example", 7891],
  ];
  for (const [text, host, port] of cases) {
    assert.deepEqual(parseRemoteAddress(text, "HOST[:PORT]"), { host, port }, text);
    assert.deepEqual(parseListenAddress(text, "--listen"), { host, port }, text);
  }
});

Deno.test("only for listening the host may be left out and the port be 0", () => {
  assert.deepEqual(parseListenAddress(":7000", "--listen"), { host: "0.0.0.0", port: 7000 });
  assert.deepEqual(parseListenAddress("[::]:0", "--listen"), { host: "::", port: 0 });
  throwsUsage(
    () => parseRemoteAddress(":7000", "HOST"),
    'Cannot use HOST ":7000": the host is missing',
    /^write HOST/,
  );
  throwsUsage(
    () => parseRemoteAddress("h:0", "HOST"),
    'Cannot use HOST "h:0": 0 is not a port to connect to',
  );
});

Deno.test("addresses that are none are refused", () => {
  const cases: [string, RegExp][] = [
    ["", /the host is missing$/],
    ["me@host", /there are no user names in stx$/],
    ["host:", /behind the colon goes a port number, not a path$/],
    ["host:/tmp", /not a path$/],
    ["host:+1", /not a path$/],
    ["host:123456", /not a path$/],
    ["host:65536", /ports end at 65535$/],
    ["[::1]:65536", /ports end at 65535$/],
    ["[::1]:x", /not a path$/],
    ["[::1", /that is not an IPv6 address$/],
    ["[]", /that is not an IPv6 address$/],
    ["[host]:1", /that is not an IPv6 address$/],
    ["[::1]7", /that is not an IPv6 address$/],
    ["1:2:3", /that is not an IPv6 address$/],
    ["host:1:2", /that is not an IPv6 address$/],
    ["fe80::\r1", /that is not an IPv6 address$/],
    ["[fe80::\n1]:7891", /that is not an IPv6 address$/],
    ["2001:db8::1]/", /that is not an IPv6 address$/],
    ["a b", /that is not a host name$/],
    ["http//host", /that is not a host name$/],
    ["-host", /that is not a host name$/],
    ["ho\u001bst", /that is not a host name$/],
    ["[::1]:1\n", /not a path$/],
    ["7891", /a host of digits alone$/],
  ];
  for (const [text, message] of cases) {
    throwsUsage(() => parseRemoteAddress(text, "HOST"), message);
    throwsUsage(() => parseListenAddress(text, "HOST"), message);
  }
});

Deno.test("parseCount takes whole numbers from 1 to a largest one, and names the option in every error", () => {
  for (const [text, count] of [["1", 1], ["007", 7], ["100", 100]] as const) {
    assert.equal(parseCount(text, "--clients", 100), count);
  }
  for (
    const [text, why] of [
      ["", "it is not a whole number"],
      ["-1", "it is not a whole number"],
      ["1.5", "it is not a whole number"],
      ["1e1", "it is not a whole number"],
      ["٣", "it is not a whole number"],
      ["0", "it is too small"],
      ["101", "it is too large"],
      ["9".repeat(400), "it is too large"],
    ]
  ) {
    assert.throws(() => parseCount(text!, "--clients", 100), {
      code: "usage",
      message: `Cannot use --clients "${text}": ${why}`,
      hint: "write a whole number from 1 to 100",
    });
  }
});

Deno.test("formatDuration", () => {
  const cases: [number, string][] = [
    [0, "0.0s"],
    [440, "0.4s"],
    [9949, "9.9s"],
    [9950, "10s"],
    [59_499, "59s"],
    [59_500, "1m00s"],
    [65_000, "1m05s"],
    [3_599_499, "59m59s"],
    [3_600_000, "1h00m"],
    [7_380_000, "2h03m"],
    [86_400_000, "1d00h"],
    [86_400_000 * 3 + 3_600_000 * 4, "3d04h"],
  ];
  for (const [durationMs, text] of cases) assert.equal(formatDuration(durationMs), text);
});

Deno.test("formatAddress puts brackets about IPv6 alone", () => {
  assert.equal(formatAddress("host", 7891), "host:7891");
  assert.equal(formatAddress("::1", 7891), "[::1]:7891");
});

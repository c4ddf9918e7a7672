/**
 * The machine and its runtime, as `stx doctor` looks at them.
 * @module
 */
import process from "node:process";
import { type Bytes, equal } from "../lib/bytes/bytes.ts";
import { StxError } from "../lib/errors.ts";
import { answerClientShare, makeClientShare } from "../lib/crypto/key_agreement.ts";
import { importAeadKey, KEY_SIZE, NONCE_SIZE, type Suite, SUITES } from "../lib/crypto/suite.ts";
import { generateSeed, identityFromSeed, verifySignature } from "../lib/identity/identity.ts";
import { CLOCK_SKEW_MAX_MS } from "../lib/limits.ts";
import { listen, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type { Place, Places } from "./doctor_paths.ts";
import type { DoctorReport } from "./doctor_report.ts";
import { type Address, formatAddress } from "./values.ts";

/** The version of Deno that stx is tested with; a test holds it equal to the pinned one. */
export const TESTED_DENO = "2.9.6";

/** No clock that is right has been earlier than this since there is a stx, in milliseconds since 1970. */
export const EARLIEST_MS = Date.UTC(2026, 0, 1);

/** The first port that everybody may listen on. */
const FREE_PORT_MIN = 1024;

/** Checks the runtime's version. */
export function checkDeno(report: DoctorReport, version = Deno.version.deno): void {
  if (version === TESTED_DENO) report.ok("deno", `version ${version}`);
  else {
    report.warn(
      "deno",
      `this is version ${version}, and stx is tested with ${TESTED_DENO}`,
      "if something does not work, try again with that one",
    );
  }
}

/** What this run is going to need. */
export interface Needs {
  readonly address: Address;
  readonly folder: string;
  readonly places: Places;
}

/** Checks what this run was permitted; where something is lacking, its own check says what came of it. */
export function checkPermissions(report: DoctorReport, { address, folder, places }: Needs): void {
  const files = [
    places.identity,
    places.authorizedKeys,
    places.knownReceivers,
    places.revokedKeys,
    places.sharedKeys,
    places.state instanceof StxError ? undefined : places.state,
  ].filter((place): place is Place => place !== undefined).map(({ path }) => path);
  const written = [folder, ...places.state instanceof StxError ? [] : [places.state.path]];
  const wanted: readonly (readonly [string, Deno.PermissionDescriptor])[] = [
    ...[folder, ...files].map((path) => [`--allow-read=${path}`, { name: "read", path }] as const),
    ...written.map((path) => [`--allow-write=${path}`, { name: "write", path }] as const),
    [
      `--allow-net=${formatAddress(address.host, address.port)}`,
      { name: "net", host: formatAddress(address.host, address.port) },
    ],
  ];
  const isGranted = (permission: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(permission).state === "granted";
  const lacking = wanted.filter(([, permission]) => !isGranted(permission)).map(([flag]) => flag);
  const excess = (["run", "ffi"] as const).filter((name) => isGranted({ name }));
  if (lacking.length > 0) {
    report.warn(
      "permissions",
      `this run was started without ${lacking.join(" ")}`,
      "recv with these options needs it",
    );
  }
  if (excess.length > 0) {
    report.warn(
      "permissions",
      `this run may more than stx ever needs: ${excess.map((name) => `--allow-${name}`).join(" ")}`,
      "start it with deno task stx, or as the compiled program",
    );
  }
  if (lacking.length + excess.length === 0) report.ok("permissions", "all that recv needs, and no more");
}

/** Seals, agrees on keys, signs and opens a database: everything that a transfer asks of the runtime. */
export async function checkCryptography(report: DoctorReport): Promise<void> {
  await report.check("cryptography", async () => {
    const suites: Suite[] = [];
    for (const suite of SUITES) if (await worksAsSuite(suite)) suites.push(suite);
    if (suites.length === 0) throw broken("neither AES-256-GCM nor ChaCha20-Poly1305 works");
    if (!await agrees()) throw broken("ML-KEM-768 with X25519 does not come to one secret");
    if (!await signs()) throw broken("Ed25519 does not sign, or takes what was not signed");
    if (!keeps()) throw broken("there is no SQLite");
    const missing = SUITES.filter((suite) => !suites.includes(suite));
    if (missing.length > 0) {
      report.warn(
        "cryptography",
        `this runtime has no ${missing.join(", ")}`,
        "peers use the other suite with it",
      );
    }
    report.ok("cryptography", `${suites.join(", ")}, ML-KEM-768 with X25519, Ed25519 and SQLite work`);
  });
}

function broken(what: string): StxError {
  return new StxError("disk", `This runtime cannot run stx: ${what}`, { hint: `use Deno ${TESTED_DENO}` });
}

async function worksAsSuite(suite: Suite): Promise<boolean> {
  const bytes = (size: number) => systemRandom.bytes(size);
  const [nonce, header, text] = [bytes(NONCE_SIZE), bytes(5), bytes(1000)];
  try {
    const key = await importAeadKey(suite, bytes(KEY_SIZE));
    const sealed = await key.seal(nonce, header, text);
    const opened = await key.open(nonce, header, sealed);
    sealed[0]! ^= 1;
    return opened !== undefined && equal(opened, text) && await key.open(nonce, header, sealed) === undefined;
  } catch {
    // Not in this runtime.
    return false;
  }
}

async function agrees(): Promise<boolean> {
  const client = await makeClientShare(systemRandom);
  const { publicShare, secret } = await answerClientShare(client.publicShare, systemRandom);
  return equal(await client.finish(publicShare), secret);
}

async function signs(): Promise<boolean> {
  const seed = generateSeed(systemRandom);
  const { publicKey, sign } = await identityFromSeed(seed);
  seed.fill(0);
  const message: Bytes = systemRandom.bytes(100);
  const signature = await sign(message);
  if (!await verifySignature(publicKey, message, signature)) return false;
  message[0]! ^= 1;
  return !await verifySignature(publicKey, message, signature);
}

function keeps(): boolean {
  const sqlite = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined) return false;
  const database = new sqlite.DatabaseSync(":memory:");
  try {
    return Object.values(database.prepare("PRAGMA quick_check").get() ?? {})[0] === "ok";
  } finally {
    database.close();
  }
}

/**
 * Checks whether the clock can be right. No server is asked, so whether it is can only be seen beside the other machine.
 * @param newestMs when the youngest of the files that were looked at was changed, in milliseconds since 1970
 */
export function checkClock(report: DoctorReport, newestMs: number, nowMs = systemClock.nowMs()): void {
  const shown = new Date(nowMs).toISOString();
  const hint = "set it; two machines whose clocks differ by more than " +
    `${CLOCK_SKEW_MAX_MS / 1000} seconds refuse each other`;
  if (nowMs < EARLIEST_MS) {
    report.problem("clock", `it says ${shown}, which is before there was this stx`, hint);
  } else if (newestMs > nowMs + CLOCK_SKEW_MAX_MS) {
    report.warn(
      "clock",
      `it says ${shown}, and a file of stx's was changed at ${new Date(newestMs).toISOString()}`,
      hint,
    );
  } else {
    report.ok(
      "clock",
      `it says ${shown}: compare it with the other machine's (date -u), ` +
        `they may differ by ${CLOCK_SKEW_MAX_MS / 1000} seconds`,
    );
  }
}

/** The command that shows which program listens on a port. */
export function listenersOf(port: number, os: typeof Deno.build.os = Deno.build.os): string {
  return os === "linux" ? `ss -ltnp 'sport = :${port}'` : `lsof -nP -iTCP:${port} -sTCP:LISTEN`;
}

/**
 * Checks whether the address can be listened on, as `recv` does.
 * @param isStateInUse whether a `recv` seems to run, which then has the address
 */
export async function checkAddress(
  report: DoctorReport,
  { host, port }: Address,
  isStateInUse: boolean,
): Promise<void> {
  await report.check("address", () => {
    const where = formatAddress(host, port);
    try {
      listen(host, port).close();
    } catch (error) {
      if (!(error instanceof StxError && error.cause instanceof Deno.errors.AddrInUse)) throw error;
      const see = `see who it is with: ${listenersOf(port)}`;
      if (isStateInUse) {
        const recv = "if it is the stx recv that works with the state file, all is well";
        report.warn("address", error.message, `${recv}; ${see}`);
      } else {report.problem(
          "address",
          error.message,
          error.hint === undefined ? see : `${error.hint}, or ${see}`,
        );}
      return;
    }
    const isPrivileged = port > 0 && port < FREE_PORT_MIN;
    report.ok("address", `${where} can be listened on${isPrivileged ? ", with this run's privileges" : ""}`);
  });
}

/**
 * Keys and lists of trust, as `stx doctor` looks at them: with the readers of `send` and `recv`.
 * @module
 */
import { type Bytes, equal } from "../lib/bytes/bytes.ts";
import { escapeControls } from "../lib/bytes/escape.ts";
import { StxError } from "../lib/errors.ts";
import { verifySignature } from "../lib/identity/identity.ts";
import { parsePrivateKey } from "../lib/identity/openssh_key.ts";
import { fingerprint, parsePublicKeyLine } from "../lib/identity/public_key.ts";
import type { RevokedKeys } from "../lib/identity/revoked_keys.ts";
import { listAgentKeys } from "../lib/identity/ssh_agent.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../lib/limits.ts";
import { dialUnix, systemClock, systemRandom } from "../lib/net/tcp.ts";
import { checkOwner, look } from "./doctor_files.ts";
import type { Place, Places } from "./doctor_paths.ts";
import type { DoctorReport } from "./doctor_report.ts";
import { readEnvironment } from "./environment.ts";
import type { CheckName } from "./events.ts";
import { inFile, loadIdentity, quoted, readText } from "./key_files.ts";
import { publicHalf, readStatement, rotationPaths } from "./rotation_files.ts";
import { readSharedKeys } from "./shared_key_files.ts";
import { readAuthorizedKeys, readKnownReceivers, readRevokedKeys } from "./trust_files.ts";

/**
 * Checks them all; resolves to when the youngest of the files was changed, in milliseconds since 1970.
 * @param whyNoKey why no key can be written into the folder of the configuration, if so
 */
export async function checkKeys(
  report: DoctorReport,
  places: Places,
  ownUid: number | undefined,
  whyNoKey?: StxError,
): Promise<number> {
  const checks = new KeyChecks(report, ownUid);
  const own = await checks.identity(places.identity, whyNoKey);
  const revoked = await checks.revoked(places.revokedKeys, own);
  await checks.senders(places.authorizedKeys, revoked, places.sharedKeys?.isNamed === true);
  await checks.receivers(places.knownReceivers, revoked);
  await checks.shared(places.sharedKeys);
  return checks.newestMs;
}

class KeyChecks {
  readonly #report: DoctorReport;
  readonly #ownUid: number | undefined;
  /** When the youngest of the files that were looked at was changed. */
  newestMs = 0;

  constructor(report: DoctorReport, ownUid: number | undefined) {
    this.#report = report;
    this.#ownUid = ownUid;
  }

  /** Checks this machine's key and what is beside it; resolves to its public half. */
  async identity(place: Place | undefined, whyNoKey: StxError | undefined): Promise<Bytes | undefined> {
    let publicKey: Bytes | undefined;
    await this.#report.check("identity", async () => {
      if (place === undefined) return;
      const { path, isNamed } = place;
      const file = readText(path, "the private key");
      if (file === undefined && !isNamed) {
        const absent = `there is no ${escapeControls(path)} yet`;
        if (whyNoKey === undefined) {
          this.#report.warn(
            "identity",
            `${absent}: the first send or recv makes one`,
            "to know its fingerprint beforehand, run: stx keygen",
          );
        } else {
          this.#report.problem(
            "identity",
            `${absent}, and neither send nor recv can make one: ${whyNoKey.message}`,
            whyNoKey.hint ?? null,
          );
        }
        return;
      }
      const identity = await loadIdentity(path);
      publicKey = identity.publicKey;
      this.#look("identity", path);
      // What has no passphrase signs here and now; to sign, an agent may ask its user first.
      const where = isForAgent(path, file!.text) ? await agentWith(publicKey) : await trySigning(identity);
      this.#report.ok("identity", `${escapeControls(path)}, ${fingerprint(publicKey)}, ${where}`);
    });
    if (publicKey !== undefined) {
      await this.#publicHalf(place!.path, publicKey);
      await this.#rotation(place!.path, publicKey);
    }
    return publicKey;
  }

  /** People hand out the file beside the private key: it must be that key's other half. */
  async #publicHalf(path: string, publicKey: Bytes): Promise<void> {
    const { key, keyPublic } = rotationPaths(path);
    await this.#report.check("identity", () => {
      const remedy = `make it anew with: ssh-keygen -y -f ${quoted(key)} > ${quoted(keyPublic)}`;
      const file = readText(keyPublic, "the public key");
      if (file === undefined) {
        this.#report.warn("identity", `there is no ${escapeControls(keyPublic)} to give to others`, remedy);
        return;
      }
      const other = inFile(keyPublic, () => parsePublicKeyLine(file.text)).publicKey;
      if (equal(other, publicKey)) return;
      this.#report.problem(
        "identity",
        `${escapeControls(keyPublic)} is of another key, ${
          fingerprint(other)
        }: whoever trusts it refuses this machine`,
        remedy,
      );
    });
  }

  async #rotation(path: string, publicKey: Bytes): Promise<void> {
    const { key, next, nextPublic, statement } = rotationPaths(path);
    await this.#report.check("rotation", () => {
      const found = readStatement(statement);
      const nextKey = publicHalf(next, nextPublic)?.publicKey;
      if (found === undefined && nextKey === undefined) return;
      const { oldKey, newKey } = found?.rotation ?? {};
      if (newKey !== undefined && equal(newKey, publicKey)) {
        this.#report.ok("rotation", `${escapeControls(key)} has followed ${fingerprint(oldKey!)}`);
      } else if (
        oldKey !== undefined && equal(oldKey, publicKey) && nextKey !== undefined && equal(newKey!, nextKey)
      ) {
        this.#report.ok(
          "rotation",
          `${
            fingerprint(nextKey)
          } is to follow this key: peers that are met learn of it until stx keys rotate --finish`,
        );
      } else {
        this.#report.problem(
          "rotation",
          `${escapeControls(statement)} and ${
            escapeControls(next)
          } do not fit the key in use, so no change is announced`,
          "begin anew with: stx keys rotate --force",
        );
      }
    });
  }

  /** Checks the list of revoked keys; resolves to it. */
  async revoked(place: Place | undefined, own: Bytes | undefined): Promise<RevokedKeys | undefined> {
    let revoked: RevokedKeys | undefined;
    await this.#list("revoked-keys", place, "no key is revoked", (path) => {
      revoked = readRevokedKeys(path);
      if (own !== undefined && revoked?.has(own)) {
        this.#report.problem(
          "revoked-keys",
          `this machine's own key ${fingerprint(own)} is revoked in ${escapeControls(path)}`,
          "make another with stx keygen --force, and have others trust that",
        );
      }
      return `${revoked!.entries.length} revoked`;
    });
    return revoked;
  }

  /** Checks who may send here. */
  async senders(
    place: Place | undefined,
    revoked: RevokedKeys | undefined,
    hasSharedKey: boolean,
  ): Promise<void> {
    const isNeeded = place?.isNamed === true || !hasSharedKey;
    await this.#list(
      "authorized-keys",
      place,
      isNeeded ? undefined : "not needed beside a shared key",
      (path) => {
        const { keys, warnings } = readAuthorizedKeys(path)!;
        for (const warning of warnings) {
          this.#report.warn(
            "authorized-keys",
            `${escapeControls(path)}: ${warning}`,
            "correct the line, or delete it",
          );
        }
        const nowMs = systemClock.nowMs();
        const expired = keys.filter(({ expiresMs }) => nowMs > (expiresMs ?? Infinity));
        const refused = keys.filter(({ publicKey }) => revoked?.has(publicKey) === true);
        const count = keys.filter((key) => !expired.includes(key) && !refused.includes(key)).length;
        for (const [which, lines] of [["expired", expired], ["revoked", refused]] as const) {
          if (lines.length === 0) continue;
          const numbers = lines.map(({ line }) => line).join(", ");
          this.#report.warn(
            "authorized-keys",
            `${escapeControls(path)}: ${which} in line ${numbers}`,
            "delete what is not needed any more",
          );
        }
        if (count === 0 && isNeeded) {
          this.#report.warn(
            "authorized-keys",
            `${escapeControls(path)} lets in nobody`,
            "let a sender in with: stx keys trust KEY",
          );
        }
        return `${count} of ${keys.length + warnings.length} lines let a sender in`;
      },
    );
  }

  /** Checks which receivers are known. */
  async receivers(place: Place | undefined, revoked: RevokedKeys | undefined): Promise<void> {
    await this.#list("known-receivers", place, "no receiver is known yet", (path) => {
      const entries = readKnownReceivers(path);
      const known = entries.filter(({ kind }) => kind !== "revoked");
      const refused = known.filter(({ publicKey }) => revoked?.has(publicKey) === true);
      if (refused.length > 0) {
        this.#report.warn(
          "known-receivers",
          `${escapeControls(path)}: ${refused.length} of the keys are revoked elsewhere`,
          "see which with: stx keys list",
        );
      }
      return `${known.length} known, ${entries.length - known.length} revoked`;
    });
  }

  /** Checks the shared keys. */
  async shared(place: Place | undefined): Promise<void> {
    await this.#report.check("shared-keys", () => {
      if (place === undefined || (!place.isNamed && look(place.path) === undefined)) return;
      const count = readSharedKeys(place.path).length;
      this.#look("shared-keys", place.path);
      const forSending = count === 1 ? "" : ": recv takes them all, send wants a file with one";
      this.#report.ok("shared-keys", `${escapeControls(place.path)}: ${count} of them${forSending}`);
    });
  }

  /**
   * Checks a list of trust.
   * @param none what it means that there is none where nobody has named one; a warning if left out
   * @param read tells of what is wrong, and returns what it holds
   */
  async #list(
    name: CheckName,
    place: Place | undefined,
    none: string | undefined,
    read: (path: string) => string,
  ): Promise<void> {
    await this.#report.check(name, () => {
      if (place === undefined) return;
      const { path, isNamed } = place;
      if (look(path) === undefined) {
        const text = `there is no ${escapeControls(path)}`;
        if (isNamed) throw new StxError("bad_trust_file", text, { hint: "check the path" });
        if (none !== undefined) this.#report.ok(name, `${text}: ${none}`);
        else {this.#report.warn(
            name,
            `${text}: nobody may send here`,
            "let a sender in with: stx keys trust KEY",
          );}
        return;
      }
      const found = read(path);
      this.#look(name, path);
      this.#report.ok(name, `${escapeControls(path)}: ${found}`);
    });
  }

  /** Tells whose a file is; the readers have refused one that others may change. */
  #look(name: CheckName, path: string): void {
    const info = look(path)!;
    checkOwner(this.#report, name, path, info, this.#ownUid);
    this.newestMs = Math.max(this.newestMs, info.mtime?.getTime() ?? 0);
  }
}

/** Whether the private half is in ssh-agent alone: the file is the public one, or has a passphrase. */
function isForAgent(path: string, text: string): boolean {
  if (/^ssh-/.test(text.trimStart())) return true;
  const key = inFile(path, () => parsePrivateKey(text));
  if (key.kind === "encrypted") return true;
  key.seed.fill(0);
  return false;
}

async function trySigning(
  identity: { publicKey: Bytes; sign(message: Bytes): Promise<Bytes> },
): Promise<string> {
  const message = systemRandom.bytes(32);
  if (await verifySignature(identity.publicKey, message, await identity.sign(message))) return "signs";
  throw new StxError("bad_key_file", "The private key does not sign as its public half expects", {
    hint: "make another with: stx keygen --force",
  });
}

/** Asks the agent for its keys; it does not ask its user for that. Throws `bad_key_file` if it lacks this one. */
async function agentWith(publicKey: Bytes): Promise<string> {
  const hint = "start one with: eval $(ssh-agent) && ssh-add FILE";
  const late = Promise.withResolvers<never>();
  let connection: Awaited<ReturnType<typeof dialUnix>> | undefined;
  const cancel = systemClock.after(HANDSHAKE_TIMEOUT_MS, () => {
    late.reject(new StxError("bad_key_file", "ssh-agent does not answer", { hint }));
  });
  try {
    connection = await Promise.race([dialUnix(readEnvironment("SSH_AUTH_SOCK")!), late.promise]).catch(
      (cause) => {
        throw cause instanceof StxError
          ? cause
          : new StxError("bad_key_file", "Cannot reach ssh-agent at SSH_AUTH_SOCK", { hint, cause });
      },
    );
    const keys = await Promise.race([listAgentKeys(connection), late.promise]);
    if (keys.some((key) => equal(key, publicKey))) return "in ssh-agent";
  } finally {
    cancel();
    connection?.close();
  }
  throw new StxError("bad_key_file", `ssh-agent does not hold the key ${fingerprint(publicKey)}`, {
    hint: "load it with: ssh-add FILE",
  });
}

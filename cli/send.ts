/**
 * `stx send`: sends files and folders to a receiver, and continues after every cut until they are in place.
 *
 * The way of a byte: a file is read by `lib/files/disk_source.ts`, cut into blocks by `lib/transfer/sender.ts`,
 * sealed into records by `lib/records/`, and written to the socket by `lib/net/channel.ts`.
 * @module
 */
import { keepLargeBlocks } from "../lib/bytes/memory.ts";
import { fastestFirst } from "../lib/crypto/measure.ts";
import { availableSuites, type Suite } from "../lib/crypto/suite.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { openSource } from "../lib/files/disk_source.ts";
import { stdinSource } from "../lib/files/stdin_source.ts";
import { armorSshsig } from "../lib/identity/sshsig.ts";
import { RETRY_FOR_MS } from "../lib/limits.ts";
import { systemClock } from "../lib/net/tcp.ts";
import type { Entry, Source } from "../lib/ports.ts";
import { makeManifest } from "../lib/transfer/manifest.ts";
import { receiptText } from "../lib/transfer/receipt.ts";
import { senderModes } from "./auth_modes.ts";
import { identityPath, ownIdentity } from "./key_files.ts";
import { replaceFile } from "./replace_file.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { ReceiverTrust } from "./receiver_trust.ts";
import { ownRotationReader } from "./rotation_files.ts";
import { Sending } from "./sending.ts";
import { readSharedKey } from "./shared_key_files.ts";
import { onStopSignal, statusOf, type StopSignal } from "./signals.ts";
import type { Output } from "./terminal.ts";
import { revokedKeysReader } from "./trust_files.ts";
import { parseDuration, parseRemoteAddress } from "./values.ts";

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  keepLargeBlocks();
  const paths = command.positionals.slice(0, -1);
  const address = parseRemoteAddress(command.positionals.at(-1)!, "the receiver's address");
  const retryFor = valueOf(command, "retry-for");
  const retryForMs = retryFor === undefined ? RETRY_FOR_MS : parseDuration(retryFor, "--retry-for");
  // The table of commands lists the choices, so nothing else comes through.
  const cipher = (valueOf(command, "cipher") ?? "auto") as Suite | "auto";
  const receiptPath = valueOf(command, "receipt");
  const pskFile = valueOf(command, "psk-file");
  const authModes = senderModes({ auth: valueOf(command, "auth"), hasSharedKey: pskFile !== undefined });
  const identity = await ownIdentity(valueOf(command, "identity"), output);
  const readRevoked = revokedKeysReader(valueOf(command, "revoked-keys"));
  const trust = new ReceiverTrust(address, valueOf(command, "peer"), readRevoked, output);
  const readRotation = ownRotationReader(
    identityPath(valueOf(command, "identity")),
    identity.publicKey,
    output,
  );
  const sharedKey = pskFile === undefined ? undefined : readSharedKey(pskFile);
  const { source, entries, isSizeKnown } = openPaths(command, paths, output);
  const stop = new AbortController();
  let stoppedBy: StopSignal | undefined;
  const ignore = onStopSignal((signal) => {
    stoppedBy = signal;
    stop.abort(
      new StxError("cancelled", `Stopped by ${signal}`, {
        hint: "the same command continues where this one stopped",
      }),
    );
  });
  let sending: Sending | undefined;
  try {
    sending = new Sending({
      address,
      identity,
      trust,
      readRotation,
      suites: await orderedSuites(cipher),
      authModes,
      sharedKey,
      source,
      manifest: makeManifest(entries, isSizeKnown),
      withDigests: isSet(command, "checksum"),
      retryForMs,
      // A wrong address shows itself at once; who says how long to try means a receiver that is yet to come.
      retryFirst: retryFor !== undefined,
      signal: stop.signal,
      output,
    });
    const receipt = await sending.run();
    if (receiptPath !== undefined) {
      replaceFile(receiptPath, receiptText(receipt.facts), 0o644);
      replaceFile(`${receiptPath}.sig`, armorSshsig(receipt.signature), 0o644);
      output.info(`Receipt:     ${receiptPath} (signature in ${receiptPath}.sig)`);
    }
    sending.reportDone(receiptPath ?? null);
    return 0;
  } catch (error) {
    const wasStopped = stoppedBy !== undefined && codeOf(error) === "cancelled";
    const exit = wasStopped ? { exit: statusOf(stoppedBy!) } : {};
    return output.error(error, { ...sending?.errorContext, ...exit });
  } finally {
    ignore();
    source.close();
  }
}

async function orderedSuites(cipher: Suite | "auto"): Promise<readonly Suite[]> {
  if (cipher !== "auto") return [cipher];
  return await fastestFirst(await availableSuites(), { nowMs: () => performance.now() });
}

function openPaths(
  command: ParsedCommand,
  paths: readonly string[],
  output: Output,
): { source: Source; entries: readonly Entry[]; isSizeKnown: boolean } {
  const name = valueOf(command, "name");
  if (paths.includes("-")) {
    if (paths.length > 1 || name === undefined) {
      throw new StxError("usage", "Cannot send standard input: it goes alone and needs a name", {
        hint: "for example: tar c folder | stx send - --name folder.tar HOST",
      });
    }
    const source = stdinSource(Deno.stdin.readable, name, systemClock);
    return { source, entries: source.entries, isSizeKnown: false };
  }
  const source = openSource(paths, {
    followLinks: isSet(command, "follow-links"),
    ...(name === undefined ? {} : { name }),
    onWarning: (text) => output.warn(text),
  });
  return { source, entries: source.entries, isSizeKnown: true };
}

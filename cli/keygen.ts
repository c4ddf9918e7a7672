/**
 * `stx keygen`: makes an identity, with `--psk` a shared key, or with `--base-key` a base key.
 * @module
 */
import { join } from "node:path";
import { StxError } from "../lib/errors.ts";
import { makeIdentity, quoted } from "./key_files.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder } from "./paths.ts";
import { makeBaseKey } from "./rounds_key_files.ts";
import { makeSharedKey } from "./shared_key_files.ts";
import type { Output } from "./terminal.ts";

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  const [psk, baseKey] = [isSet(command, "psk"), isSet(command, "base-key")];
  if (psk && baseKey) {
    throw new StxError("usage", "Options --psk and --base-key exclude each other", {
      hint: "give one of them, or neither for an identity",
    });
  }
  if (psk) newSharedKey(command, output);
  else if (baseKey) newBaseKey(command, output);
  else await newIdentity(command, output);
  return 0;
}

async function newIdentity(command: ParsedCommand, output: Output): Promise<void> {
  const path = outPath(command, "identity");
  const made = await makeIdentity(path, valueOf(command, "comment") ?? "stx", isSet(command, "force"));
  output.info(`Private key: ${path}`);
  output.info(`Public key:  ${path}.pub`);
  output.print(made.fingerprint);
}

/** Standard output gets the file's name, as it gets an identity's fingerprint; the key itself is never printed. */
function newSharedKey(command: ParsedCommand, output: Output): void {
  const path = outPath(command, "shared_key");
  makeSharedKey(path, valueOf(command, "comment") ?? "", isSet(command, "force"));
  output.print(path);
  output.info("Whoever has this key may send, and can pose as either side: keep it as secret as a password.");
  output.info("Copy the file to the other machine over a channel that is already safe, such as scp. Then");
  output.info(`receive with: stx recv --psk-file ${quoted(path)}`);
  output.info(`send with:    stx send --psk-file ${quoted(path)} PATH HOST`);
}

/** As with {@link newSharedKey}. */
function newBaseKey(command: ParsedCommand, output: Output): void {
  const path = outPath(command, "base_key");
  makeBaseKey(path, valueOf(command, "comment") ?? "", isSet(command, "force"));
  output.print(path);
  output.info(
    "Whoever has this key can make new clients' keys: keep it where clients are enrolled, and nowhere else.",
  );
  output.info(`enroll with: stx rounds enroll ID --base-key ${quoted(path)} --keys DB --out FILE`);
}

function outPath(command: ParsedCommand, name: string): string {
  return valueOf(command, "out") ?? join(configFolder("--out FILE"), name);
}

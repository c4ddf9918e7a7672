/**
 * `stx keygen`: makes an identity.
 * @module
 */
import { join } from "node:path";
import { makeIdentity } from "./key_files.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import { configFolder } from "./paths.ts";
import type { Output } from "./terminal.ts";

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  const path = valueOf(command, "out") ?? join(configFolder("--out FILE"), "identity");
  const comment = valueOf(command, "comment") ?? "stx";
  const made = await makeIdentity(path, comment, isSet(command, "force"));
  output.info(`Private key: ${path}`);
  output.info(`Public key:  ${path}.pub`);
  output.print(`${made.fingerprint}`);
  return 0;
}

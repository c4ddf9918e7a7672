/**
 * The second implementation of STX/1 beside this file, as a child process of a test, and whether it can run here.
 * @module
 */
import { printError } from "../../scripts/print.ts";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import type { Outcome } from "../support/programs.ts";
import { runProgram } from "../support/programs.ts";

/** What a name of a test says that needs it. */
export const NEEDS = "(needs Python 3.11 and its package cryptography)";

const FOLDER = `${PROJECT_FOLDER}/tests/interop`;

/** What the client imports of the package, and the oldest Python that has what it uses. */
const PROBE = [
  "import sys",
  "assert sys.version_info >= (3, 11)",
  "from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305",
  "from cryptography.hazmat.primitives.asymmetric import ed25519, x25519",
].join("\n");

/** The first Python here that can run the client, `undefined` if none can: the system's package is not in every one. */
export const PYTHON: string | undefined = await findPython(["/usr/bin/python3", "python3"]);

if (PYTHON === undefined) {
  printError(`no test of the second implementation runs ${NEEDS}: apt-get install python3-cryptography`);
}

async function findPython(programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    const outcome = await runProgram(program, ["-c", PROBE]).catch(() => undefined);
    if (outcome?.code === 0) return program;
  }
  return undefined;
}

/** Runs one of the scripts in this folder. */
export async function runPython(script: string, args: readonly string[], input = ""): Promise<Outcome> {
  return await runProgram(PYTHON!, [`${FOLDER}/${script}`, ...args], { input });
}

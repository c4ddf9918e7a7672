/** OpenSSH's own programs, which the tests of this folder compare with where they are installed. */

/** Says whether a program can be started. */
function isInstalled(program: string): boolean {
  try {
    // None of OpenSSH's programs has this option, so each prints its usage and ends.
    new Deno.Command(program, { args: ["-?"], stdin: "null", stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch {
    return false;
  }
}

/** Whether ssh-keygen is installed. */
export const HAS_KEYGEN = isInstalled("ssh-keygen");
/** Whether ssh-agent and ssh-add are, too. */
export const HAS_AGENT = HAS_KEYGEN && isInstalled("ssh-agent") && isInstalled("ssh-add");

/** Runs a program with `input` on its standard input. */
export async function run(
  program: string,
  args: readonly string[],
  input: Uint8Array | string = "",
  env: Record<string, string> = {},
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const child = new Deno.Command(program, {
    args: [...args],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : new Uint8Array(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  return { success, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Makes a key with ssh-keygen; returns the file's path. */
export async function keygen(folder: string, name: string, args: readonly string[] = []): Promise<string> {
  const path = `${folder}/${name}`;
  const { success, stderr } = await run("ssh-keygen", [
    "-q",
    ...(args.includes("-t") ? [] : ["-t", "ed25519"]),
    ...(args.includes("-N") ? [] : ["-N", ""]),
    ...args,
    "-f",
    path,
  ]);
  if (!success) throw new Error(`ssh-keygen failed: ${stderr}`);
  return path;
}

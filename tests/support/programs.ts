/**
 * Programs of the system that scenarios need, and whether they are here. A test that lacks one is ignored, and its
 * name says for want of what.
 * @module
 */

/** What a program did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with `input` on its standard input and only PATH and `env` in its environment. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome> {
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A program that ends early does not take it.
  await writer.write(new TextEncoder().encode(options.input ?? "")).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Says whether this command line can be run here and ends well. */
export function works(program: string, ...args: readonly string[]): boolean {
  try {
    return new Deno.Command(program, { args: [...args], stdin: "null", stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Whether OpenSSH's ssh-keygen is here; it has no option that does nothing and succeeds, so it is only found. */
export function isInstalled(program: string): boolean {
  return works("sh", "-c", 'command -v "$1"', "sh", program);
}

/**
 * Words before a command line that make it obey file modes, which root does not: for root without the two
 * capabilities that override them. `undefined` where root cannot do that.
 */
export const OBEYING_MODES: readonly string[] | undefined = obeyingModes();

function obeyingModes(): readonly string[] | undefined {
  if (Deno.uid() !== 0) return [];
  const words = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
  return works(words[0]!, ...words.slice(1), "true") ? words : undefined;
}

/**
 * Words before a command line that run it with a file system of its own at `path`, as large as `size` says
 * (`8m`): a full disk without filling anybody's disk. It is gone with the process.
 */
export function onSmallDisk(path: string, size: string): readonly string[] {
  return [...ISOLATED, "sh", "-c", `mount -t tmpfs -o size=${size} none "$0" && exec "$@"`, path];
}

const ISOLATED = ["unshare", "--mount", ...Deno.uid() === 0 ? [] : ["--map-root-user"]];

/** Whether {@link onSmallDisk} works here. */
export const HAS_SMALL_DISKS = works(
  ISOLATED[0]!,
  ...ISOLATED.slice(1),
  "sh",
  "-c",
  "mount -t tmpfs none /tmp",
);

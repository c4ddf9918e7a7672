/** Runs Deno with these arguments and `env` beside what Deno needs itself; waits for its end. */
export async function runDeno(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** The arguments that run `stx` from its sources, without any permission. */
export const STX: readonly string[] = [
  "run",
  "--no-prompt",
  new URL("../../../cli/main.ts", import.meta.url).pathname,
];

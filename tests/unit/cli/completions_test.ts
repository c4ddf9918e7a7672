import assert from "node:assert/strict";
import { type Command, COMMANDS } from "../../../cli/commands.ts";
import { completionScript, type Shell } from "../../../cli/completions.ts";
import { withTempFolder } from "../../support/temp_folder.ts";

/** Runs a shell with the completion script of `shell` at `$SCRIPT`, in a folder with a file and a folder. */
async function inShell(
  shell: Shell,
  args: (script: string) => string[],
  commands?: readonly Command[],
): Promise<string> {
  return await withTempFolder(async (folder) => {
    const script = `${folder}/.script`;
    await Deno.writeTextFile(script, completionScript(shell, commands));
    await Deno.mkdir(`${folder}/some dir`);
    await Deno.writeTextFile(`${folder}/some file`, "");
    const { code, stdout, stderr } = await new Deno.Command(shell, {
      args: args(script),
      cwd: folder,
      env: { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
      stdin: "null",
    }).output();
    const errors = new TextDecoder().decode(stderr);
    assert.equal(errors, "");
    assert.equal(code, 0, errors);
    return new TextDecoder().decode(stdout);
  });
}

function isInstalled(shell: Shell): boolean {
  try {
    return new Deno.Command(shell, { args: ["-c", "true"], stdin: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** What bash offers for the last of `words`, or the option of `compopt` with which it offers files. */
async function bash(...words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const output = await inShell("bash", (script) => [
    "--norc",
    "-c",
    // compopt works only while a key is pressed, so that it stands in for itself.
    `compopt() { echo "compopt $*"; }
     source '${script}'
     COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}
     _stx_complete
     printf '%s\\n' "\${COMPREPLY[@]}"
     complete -p stx >/dev/null`,
  ]);
  return output.split("\n").filter((line) => line !== "").toSorted();
}

Deno.test("bash completes commands and global options", async () => {
  const names: string[] = COMMANDS.map(({ name }) => name);
  assert.deepEqual(await bash("stx", ""), [...names, "--help", "--version", "-V", "-h"].toSorted());
  assert.deepEqual(await bash("stx", "se"), ["send"]);
});

Deno.test("bash completes the options of each command", async () => {
  for (const { name, flags } of COMMANDS) {
    const long = flags.map((flag) => `--${flag.name}`);
    assert.deepEqual(await bash("stx", name, "--"), long.toSorted(), name);
  }
  assert.deepEqual(await bash("stx", "send", "--ch"), ["--checksum"]);
  assert((await bash("stx", "send", "a", "-")).includes("-L"));
});

Deno.test("bash completes values: words, files, folders, nothing", async () => {
  assert.deepEqual(await bash("stx", "send", "--cipher", "a"), ["aes-256-gcm", "auto"]);
  assert.deepEqual(await bash("stx", "send", "-c", "ch"), ["chacha20-poly1305"]);
  // bash itself makes three words of --on-conflict=re.
  assert.deepEqual(await bash("stx", "recv", "--on-conflict", "=", "re"), ["refuse", "rename"]);
  assert.equal((await bash("stx", "recv", "--on-conflict", "=")).length, 4);
  assert.deepEqual(await bash("stx", "recv", "-i", "s"), ["compopt -o default"]);
  assert.deepEqual(await bash("stx", "recv", "--dir", ""), ["compopt -o dirnames"]);
  assert.deepEqual(await bash("stx", "recv", "--max-size", ""), []);
});

Deno.test("bash completes the words of a command", async () => {
  assert.deepEqual(await bash("stx", "send", ""), ["compopt -o default"]);
  assert.deepEqual(await bash("stx", "send", "--", "--ci"), ["compopt -o default"]);
  assert.deepEqual(await bash("stx", "help", "k"), ["keygen", "keys"]);
  assert.deepEqual(await bash("stx", "keys", "r"), ["revoke", "rotate"]);
  assert.deepEqual(await bash("stx", "keys", "trust", "r"), ["compopt -o default"]);
  assert.deepEqual(await bash("stx", "keys", "rotate", "--fi"), ["--finish"]);
  assert.deepEqual(await bash("stx", "rounds", ""), ["enroll", "join", "list", "revoke", "serve"]);
  assert.deepEqual(await bash("stx", "rounds", "join", ""), []);
  assert.deepEqual(await bash("stx", "rounds", "join", "--ke"), ["--key", "--keys"]);
  assert.deepEqual(await bash("stx", "rounds", "enroll", "--base-key", "b"), ["compopt -o default"]);
  assert.deepEqual(await bash("stx", "completions", ""), ["bash", "fish", "zsh"]);
  assert.deepEqual(await bash("stx", "recv", ""), []);
  assert.deepEqual(await bash("stx", "unknown", ""), []);
});

Deno.test("the scripts have no control characters but line breaks", () => {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    assert.match(completionScript(shell), /^[\x20-\x7e\n]*$/);
  }
});

/** A table whose texts mean something else to a shell, unless they are quoted. */
const ODD: readonly Command[] = [{
  name: "odd",
  summary: "it's $HOME: \\ `x` [y]",
  description: "",
  positionals: [],
  flags: [{ name: "flag", help: "it's $HOME: \\ `x` [y]" }],
  examples: [],
}];

Deno.test({
  name: "zsh takes the script (only where zsh is installed)",
  ignore: !isInstalled("zsh"),
  async fn() {
    await inShell("zsh", (script) => ["-f", "-n", script]);
    // The table's words arrive as they are meant in the functions that zsh completes with.
    const specsOf = async (command: string, commands?: readonly Command[]) => {
      const output = await inShell("zsh", (script) => [
        "-f",
        "-c",
        `compdef() { :; }; source ${script}
         _arguments() { print -rl -- "$@"; }
         words=(stx ${command} ''); CURRENT=3; _stx`,
      ], commands);
      return output.trimEnd().split("\n");
    };
    const send = await specsOf("send");
    const cipher = `[${helpOf("send", "cipher")}]:CIPHER:(auto aes-256-gcm chacha20-poly1305)`;
    for (const form of ["-c+", "--cipher="]) assert(send.includes(`(-c --cipher)${form}${cipher}`));
    assert(send.includes(`(-i --identity)-i+[${helpOf("send", "identity")}]:FILE:_files`));
    assert.equal(send.at(-1), "*:argument:_files");
    assert.deepEqual((await specsOf("keys")).slice(-2), [
      "1:argument:(list trust revoke rotate)",
      "*:argument:_files",
    ]);
    assert.equal((await specsOf("rounds")).at(-1), "1:argument:(serve join enroll revoke list)");
    const recv = await specsOf("recv");
    assert(recv.includes(`--dir=[${helpOf("recv", "dir")}]:DIR:_files -/`));
    assert(recv.includes(`--listen=[${helpOf("recv", "listen")}]:HOST\\:PORT: `));
    assert(recv.includes(`--once[${helpOf("recv", "once")}]`));
    assert.equal(recv.at(-1), `(-h --help)--help[${helpOf("recv", "help")}]`);
    const first = await inShell("zsh", (script) => [
      "-f",
      "-c",
      `compdef() { :; }; source ${script}
       _arguments() { print -rl -- options "$@"; }
       _describe() { print -rl -- "\${commands[@]}"; }
       words=(stx ''); CURRENT=2; _stx
       words=(stx -); _stx`,
    ]);
    assert.deepEqual(first.trimEnd().split("\n"), [
      ...COMMANDS.map(({ name, summary }) => `${name}:${summary}`),
      "options",
      "-s",
      "(-h --help)-h[Print this help]",
      "(-h --help)--help[Print this help]",
      "(-V --version)-V[Print the version]",
      "(-V --version)--version[Print the version]",
    ]);
    assert.equal((await specsOf("odd", ODD)).at(-1), "--flag[it's $HOME: \\\\ `x` \\[y\\]]");
  },
});

function helpOf(command: string, flag: string): string {
  return COMMANDS.find(({ name }) => name === command)!.flags.find(({ name }) => name === flag)!.help;
}

Deno.test({
  name: "fish completes by the script (only where fish is installed)",
  ignore: !isInstalled("fish"),
  async fn() {
    const offered = async (line: string, commands?: readonly Command[]) => {
      const args = (script: string) => ["--no-config", "-c", `source ${script}; complete -C '${line}'`];
      return (await inShell("fish", args, commands)).split("\n").filter((each) => each !== "");
    };
    const fish = async (line: string) => (await offered(line)).map((each) => each.split("\t")[0]!).toSorted();
    const names: string[] = COMMANDS.map(({ name }) => name);
    assert.deepEqual(await fish("stx "), names.toSorted());
    assert.deepEqual(await fish("stx --"), ["--help", "--version"]);
    assert.deepEqual(await fish("stx send --ch"), ["--checksum"]);
    assert.deepEqual(await fish("stx recv --ch"), []);
    assert.deepEqual(await fish("stx send --cipher a"), ["aes-256-gcm", "auto"]);
    assert.deepEqual(await fish("stx recv --dir some"), ["some dir/"]);
    assert.deepEqual(await fish("stx recv -i some"), ["some dir/", "some file"]);
    assert.deepEqual(await fish("stx send some"), ["some dir/", "some file"]);
    assert.deepEqual(await fish("stx recv some"), []);
    assert.deepEqual(await fish("stx help k"), ["keygen", "keys"]);
    assert.deepEqual(await fish("stx keys r"), ["revoke", "rotate"]);
    assert.deepEqual(await fish("stx keys trust some"), ["some dir/", "some file"]);
    assert.deepEqual(await fish("stx keys trust rev"), []);
    assert.deepEqual(await fish("stx completions "), ["bash", "fish", "zsh"]);
    assert.deepEqual(await offered("stx ", ODD), ["odd\tit's $HOME: \\ `x` [y]"]);
    assert.deepEqual(await offered("stx odd --", ODD), ["--flag\tit's $HOME: \\ `x` [y]"]);
  },
});

/**
 * Every subcommand with its options, as data. The parser, the help texts and the shell completions are all
 * made from this one table, so they cannot disagree.
 * @module
 */

/** What a shell offers for a word: nothing, file names, folder names, or one of a few fixed words. */
export type Completion = "none" | "file" | "dir" | readonly string[];

/** The value that an option takes. */
export interface FlagValue {
  /** How help names it, for example `FILE`. */
  readonly placeholder: string;
  /** What a shell offers for it. Where this is a list, the parser takes nothing outside the list. */
  readonly completion: Completion;
  /** Says that an empty value means something. Elsewhere it is an error: most often an unset shell variable. */
  readonly mayBeEmpty?: true;
}

/** One option of a subcommand. */
export interface Flag {
  /** The long name without its dashes. */
  readonly name: string;
  /** The letter behind a single dash, where people know one from ssh, scp or ssh-keygen. */
  readonly short?: string;
  /** The value that it takes; an option without one is a switch. */
  readonly value?: FlagValue;
  readonly help: string;
}

/** One word, or run of words, that is no option. */
export interface Positional {
  /** How help names it, for example `PATH`. */
  readonly placeholder: string;
  readonly completion: Completion;
  /** Says that one or more words are taken. */
  readonly repeated?: true;
  readonly optional?: true;
}

/** A command line to show, and what it does. */
export interface Example {
  readonly line: string;
  readonly text: string;
}

/** One subcommand. */
export interface Command {
  readonly name: string;
  /** Half a line for the list of subcommands. */
  readonly summary: string;
  /** A few sentences for the subcommand's own help. */
  readonly description: string;
  readonly positionals: readonly Positional[];
  readonly flags: readonly Flag[];
  readonly examples: readonly Example[];
  /** Options of scp that people will try here, each with what to do in its place. */
  readonly instead?: Readonly<Record<string, string>>;
}

/** The options that every subcommand takes. */
const COMMON_FLAGS = [
  { name: "quiet", short: "q", help: "Print only warnings and errors, and no progress" },
  { name: "verbose", short: "v", help: "Also print what is being done, and the causes of errors" },
  { name: "help", short: "h", help: "Print this help" },
] as const satisfies readonly Flag[];

const JSON_FLAG = {
  name: "json",
  help: "Print events on standard output, one JSON object a line",
} as const satisfies Flag;

const IDENTITY_FLAG = {
  name: "identity",
  short: "i",
  value: { placeholder: "FILE", completion: "file" },
  help: "Private key of this side, an OpenSSH Ed25519 key (default: identity in the configuration folder)",
} as const satisfies Flag;

const AUTHORIZED_KEYS_FLAG = {
  name: "authorized-keys",
  value: { placeholder: "FILE", completion: "file" },
  help: "Public keys of the senders to let in (default: authorized_keys in the configuration folder)",
} as const satisfies Flag;

const STATE_FLAG = {
  name: "state",
  value: { placeholder: "FILE", completion: "file" },
  help: "The receiver's memory, of unfinished transfers for one (default: in the state folder)",
} as const satisfies Flag;

const REVOKED_KEYS_FLAG = {
  name: "revoked-keys",
  value: { placeholder: "FILE", completion: "file" },
  help: "Keys that are trusted in no case (default: revoked_keys in the configuration folder, if it exists)",
} as const satisfies Flag;

const SEND = {
  name: "send",
  summary: "Send files and folders to a receiver",
  description:
    "Sends each PATH to the receiver that listens at HOST, on port 7891 unless another is given. A " +
    "folder is sent with all below it. PATH - is standard input and needs --name. A receiver that is not " +
    "known yet is shown by its fingerprint and asked about on a terminal, and refused without one. With a " +
    "shared key, which the receiver has too, it is remembered without a question. A transfer that was cut is " +
    "resumed where it stopped.",
  positionals: [
    { placeholder: "PATH", completion: "file", repeated: true },
    { placeholder: "HOST[:PORT]", completion: "none" },
  ],
  flags: [
    IDENTITY_FLAG,
    {
      name: "peer",
      value: { placeholder: "KEY", completion: "file" },
      help:
        "Send to this receiver and no other: its public key, its SHA256 fingerprint, or a file with its key",
    },
    REVOKED_KEYS_FLAG,
    {
      name: "psk-file",
      value: { placeholder: "FILE", completion: "file" },
      help: "File of the one key that is shared with the receiver, made with stx keygen --psk",
    },
    {
      name: "auth",
      value: { placeholder: "MODE", completion: ["identity", "psk", "identity+psk"] },
      help: "What proves the two ends to each other: identity (the default without --psk-file), psk (the " +
        "shared key alone) or identity+psk (both); with --psk-file the default is psk, or both where the " +
        "receiver asks for both",
    },
    {
      name: "name",
      value: { placeholder: "NAME", completion: "none" },
      help: "Name under which standard input, or a single PATH, arrives",
    },
    { name: "follow-links", short: "L", help: "Follow symbolic links and send what they point to" },
    {
      name: "checksum",
      help: "Compare the SHA-256 of each file with what the receiver reads back from its disk",
    },
    {
      name: "receipt",
      value: { placeholder: "FILE", completion: "file" },
      help: "Write the receipt that the receiver signs to FILE",
    },
    {
      name: "retry-for",
      value: { placeholder: "DURATION", completion: "none" },
      help:
        "Give up after this long without progress, such as 90s or 1h30m (default: 10m; 0: at the first cut)",
    },
    {
      name: "cipher",
      short: "c",
      value: { placeholder: "CIPHER", completion: ["auto", "aes-256-gcm", "chacha20-poly1305"] },
      help: "Encryption of data: auto (the default: what is faster here), aes-256-gcm or chacha20-poly1305",
    },
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx send report.pdf photos host.example", text: "A file and a folder, to the default port." },
    { line: "stx send backup.tar 192.0.2.7:9000 --retry-for 2h", text: "Keep trying over a bad line." },
    { line: "tar c src | stx send - host.example --name src.tar", text: "From a pipe." },
    {
      line: "stx send --psk-file shared_key photos host.example",
      text: "With a shared key, to a receiver that was given the same file.",
    },
  ],
  instead: {
    r: "leave it out: a folder is always sent with all below it",
    p: "leave it out: times and permissions are always kept",
    P: "write the port behind the host, as in HOST:PORT",
  },
} as const satisfies Command;

const RECV = {
  name: "recv",
  summary: "Listen, and take files from authorized senders",
  description:
    "Listens for senders and puts what they send into a folder, under the names that it has there. Only " +
    "senders whose public key is in the file of authorized keys, or who have a shared key, are let in. On " +
    "start it prints its address, its fingerprint, and a line with which to send to it.",
  positionals: [],
  flags: [
    {
      name: "listen",
      value: { placeholder: "HOST:PORT", completion: "none" },
      help: "Address to listen on (default: 0.0.0.0:7891); port 0 takes any free port",
    },
    {
      name: "dir",
      value: { placeholder: "DIR", completion: "dir" },
      help: "Folder in which files arrive (default: the current folder)",
    },
    IDENTITY_FLAG,
    AUTHORIZED_KEYS_FLAG,
    REVOKED_KEYS_FLAG,
    {
      name: "psk-file",
      value: { placeholder: "FILE", completion: "file" },
      help: "File of the keys that are shared with senders, one a line, made with stx keygen --psk",
    },
    {
      name: "auth",
      value: { placeholder: "MODE", completion: ["identity", "psk", "identity+psk", "either"] },
      help:
        "What a sender has to prove: identity (an authorized key; the default without --psk-file), psk (a " +
        "shared key; the default with --psk-file), identity+psk (both) or either (the default with " +
        "--psk-file and --authorized-keys)",
    },
    { name: "once", help: "End after one finished transfer" },
    {
      name: "on-conflict",
      value: { placeholder: "POLICY", completion: ["refuse", "rename", "overwrite", "skip"] },
      help: "What to do where a name is taken: refuse (the default), rename, overwrite or skip",
    },
    {
      name: "max-size",
      value: { placeholder: "SIZE", completion: "none" },
      help: "Refuse a transfer that is larger than this, such as 500M or 2G",
    },
    { name: "allow-dotfiles", help: "Take files and folders whose name begins with a dot" },
    STATE_FLAG,
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx recv --dir ~/incoming", text: "Take files until stopped." },
    { line: "stx recv --once --listen 192.0.2.7:9000", text: "Take one transfer on one address." },
    {
      line: "stx recv -i ~/.ssh/id_ed25519 --authorized-keys ~/.ssh/authorized_keys",
      text: "Use the keys that ssh uses.",
    },
    { line: "stx recv --psk-file shared_key", text: "From whoever has the shared key, and nobody else." },
  ],
} as const satisfies Command;

const KEYGEN = {
  name: "keygen",
  summary: "Make an identity, or a shared key",
  description:
    "Makes an Ed25519 key pair in the format of OpenSSH. The private key is readable by its owner alone. " +
    "The public key, in FILE.pub, goes into the authorized_keys of those who shall receive from here. With " +
    "--psk it makes a shared key in its place: one file, readable by its owner alone, that both machines " +
    "get; copy it over a channel that is already safe.",
  positionals: [],
  flags: [
    {
      name: "out",
      short: "f",
      value: { placeholder: "FILE", completion: "file" },
      help: "File for the key (default: identity, or with --psk shared_key, in the configuration folder)",
    },
    {
      name: "comment",
      short: "C",
      value: { placeholder: "TEXT", completion: "none", mayBeEmpty: true },
      help: "Comment to put behind the public or the shared key",
    },
    { name: "psk", help: "Make a shared key in place of an identity" },
    { name: "force", help: "Replace a key that is already there" },
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx keygen", text: "The identity that send and recv use by default." },
    {
      line: 'stx keygen --out backup_key --comment "nightly backup"',
      text: "A key of its own for one task.",
    },
    { line: "stx keygen --psk --out shared_key", text: "A key for two machines to share." },
  ],
} as const satisfies Command;

const KEYS = {
  name: "keys",
  summary: "List, trust, revoke and rotate keys",
  description:
    "list shows this machine's identity and every key that is trusted or revoked here. trust KEY lets a sender in; " +
    "trust KEY HOST remembers a receiver. revoke KEY refuses a key from now on, whoever shows it, and all that follow " +
    "it. KEY is a public key in quotes, a file with one, or, to revoke, a SHA256 fingerprint. rotate makes the key that " +
    "is to follow this identity: peers that meet it in the meantime learn of it, and rotate --finish puts it in place.",
  positionals: [
    { placeholder: "ACTION", completion: ["list", "trust", "revoke", "rotate"] },
    { placeholder: "KEY", completion: "file", optional: true },
    { placeholder: "HOST[:PORT]", completion: "none", optional: true },
  ],
  flags: [
    IDENTITY_FLAG,
    AUTHORIZED_KEYS_FLAG,
    REVOKED_KEYS_FLAG,
    STATE_FLAG,
    { name: "finish", help: "rotate: let the next key take the place of the present one" },
    { name: "force", help: "rotate: make another next key; trust: replace the keys known for HOST" },
    JSON_FLAG,
    ...COMMON_FLAGS,
  ],
  examples: [
    { line: "stx keys trust laptop.pub", text: "Let a sender in." },
    { line: "stx keys revoke SHA256:...", text: "It is refused from the next connection on." },
    {
      line: "stx keys rotate",
      text: "Send to, or be sent to by, everybody who knows this identity, and then:",
    },
    {
      line: "stx keys rotate --finish",
      text: "The old key is gone; peers refuse it once they meet the new one.",
    },
  ],
} as const satisfies Command;

const COMPLETIONS = {
  name: "completions",
  summary: "Print a script that completes command lines",
  description: "Prints the script with which a shell completes subcommands, options and their values.",
  positionals: [{ placeholder: "SHELL", completion: ["bash", "zsh", "fish"] }],
  flags: [...COMMON_FLAGS],
  examples: [
    { line: "source <(stx completions bash)", text: "In ~/.bashrc." },
    { line: "source <(stx completions zsh)", text: "In ~/.zshrc, after compinit." },
    { line: "stx completions fish | source", text: "In ~/.config/fish/config.fish." },
  ],
} as const satisfies Command;

const HELP = {
  name: "help",
  summary: "Print help, in general or on one command",
  description: "Prints what stx can do, or everything about one command.",
  positionals: [
    {
      placeholder: "COMMAND",
      completion: [SEND.name, RECV.name, KEYGEN.name, KEYS.name, COMPLETIONS.name, "help"],
      optional: true,
    },
  ],
  flags: [...COMMON_FLAGS],
  examples: [{ line: "stx help send", text: "Everything about sending." }],
} as const satisfies Command;

const TABLE = [SEND, RECV, KEYGEN, KEYS, COMPLETIONS, HELP] as const;

type AnyFlag = (typeof TABLE)[number]["flags"][number];

/** The name of a subcommand. */
export type CommandName = (typeof TABLE)[number]["name"];
/** The name of an option with a value, of any subcommand. */
export type ValueFlagName = Extract<AnyFlag, { readonly value: unknown }>["name"];
/** The name of an option without a value, of any subcommand. */
export type SwitchName = Exclude<AnyFlag, { readonly value: unknown }>["name"];

/** Every subcommand, in the order in which help lists them. */
export const COMMANDS: readonly (Command & { readonly name: CommandName })[] = TABLE;

/** The options that stand in the place of a subcommand. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: "help", short: "h", help: "Print this help" },
  { name: "version", short: "V", help: "Print the version" },
];

/** Finds a subcommand by its name. */
export function findCommand(name: string): (Command & { readonly name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/** The line that shows how a subcommand is called. */
export function usageOf(command: Command): string {
  const words = command.positionals.map(({ placeholder, repeated, optional }) => {
    const word = repeated ? `${placeholder}...` : placeholder;
    return optional ? `[${word}]` : word;
  });
  return ["stx", command.name, "[OPTION]...", ...words].join(" ");
}

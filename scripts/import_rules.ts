/**
 * Which part of the project may import which, and what each may ask of the platform. This is the table of the
 * architecture; `check_imports.ts` holds the sources against it. Change both together.
 * @module
 */

/** What one part of the project may do. */
export interface Rule {
  /** The parts that it may import besides itself. */
  readonly imports: readonly string[];
  /** The parts of which it may import types, besides those above. */
  readonly types: readonly string[];
  /** The npm packages that it may import. */
  readonly packages: readonly string[];
  /** The `node:` modules that it may import; "all" means any. */
  readonly builtins: readonly string[] | "all";
  /** Whether it may touch the world: `Deno`, timers, clocks, random sources. */
  readonly world: boolean;
  /** Whether it may use `crypto.subtle`. */
  readonly subtle: boolean;
}

const BASE = ["lib/errors.ts", "lib/limits.ts", "lib/ports.ts"];
const PROTOCOL_BASE = [...BASE, "lib/bytes", "lib/wire", "lib/crypto", "lib/identity"];
const PROTOCOLS = ["lib/handshake", "lib/records", "lib/transfer", "lib/rounds"];
const LIB_FOR_NET = [...PROTOCOL_BASE, ...PROTOCOLS, "lib/attacks"];
const LIB = [...LIB_FOR_NET, "lib/files", "lib/store", "lib/net"];

/** A part of the protocol core: no I/O, no clock, no randomness of its own. */
function core(imports: readonly string[], more: Partial<Rule> = {}): Rule {
  return { imports, types: [], packages: [], builtins: [], world: false, subtle: false, ...more };
}

/** A part that meets the world. */
function shell(imports: readonly string[], more: Partial<Rule> = {}): Rule {
  return { imports, types: [], packages: [], builtins: "all", world: true, subtle: false, ...more };
}

/** The rules by part. A part is a folder, or a file where that stands alone. */
export const RULES: Readonly<Record<string, Rule>> = {
  "lib/errors.ts": core(BASE, { types: ["lib/bytes"] }),
  "lib/limits.ts": core(BASE, { types: ["lib/bytes"] }),
  "lib/ports.ts": core(BASE, { types: ["lib/bytes"] }),
  // CRC-32 comes from the platform's zlib: it is far faster than one in TypeScript.
  "lib/bytes": core(["lib/errors.ts"], { builtins: ["node:zlib"] }),
  "lib/wire": core([...BASE, "lib/bytes"]),
  // WebCrypto cannot digest a stream; node:crypto can.
  "lib/crypto": core([...BASE, "lib/bytes"], {
    packages: ["@noble/hashes", "@noble/curves"],
    builtins: ["node:crypto"],
    subtle: true,
  }),
  "lib/identity": core([...BASE, "lib/bytes", "lib/wire", "lib/crypto"], {
    packages: ["@noble/hashes", "@noble/curves", "micro-key-producer"],
    subtle: true,
  }),
  "lib/handshake": core(PROTOCOL_BASE),
  "lib/records": core(PROTOCOL_BASE),
  "lib/transfer": core(PROTOCOL_BASE),
  "lib/rounds": core(PROTOCOL_BASE),
  // An attacker on the wire holds no keys.
  "lib/attacks": core([...BASE, "lib/bytes", "lib/wire"]),
  // The controls' weakened parts stand in for defences, so they reach whatever those reach.
  "lib/attacks/weak": core([...PROTOCOL_BASE, ...PROTOCOLS, "lib/attacks"], { subtle: true }),
  "lib/files": shell([...BASE, "lib/bytes"]),
  "lib/store": shell([...BASE, "lib/bytes"]),
  "lib/net": shell(LIB_FOR_NET),
  "mod.ts": core(LIB),
  "cli": shell([...LIB, "cli/attack_sim"]),
  // The simulator alone may run the protocol with parts of it weakened.
  "cli/attack_sim": shell([...LIB, "lib/attacks/weak", "cli"]),
  "scripts": shell([...LIB, "cli", "cli/attack_sim"]),
  // Vectors are computed a second time, from the primitives up.
  "scripts/vectors": shell([...LIB, "cli", "cli/attack_sim", "scripts"], {
    packages: ["@noble/post-quantum"],
  }),
  "tests": shell([
    ...LIB,
    "lib/attacks/weak",
    "cli",
    "cli/attack_sim",
    "scripts",
    "scripts/vectors",
    "mod.ts",
  ], {
    packages: ["@noble/hashes", "@noble/curves", "@noble/post-quantum", "fast-check", "micro-key-producer"],
  }),
};

/**
 * The part that a file belongs to: the longest key of {@link RULES} that names the file, a folder above it, or the
 * beginning of its name up to an underscore. `undefined` where no part has a rule for it.
 */
export function partOf(path: string): string | undefined {
  const owns = (part: string): boolean =>
    path === part || path.startsWith(`${part}/`) || path === `${part}.ts` || path.startsWith(`${part}_`);
  return Object.keys(RULES).filter(owns).sort((left, right) => right.length - left.length)[0];
}

/** A name of the platform's that the protocol core must not use, and what it uses instead. */
export interface ForbiddenName {
  readonly pattern: RegExp;
  readonly name: string;
  readonly instead: string;
}

/** Begins a name that is not a member of something else. */
const FREE = String.raw`(?<![\w$]|(?<!\.\.)\.\s*)`;
const CLOCK = "take the time as an argument, or a Clock";
const RANDOM = "take a Random";
const YOUNG = "not every Node that the library runs under has it";

/** What a part without the world must not name. */
export const FORBIDDEN_IN_CORE: readonly ForbiddenName[] = [
  { pattern: new RegExp(`${FREE}Deno\\b`, "g"), name: "Deno", instead: "take a port of lib/ports.ts" },
  {
    pattern: new RegExp(`${FREE}globalThis\\b`, "g"),
    name: "globalThis",
    instead: "take a port of lib/ports.ts",
  },
  { pattern: new RegExp(`${FREE}Date\\s*\\.\\s*now\\b`, "g"), name: "Date.now", instead: CLOCK },
  {
    pattern: new RegExp(`${FREE}new\\s+Date\\b\\s*(?:\\(\\s*\\)|[^(\\s])`, "g"),
    name: "new Date()",
    instead: CLOCK,
  },
  { pattern: new RegExp(`${FREE}performance\\b\\s*\\.`, "g"), name: "performance", instead: CLOCK },
  { pattern: new RegExp(`${FREE}setTimeout\\b`, "g"), name: "setTimeout", instead: CLOCK },
  { pattern: new RegExp(`${FREE}setInterval\\b`, "g"), name: "setInterval", instead: CLOCK },
  { pattern: /\bMath\s*\.\s*random\b/g, name: "Math.random", instead: RANDOM },
  { pattern: /\bgetRandomValues\b/g, name: "crypto.getRandomValues", instead: RANDOM },
  { pattern: /\brandomUUID\b/g, name: "crypto.randomUUID", instead: RANDOM },
  { pattern: /\brandomBytes\b/g, name: "randomBytes", instead: RANDOM },
  { pattern: new RegExp(`${FREE}fetch\\s*\\(`, "g"), name: "fetch", instead: "take a Duplex" },
  {
    pattern: /\bwithResolvers\b/g,
    name: "Promise.withResolvers",
    instead: `use deferred of lib/bytes: ${YOUNG}`,
  },
  {
    pattern: /\.\s*(?:(?:to|from|setFrom)(?:Hex|Base64)|fromAsync)\s*\(/g,
    name: "Uint8Array's toHex, Array.fromAsync and the like",
    instead: `use lib/bytes and lib/identity/ssh_encoding.ts: ${YOUNG}`,
  },
];

/** What a part without `subtle` must not name. */
export const FORBIDDEN_WITHOUT_SUBTLE: readonly ForbiddenName[] = [
  {
    pattern: new RegExp(`${FREE}crypto\\s*\\.\\s*subtle\\b`, "g"),
    name: "crypto.subtle",
    instead: "use lib/crypto",
  },
];

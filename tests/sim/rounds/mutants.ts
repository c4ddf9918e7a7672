/**
 * Mistakes that somebody could make in the rounds protocol, each as a change of one text in one file: the simulation has
 * to find them.
 * @module
 */
import type { Mutant } from "../mutants.ts";

/** See the module's text. */
export const ROUNDS_MUTANTS: readonly Mutant[] = [
  {
    name: "the epoch is put behind a client only after the answer",
    file: "lib/rounds/server.ts",
    from: "if (this.#options.keys.advance(id, knownRoot, epoch + 1, next)) return;",
    to: "const [from, to] = [knownRoot.slice(), next.slice()];\n" +
      "    setTimeout(() => void this.#options.keys.advance(id, from, epoch + 1, to), 1);\n    if (1 < 2) return;",
  },
  {
    name: "whoever was quicker does not matter",
    file: "lib/rounds/server.ts",
    from: "if (this.#options.keys.advance(id, knownRoot, epoch + 1, next)) return;",
    to: "this.#options.keys.advance(id, knownRoot, epoch, next);\n    if (1 < 2) return;",
  },
  {
    name: "the challenge is not checked",
    file: "lib/rounds/server.ts",
    from: "if (!equal(returned, sent)) throw",
    to: "if (!equal(returned, sent) && 2 < 1) throw",
  },
  {
    name: "the chain does not go on",
    file: "lib/rounds/chain.ts",
    from: "this.#take(secretSha256(this.#key, packet));",
    to: "void secretSha256(this.#key, packet);",
  },
  {
    name: "the chain goes on by half of the packet",
    file: "lib/rounds/chain.ts",
    from: "this.#take(secretSha256(this.#key, packet));",
    to: "this.#take(secretSha256(this.#key, packet.subarray(0, 48)));",
  },
  {
    name: "the round is not checked",
    file: "lib/rounds/session.ts",
    from: "    if (this.isRound(header)) return;",
    to: "    if (header.round >= 0) return;",
  },
  {
    name: "the key file is written after HELLO",
    file: "cli/rounds_key_files.ts",
    from: "    replaceWith(target, 0o600, () => {\n      taken = readClientKey(target);",
    to: "    const early = readClientKey(target);\n    const late = nextRoot(early.root);\n" +
      "    const text = formatClientKey({ ...early, epoch: early.epoch + 1, root: late });\n" +
      "    setTimeout(() => {\n      try {\n        replaceFile(target, `${text}\\n`, 0o600);\n      } catch {\n        // It stays as it is.\n" +
      "      }\n    }, 5);\n    if (early.epoch >= 0) return early;\n" +
      "    replaceWith(target, 0o600, () => {\n      taken = readClientKey(target);",
  },
  {
    name: "the key file's rename is not made durable",
    file: "cli/replace_file.ts",
    from: "    makeNameDurable(path, file);\n",
    to: "",
  },
  {
    name: "the key file is not synced before its rename",
    file: "cli/replace_file.ts",
    from: "    file.syncSync();\n    beforeRename();",
    to: "    beforeRename();",
  },
  {
    name: "an enrolment's file has its name before the server knows the key",
    file: "cli/replace_file.ts",
    from: "    beforeRename();\n    Deno.renameSync(draft, path);",
    to: "    Deno.renameSync(draft, path);\n    beforeRename();",
  },
  {
    name: "a value that comes into an open round waits for the next one, too",
    file: "lib/rounds/rounds.ts",
    from: "    else this.#clients.set(member, sum);",
    to: "    this.#clients.set(member, sum);",
  },
  {
    name: "the next round has its time by the clock that was set back",
    file: "lib/net/rounds_server.ts",
    from: "this.#rounds.handleTimeout(nowMs, Math.max(atMs, nowMs))",
    to: "this.#rounds.handleTimeout(Math.max(atMs, nowMs))",
  },
  {
    name: "values of the round before are still there",
    file: "lib/rounds/rounds.ts",
    from: "    this.#values.clear();",
    to: "",
  },
  {
    name: "a client that goes is still waited for",
    file: "lib/rounds/rounds.ts",
    from: "    this.#clients.delete(member);\n    this.#missing.delete(member);",
    to: "    this.#clients.delete(member);",
  },
  {
    name: "an older session stays beside the newer one",
    file: "lib/net/rounds_server.ts",
    from: "      this.supersede(id);\n    } else",
    to: "      void id;\n    } else",
  },
  {
    name: "an end that waits for its peer is not cut",
    file: "lib/net/rounds_server.ts",
    from: "    this.#cancelEnd ??= this.#clock.after(DRAIN_TIMEOUT_MS, () => this.#duplex.close());",
    to: "",
  },
  {
    name: "a timer is forgotten when a connection ends",
    file: "lib/net/rounds_server.ts",
    from: "    this.#cancelEnd?.();\n    this.#duplex.close();",
    to: "    this.#duplex.close();",
  },
  {
    name: "a round does not end at its deadline",
    file: "lib/rounds/rounds.ts",
    from: "if (this.#closesAtMs === undefined || timerMs < this.#closesAtMs) return [];",
    to: "if (this.#closesAtMs === undefined || timerMs < this.#closesAtMs + 3_600_000) return [];",
  },
  {
    name: "a round is told of with the number of the one before",
    file: "lib/net/rounds_server.ts",
    from: "member.session.answer({ serverRound: number, sum, product, clients: sums.length });",
    to: "member.session.answer({ serverRound: number - 1 || 1, sum, product, clients: sums.length });",
  },
];

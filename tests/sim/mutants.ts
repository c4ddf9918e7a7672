/**
 * Mistakes that somebody could make, each as a change of one text in one file: the simulation has to find them.
 * @module
 */

/** One mistake. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** What stands there once, and what stands there instead. */
  readonly from: string;
  readonly to: string;
}

/** See the module's text. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "files are never synced",
    file: "lib/files/durable.ts",
    from: "const begunMs = performance.now();",
    to: "if (paths.length >= 0) return;\n  const begunMs = performance.now();",
  },
  {
    name: "finished files are not synced, only the open one and folders",
    file: "lib/files/partial_folder.ts",
    from: "const paths = [...this.#dirtyFiles, ...this.#dirtyFolders];",
    to: "const paths = [...this.#dirtyFolders];",
  },
  {
    name: "folders of the partial tree are not synced",
    file: "lib/files/partial_folder.ts",
    from: "const paths = [...this.#dirtyFiles, ...this.#dirtyFolders];",
    to: "const paths = [...this.#dirtyFiles];",
  },
  {
    name: "the folders above the partial tree are not synced",
    file: "lib/files/partial_folder.ts",
    from: "this.#dirtyFolders = new Set(this.#private.folders);",
    to: "this.#dirtyFolders = new Set();",
  },
  {
    name: "nothing is synced between the last byte and the decision",
    file: "lib/files/partial_folder.ts",
    from: "    await this.sync();\n    await takeAllBits",
    to: "    await takeAllBits",
  },
  {
    name: "folders are not synced after the renames",
    file: "lib/files/placing.ts",
    from: "await makeDurable([...changed]);",
    to: "",
  },
  {
    name: "of merged folders only the top is synced after the renames",
    file: "lib/files/placing.ts",
    from: 'if (parent !== "") changed.add(`${root}/${parent}`);',
    to: "",
  },
  {
    name: "the renames come before the decision is in the journal",
    file: "lib/files/partial_folder.ts",
    from: "    beforeRename(placement);\n",
    to:
      "    await moveAll(this.#journey, isRecovering);\n    beforeRename(placement);\n    if (1 < 2) return 0;\n",
  },
  {
    name: "the decision is not in the journal",
    file: "lib/transfer/receiver.ts",
    from: "await partial.commit(decide, onKept)",
    to: "await partial.commit(() => {}, onKept)",
  },
  {
    name: "what was decided is not finished by the next start",
    file: "lib/transfer/recovery.ts",
    from: 'const committing = store.list("committing")',
    to: 'const committing = store.list("committing").slice(0, 0)',
  },
  {
    name: "the durable mark is saved before the sync",
    file: "lib/transfer/durable_mark.ts",
    from: "        await partial.sync();\n",
    to: "        save(mark);\n        await partial.sync();\n",
  },
  {
    name: "the durable mark is rounded up",
    file: "lib/transfer/durable_mark.ts",
    from: "Math.floor(this.#writtenBytes / blockSizeBytes)",
    to: "Math.ceil(this.#writtenBytes / blockSizeBytes)",
  },
  {
    name: "the durable mark counts what was written since the sync began",
    file: "lib/transfer/durable_mark.ts",
    from: "        await partial.sync();\n        if (mark > this.#durableBytes) {",
    to:
      "        await partial.sync();\n        const mark = Math.floor(this.#writtenBytes / blockSizeBytes) * blockSizeBytes;\n" +
      "        if (mark > this.#durableBytes) {",
  },
  {
    name: "what is durable is sent again",
    file: "lib/transfer/receiver.ts",
    from: "let offset = this.keptBytes(stored);",
    to: "let offset = 0;",
  },
  {
    name: "a stream that breaks off counts as one that has ended",
    file: "lib/transfer/receiver.ts",
    from: '      const message = await this.#messages.next();\n      if (message.type === "data") {',
    to: "      const message = await this.#messages.next().catch((error) => {\n" +
      "        if (this.#offer.sizeBytes === null) return undefined;\n        throw error;\n      });\n" +
      '      if (message === undefined) return;\n      if (message.type === "data") {',
  },
  {
    name: "the receipt goes out before anything is in place",
    file: "lib/transfer/receiver.ts",
    from: "    const keptCount = await partial.commit(decide, onKept);",
    to:
      '    this.#messages.tell("done", receipt);\n    const keptCount = await partial.commit(decide, onKept);',
  },
  {
    name: "a taken name is replaced at the last moment",
    file: "lib/files/placement_rules.ts",
    from: 'if (conflict === "overwrite" || conflict === "skip") return;',
    to: "if (conflict.length > 0) return;",
  },
  {
    name: "two transfers under way choose the same name",
    file: "lib/files/receiving_folder.ts",
    from: "this.#chosen.has(folded(name)) || inspect(",
    to: "inspect(",
  },
  {
    name: "the names of what is being put in place are given away",
    file: "lib/files/partial_folder.ts",
    from: "if (!this.#keepsNames) this.#names.release();",
    to: "this.#names.release();",
  },
  {
    name: "a changed source is not noticed while it is read",
    file: "lib/files/disk_source.ts",
    from: "    const entry = this.entries[index]!;\n    if (info.dev",
    to: "    const entry = this.entries[index]!;\n    if (1 < 2) return;\n    if (info.dev",
  },
  {
    name: "files keep the time of their arrival",
    file: "lib/files/times.ts",
    from: "file.utimeSync(time, time);",
    to: "void [file, time];",
  },
  {
    name: "modes are not synced",
    file: "lib/files/modes.ts",
    from: "      changeMode(handle, opened.mode & entry.mode & 0o777);\n      await syncHandle(handle);",
    to: "      changeMode(handle, opened.mode & entry.mode & 0o777);",
  },
  {
    name: "modes that were set before a crash are not synced",
    file: "lib/files/modes.ts",
    from: "if ((seen.mode & 0o400) !== 0) await makeDurable([path]);",
    to: "",
  },
  {
    name: "a closed folder is met only at the renames",
    file: "lib/files/placing.ts",
    from: "      requireWritable(path);\n",
    to: "",
  },
  {
    name: "an error of the disk goes through as it is",
    file: "lib/files/private_folder.ts",
    from: '    throw diskError(error, "remove", path);\n  }\n}\n\n/**\n * Throws `permission`',
    to: "    throw error;\n  }\n}\n\n/**\n * Throws `permission`",
  },
  {
    name: "the partial folder stays",
    file: "lib/files/partial_folder.ts",
    from: "    this.#private.remove();\n    this.#keepsNames",
    to: "    this.#private.close();\n    this.#keepsNames",
  },
  {
    name: "a newer connection does not wait for the older one",
    file: "lib/transfer/active_transfers.ts",
    from: "    await older?.ended;\n",
    to: "",
  },
  {
    name: "a timer is forgotten at the goodbye",
    file: "lib/net/channel.ts",
    from: "    const wasHeard = await Promise.race([isClosed, isOver]);\n    cancel();",
    to: "    const wasHeard = await Promise.race([isClosed, isOver]);\n    void cancel;",
  },
  {
    name: "silence is not noticed",
    file: "lib/records/session.ts",
    from: "if (nowMs >= this.#lastReceivedMs + IDLE_TIMEOUT_MS) {",
    to: "if (nowMs < 0) {",
  },
  {
    name: "a lost connection is final",
    file: "lib/transfer/retry.ts",
    from: '["connection_lost", "busy"]',
    to: '["busy"]',
  },
  {
    name: "repeated records are sealed anew from the start of the numbers",
    file: "lib/records/record_sender.ts",
    from: "const sequence = this.#nextSequence++;",
    to:
      "const sequence = this.#nextSequence;\n    this.#nextSequence = this.#nakCount > 0 ? 0 : sequence + 1;",
  },
  {
    name: "noise ends the session as an attack",
    file: "lib/wire/record.ts",
    from: "return crc32(this.#buffer.subarray(at, crcAt)) === this.#view.getUint32(crcAt);",
    to: "return crcAt > 0;",
  },
];

/**
 * Inputs and seeds that have found something, and some that reach far into a decoder: they are tried in every run of
 * the tests.
 * @module
 */
import { PROJECT_FOLDER } from "../../scripts/project.ts";

/** One of them. */
export interface CorpusEntry {
  /** The decoder, or the play. */
  readonly name: string;
  /** What it found, or what it is there for. */
  readonly why: string;
  /** An input in hexadecimal. */
  readonly input?: string;
  /** The seed of a play. */
  readonly seed?: number;
}

/** All of them. */
export const CORPUS: readonly CorpusEntry[] = JSON.parse(
  Deno.readTextFileSync(`${PROJECT_FOLDER}/tests/fuzz/corpus/corpus.json`),
);

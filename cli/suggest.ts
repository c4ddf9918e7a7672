/**
 * Finding the word that a misspelt one was meant to be.
 * @module
 */

/**
 * Returns the candidate nearest to `word`, or `undefined` if none is near: one that begins with `word`, else
 * one that few edits turn it into: a letter inserted, dropped or changed, or two swapped, at most three
 * to every seven letters.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  // One letter is near to everything.
  if (wanted.length < 2) return undefined;
  const longer = candidates.find((candidate) => candidate.startsWith(wanted));
  if (longer !== undefined) return longer;
  let best: string | undefined;
  let bestDistance = Math.max(Math.floor(wanted.length * 3 / 7), 1) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Edits between two words, a swap of neighbours counting as one (the optimal string alignment distance). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      if (from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        edits = Math.min(edits, beforeLast[j - 2]! + 1);
      }
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length]!;
}

/**
 * Numbers for people.
 * @module
 */

const SUFFIXES = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** A size such as `64.0 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  for (const [unit, factor] of [["KiB", SUFFIXES.K], ["MiB", SUFFIXES.M]] as const) {
    if (bytes < factor * 1024) return `${(bytes / factor).toFixed(1)} ${unit}`;
  }
  return `${(bytes / SUFFIXES.G).toFixed(1)} GiB`;
}

/** The bytes of a size such as `64M` or `1G`; throws on anything else, and on nothing at all. */
export function parseSize(text: string): number {
  const match = /^(\d+)([KMG]?)$/.exec(text);
  const size = match === null ? 0 : Number(match[1]) * SUFFIXES[match[2] as keyof typeof SUFFIXES];
  if (size < 1 || !Number.isSafeInteger(size)) {
    throw new Error(
      `${JSON.stringify(text)} is not a size: write a number with K, M or G behind it, such as 64M`,
    );
  }
  return size;
}

/** The middle of `values`, of which there must be at least one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

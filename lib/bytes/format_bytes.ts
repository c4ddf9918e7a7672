/**
 * Sizes, as people read them.
 * @module
 */

/** A size for people: `0 B`, `999 B`, `1.5 MiB`, at most ten characters. */
export function formatBytes(sizeBytes: number): string {
  if (sizeBytes < 1024) return `${Math.floor(sizeBytes)} B`;
  let size = sizeBytes;
  for (const unit of ["KiB", "MiB", "GiB", "TiB"]) {
    size /= 1024;
    // 1023.95 would print as 1024.0, which is the next unit's 1.0.
    if (size < 1023.95) return `${size.toFixed(1)} ${unit}`;
  }
  return `${(size / 1024).toFixed(1)} PiB`;
}

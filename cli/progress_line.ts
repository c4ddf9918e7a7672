/**
 * The layout of a line of progress.
 * @module
 */
import { fitText, textWidth } from "./text_width.ts";
import { formatBytes, formatDuration } from "./values.ts";

/** What a line of progress tells; what is `undefined` is left out. */
export interface ProgressFields {
  /** What is transferred: free of control characters. */
  readonly label: string;
  /** What is being done, where that is not the plain moving of data. */
  readonly phase: string | undefined;
  readonly bytes: number;
  readonly totalBytes: number | undefined;
  readonly bytesPerSecond: number | undefined;
  /** How long it will take, or has taken. */
  readonly time: { readonly ms: number; readonly meaning: "left" | "taken" } | undefined;
  readonly files: number;
  /** Files are told where there is more than one. */
  readonly totalFiles: number;
}

/** Columns that a longer label keeps before it is worth leaving a field out, if the line has room for anything. */
const LABEL_WIDTH_MIN = 7;

/** Lays the fields out in a line of `columns` columns less one, so that no terminal wraps it. */
export function progressLine(fields: ProgressFields, columns: number): string {
  const width = columns - 1;
  const { bytes, totalBytes, bytesPerSecond, time, files, totalFiles } = fields;
  const percent = totalBytes === undefined ? undefined : percentOf(bytes, totalBytes);
  // In the order of the line; the one with the largest number goes first when there is no room. The paddings
  // keep columns still while numbers grow.
  const shown = [
    { text: fields.phase, goes: 2 },
    { text: percent?.padStart(4), goes: percent === undefined ? 0 : 1 },
    { text: formatBytes(bytes).padStart(10), goes: percent === undefined ? 1 : 5 },
    { text: totalBytes === undefined ? undefined : `of ${formatBytes(totalBytes)}`, goes: 7 },
    {
      text: bytesPerSecond === undefined ? undefined : `${formatBytes(bytesPerSecond)}/s`.padStart(11),
      goes: 3,
    },
    { text: time === undefined ? undefined : timeText(time), goes: 4 },
    { text: totalFiles > 1 ? `${files}/${totalFiles} files` : undefined, goes: 6 },
  ].filter((field) => field.text !== undefined);
  const labelWidthMin = Math.min(
    textWidth(fields.label),
    Math.max(LABEL_WIDTH_MIN, Math.floor(width / 5)),
    Math.floor(width / 3),
  );
  const join = () => shown.map(({ text }) => `  ${text}`).join("");
  let rest = join();
  while (shown.length > 0 && labelWidthMin + rest.length > width) {
    const least = shown.reduce((a, b) => (b.goes > a.goes ? b : a));
    shown.splice(shown.indexOf(least), 1);
    rest = join();
  }
  return fitText(fields.label, Math.max(width - rest.length, 0)) + rest;
}

/** Rounded down, so that 100% is said only of what is whole. */
function percentOf(bytes: number, totalBytes: number): string {
  return totalBytes === 0 ? "100%" : `${Math.min(Math.floor(bytes * 100 / totalBytes), 100)}%`;
}

function timeText({ ms, meaning }: { ms: number; meaning: "left" | "taken" }): string {
  if (meaning === "taken") return `in ${formatDuration(ms)}`.padStart(10);
  // A guess is in whole seconds.
  return `${formatDuration(Math.max(Math.ceil(ms / 1000), 1) * 1000).replace(".0s", "s")} left`.padStart(10);
}

/**
 * Rules for the names in a manifest. They come from an authenticated but possibly malicious peer, so the
 * receiver applies these rules to every manifest before anything touches the disk. They are the same on every
 * platform: a folder received on Linux may be read from Windows or macOS tomorrow.
 * @module
 */
import { escapeControls, hasControls } from "../bytes/escape.ts";
import { toHex, utf8 } from "../bytes/bytes.ts";
import { StreamSha256 } from "../crypto/stream_digest.ts";
import { StxError } from "../errors.ts";
import { NAME_SIZE_MAX, PATH_DEPTH_MAX, PATH_SIZE_MAX } from "../limits.ts";
import type { Entry } from "../ports.ts";

/** Printable ASCII, which nearly every name is, folds by upper case alone. */
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Names that Windows takes for devices in every folder, whatever extension or spaces follow
 * (Microsoft, "Naming Files, Paths, and Namespaces").
 */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\.|$)/i;

/** Zero-width characters that HFS+ leaves out when it compares names (Apple, Technical Note TN1150). */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * How the names begin that a receiver gives its own folders: where transfers wait before they are whole, and whoever could
 * write there could forge another's; and trials, which are tidied away.
 */
const OWN_PREFIX = ".stx-";
const OWN_PREFIX_FOLDED = foldName(OWN_PREFIX);

/** Entries that are checked in one piece, and what their paths have together: some ten milliseconds. */
const ENTRIES_AT_ONCE = 5_000;
const LENGTH_AT_ONCE = 256 * 1024;

/** Folded names that are longer are remembered by their hash: else a list could take the memory of two. */
const REMEMBERED_LENGTH_MAX = 64;

/** As much of a name as an error shows. */
const SHOWN_LENGTH_MAX = 300;

const encoder = new TextEncoder();

/**
 * Checks every name of a manifest, in order. `allowDotfiles` admits first parts that begin with a dot.
 * Throws `bad_name`, with the name escaped, at the first that
 *
 * - is absolute, or has an empty part, `.`, `..`, a backslash, a colon (drives and alternate streams);
 * - is too long: a part over 255 bytes of UTF-8, a path over 3,072, more than 128 parts;
 * - holds a control character, a bidirectional control, or a line or paragraph separator;
 * - has a part that is a Windows device, or that ends in a dot or a space, which Windows drops;
 * - has a first part that begins with `.stx-`, or one that begins with a dot where that is not allowed;
 * - lies in a folder that was not listed before it, or below a file;
 * - was listed before, or would meet an earlier one on a file system that folds case or normalises.
 */
export function checkEntries(entries: readonly Entry[], options: { allowDotfiles: boolean }): void {
  for (const _ of entryChecks(entries, options));
}

/** The same, a part at a time: a million names take seconds, and whoever checks them has others to serve between. */
export function* entryChecks(
  entries: readonly Entry[],
  options: { allowDotfiles: boolean },
): Generator<void, void, void> {
  const folders = new Set<string>();
  const folded = new Set<string>();
  let parent = "";
  let [count, length] = [0, 0];
  for (const entry of entries) {
    const { path } = entry;
    count += 1;
    length += path.length;
    if (count > ENTRIES_AT_ONCE || length > LENGTH_AT_ONCE) {
      yield;
      [count, length] = [1, path.length];
    }
    checkPath(path, options.allowDotfiles);
    const slash = path.lastIndexOf("/");
    // Most entries lie in the same folder as the one before.
    if (slash >= 0 && !(slash === parent.length && path.startsWith(parent))) {
      parent = path.slice(0, slash);
      if (!folders.has(parent)) refuseParent(path, parent, entries);
    }
    const meeting = rememberedName(foldName(path));
    if (folded.has(meeting)) {
      refuse(path, "another name in the list is the same, or the same where case or accents are folded");
    }
    folded.add(meeting);
    if (entry.kind === "directory") folders.add(path);
  }
}

/**
 * The form in which two names are equal that some file system takes for one. Decomposing first lets case mapping
 * see base letters without their accents (HFS+ and APFS compare decomposed names); lower case and then upper
 * case joins what either alone leaves apart (ſ and s, ß and ss, the Kelvin sign and k); composing at the end makes
 * one spelling of whatever order the mappings left. Characters that HFS+ ignores are dropped. Too much may
 * meet this way, never too little: the price is a refused transfer with a reason, not a lost file.
 */
function foldName(name: string): string {
  if (PLAIN.test(name)) return name.toUpperCase();
  return name.replace(IGNORED_BY_HFS, "").normalize("NFD").toLowerCase().toUpperCase().normalize("NFC");
}

/** What stands for a folded name; no path begins with a slash. */
function rememberedName(folded: string): string {
  if (folded.length <= REMEMBERED_LENGTH_MAX) return folded;
  const hash = new StreamSha256();
  hash.update(utf8(folded));
  return `/${toHex(hash.finish())}`;
}

function checkPath(path: string, allowDotfiles: boolean): void {
  if (path.startsWith("/")) refuse(path, "it is an absolute path");
  if (sizeIsOver(path, PATH_SIZE_MAX)) refuse(path, `it has more than ${PATH_SIZE_MAX} bytes`);
  if (hasControls(path)) refuse(path, "it holds a control character");
  if (path.includes("\\")) refuse(path, "it holds a backslash");
  if (path.includes(":")) refuse(path, "it holds a colon, which names a drive or a stream on Windows");
  let depth = 0;
  for (let start = 0; start <= path.length;) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    const part = path.slice(start, end);
    checkPart(path, part);
    if (depth === 0) checkFirstPart(path, part, allowDotfiles);
    depth++;
    start = end + 1;
  }
  if (depth > PATH_DEPTH_MAX) refuse(path, `it has more than ${PATH_DEPTH_MAX} parts`);
}

function checkPart(path: string, part: string): void {
  if (part === "") refuse(path, "a part of it is empty");
  if (part === "." || part === "..") refuse(path, `a part of it is "${part}"`);
  if (part.endsWith(".") || part.endsWith(" ")) refuse(path, "a part of it ends in a dot or a space");
  if (sizeIsOver(part, NAME_SIZE_MAX)) refuse(path, `a part of it has more than ${NAME_SIZE_MAX} bytes`);
  if (WINDOWS_DEVICE.test(part)) refuse(path, "a part of it names a device on Windows");
}

function checkFirstPart(path: string, part: string, allowDotfiles: boolean): void {
  if (foldName(part).startsWith(OWN_PREFIX_FOLDED)) {
    refuse(path, `names that begin with "${OWN_PREFIX}" are the receiver's own`);
  }
  if (!allowDotfiles && part.startsWith(".")) {
    refuse(path, "it begins with a dot, and hidden files at the top are not accepted here");
  }
}

/** UTF-8 takes one to three bytes for each UTF-16 unit, so most names need not be encoded to be judged. */
function sizeIsOver(text: string, sizeMax: number): boolean {
  if (text.length > sizeMax) return true;
  if (text.length * 3 <= sizeMax) return false;
  return encoder.encode(text).length > sizeMax;
}

function refuseParent(path: string, parent: string, entries: readonly Entry[]): never {
  const isFile = entries.some((entry) => entry.path === parent && entry.kind === "file");
  refuse(path, isFile ? "it lies below a file" : "the folder that it lies in is not listed before it");
}

function refuse(path: string, why: string): never {
  const shown = path.length > SHOWN_LENGTH_MAX ? `${path.slice(0, SHOWN_LENGTH_MAX)}…` : path;
  throw new StxError("bad_name", `Cannot accept the name "${escapeControls(shown)}": ${why}`);
}

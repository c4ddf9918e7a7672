/**
 * names.json: which names a receiver takes, whatever its file system.
 * @module
 */

/** Paths in the order of a manifest; one that ends in a slash is a folder. */
type Paths = readonly string[];

const LONG = "n".repeat(255);

/** Folders one in the other, and a file in the last; `count` parts in all. */
function nested(count: number): Paths {
  return Array.from({ length: count }, (_, i) => `${"d/".repeat(i)}${i === count - 1 ? "f" : "d/"}`);
}

/** Folders whose paths grow until the last has this many bytes. */
function pathOf(size: number): Paths {
  const parts: string[] = [];
  for (let left = size; left > 0;) {
    // What is left must be a name behind a slash, or nothing.
    const length = left > 257 ? 255 : left === 256 || left === 257 ? left - 2 : left;
    parts.push("n".repeat(length));
    left -= length + 1;
  }
  return parts.map((_, i) => `${parts.slice(0, i + 1).join("/")}/`);
}

const TAKEN: readonly Paths[] = [
  ["hello.txt"],
  ["d/", "d/a", "d/b/", "d/b/.hidden", "e"],
  ["x y", "a..b", "-rf", "~", "$HOME", "%00", "*", "?", '"', "<", ">", "|", "'"],
  ["日本語", "عربي", "🎉", "\u00e9", "n\u0303"],
  ["con1", "xcon", "com", "com10", "lpt", "nul_", "a.con", "conin", "aux-"],
  [LONG],
  ["é".repeat(127) + "e"],
  nested(128),
  pathOf(3072),
  ["a", "b", "ab"],
];

/** Why a name is refused unless the receiver's user allows it. */
const HIDDEN = "the first part begins with a dot";

const REFUSED: readonly (readonly [string, Paths])[] = [
  ["absolute", ["/a"]],
  ["absolute", ["/"]],
  ["empty", [""]],
  ["an empty part", ["a/", "a//b"]],
  ["a part of one dot", ["."]],
  ["a part of one dot", ["a/", "a/."]],
  ["a part of two dots", [".."]],
  ["a part of two dots", ["a/", "a/../b"]],
  ["a part of 256 bytes", [`${LONG}n`]],
  ["a part of 256 bytes", ["é".repeat(128)]],
  ["a path of 3,073 bytes", pathOf(3073)],
  ["129 parts", nested(129)],
  ["NUL", ["a\0b"]],
  ["a line feed", ["a\nb"]],
  ["ESC", ["\u001b[2J"]],
  ["DEL", ["a\u007f"]],
  ["a C1 control", ["a\u0085b"]],
  ["a bidirectional control", ["a\u202egnp.exe"]],
  ["a bidirectional control", ["\u2066a"]],
  ["a bidirectional control", ["a\u061cb"]],
  ["a line separator", ["a\u2028b"]],
  ["a paragraph separator", ["a\u2029b"]],
  ["a backslash", ["a\\b"]],
  ["a colon", ["a:b"]],
  ["a colon", ["c:"]],
  ...["con", "PRN", "aux", "NuL", "conin$", "CONOUT$", "com1", "COM0", "lpt9", "com¹", "lpt²", "LPT³"].map((
    name,
  ) => ["a Windows device", [name]] as const),
  ["a Windows device", ["d/", "d/nul.tar.gz"]],
  ["a Windows device", ["con .txt"]],
  ["a Windows device", ["aux/"]],
  ["a dot at the end", ["a."]],
  ["a dot at the end", ["a./", "a./b"]],
  ["a space at the end", ["a "]],
  [HIDDEN, [".a"]],
  [HIDDEN, [".ssh/", ".ssh/authorized_keys"]],
  ["the first part is .stx-partial", [".stx-partial/"]],
  ["the first part is .stx-partial, folded", [".STX-Partial"]],
  ["the first part begins with .stx-", [".stx-deadbeef/"]],
  ["the first part is .stx-partial, folded", [".stx-\u200cpartial"]],
  ["the first part is .stx-partial", [".stx-partial/", ".stx-partial/a"]],
  ["its folder does not stand before it", ["a/b"]],
  ["its folder does not stand before it", ["a/b", "a/"]],
  ["it lies below a file", ["a", "a/b"]],
  ["twice", ["a", "a"]],
  ["twice", ["a", "a/"]],
  ["equal in another case", ["a", "A"]],
  ["equal in another case", ["straße", "STRASSE"]],
  ["equal in another case", ["\u017fa", "sa"]],
  ["equal in another case", ["\u212a", "k"]],
  ["equal in another case", ["\u1e9e", "ss"]],
  ["equal in another case", ["\u03f4", "\u03b8"]],
  ["equal when normalised", ["\u00e9", "e\u0301"]],
  ["equal when normalised, in another case", ["\u00c9", "e\u0301"]],
  ["equal without what HFS+ leaves out", ["ab", "a\u200db"]],
  ["folders equal in another case", ["d/", "D/"]],
];

/** names.json */
export function namesFile(): unknown {
  return {
    taken: TAKEN.map((paths) => entriesOf(paths)),
    refused: REFUSED.map(([why, paths]) => ({
      why,
      hidden_only: why === HIDDEN,
      entries: entriesOf(paths),
    })),
  };
}

function entriesOf(paths: Paths) {
  return paths.map((path) => {
    const isFolder = path.length > 1 && path.endsWith("/");
    return { kind: isFolder ? "folder" : "file", path: isFolder ? path.slice(0, -1) : path };
  });
}

/** What `deno compile` has put into a program, as far as the tests look at it. */
export interface CompiledProgram {
  /** The arguments that stand before those of the command line. */
  readonly argv: readonly string[];
  readonly entryPoint: string;
  readonly codeCacheKey: unknown;
  /** As Deno names them: `null` grants nothing, an empty list grants everything, else what is listed. */
  readonly permissions: Readonly<Record<string, readonly string[] | boolean | null>>;
  /** Paths of the files inside, sorted. */
  readonly files: readonly string[];
}

type Node =
  | { readonly Dir: { readonly n: string; readonly e: readonly Node[] } }
  | { readonly File: { readonly n: string } }
  | { readonly Symlink: { readonly n: string } };

const MAGIC = "d3n0l4ndd3n0l4nd";

/**
 * Reads a program that was compiled for Linux. Behind the magic text come the size of the metadata (8 bytes, little
 * endian) and the metadata as JSON; further behind, in the same way, the tree of files.
 */
export async function readCompiledProgram(path: string): Promise<CompiledProgram> {
  const bytes = await Deno.readFile(path);
  const text = new TextDecoder("latin1").decode(bytes);
  const view = new DataView(bytes.buffer);
  const jsonAt = (sizeAt: number): string => {
    const size = Number(view.getBigUint64(sizeAt, true));
    return new TextDecoder().decode(bytes.subarray(sizeAt + 8, sizeAt + 8 + size));
  };

  const magicAt = text.indexOf(MAGIC);
  if (magicAt < 0) throw new Error(`${path} is no compiled program`);
  const metadataAt = magicAt + MAGIC.length;
  const metadata = JSON.parse(jsonAt(metadataAt)) as {
    readonly argv: readonly string[];
    readonly entrypoint_key: string;
    readonly code_cache_key: unknown;
    readonly permissions: CompiledProgram["permissions"];
  };
  const treeAt = text.indexOf('[{"', metadataAt + 8 + Number(view.getBigUint64(metadataAt, true)));
  const tree = JSON.parse(jsonAt(treeAt - 8)) as readonly Node[];
  return {
    argv: metadata.argv,
    entryPoint: metadata.entrypoint_key,
    codeCacheKey: metadata.code_cache_key,
    permissions: metadata.permissions,
    files: tree.flatMap((node) => pathsIn(node, "")).sort(),
  };
}

function pathsIn(node: Node, above: string): readonly string[] {
  if ("Dir" in node) return node.Dir.e.flatMap((entry) => pathsIn(entry, `${above}${node.Dir.n}/`));
  return [above + ("File" in node ? node.File.n : node.Symlink.n)];
}

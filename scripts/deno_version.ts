/**
 * The one place that names the version of Deno which this project is built and tested with. deno.json cannot
 * pin it. `.ci/run` reads the line below; `check_version.ts` holds every command in the docs against it.
 * @module
 */

/** The pinned version of Deno. */
export const DENO_VERSION = "2.9.6";

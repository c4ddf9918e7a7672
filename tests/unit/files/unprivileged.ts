/**
 * Running a test's body as a user to whom permissions mean something.
 * @module
 */
import process from "node:process";
import { withTempFolder } from "../../support/temp_folder.ts";

/** The user "nobody" of every Unix. */
const NOBODY = 65_534;

/**
 * Runs `body` with a fresh folder as an ordinary user: as "nobody" if the tests run as root, whom no mode
 * stops, else as whoever runs them.
 */
export async function asOrdinaryUser(body: (folder: string) => Promise<void> | void): Promise<void> {
  await withTempFolder(async (folder) => {
    if (Deno.uid() !== 0) return await body(folder);
    await Deno.chown(folder, NOBODY, null);
    process.seteuid!(NOBODY);
    try {
      await body(folder);
    } finally {
      process.seteuid!(0);
    }
  });
}

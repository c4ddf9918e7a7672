/**
 * A program that races: `symlink_racer.ts FOLDER OUTSIDE`. As fast as it can it puts a symbolic link to OUTSIDE in
 * the place of FOLDER, and FOLDER back, until it is ended. Where there is no FOLDER, it makes one of its own as soon as
 * the name is free. It says "racing" once it has begun.
 * @module
 */

const [folder, outside] = Deno.args as [string, string];
const aside = `${folder}.aside`;

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // Somebody else was quicker, or has not come yet: the next turn will do.
  }
}

/** Whether FOLDER is this program's to rename: it is there, or was made here. */
const isTheirs = ((): boolean => {
  try {
    return Deno.lstatSync(folder).isDirectory;
  } catch {
    return false;
  }
})();

Deno.stdout.writeSync(new TextEncoder().encode("racing\n"));
for (;;) {
  if (isTheirs) {
    attempt(() => Deno.renameSync(folder, aside));
    attempt(() => Deno.symlinkSync(outside, folder));
    attempt(() => Deno.removeSync(folder));
    attempt(() => Deno.renameSync(aside, folder));
  } else {
    attempt(() => Deno.symlinkSync(outside, folder));
    attempt(() => Deno.removeSync(folder));
    attempt(() => Deno.mkdirSync(folder));
    attempt(() => Deno.removeSync(folder));
  }
}

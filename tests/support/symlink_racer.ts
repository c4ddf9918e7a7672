/**
 * A program that races: `symlink_racer.ts FOLDER OUTSIDE`. As fast as it can it puts a symbolic link to OUTSIDE in
 * the place of FOLDER, and FOLDER back, until it is ended. Where there is no FOLDER, it makes one of its own as soon as
 * the name is free. It says "racing" once it has begun.
 * @module
 */

const [folder, outside] = Deno.args as [string, string];
/** Where FOLDER is meanwhile; another name where somebody has made a new FOLDER. */
let aside = `${folder}.aside`;
let asideCount = 0;
/** It ends with whoever has started it. */
const parent = Deno.ppid;

/** Takes a step, if it can be taken: somebody else may be quicker. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
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
while (Deno.ppid === parent) {
  if (isTheirs) {
    attempt(() => Deno.renameSync(folder, aside));
    attempt(() => Deno.symlinkSync(outside, folder));
    attempt(() => Deno.removeSync(folder));
    if (!attempt(() => Deno.renameSync(aside, folder))) aside = `${folder}.aside-${asideCount++}`;
  } else {
    attempt(() => Deno.symlinkSync(outside, folder));
    attempt(() => Deno.removeSync(folder));
    attempt(() => Deno.mkdirSync(folder));
    attempt(() => Deno.removeSync(folder));
  }
}

/**
 * Makes the README's picture, docs/attack-report.png: `deno run -A scripts/report_picture.ts`. An attack is played as
 * `stx attack-sim` plays it, its report is opened in Chromium, and the picture is its section down to the control. With
 * Debian's fonts-urw-base35 it has the face that the picture in the repository has.
 * @module
 */
import { ATTACKS } from "../cli/attack_sim/catalog.ts";
import { reportPage } from "../cli/attack_sim/report.ts";
import { isProved, runAttack } from "../cli/attack_sim/run.ts";
import { VERSION } from "../cli/version.ts";
import { Browser } from "./browser.ts";
import { print, printError } from "./print.ts";
import { Children } from "./process.ts";
import { PROJECT_FOLDER } from "./project.ts";

const ATTACK = "tamper";
const SEED = 1;
const FILE = "docs/attack-report.png";
const SIZE_MAX = 300_000;
const WIDTH = 800;
/** Around the section, in CSS pixels. */
const MARGIN = 28;
const SCALE = 1.5;

/** Plays the attack and writes its report into `folder`; returns the report's path. */
async function writeReport(folder: string): Promise<string> {
  const attack = ATTACKS.find(({ protocol, name }) => protocol === "stx" && name === ATTACK);
  if (attack === undefined) throw new Error(`There is no attack ${ATTACK}`);
  const verdict = await runAttack(attack, SEED);
  if (!isProved(verdict)) throw new Error(`The attack ${ATTACK} has not come to what it must`);
  const dateIso = new Date().toISOString();
  const about = { version: VERSION, seed: SEED, elapsedMs: verdict.elapsedMs, dateIso };
  await Deno.writeTextFile(`${folder}/report.html`, reportPage([verdict], about));
  return `${folder}/report.html`;
}

/** The section's picture, as PNG. */
async function takePicture(report: string): Promise<Uint8Array> {
  await using children = new Children();
  await using browser = await Browser.start(children);
  const page = await browser.open(report, { width: WIDTH, theme: "light", scale: SCALE });
  const section = await page.areaOf("article h3");
  const end = await page.areaOf("article .control");
  const picture = await page.screenshot({
    x: section.x - MARGIN,
    y: section.y - MARGIN,
    width: section.width + 2 * MARGIN,
    height: end.y + end.height - section.y + MARGIN + 8,
  });
  await page.close();
  return picture;
}

const folder = await Deno.makeTempDir({ prefix: "stx-picture-" });
try {
  const picture = await takePicture(await writeReport(folder));
  if (picture.length > SIZE_MAX) {
    throw new Error(`The picture has ${picture.length} bytes, at most ${SIZE_MAX}`);
  }
  await Deno.writeFile(`${PROJECT_FOLDER}/${FILE}`, picture);
  print(`wrote ${FILE}, ${picture.length} bytes`);
} catch (error) {
  printError(error instanceof Error ? error.message : String(error));
  Deno.exitCode = 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}

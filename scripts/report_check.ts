/**
 * Holds a report of the attack simulator against what it promises of itself, in a real browser:
 * `deno run -A scripts/report_check.ts FILE.html [--screenshots FOLDER] [--at ANCHOR]...`. At the width of a desk and of
 * a phone, in light and in dark: it asks for nothing but itself, nothing is wrong on its console, nothing sticks out to
 * the side, no text is too small to read, and every link within it leads somewhere. With `--screenshots` each of the
 * four is written there as a picture, the whole page, or the sections that `--at` names.
 * @module
 */
import { parseArgs } from "node:util";
import { Browser, type Page, type Theme } from "./browser.ts";
import { print, printError } from "./print.ts";
import { Children } from "./process.ts";
import { calledFrom } from "./project.ts";

const WIDTHS = [1280, 360];
const THEMES: readonly Theme[] = ["light", "dark"];
/** The smallest text of a page, in CSS pixels. */
const TEXT_SIZE_MIN = 9;

/** What the page says of itself, as {@link LOOK} finds it. */
interface Looks {
  readonly scrollWidth: number;
  readonly innerWidth: number;
  /** What reaches beyond the right edge, where something does. */
  readonly sticksOut: readonly string[];
  readonly brokenLinks: readonly string[];
  readonly doubleIds: readonly string[];
  readonly foreignLinks: readonly string[];
  readonly scripts: number;
  readonly smallestText: number;
  /** The least contrast of a text with its background, by WCAG 2. */
  readonly leastContrast: number;
  readonly leastContrastOf: string;
}

/** Runs in the page. */
const LOOK = `(() => {
  // What is there on demand is looked at, too.
  for (const details of document.querySelectorAll("details")) details.open = true;
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  const links = [...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href"));
  const inner = links.filter((link) => link.startsWith("#"));
  const labels = [...document.querySelectorAll("[aria-labelledby]")].map((one) => "#" + one.getAttribute("aria-labelledby"));
  const seen = [...document.querySelectorAll("body *")].filter((element) =>
    !element.classList.contains("unseen") && element.checkVisibility({ contentVisibilityAuto: true }));
  const withText = seen.filter((element) => [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== ""));
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrasts = withText.map((element) => {
    const [high, low] = [light(getComputedStyle(element).color), light(backgroundOf(element))].sort((a, b) => b - a);
    return { contrast: (high + 0.05) / (low + 0.05), of: element.textContent.trim().slice(0, 40) };
  }).sort((a, b) => a.contrast - b.contrast);
  return {
    scrollWidth: document.documentElement.scrollWidth,
    innerWidth: window.innerWidth,
    sticksOut: seen.filter((element) => element.getBoundingClientRect().right > window.innerWidth + 0.5)
      .map((element) => element.tagName + " " + element.textContent.trim().slice(0, 60)).slice(0, 5),
    brokenLinks: [...inner, ...labels].filter((link) => !ids.includes(link.slice(1))),
    doubleIds: ids.filter((id, i) => ids.indexOf(id) !== i),
    foreignLinks: links.filter((link) => !link.startsWith("#")),
    scripts: document.scripts.length,
    smallestText: Math.min(...withText.map((element) => parseFloat(getComputedStyle(element).fontSize))),
    leastContrast: contrasts[0].contrast,
    leastContrastOf: contrasts[0].of,
  };
})()`;

/** What is wrong with how the page looks. */
function problemsOf(looks: Looks): readonly string[] {
  const problems: string[] = [];
  if (looks.scrollWidth > looks.innerWidth) {
    problems.push(`it is ${looks.scrollWidth} wide: ${looks.sticksOut.join("; ")}`);
  }
  for (const link of looks.brokenLinks) problems.push(`nothing is at ${link}`);
  for (const id of looks.doubleIds) problems.push(`more than one element is ${id}`);
  for (const link of looks.foreignLinks) problems.push(`it leads away, to ${link}`);
  if (looks.scripts > 0) problems.push("it has a script");
  if (looks.smallestText < TEXT_SIZE_MIN) problems.push(`some of its text has ${looks.smallestText} px`);
  if (looks.leastContrast < 4.5) {
    problems.push(`its least contrast is ${looks.leastContrast.toFixed(2)}, of "${looks.leastContrastOf}"`);
  }
  return problems;
}

/** Writes a picture of the page, or one of each section that is named. */
async function takePictures(
  page: Page,
  folder: string,
  name: string,
  anchors: readonly string[],
): Promise<void> {
  const targets = anchors.length === 0 ? [undefined] : anchors;
  for (const anchor of targets) {
    const file = `${folder}/${name}${anchor === undefined ? "" : `-${anchor}`}.png`;
    await Deno.writeFile(file, await page.screenshot(anchor));
    print(`wrote ${file}`);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { screenshots: { type: "string" }, at: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    printError(
      "usage: deno run -A scripts/report_check.ts FILE.html [--screenshots FOLDER] [--at ANCHOR]...",
    );
    return 2;
  }
  const folder = values.screenshots === undefined ? undefined : calledFrom(values.screenshots);
  if (folder !== undefined) await Deno.mkdir(folder, { recursive: true });
  await using children = new Children();
  await using browser = await Browser.start(children);
  let failures = 0;
  for (const width of WIDTHS) {
    for (const theme of THEMES) {
      const page = await browser.open(calledFrom(file), { width, theme });
      const looks = await page.evaluate(LOOK) as Looks;
      const requests = page.requests.slice(1).map((url) => `it asks for ${url}`);
      const problems = [...problemsOf(looks), ...requests, ...page.complaints];
      print(`${width} px, ${theme}: ${problems.length === 0 ? "as it must be" : ""}`);
      for (const problem of problems) print(`  ${problem}`);
      failures += problems.length;
      if (folder !== undefined) await takePictures(page, folder, `${width}-${theme}`, values.at ?? []);
      await page.close();
    }
  }
  return failures === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    printError(error instanceof Error ? error.message : String(error));
    Deno.exitCode = 1;
  }
}

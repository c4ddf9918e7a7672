/**
 * A headless Chromium, driven over its DevTools protocol: opens a file, says what it asked for and what it complained
 * of, runs an expression in it and takes pictures.
 * @module
 */
import { pathToFileURL } from "node:url";
import { type Child, type Children, findProgram } from "./process.ts";

/** What a page's `prefers-color-scheme` sees. */
export type Theme = "light" | "dark";

/** How a page is looked at. */
export interface View {
  /** In CSS pixels. */
  readonly width: number;
  readonly theme: Theme;
  /** Pixels of the picture for each of the page's; 1 by default. */
  readonly scale?: number;
}

/** Part of a page, in CSS pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const VIEW_HEIGHT = 900;
/** A browser that answers nothing for so long hangs. */
const ANSWER_TIMEOUT_MS = 30_000;

type Fields = Readonly<Record<string, unknown>>;

/** See the module's text. */
export class Browser implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: Child;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Fields) => void>();
  readonly #listeners = new Map<string, (method: string, fields: Fields) => void>();
  #lastId = 0;

  private constructor(folder: string, child: Child, socket: WebSocket) {
    this.#folder = folder;
    this.#child = child;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(String(data))));
  }

  /** Starts one, with a profile of its own. Throws where there is no Chromium, and says how to get it. */
  static async start(children: Children): Promise<Browser> {
    const program = PROGRAMS.map(findProgram).find((path) => path !== undefined);
    if (program === undefined) {
      throw new Error(
        "There is no Chromium here: install it, on Debian with apt-get install chromium, and run this again",
      );
    }
    const folder = await Deno.makeTempDir({ prefix: "stx-browser-" });
    const child = children.start(program, [
      "--headless=new",
      // Its sandbox needs what containers do not give; the only page is our own file.
      "--no-sandbox",
      "--disable-gpu",
      "--hide-scrollbars",
      "--no-first-run",
      "--disable-background-networking",
      "--force-color-profile=srgb",
      "--remote-debugging-port=0",
      `--user-data-dir=${folder}`,
      "about:blank",
    ]);
    const url = await debuggerUrl(folder, child);
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error(`Chromium does not answer at ${url}`)));
    });
    return new Browser(folder, child, socket);
  }

  /** Opens a file and waits until it is laid out. */
  async open(file: string, { width, theme, scale = 1 }: View): Promise<Page> {
    const { targetId } = await this.call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(targetId), String(sessionId));
    const loaded = new Promise<void>((resolve) => {
      this.#listeners.set(String(sessionId), (method, fields) => {
        page.hear(method, fields);
        if (method === "Page.loadEventFired") resolve();
      });
    });
    for (const domain of ["Page", "Network", "Runtime", "Log"]) await page.call(`${domain}.enable`);
    await page.call("Emulation.setDeviceMetricsOverride", {
      width,
      height: VIEW_HEIGHT,
      deviceScaleFactor: scale,
      mobile: false,
    });
    await page.call("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: theme }],
    });
    await page.call("Page.navigate", { url: pathToFileURL(file).href });
    await loaded;
    return page;
  }

  /** One call of the DevTools protocol. Throws what the browser answers where it fails. */
  async call(method: string, params: Fields = {}, sessionId?: string): Promise<Fields> {
    const id = ++this.#lastId;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = await new Promise<Fields>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`Chromium does not answer ${method}`)), ANSWER_TIMEOUT_MS);
      this.#waiting.set(id, resolve);
      this.#socket.send(
        JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }),
      );
    }).finally(() => clearTimeout(timer));
    const error = answer["error"] as { readonly message: string } | undefined;
    if (error !== undefined) throw new Error(`Chromium refuses ${method}: ${error.message}`);
    return answer["result"] as Fields;
  }

  #hear(message: Fields): void {
    const id = message["id"];
    if (typeof id === "number") {
      this.#waiting.get(id)?.(message);
      this.#waiting.delete(id);
      return;
    }
    this.#listeners.get(String(message["sessionId"]))?.(
      String(message["method"]),
      message["params"] as Fields,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.call("Browser.close");
    this.#socket.close();
    await this.#child.end;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** One page in it. */
export class Page {
  /** The addresses it has asked for; the first is its own. */
  readonly requests: string[] = [];
  /** Errors and warnings of its console, and exceptions. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #targetId: string;
  readonly #sessionId: string;

  /** Made by {@link Browser.open}. */
  constructor(browser: Browser, targetId: string, sessionId: string) {
    this.#browser = browser;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
  }

  /** As {@link Browser.call}, for this page. */
  async call(method: string, params: Fields = {}): Promise<Fields> {
    return await this.#browser.call(method, params, this.#sessionId);
  }

  /** Takes what the browser tells of it. */
  hear(method: string, fields: Fields): void {
    if (method === "Network.requestWillBeSent") {
      const { url } = fields["request"] as { readonly url: string };
      // What stands in the page itself is no request.
      if (!url.startsWith("data:")) this.requests.push(url);
    }
    if (method === "Runtime.consoleAPICalled" || method === "Runtime.exceptionThrown") {
      this.complaints.push(`its script says ${JSON.stringify(fields["args"] ?? fields["exceptionDetails"])}`);
    }
    if (method === "Log.entryAdded") {
      const { text } = fields["entry"] as { readonly text: string };
      this.complaints.push(`its console says: ${text}`);
    }
  }

  /** What an expression comes to in the page. Throws where it throws. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(`The page cannot tell: ${JSON.stringify(exceptionDetails)}`);
    }
    return (result as { readonly value: unknown }).value;
  }

  /** Where an element is on the page. Throws where there is none. */
  async areaOf(selector: string): Promise<Area> {
    const area = await this.evaluate(`(() => {
      const { x, y, width, height } = document.querySelector(${
      JSON.stringify(selector)
    }).getBoundingClientRect();
      return { x: x + scrollX, y: y + scrollY, width, height };
    })()`);
    return area as Area;
  }

  /** A picture, as PNG: of the element with an id, of an area, or of all of the page. */
  async screenshot(of?: string | Area): Promise<Uint8Array> {
    const area = typeof of === "string"
      ? await this.areaOf(`[id=${JSON.stringify(of)}]`)
      : of ?? await this.areaOf("html");
    const { data } = await this.call("Page.captureScreenshot", {
      format: "png",
      captureBeyondViewport: true,
      clip: { ...area, scale: 1 },
    });
    return Uint8Array.from(atob(String(data)), (character) => character.charCodeAt(0));
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.#browser.call("Target.closeTarget", { targetId: this.#targetId });
  }
}

/** The address at which it waits: it writes it into its profile. */
async function debuggerUrl(folder: string, child: Child): Promise<string> {
  let hasEnded = false;
  void child.end.then(() => hasEnded = true);
  const deadline = performance.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    const text = await Deno.readTextFile(`${folder}/DevToolsActivePort`).catch(() => "");
    const [port, path] = text.split("\n");
    if (port !== undefined && path !== undefined && path !== "") return `ws://127.0.0.1:${port}${path}`;
    if (hasEnded) throw new Error(`Chromium does not start: ${(await child.end).stderr.trim()}`);
    if (performance.now() > deadline) throw new Error("Chromium does not start in time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

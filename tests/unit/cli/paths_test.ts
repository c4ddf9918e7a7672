import assert from "node:assert/strict";
import { configFolder, stateFolder } from "../../../cli/paths.ts";
import { throwsUsage } from "./throws_usage.ts";

const reading = (variables: Record<string, string>) => (name: string) => variables[name];

Deno.test("the configuration folder: our own variable, then XDG's, then the home", () => {
  const all = { STX_CONFIG_DIR: "/own", XDG_CONFIG_HOME: "/xdg", HOME: "/home/a" };
  assert.equal(configFolder("--identity FILE", reading(all)), "/own");
  assert.equal(configFolder("", reading({ XDG_CONFIG_HOME: "/xdg", HOME: "/home/a" })), "/xdg/stx");
  assert.equal(configFolder("", reading({ HOME: "/home/a" })), "/home/a/.config/stx");
  assert.equal(configFolder("", reading({ STX_CONFIG_DIR: "rel" })), "rel");
});

Deno.test("the state folder: XDG's variable, then the home", () => {
  const all = { STX_CONFIG_DIR: "/own", XDG_CONFIG_HOME: "/c", XDG_STATE_HOME: "/xdg", HOME: "/home/a" };
  assert.equal(stateFolder("", reading(all)), "/xdg/stx");
  assert.equal(stateFolder("", reading({ HOME: "/home/a" })), "/home/a/.local/state/stx");
});

Deno.test("relative XDG paths are ignored", () => {
  assert.equal(configFolder("", reading({ XDG_CONFIG_HOME: "xdg", HOME: "/home/a" })), "/home/a/.config/stx");
  assert.equal(
    stateFolder("", reading({ XDG_STATE_HOME: "./xdg", HOME: "/home/a" })),
    "/home/a/.local/state/stx",
  );
});

Deno.test("without a home the error names the option to give", () => {
  for (const variables of [{}, { HOME: "relative" }]) {
    throwsUsage(
      () => configFolder("--identity FILE", reading(variables)),
      "Cannot tell where the configuration folder is: HOME is not set to an absolute path",
      "give --identity FILE, or set HOME",
    );
    throwsUsage(
      () => stateFolder("--state FILE", reading(variables)),
      /^Cannot tell where the state folder is/,
      "give --state FILE, or set HOME",
    );
  }
});

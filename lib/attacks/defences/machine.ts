/**
 * The defences of an end's own machine: its folder, its terminal, its files of keys.
 * @module
 */
import type { DefenceText } from "../defences.ts";

/** See the module's text. */
export const MACHINE_DEFENCES = {
  "paths inside": {
    text: "The folder itself takes no path that leads out of it, whoever has checked it before.",
    file: "lib/files/placement_rules.ts",
    member: ["PlacementRules", "checkInside"],
  },
  "taken names": {
    text: "Nothing that exists is replaced unless the receiver's user has said so.",
    file: "lib/files/placement_rules.ts",
    member: ["PlacementRules", "checkTaken"],
  },
  "folders that meet": {
    text: "A folder is merged with a real folder only; a symbolic link is none.",
    file: "lib/files/placement_rules.ts",
    member: ["PlacementRules", "checkKind"],
  },
  "no link on the way": {
    text:
      "Before a file gets its final name, every folder above it is looked at once more: none may be a link.",
    file: "lib/files/placement_rules.ts",
    member: ["PlacementRules", "checkWay"],
  },
  "printed text": {
    text: "Whatever is printed has its control characters made visible first.",
    file: "cli/terminal.ts",
    member: ["Output", "safe"],
    deleted: "return text;",
  },
  "key file's mode": {
    text: "A private key is not used while others than its owner may read its file.",
    file: "cli/key_files.ts",
    member: ["", "refuseIfReadable"],
  },
} as const satisfies Readonly<Record<string, DefenceText>>;

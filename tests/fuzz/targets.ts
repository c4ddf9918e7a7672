/**
 * Every decoder that reads what somebody else wrote.
 * @module
 */
import type { Target } from "./target.ts";
import { CLI_TARGETS } from "./targets/cli.ts";
import { IDENTITY_TARGETS } from "./targets/identity.ts";
import { NAME_TARGETS } from "./targets/names.ts";
import { ROUNDS_TARGETS } from "./targets/rounds.ts";
import { WIRE_TARGETS } from "./targets/wire.ts";

/** See the module's text. */
export const TARGETS: readonly Target[] = [
  ...WIRE_TARGETS,
  ...NAME_TARGETS,
  ...IDENTITY_TARGETS,
  ...ROUNDS_TARGETS,
  ...CLI_TARGETS,
];

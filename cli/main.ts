/**
 * The program `stx`. This module alone ends the process.
 * @module
 */
import { dispatch, type ModuleName } from "./dispatch.ts";

function load(name: ModuleName) {
  switch (name) {
    case "send":
      return import("./send.ts");
    case "recv":
      return import("./recv.ts");
    case "keygen":
      return import("./keygen.ts");
    case "keys":
      return import("./keys.ts");
    case "rounds":
      return import("./rounds.ts");
    case "doctor":
      return import("./doctor.ts");
    case "attack-sim":
      return import("./attack_sim.ts");
  }
}

if (import.meta.main) Deno.exit(await dispatch(Deno.args, { load, exit: (status) => Deno.exit(status) }));

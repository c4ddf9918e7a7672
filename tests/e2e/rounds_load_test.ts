import { chosenSeed } from "../support/random.ts";
import { withGroup } from "../support/rounds_group.ts";
import { clientNames, makeLoad } from "../support/rounds_load.ts";

// The same with 100 clients and 1,000 rounds is tests/long/rounds.ts.
Deno.test({
  name: "20 clients over sockets, 30 rounds: each value counts once, and all is as computed here (Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await withGroup(clientNames(20), async (group) => {
      await makeLoad(group, { clientCount: 20, roundCount: 30, seed: chosenSeed() });
    });
  },
});

/** Every action of `stx rounds` does its work with the narrowest permissions, uses all of them, and asks for nothing else. */
import assert from "node:assert/strict";
import { roundsPermissions } from "../../scripts/permissions.ts";
import { Children } from "../../scripts/process.ts";
import { withTempFolder } from "../support/temp_folder.ts";
import { Workshop } from "../support/workshop.ts";

Deno.test("keygen --base-key, rounds enroll, serve, join, list and revoke", async () => {
  await withTempFolder(async (temporary) => {
    await using children = new Children();
    const workshop = new Workshop(await Deno.realPath(temporary), children);
    const baseKey = await workshop.key("base_key", "base-key");
    await Deno.mkdir(workshop.at("keys"));
    const [keys, key] = [workshop.at("clients.db"), workshop.at("keys/a")];

    await workshop.start(
      roundsPermissions({ action: "enroll", baseKey, keys, out: key }),
      ["rounds", "enroll", "a", "--base-key", baseKey, "--keys", keys, "--out", key],
      {},
    ).succeed();
    // Nobody may: serve could not, if it wanted to.
    await Deno.remove(baseKey);

    const listen = "127.0.0.1:0";
    const server = workshop.start(
      roundsPermissions({ action: "serve", listen, keys }),
      ["rounds", "serve", "--listen", listen, "--keys", keys, "--rounds", "1"],
      {},
    );
    const address = `127.0.0.1:${(await server.stx.first("listening")).port}`;
    const client = workshop.start(
      roundsPermissions({ action: "join", address, key }),
      ["rounds", "join", address, "--key", key, "--data", "1 2"],
      {},
    );
    assert.equal((await client.stx.first("aggregate")).sum, "3");
    await client.succeed();
    await server.succeed();

    const list = workshop.start(
      roundsPermissions({ action: "list", keys }),
      ["rounds", "list", "--keys", keys],
      {},
    );
    assert.deepEqual(await list.stx.first("client"), { v: 1, event: "client", id: "a", epoch: "1" });
    await list.succeed();
    await workshop.start(
      roundsPermissions({ action: "revoke", keys }),
      ["rounds", "revoke", "a", "--keys", keys],
      {},
    ).succeed();
  });
});

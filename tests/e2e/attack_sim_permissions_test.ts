/** `stx attack-sim` does its work with the narrowest permissions: loopback, its temporary folder, its report. */
import { attackSimPermissions } from "../../scripts/permissions.ts";
import { Children } from "../../scripts/process.ts";
import { withTempFolder } from "../support/temp_folder.ts";
import { Workshop } from "../support/workshop.ts";

Deno.test("attacks on both protocols, and a report", async () => {
  await withTempFolder(async (path) => {
    await using children = new Children();
    const workshop = new Workshop(await Deno.realPath(path), children);
    const [temporary, report] = [workshop.at("tmp"), workshop.at("report.html")];
    await Deno.mkdir(temporary);
    const run = workshop.start(
      attackSimPermissions({ action: "play", temporary, report }),
      ["attack-sim", "--attack", "tamper", "--attack", "session-replay-restart", "--report", report],
      { TMPDIR: temporary },
    );
    await run.stx.first("summary");
    await run.succeed();
  });
});

/**
 * `stx doctor`: looks at everything that `send` and `recv` rest on, and says what to do. It reads what they read with
 * the same readers, so that what it calls well is well for them.
 * @module
 */
import { resolve } from "node:path";
import { checkAbove } from "./doctor_files.ts";
import { DoctorReport } from "./doctor_report.ts";
import { checkKeys } from "./doctor_keys.ts";
import {
  checkAddress,
  checkClock,
  checkCryptography,
  checkDeno,
  checkPermissions,
} from "./doctor_machine.ts";
import { checkConfiguration, checkReceivingFolder, checkState } from "./doctor_places.ts";
import { placesOf } from "./doctor_paths.ts";
import { isSet, type ParsedCommand, valueOf } from "./parse.ts";
import type { Output } from "./terminal.ts";
import { DEFAULT_PORT, parseListenAddress } from "./values.ts";

/** The exit status if there is a problem: something on this machine is to be mended. */
const PROBLEM_STATUS = 7;

/** Runs the command; resolves to the exit status. */
export async function run(command: ParsedCommand, output: Output): Promise<number> {
  const address = parseListenAddress(valueOf(command, "listen") ?? `0.0.0.0:${DEFAULT_PORT}`, "--listen");
  const folder = resolve(valueOf(command, "dir") ?? ".");
  const report = new DoctorReport(output, {
    isJson: isSet(command, "json"),
    isQuiet: isSet(command, "quiet"),
  });
  const places = placesOf(command);
  checkDeno(report);
  checkPermissions(report, { address, folder, places });
  await checkCryptography(report);
  const ownUid = await checkReceivingFolder(report, folder);
  const whyNoKey = await checkConfiguration(report, places, ownUid);
  const isStateInUse = await checkState(report, places, ownUid);
  await checkAbove(report, places, ownUid);
  await checkAddress(report, address, isStateInUse);
  const newestMs = await checkKeys(report, places, ownUid, whyNoKey);
  checkClock(report, newestMs);
  output.info(report.summary());
  return report.count("problem") === 0 ? 0 : PROBLEM_STATUS;
}

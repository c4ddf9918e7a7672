import assert from "node:assert/strict";
import { receiverModes, senderModes } from "../../../cli/auth_modes.ts";
import { findCommand } from "../../../cli/commands.ts";
import { throwsUsage } from "./throws_usage.ts";

const EITHER = ["identity", "psk", "identity+psk"];

function receiver(auth: string | undefined, ...given: ("psk-file" | "authorized-keys")[]) {
  return receiverModes({
    auth,
    hasSharedKeys: given.includes("psk-file"),
    hasAuthorizedKeysOption: given.includes("authorized-keys"),
  });
}

const sender = (auth: string | undefined, hasSharedKey: boolean) => senderModes({ auth, hasSharedKey });

Deno.test("a receiver that is not told takes what its files stand for", () => {
  assert.deepEqual(receiver(undefined), ["identity"]);
  assert.deepEqual(receiver(undefined, "authorized-keys"), ["identity"]);
  assert.deepEqual(receiver(undefined, "psk-file"), ["psk"]);
  assert.deepEqual(receiver(undefined, "psk-file", "authorized-keys"), EITHER);
});

Deno.test("a receiver that is told takes that and nothing else", () => {
  assert.deepEqual(receiver("identity"), ["identity"]);
  assert.deepEqual(receiver("identity", "authorized-keys"), ["identity"]);
  assert.deepEqual(receiver("psk", "psk-file"), ["psk"]);
  for (const lists of [[], ["authorized-keys"]] as const) {
    assert.deepEqual(receiver("identity+psk", "psk-file", ...lists), ["identity+psk"]);
    assert.deepEqual(receiver("either", "psk-file", ...lists), EITHER);
  }
});

Deno.test("a receiver is not told two things that contradict each other", () => {
  for (const auth of ["psk", "identity+psk", "either"]) {
    const message = `Cannot use --auth ${auth}: there is no shared key`;
    throwsUsage(() => receiver(auth), message, "give --psk-file FILE, a file from stx keygen --psk");
    throwsUsage(() => receiver(auth, "authorized-keys"), message);
  }
  for (const lists of [[], ["authorized-keys"]] as const) {
    throwsUsage(
      () => receiver("identity", "psk-file", ...lists),
      "With --auth identity nobody looks at --psk-file",
      /leave one of the two out, or give --auth identity\+psk/,
    );
  }
  throwsUsage(
    () => receiver("psk", "psk-file", "authorized-keys"),
    "With --auth psk nobody looks at --authorized-keys",
    /leave it out, or give --auth identity\+psk .* or either/,
  );
});

Deno.test("a sender offers the shared key alone first, and its identity alone only without one", () => {
  assert.deepEqual(sender(undefined, false), ["identity"]);
  assert.deepEqual(sender("identity", false), ["identity"]);
  assert.deepEqual(sender(undefined, true), ["psk", "identity+psk"]);
  assert.deepEqual(sender("psk", true), ["psk"]);
  assert.deepEqual(sender("identity+psk", true), ["identity+psk"]);
});

Deno.test("a sender is not told two things that contradict each other", () => {
  for (const auth of ["psk", "identity+psk"]) {
    throwsUsage(
      () => sender(auth, false),
      `Cannot use --auth ${auth}: there is no shared key`,
      "give --psk-file FILE, the file that the receiver has too",
    );
  }
  throwsUsage(() => sender("identity", true), "With --auth identity nobody looks at --psk-file", /leave one/);
});

Deno.test("what the table of commands offers is known here, and nothing else is", () => {
  const offered = (command: string) =>
    findCommand(command)!.flags.find(({ name }) => name === "auth")!.value!.completion as readonly string[];
  for (const auth of offered("recv")) {
    assert(receiver(auth, ...(auth === "identity" ? [] : ["psk-file"] as const)).length > 0);
  }
  for (const auth of offered("send")) assert(sender(auth, auth !== "identity").length > 0);
  throwsUsage(() => receiver("none", "psk-file"), 'Unknown value of --auth: "none"', "See: stx help");
  throwsUsage(() => sender("either", true), 'Unknown value of --auth: "either"', "See: stx help");
});

import { OfferRules } from "../../../lib/transfer/offer_policy.ts";
import { VirtualClock } from "../../support/virtual_clock.ts";
import { assertFails } from "../identity/failures.ts";

const MIB = 1024 ** 2;

Deno.test("a transfer that is too large is told with both sizes, as people read them", () => {
  const rules = new OfferRules({ maxSizeBytes: MIB, allowDotfiles: false, clock: new VirtualClock() });
  const cases: readonly [number, boolean, string][] = [
    [300_000_000, true, "has 286.1 MiB, this receiver takes at most 1.0 MiB"],
    [MIB + 1, true, "has 1048577 bytes, this receiver takes at most 1048576 bytes"],
    // Where it has come so far is no size.
    [2 * MIB, false, "has more than 1.0 MiB, this receiver takes at most 1.0 MiB"],
    [MIB + 1, false, "has more than 1.0 MiB, this receiver takes at most 1.0 MiB"],
  ];
  for (const [sizeBytes, isAll, words] of cases) {
    const text = `the transfer ${words} (--max-size)`.replace(/[.()]/g, "\\$&");
    assertFails(() => rules.checkSize(sizeBytes, isAll), "too_large", new RegExp(`^${text}$`));
  }
  rules.checkSize(MIB, true);
  rules.checkSize(MIB, false);
});

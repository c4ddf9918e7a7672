/**
 * Whether the two machines' clocks agree: HELLO's time against WELCOME's, both covered by the transcript.
 * @module
 */
import { StxError } from "../errors.ts";
import { CLOCK_SKEW_MAX_MS } from "../limits.ts";

/** What HELLO and WELCOME say, in seconds since 1970. */
export interface HandshakeTimes {
  readonly clientS: number;
  readonly serverS: number;
}

/** Throws `clock_skew` where the two times are more than 120 s apart. */
export function checkClocks(times: HandshakeTimes): void {
  if (Math.abs(times.clientS - times.serverS) * 1000 > CLOCK_SKEW_MAX_MS) throw clockSkew(times);
}

/** The error, with both times in it. */
export function clockSkew({ clientS, serverS }: HandshakeTimes): StxError {
  return new StxError(
    "clock_skew",
    `The clocks differ by ${Math.abs(clientS - serverS)} seconds: it is ${
      format(clientS)
    } at the sender and ` +
      `${format(serverS)} at the receiver`,
    { hint: `set the clock that is wrong; ${CLOCK_SKEW_MAX_MS / 1000} seconds are allowed` },
  );
}

/** ISO 8601 in UTC; a number of seconds where a peer's time is beyond every calendar. */
function format(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString().replace(".000Z", "Z");
}

/**
 * A downgrade: the client's favourite cipher suite is taken out of HELLO, so that the server chooses another one.
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import { encodeFrame, FRAME_HEADER_SIZE } from "../../wire/frame.ts";
import { decodeHello, encodeHello, type Hello } from "../../wire/handshake_messages.ts";
import { type Attacker, pass, replace } from "../wire.ts";

/** Takes the first suite out of HELLO, where there is another one. */
export function downgrade(): Attacker {
  return {
    take(unit) {
      if (unit.name !== "HELLO" || unit.from !== "client") return [pass(unit)];
      const hello = readHello(unit.bytes.slice(FRAME_HEADER_SIZE));
      const [favourite, ...suites] = hello?.suites ?? [];
      if (hello === undefined || suites.length === 0) return [pass(unit)];
      const changed = encodeFrame("hello", encodeHello({ ...hello, suites }));
      return [replace(unit, changed, `suite ${favourite} taken out, ${suites.join(", ")} left`)];
    },
  };
}

/** What a HELLO says; nothing where it is none that can be read. */
function readHello(body: Bytes): Hello | undefined {
  try {
    return decodeHello(body);
  } catch {
    return undefined;
  }
}

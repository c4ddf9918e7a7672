/**
 * A session that lies about what it has heard.
 * @module
 */
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { RecordSender } from "../../lib/records/record_sender.ts";
import { Session } from "../../lib/records/session.ts";
import type { TrafficKeys } from "../../lib/records/traffic_keys.ts";
import type { SessionLimits } from "../../lib/wire/handshake_messages.ts";
import type { MessageType } from "../../lib/wire/message.ts";

/** How many records more are acknowledged than came. */
const BOAST = 1000;

class BoastingSender extends RecordSender {
  override send(type: MessageType, plaintext: Bytes, acknowledged: number): void {
    super.send(type, plaintext, acknowledged + BOAST);
  }
}

/** See the module's text. */
export class BoastingSession extends Session {
  protected override makeSender(
    keys: TrafficKeys,
    limits: SessionLimits,
    onOutput: () => void,
    firstSequence: number,
  ): RecordSender {
    return new BoastingSender(keys, limits, onOutput, firstSequence);
  }
}

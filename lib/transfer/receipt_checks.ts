/**
 * What must hold before a sender believes that its files have arrived.
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import { verifySshsigBlob } from "../identity/sshsig.ts";
import type { Done } from "../wire/message.ts";
import { RECEIPT_NAMESPACE, RECEIPT_TIME_MS_MAX, type ReceiptFacts, receiptMessage } from "./receipt.ts";

/** See the module's text. */
export class ReceiptChecks {
  /**
   * Throws `unexpected_message` for a receipt of what this run has never sent.
   * @param wasSent whether END has gone out, in this session or an earlier one
   */
  checkSent(wasSent: boolean): void {
    if (wasSent) return;
    throw new StxError("unexpected_message", "Cannot accept done: what is sent now was never sent before");
  }

  /** Throws `bad_receipt` for a receipt of more or fewer bytes than were sent. */
  checkSize(done: Done, sentBytes: number): void {
    if (done.sizeBytes === sentBytes) return;
    throw new StxError("bad_receipt", `The receipt is about ${done.sizeBytes} bytes, sent were ${sentBytes}`);
  }

  /** Throws `bad_receipt` for a time that no receipt can name. */
  checkTime(done: Done): void {
    if (done.finishedMs <= RECEIPT_TIME_MS_MAX) return;
    throw new StxError("bad_receipt", `The receipt's time is ${done.finishedMs} ms`);
  }

  /**
   * Throws `bad_receipt` where the digests of the files are missing that were asked for, or come unasked. Unasked they
   * come in the receipt of an earlier session alone.
   * @param hasEnded whether END has gone out in this session
   */
  checkDigests(done: Done, withDigests: boolean, hasEnded: boolean): void {
    if (done.withDigests === withDigests || (!withDigests && !hasEnded)) return;
    throw new StxError(
      "bad_receipt",
      "The receipt is not what was asked for: it has digests, or has none, where the opposite was agreed",
    );
  }

  /** Throws `bad_receipt` unless the receiver has signed exactly these facts. */
  async checkSignature(signature: Bytes, facts: ReceiptFacts): Promise<void> {
    const text = receiptMessage(facts);
    if (await verifySshsigBlob(signature, RECEIPT_NAMESPACE, text, facts.receiver)) return;
    throw new StxError("bad_receipt", "The receiver's receipt is not valid for what was sent");
  }
}

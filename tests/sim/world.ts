/**
 * A run: machines, processes and lines as a plan has them, until everybody is done, and then what must hold.
 * @module
 */
import { type Bytes, toHex } from "../../lib/bytes/bytes.ts";
import { codeOf, type ErrorCode, StxError } from "../../lib/errors.ts";
import { verifySshsigBlob } from "../../lib/identity/sshsig.ts";
import type { Duplex, Identity } from "../../lib/ports.ts";
import { localIdOf } from "../../lib/transfer/recovery.ts";
import { RECEIPT_NAMESPACE, receiptMessage } from "../../lib/transfer/receipt.ts";
import type { SentReceipt } from "../../lib/transfer/sender.ts";
import { Checks } from "./checks.ts";
import { RECEIVER_CODES, SENDER_CODES } from "./codes.ts";
import { Dice } from "./dice.ts";
import { changeFile } from "./items.ts";
import { Line } from "./line.ts";
import {
  makeFileAppear,
  makeReceiverMachine,
  makeSenderMachine,
  meddleWithFile,
  meddleWithPartial,
} from "./machines.ts";
import type { Fault, Plan } from "./plan.ts";
import { EPOCH_MS, type Machine, Process } from "./process.ts";
import { INBOX, ReceiverRun } from "./receiver.ts";
import { Scheduler } from "./scheduler.ts";
import { OUTBOX, runSender } from "./sender.ts";
import { Journal } from "./store.ts";
import { scheduleFaults } from "./timed_faults.ts";
import { Trouble } from "./trouble.ts";

/** When everything goes well again, at the latest. */
const HEAL_MS = 90_000;
/** How long a sender may take once everything goes well: until it gives up, and a little more. */
const END_MS = HEAL_MS + 16 * 60_000;
/** Runs have some hundreds, few have thousands: with so many, something goes on for ever. */
const EVENTS_MAX = 200_000;
const CONNECT_TIMEOUT_MS = 15_000;
const START_AGAIN_MS = 1_000;

/** How a sender's process ended. */
export interface Outcome {
  readonly sender: number;
  readonly receipt?: SentReceipt;
  readonly error?: unknown;
}

/** See the module's text. */
export class World {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly trouble: Trouble;
  readonly checks: Checks;
  readonly journal: Journal;
  readonly dice: Dice;
  readonly outcomes: Outcome[] = [];
  readonly #receiverMachine: Machine;
  readonly #senderMachines: readonly Machine[];
  readonly #processes: Process[] = [];
  readonly #identities: readonly Identity[];
  #receiver: ReceiverRun | undefined;
  #isStarting = false;
  #connections = 0;
  #sendersAtWork = 0;
  /** What those came to who tried again in the end. */
  readonly #lastErrors: Outcome[] = [];
  /** Whether a folder that is there may not be written to. */
  #isClosedFolder = false;

  /** @param identities the receiver's, and then the senders' */
  constructor(plan: Plan, identities: readonly Identity[], isLogging = false) {
    this.plan = plan;
    this.#identities = identities;
    this.dice = new Dice(plan.seed).split("run");
    this.scheduler = new Scheduler(this.dice.split("schedule"), isLogging);
    this.trouble = new Trouble(plan.faults, {
      crash: (process, isPowerLoss, downMs) => this.#crash(process, isPowerLoss, downMs),
      changeSource: (fault) => this.#changeSource(fault),
    }, this.dice.split("trouble"));
    const nowMs = () => EPOCH_MS + Math.floor(this.scheduler.nowMs);
    this.#receiverMachine = makeReceiverMachine(plan, nowMs);
    this.#senderMachines = plan.senders.map((sender, i) =>
      makeSenderMachine(`sender${i}`, sender, plan, nowMs)
    );
    this.checks = new Checks(this.#receiverMachine.disk, plan.conflict);
    this.journal = new Journal(this.checks);
  }

  /** The process whose paths begin with this number. */
  find(number: number): Process {
    return this.#processes[number]!;
  }

  /** The time of whoever asks for it without saying who it is: that is only the receiver's disk. */
  monotonicMs(): number {
    return this.#receiver?.process.monotonicMs() ?? this.scheduler.nowMs;
  }

  /** Lets it all happen; what must hold and does not is in {@link checks}. */
  async run(): Promise<void> {
    this.#scheduleFaults();
    this.#startReceiver();
    for (const [i, { startMs }] of this.plan.senders.entries()) {
      this.#sendersAtWork += 1;
      this.scheduler.after(startMs, `sender${i} is started`, undefined, () => this.#startSender(i));
    }
    const unheal = this.scheduler.after(HEAL_MS, "all is well again", undefined, () => this.#heal());
    await this.#until("the senders did not end", () => this.#sendersAtWork === 0);
    unheal();
    this.#heal();
    await this.#again();
    await this.#end();
  }

  /** With nothing going wrong any more, whoever failed tries again. */
  async #again(): Promise<void> {
    const last = new Map(this.outcomes.map((outcome) => [outcome.sender, outcome]));
    const failed = [...last.values()].filter(({ error }) => error !== undefined);
    for (const { sender } of failed) {
      this.#sendersAtWork += 1;
      this.#startSender(sender);
      await this.#until("a sender did not end without faults", () => this.#sendersAtWork === 0);
      this.#lastErrors.push({ sender, error: this.outcomes.at(-1)!.error });
    }
  }

  #checkLastErrors(): void {
    for (const { sender, error } of this.#lastErrors) {
      if (error === undefined || this.#mayStillFail(error)) continue;
      this.checks.fail(`sender${sender} fails without faults: ${error}`);
    }
  }

  /** Names that are taken, and files that somebody has removed, stay so. */
  #mayStillFail(error: unknown): boolean {
    if (codeOf(error) === "rejected") {
      const { message } = error as StxError;
      const isTaken = message.startsWith("The receiver refused (exists)");
      return isTaken ? this.plan.conflict !== "rename" : this.#isClosedFolder;
    }
    return codeOf(error) === "disk" && this.plan.faults.some((fault) => fault.kind === "source");
  }

  async #end(): Promise<void> {
    await this.#until("the receiver did not start", () => this.#isUp());
    const receiver = this.#receiver!;
    let isIdle = false;
    receiver.idle().then(() => isIdle = true);
    await this.#until("connections were not closed", () => isIdle);
    this.#checkLastErrors();
    let hasStopped = false;
    receiver.stop().then(() => hasStopped = true);
    await this.#until("the receiver did not stop", () => hasStopped);
    for (const process of this.#processes) {
      if (!process.isAlive) continue;
      if (process.timerCount > 0) this.checks.fail(`${process.name} has left ${process.timerCount} timers`);
      if (process.belongings.size > 0) this.checks.fail(`${process.name} has left something open`);
    }
    // Whoever dies between two steps may leave a folder behind, empty or unfinished.
    const mayLeave = this.plan.faults.some(({ kind }, i) =>
      this.trouble.happened.has(i) && ["crash", "crashAt", "error", "full", "meddle"].includes(kind)
    );
    if (!mayLeave) {
      const ids = this.journal.rows.list("receiving").map(({ transferId }) => toHex(transferId));
      this.checks.checkLeftovers(new Set(ids));
      for (const { row } of this.journal.all()) this.checks.checkRow(row);
    }
    const harmless = ["shortWrite", "appear"];
    const isCalm = [...this.trouble.happened].every((i) => harmless.includes(this.plan.faults[i]!.kind));
    const senderCount = this.#processes.filter(({ machine }) => machine !== this.#receiverMachine).length;
    if (isCalm && this.plan.syncMs <= 10 && this.#connections > senderCount) {
      this.checks.fail(`${this.#connections} connections for ${senderCount} senders, though nothing cut any`);
    }
    // And what was promised survives a last loss of power.
    receiver.process.die(true);
    this.#receiverMachine.disk.crash(this.dice.split("end"));
    this.#startReceiver();
    await this.#until("the receiver did not start", () => this.#isUp());
    for (const { peer, transfer } of this.journal.rows.list("committing")) {
      this.checks.checkUnfinished(peer, transfer);
    }
    for (const { row } of this.journal.all()) this.checks.checkRow(row);
    const others = ["source", "appear", "meddle"];
    const mayBeTaken = this.plan.senders.length > 1 || this.plan.senders[0]!.isStream ||
      this.plan.faults.some(({ kind }) => others.includes(kind));
    if (!mayBeTaken) this.checks.checkNames();
    this.checks.checkEnd();
  }

  async #until(failure: string, condition: () => boolean): Promise<void> {
    const deadlineMs = Math.max(END_MS, this.scheduler.nowMs + END_MS);
    const isOver = () => {
      this.#atRest();
      return condition() || this.scheduler.nowMs > deadlineMs || this.scheduler.eventCount > EVENTS_MAX;
    };
    await this.scheduler.run(isOver);
    if (!condition()) {
      this.checks.fail(failure);
      throw new StuckError(failure);
    }
  }

  #isUp(): boolean {
    return this.#receiver?.isListening === true && this.#receiver.process.isAlive;
  }

  #atRest(): void {
    if (!this.#isUp()) return;
    this.checks.atRest(this.journal.rows.list("committing").length > 0);
  }

  #makeProcess(machine: Machine): Process {
    const { scheduler, trouble } = this;
    const number = this.#processes.length;
    const process = new Process({ name: machine.name, number, machine, scheduler, judge: trouble });
    this.#processes.push(process);
    return process;
  }

  #startReceiver(): void {
    this.#receiverMachine.isUp = true;
    if (this.#isStarting) return;
    const process = this.#makeProcess(this.#receiverMachine);
    this.scheduler.note("receiver starts");
    this.#meddle("start", this.#startCount++);
    const [identity, ...senders] = this.#identities;
    const onError = (error: unknown) => {
      if (process.isAlive) this.#judgeError("receiver", error, RECEIVER_CODES);
      this.#isClosedFolder ||= error instanceof Error &&
        error.message.startsWith("Cannot put something into");
    };
    const startAgain = (error: unknown) => {
      onError(error);
      if (!process.isAlive) return;
      process.die(false);
      this.#startLater(START_AGAIN_MS);
    };
    let receiver: ReceiverRun;
    try {
      receiver = new ReceiverRun({
        process,
        identity: identity!,
        senders,
        conflict: this.plan.conflict,
        store: this.journal.openStore(process),
        nonces: this.journal.openNonces(process),
        dice: this.dice.split(`receiver ${process.number}`),
        onError,
      });
    } catch (error) {
      return startAgain(error);
    }
    this.#receiver = receiver;
    receiver.start().catch(startAgain);
  }

  #startLater(delayMs: number): void {
    this.#isStarting = true;
    this.scheduler.after(delayMs, "receiver is started again", undefined, () => {
      this.#isStarting = false;
      this.#startReceiver();
    });
  }

  /**
   * Whether one transfer may replace a file of another that was put in place and not finished: nobody can tell then
   * that it ever was whole, and it is sent again.
   */
  get #mayBeReplaced(): boolean {
    return this.plan.conflict === "overwrite" && this.plan.senders.length > 1;
  }

  /** How much of a transfer under way survives a crash of the receiver now. */
  #durableBytes(sender: Bytes, localId: Bytes): number {
    const row = this.journal.rows.find(sender, localId);
    return row?.state === "receiving" ? row.durableBytes : 0;
  }

  #startSender(sender: number): void {
    const machine = this.#senderMachines[sender]!;
    machine.isUp = true;
    const process = this.#makeProcess(machine);
    this.scheduler.note(`${process.name} starts`);
    const plan = this.plan.senders[sender]!;
    const identity = this.#identities[sender + 1]!;
    const receiver = this.#identities[0]!;
    let localId: Bytes;
    let durableBytes = 0;
    const promise = runSender({
      process,
      plan,
      identity,
      receiver,
      dice: this.dice.split(`sender ${process.number}`),
      dial: (from) => this.#dial(from),
      onOffer: (manifest) => {
        const contents = new Map(
          manifest.entries.filter((entry) => entry.kind === "file").map((entry) => [
            entry.path,
            [machine.disk.find(`${OUTBOX}/${entry.path}`).now.data],
          ]),
        );
        const isStream = manifest.sizeBytes === null;
        this.checks.offered(identity.publicKey, manifest.digest, {
          entries: manifest.entries,
          contents,
          isStream,
        });
      },
      onEvent: (event, { digest }) => {
        const { publicKey } = identity;
        if (event.kind === "offered") {
          localId = localIdOf(publicKey, event.transferId, INBOX);
          durableBytes = this.#durableBytes(publicKey, localId);
        }
        if (event.kind === "durable") this.checks.toldDurable(publicKey, localId, event.bytes);
        if (event.kind !== "started") return;
        durableBytes = Math.min(durableBytes, this.#durableBytes(publicKey, localId));
        this.checks.started(publicKey, digest, durableBytes, event.wanted, event.offset);
      },
    });
    const end = (outcome: Outcome) => {
      if (!process.isAlive) return;
      this.scheduler.note(`${process.name} ended: ${outcome.error ?? "done"}`);
      this.outcomes.push(outcome);
      this.#sendersAtWork -= 1;
      if (process.belongings.size > 0) this.checks.fail(`${process.name} has left something open`);
      if (process.timerCount > 0) this.checks.fail(`${process.name} has left ${process.timerCount} timers`);
      process.die(false);
    };
    promise.then(async (receipt) => {
      if (!process.isAlive) return;
      const { facts, signature } = receipt;
      const message = receiptMessage(facts);
      if (!await verifySshsigBlob(signature, RECEIPT_NAMESPACE, message, receiver.publicKey)) {
        this.checks.fail("a receipt is not valid");
      }
      this.checks.succeeded(identity.publicKey, facts.manifestDigest, this.#lastConnection.get(process)!);
      end({ sender, receipt });
    }, (error) => {
      if (process.isAlive) this.#judgeError(process.name, error, SENDER_CODES);
      // Faults are over long before a sender may lose patience; only a stream cannot be sent twice.
      if (process.isAlive && codeOf(error) === "connection_lost" && !plan.isStream) {
        this.checks.fail(`${process.name} gave up: ${error}`);
      }
      end({ sender, error });
    });
  }

  #judgeError(who: string, error: unknown, codes: readonly ErrorCode[]): void {
    this.scheduler.note(`${who} says: ${error}`);
    const code = codeOf(error);
    if (code !== undefined && codes.includes(code)) return;
    if (code === "state_corrupt" && (this.#hasMeddled || this.#mayBeReplaced)) return;
    const text = error instanceof Error ? error.stack ?? String(error) : String(error);
    this.checks.fail(`${who} failed in a way that nothing documents: ${code ?? ""} ${text}`);
  }

  async #dial(process: Process): Promise<Duplex> {
    const { line } = this.plan;
    await process.later(2 * line.latencyMs, "dials", () => {});
    const receiver = this.#receiver;
    if (!this.#isUp() || receiver === undefined) {
      if (!this.#receiverMachine.isUp) await process.later(CONNECT_TIMEOUT_MS, "gives up dialling", () => {});
      throw new StxError("connection_lost", "Cannot connect");
    }
    const number = this.#connections++;
    this.#meddle("connection", number);
    this.#lastConnection.set(process, number);
    const { client, server } = new Line(process, receiver.process, {
      number,
      profile: line,
      dice: this.dice.split(`line ${number}`),
      faults: this.trouble.ofLine(number),
      onFault: (fault) => this.trouble.onLineFault(fault),
    });
    receiver.take(server);
    return client;
  }

  #scheduleFaults(): void {
    scheduleFaults(this.plan.faults, this.scheduler, this.trouble, {
      crash: (who, isPowerLoss, downMs) => {
        const process = this.#processes.find((each) => each.isAlive && each.name === who);
        if (process !== undefined) this.#crash(process, isPowerLoss, downMs);
      },
      stop: (downMs) => this.#stop(downMs),
      slowDown: (step, ms) => {
        this.#receiverMachine.stepMs[step] = ms;
      },
      setClock: (who, byMs) => {
        this.#machine(who).skewMs += byMs;
      },
      startAgain: (sender) => {
        if (this.#sendersAtWork === 0) return;
        this.#sendersAtWork += 1;
        this.#startSender(sender);
      },
      appear: (name) => this.#appear(name),
    });
  }

  #machine(name: string): Machine {
    return [this.#receiverMachine, ...this.#senderMachines].find((machine) => machine.name === name)!;
  }

  #crash(process: Process, isPowerLoss: boolean, downMs: number): void {
    const { machine } = process;
    this.scheduler.note(`${process.name} ${isPowerLoss ? "loses power" : "is killed"}`);
    const gone = isPowerLoss
      ? this.#processes.filter((each) => each.isAlive && each.machine === machine)
      : [process];
    for (const each of gone) each.die(isPowerLoss);
    if (isPowerLoss) {
      machine.isUp = false;
      machine.disk.crash(this.dice.split(`crash ${this.scheduler.eventCount}`));
    }
    if (machine === this.#receiverMachine) return this.#startLater(downMs);
    const sender = this.#senderMachines.indexOf(machine);
    for (const each of gone) {
      this.scheduler.after(
        downMs,
        `${each.name} is started again`,
        undefined,
        () => this.#startSender(sender),
      );
    }
  }

  #stop(downMs: number): void {
    const receiver = this.#receiver;
    if (!this.#isUp() || receiver === undefined) return;
    receiver.stop().then(() => {
      if (!receiver.process.isAlive) return;
      const { process } = receiver;
      if (process.timerCount > 0) this.checks.fail(`the receiver has left ${process.timerCount} timers`);
      if (process.belongings.size > 0) this.checks.fail("the receiver has left something open");
      process.die(false);
      this.#startLater(downMs);
    });
  }

  #appear(name: string): void {
    const item = makeFileAppear(this.#receiverMachine.disk, name);
    if (item !== undefined) this.checks.appeared(item);
  }

  readonly #lastConnection = new Map<Process, number>();
  #hasMeddled = false;
  #startCount = 0;

  /** The receiver's user does something before a connection is made. */
  #meddle(before: "connection" | "start", nth: number): void {
    for (const [i, fault] of this.plan.faults.entries()) {
      if (fault.kind !== "meddle" || fault.before !== before || fault.nth !== nth || this.trouble.isOver) {
        continue;
      }
      const { disk } = this.#receiverMachine;
      const what = fault.how === "partial"
        ? meddleWithPartial(disk, fault.item)
        : meddleWithFile(disk, this.checks.placedFiles(), fault.item, fault.how);
      if (what === undefined) continue;
      this.scheduler.note(`somebody does ${fault.how} to ${what}`);
      this.trouble.happened.add(i);
      this.#hasMeddled = true;
      this.checks.meddled(what, before === "start" ? this.#connections : nth);
    }
  }

  #changeSource(fault: Fault & { kind: "source" }): void {
    const { items } = this.plan.senders[fault.sender]!;
    const files = items.filter((item) => item.kind === "file");
    const item = files[fault.item % Math.max(1, files.length)];
    if (item === undefined) return;
    changeFile(this.#senderMachines[fault.sender]!.disk, `${OUTBOX}/${item.path}`, fault.change);
  }

  #heal(): void {
    this.trouble.isOver = true;
    for (const machine of [this.#receiverMachine, ...this.#senderMachines]) {
      machine.skewMs = 0;
      machine.stepMs = machine === this.#receiverMachine ? { sync: this.plan.syncMs } : {};
      machine.disk.freeBytes = Infinity;
    }
  }
}

/** A run that does not end. */
export class StuckError extends Error {}

/**
 * A run of the rounds protocol: machines, processes and lines as a plan has them, until everybody is done, and then what
 * must hold.
 * @module
 */
import { draftOf } from "../../../cli/replace_file.ts";
import { writeClientKey } from "../../../cli/rounds_key_files.ts";
import { concat } from "../../../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import { DRAIN_TIMEOUT_MS } from "../../../lib/limits.ts";
import type { RoundsServiceEvent } from "../../../lib/net/rounds_server.ts";
import { ProtocolError } from "../../../lib/rounds/errors.ts";
import { formatClientKey, parseClientKey } from "../../../lib/rounds/key_files.ts";
import { deriveRoot, SALT_SIZE } from "../../../lib/rounds/root.ts";
import { Dice } from "../dice.ts";
import { Disk } from "../disk.ts";
import { Line, type LineFault } from "../line.ts";
import { EPOCH_MS, type Machine, Process } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { KEY_FOLDER, runClient } from "./client.ts";
import { KeyDatabase } from "./keys.ts";
import { Ledger, type Value } from "./ledger.ts";
import { type Lineage, Lineages } from "./lineages.ts";
import { Person } from "./person.ts";
import type { Deviance, RoundsFault, RoundsPlan } from "./plan.ts";
import { ServerRun } from "./server.ts";
import { RoundsTrouble } from "./trouble.ts";
import { EndWatch, WatchedEnd } from "./wire.ts";

/** Runs have some hundreds, few have thousands: with so many, something goes on for ever. */
const EVENTS_MAX = 100_000;
const CONNECT_TIMEOUT_MS = 15_000;
/** What a person who starts a program again waits at first, and at most. */
const AGAIN_MS = 50;
const AGAIN_MAX_MS = 3_000;
const OUT_FOLDER = "/out";
const SCP_MS = 20;
/** How long a stranger waits for an answer. */
const STRANGER_MS = 12_000;
/** By how much what a server does may come later than it should, beside the time that it stands still. */
const SLACK_MS = 200;
/** What a healthy group may take for a round, beside its deadlines. */
const PATIENCE_MS = 60_000;

/** A connection. */
interface Connection {
  readonly number: number;
  /** Whose it is; `undefined` for a stranger's. */
  readonly person: Person | undefined;
  readonly deviance: Deviance | undefined;
  readonly line: Line;
  readonly faults: LineFault[];
  readonly client: Process;
  readonly server: ServerRun;
  readonly clientWatch: EndWatch;
  readonly serverWatch: EndWatch;
  hasNoise: boolean;
  hasFault: boolean;
}

/** How a deviant is refused. */
const REFUSALS: Readonly<Record<Deviance, string>> = {
  challenge: "mac",
  round: "round",
  epoch: "round",
  direction: "direction",
};

/** A run that does not end. */
export class StuckError extends Error {}

/** See the module's text. */
export class RoundsWorld {
  readonly plan: RoundsPlan;
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly trouble: RoundsTrouble;
  readonly ledger: Ledger;
  readonly violations: string[] = [];
  readonly #lineages: Lineages;
  readonly #database: KeyDatabase;
  readonly #people: readonly Person[];
  readonly #serverMachine: Machine;
  readonly #strangerMachine: Machine;
  readonly #processes: Process[] = [];
  readonly #connections: Connection[] = [];
  readonly #baseKey;
  #server: ServerRun | undefined;
  #isStarting = false;
  /** Milliseconds that the server stood still in all. */
  #pausedMs = 0;
  #isEnding = false;

  constructor(plan: RoundsPlan, isLogging = false) {
    this.plan = plan;
    this.dice = new Dice(plan.seed).split("rounds run");
    this.scheduler = new Scheduler(this.dice.split("schedule"), isLogging);
    const crash = (process: Process, isPowerLoss: boolean, downMs: number) =>
      this.#crash(process, isPowerLoss, downMs);
    this.trouble = new RoundsTrouble(plan.faults, crash, this.dice.split("trouble"));
    const fail = (text: string) => this.fail(text);
    this.ledger = new Ledger(fail);
    this.#lineages = new Lineages(fail);
    this.#database = new KeyDatabase(this.#lineages);
    this.#serverMachine = this.#makeMachine("server", OUT_FOLDER);
    this.#strangerMachine = this.#makeMachine("stranger", OUT_FOLDER);
    this.#baseKey = this.dice.split("base key").bytes(32);
    this.#people = plan.clients.map((client, i) => {
      const machine = this.#makeMachine(`client${i}`, KEY_FOLDER);
      const person = new Person(machine, client, this.dice.split(`person ${i}`));
      const root = this.#newRoot(person);
      this.#database.rows.enroll(machine.name, root);
      this.#lineages.enrolled(machine.name, root);
      const line = `${formatClientKey({ id: machine.name, epoch: 0, root, comment: "" })}\n`;
      person.putKey(new TextEncoder().encode(line));
      return person;
    });
  }

  /** Notes down what did not hold. */
  fail(text: string): void {
    this.scheduler.note(`WRONG: ${text}`);
    // What is wrong at rest is so after each event.
    if (!this.violations.includes(text)) this.violations.push(text);
  }

  /** The process whose paths begin with this number. */
  find(number: number): Process {
    return this.#processes[number]!;
  }

  /** Lets it all happen. */
  async run(): Promise<void> {
    this.#scheduleFaults();
    this.#startServer();
    for (const person of this.#people) {
      this.scheduler.after(
        person.plan.startMs,
        `${person.id} is started`,
        undefined,
        () => this.#startClient(person),
      );
    }
    let isWell = false;
    this.scheduler.after(this.plan.healMs, "all is well again", undefined, () => isWell = true);
    await this.#until(
      "the first part did not end",
      () => isWell || this.#people.every(({ hasHadItsRounds }) => hasHadItsRounds),
    );
    this.#heal();
    await this.#until("the server did not start", () => this.#isUp());
    for (const person of this.#people.filter(({ isKeyUseless }) => isKeyUseless)) {
      this.#enroll(person);
      await this.#until("a client was not enrolled", () => !person.isKeyUseless);
    }
    for (const person of this.#people) {
      person.isAskedAgain = true;
      if (person.process === undefined) this.#startClient(person);
    }
    const deadlineMs = this.scheduler.nowMs + PATIENCE_MS + 20 * this.plan.deadlineMs;
    const isServed = () => this.#people.every(({ hasAnswerAgain }) => hasAnswerAgain);
    await this.#until("time stood still", () => isServed() || this.scheduler.nowMs > deadlineMs);
    for (const { id, hasAnswerAgain } of this.#people) {
      if (!hasAnswerAgain) this.fail(`${id} does not get through, though everything is well`);
    }
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#isEnding = true;
    const server = this.#server!;
    this.#stop(server);
    await this.#until("the server did not stop", () => !server.process.isAlive);
    await this.#until("a process did not end", () => this.#processes.every(({ isAlive }) => !isAlive));
  }

  async #until(failure: string, condition: () => boolean): Promise<void> {
    const deadlineMs = this.scheduler.nowMs + 3_600_000;
    const isOver = () => {
      this.#atRest();
      return condition() || this.scheduler.nowMs > deadlineMs || this.scheduler.eventCount > EVENTS_MAX;
    };
    await this.scheduler.run(isOver);
    if (condition()) return;
    this.fail(failure);
    throw new StuckError(failure);
  }

  /** What must hold between any two events. */
  #atRest(): void {
    const server = this.#server;
    if (server === undefined || !server.process.isAlive) return;
    const nowMs = this.scheduler.nowMs;
    const slackMs = SLACK_MS + this.#pausedMs;
    if (
      server.connectionCount === 0 && server.process.timerCount > 0 && server.process.busyUntilMs <= nowMs
    ) {
      this.fail("the server has timers, and no connection");
    }
    if (
      server.stoppingSinceMs !== undefined && nowMs > server.stoppingSinceMs + slackMs + 2 * DRAIN_TIMEOUT_MS
    ) {
      this.fail("the server does not stop");
    }
    if (server.enoughSinceMs === undefined) return;
    for (const { serverWatch, server: its } of this.#connections) {
      if (its !== server || serverWatch.valueSinceMs === undefined) continue;
      const sinceMs = Math.max(serverWatch.valueSinceMs, server.enoughSinceMs);
      if (nowMs > sinceMs + 2 * this.plan.deadlineMs + slackMs) {
        this.fail("a value waited for longer than two deadlines, though there were enough clients");
      }
    }
  }

  #isUp(): boolean {
    return this.#server?.isListening === true && this.#server.process.isAlive;
  }

  #makeMachine(name: string, folder: string): Machine {
    const disk = new Disk(() => EPOCH_MS + Math.floor(this.scheduler.nowMs), this.plan.journal);
    disk.create(folder, "directory", 0o700);
    disk.settle();
    return { name, disk, isUp: true, skewMs: 0, stepMs: {} };
  }

  #makeProcess(machine: Machine, name = machine.name): Process {
    const { scheduler, trouble } = this;
    const number = this.#processes.length;
    const process = new Process({ name, number, machine, scheduler, judge: trouble });
    this.#processes.push(process);
    return process;
  }

  #newRoot({ id, dice }: Person) {
    return deriveRoot(this.#baseKey, id, dice.bytes(SALT_SIZE));
  }

  #startServer(): void {
    this.#serverMachine.isUp = true;
    if (this.#isStarting) return;
    const process = this.#makeProcess(this.#serverMachine);
    this.scheduler.note("server starts");
    const server = new ServerRun({
      process,
      keys: this.#database.open(process),
      random: this.dice.split(`server ${process.number}`),
      plan: this.plan,
      onEvent: (event) => this.#onEvent(process, event),
      onStop: () => this.#stop(server),
      roundsMax: () => this.trouble.isOver ? Infinity : this.plan.roundsMax ?? Infinity,
      fail: (text) => this.fail(text),
    });
    this.#server = server;
  }

  #startServerLater(delayMs: number): void {
    this.#isStarting = true;
    this.scheduler.after(delayMs, "server is started again", undefined, () => {
      this.#isStarting = false;
      this.#startServer();
    });
  }

  #stop(server: ServerRun, downMs = 500): void {
    this.scheduler.note("server stops");
    void server.stop().then(() => {
      const { process } = server;
      if (!process.isAlive) return;
      this.#mustHaveNothing(process);
      process.die(false);
      if (!this.#isEnding) this.#startServerLater(downMs);
    });
  }

  #mustHaveNothing(process: Process): void {
    if (process.timerCount > 0) this.fail(`${process.name} has left ${process.timerCount} timers`);
    if (process.belongings.size > 0) {
      this.fail(`${process.name} has left ${process.belongings.size} things open`);
    }
  }

  #onEvent(process: Process, event: RoundsServiceEvent): void {
    if (event.kind === "round") {
      this.scheduler.note(`round ${event.number}: ${JSON.stringify(event.sums)}, late ${event.late}`);
      this.ledger.reported(process.number, event);
      this.#checkDeadline(process, Object.keys(event.sums));
    } else if (event.kind === "failed") {
      this.scheduler.note(`server says: ${event.address} ${event.error}`);
      const connection = this.#connections.find(({ number }) => addressOf(number) === event.address)!;
      this.#judgeAtServer(connection, event.error);
    } else {
      if (event.kind === "joined") this.#checkJoined(event.address);
      this.scheduler.note(`${event.id} has ${event.kind} ${event.kind === "left" ? event.reason : ""}`);
    }
  }

  /** A round is over at its deadline, from its opening on: as soon as there were enough clients and a value. */
  #checkDeadline(process: Process, ids: readonly string[]): void {
    const server = this.#server!;
    if (server.process !== process || server.enoughSinceMs === undefined) return;
    const values = this.#connections.flatMap(({ server: its, serverWatch: { hello, valueSinceMs } }) =>
      its === server && valueSinceMs !== undefined && ids.includes(hello!.lineage.id) ? [valueSinceMs] : []
    );
    const openMs = Math.max(server.closedMs, server.enoughSinceMs, Math.min(...values));
    const lateMs = process.monotonicMs() - openMs - this.plan.deadlineMs - SLACK_MS - this.#pausedMs;
    if (lateMs > 0) this.fail(`a round closed ${Math.round(lateMs)} ms after its deadline`);
  }

  readonly #joined = new Map<Lineage, number>();

  /** No session takes the place of a newer one. */
  #checkJoined(address: string): void {
    const { serverWatch } = this.#connections.find(({ number }) => addressOf(number) === address)!;
    const { lineage, epoch } = serverWatch.hello!;
    if (epoch < (this.#joined.get(lineage) ?? 0)) this.fail(`${lineage.id} has joined with an older session`);
    this.#joined.set(lineage, epoch);
  }

  /** Whether something may go wrong at the server, and has gone wrong as it should. */
  #judgeAtServer(connection: Connection, error: unknown): void {
    const { deviance, person, serverWatch, hasNoise } = connection;
    if (codeOf(error) === "disk" && this.trouble.hasHappened("server", "error")) return;
    const isDocumented = error instanceof ProtocolError;
    if (isDocumented && (hasNoise || person === undefined)) return;
    // The client's end knows its HELLO for what it was.
    const hello = connection.clientWatch.hello ?? serverWatch.hello;
    if (isDocumented && hello !== undefined && this.#isOvertaken(connection, hello)) return;
    if (isDocumented && deviance !== undefined && error.kind === REFUSALS[deviance]) return;
    const text = error instanceof Error && !isDocumented ? error.stack : String(error);
    this.fail(`the server failed on a connection of ${person?.id} on which nothing was wrong: ${text}`);
  }

  /** Whether a HELLO's epoch is over: the key is another one by now, or another HELLO of this client came before. */
  #isOvertaken(connection: Connection, { lineage, epoch }: { lineage: Lineage; epoch: number }): boolean {
    if (this.#lineages.current(lineage.id) !== lineage) return true;
    return epoch < lineage.epoch && this.#connections.some((each) => {
      const other = each.serverWatch.hello;
      return each !== connection && other?.lineage === lineage && other.epoch >= epoch;
    });
  }

  #startClient(person: Person, deviance?: Deviance, isSecond = false): void {
    if (this.#isEnding) return;
    const process = this.#makeProcess(person.machine);
    person.machine.isUp = true;
    const isMain = !isSecond && deviance === undefined;
    if (isMain) person.process = process;
    this.scheduler.note(`${process.name} starts${isMain ? "" : ` beside itself ${deviance ?? ""}`}`);
    const dice = this.dice.split(`client ${process.number}`);
    let left = isMain ? Infinity : deviance === undefined ? 2 : 1;
    const next = async () => {
      const isOver = () => this.#isEnding || (isMain && person.isContent);
      if (isOver() || left === 0) return undefined;
      left -= 1;
      const thinkMs = this.trouble.isOver ? this.plan.deadlineMs / 4 : person.plan.thinkMs;
      await process.later(thinkMs * dice.fraction(), "thinks", () => {});
      if (isOver()) return undefined;
      return this.ledger.issue(person.id, dice, deviance === undefined);
    };
    const promise = runClient({
      process,
      random: dice,
      deviance,
      dial: async () => {
        const { duplex, connection } = await this.#dial(process, person, deviance);
        const onValue = (value: Value) =>
          this.ledger.sending(value, connection.number, connection.server.process.number);
        return { duplex, onValue };
      },
      next,
      onAnswer: (value, aggregate) => {
        if (!process.isAlive) return;
        this.ledger.answered(value, aggregate);
        this.scheduler.note(`${process.name} hears of round ${aggregate.serverRound}`);
        if (isMain) person.answered(this.trouble.isOver);
      },
    });
    const end = (error: unknown) => {
      if (!process.isAlive) return;
      this.scheduler.note(`${process.name} ended: ${error ?? "done"}`);
      if (error !== undefined) this.#judgeAtClient(process, error);
      this.#mustHaveNothing(process);
      process.die(false);
      if (isMain) this.#clientEnded(person, error);
    };
    promise.then(() => end(undefined), end);
  }

  #clientEnded(person: Person, error: unknown): void {
    person.process = undefined;
    if (this.#isEnding) return;
    if (error !== undefined) person.failureCount += 1;
    const delayMs = Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** person.failureCount);
    this.#startClientLater(person, delayMs * (0.5 + person.dice.fraction()));
  }

  #startClientLater(person: Person, delayMs: number): void {
    this.scheduler.after(delayMs, `${person.id} is started again`, undefined, () => {
      if (person.process === undefined && !person.isContent) this.#startClient(person);
    });
  }

  #judgeAtClient(process: Process, error: unknown): void {
    const code = codeOf(error);
    if (code === "connection_lost" || code === "rejected") return;
    const isDiskError = code === "disk" || code === "disk_full" || code === "permission";
    if (isDiskError && this.trouble.hasHappened(process.name, "error")) return;
    const hasNoise = this.#connections.some((each) => each.client === process && each.hasNoise);
    if (error instanceof ProtocolError && hasNoise) return;
    const text = error instanceof Error ? error.stack : String(error);
    this.fail(`${process.name} failed in a way that nothing explains: ${code} ${text}`);
  }

  async #dial(
    process: Process,
    person: Person | undefined,
    deviance?: Deviance,
  ): Promise<{ duplex: WatchedEnd; connection: Connection }> {
    const { line: profile } = this.plan;
    await process.later(2 * profile.latencyMs, "dials", () => {});
    const server = this.#server;
    if (!this.#isUp() || server === undefined) {
      if (!this.#serverMachine.isUp) await process.later(CONNECT_TIMEOUT_MS, "gives up dialling", () => {});
      throw new StxError("connection_lost", "Cannot connect");
    }
    const number = this.#connections.length;
    // What a stranger says again was faulty once already.
    const faults = person === undefined ? [] : this.trouble.ofLine(number);
    const line = new Line(process, server.process, {
      number,
      profile,
      dice: this.dice.split(`line ${number}`),
      faults,
      onFault: (fault) => {
        connection.hasFault = true;
        connection.hasNoise ||= fault.kind === "noise";
        this.trouble.onLineFault(fault);
      },
    });
    const options = {
      lineages: this.#lineages,
      nowMs: () => this.scheduler.nowMs,
      isDeviant: deviance !== undefined,
      fail: (text: string) => this.fail(text),
      onValue: (text: string) => this.ledger.onWire(number, text),
      onAggregate: (id: string, aggregate: Parameters<Ledger["onAggregate"]>[2]) =>
        this.ledger.onAggregate(server.process.number, id, aggregate),
    };
    const connection: Connection = {
      number,
      person,
      deviance,
      line,
      faults,
      client: process,
      server,
      clientWatch: new EndWatch("c2s", options),
      serverWatch: new EndWatch("s2c", options),
      hasNoise: false,
      hasFault: false,
    };
    this.#connections.push(connection);
    server.take(new WatchedEnd(line.server, server.process, connection.serverWatch), addressOf(number));
    // What a stranger sends was sealed by somebody else.
    const clientWatch = person === undefined ? new EndWatch("s2c", options) : connection.clientWatch;
    return { duplex: new WatchedEnd(line.client, process, clientWatch), connection };
  }

  /** A stranger says what was said on another connection, and waits for what comes. */
  async #replay(of: number): Promise<void> {
    const recording = this.#connections[of]?.clientWatch.recording;
    if (recording === undefined) return;
    const process = this.#makeProcess(this.#strangerMachine);
    this.scheduler.note(`connection ${of} comes again`);
    try {
      const { connection: { line: { client } } } = await this.#dial(process, undefined);
      const cancel = process.clock.after(STRANGER_MS, () => client.close());
      try {
        await client.write(concat(...recording));
        while (await client.read(new Uint8Array(65536)) !== null);
      } finally {
        cancel();
        client.close();
      }
    } catch (error) {
      this.scheduler.note(`the stranger says: ${error}`);
    }
    process.die(false);
  }

  /** As `stx rounds enroll --force` does, and `scp` after it. */
  #enroll(person: Person): void {
    const process = this.#makeProcess(this.#serverMachine, "admin");
    this.scheduler.note(`${person.id} is enrolled`);
    const root = this.#newRoot(person);
    const { id } = person;
    const keys = this.#database.open(process);
    const file = `${OUT_FOLDER}/${id}`;
    // From here on the old file is good for nothing, or will be.
    person.isKeyUseless = true;
    const lineage = () => this.#lineages.current(id);
    Promise.try(writeClientKey, `${process.mount}${file}`, { id, epoch: 0, root, comment: "" }, () => {
      keys.enroll(id, root);
    }).then(() => {
      if (!process.isAlive) return;
      const enrolled = lineage();
      const bytes = process.disk.find(file).now.data;
      process.die(false);
      this.scheduler.after(SCP_MS, `${id} gets its key`, undefined, () => {
        // Somebody may have enrolled it once more, or revoked it.
        if (lineage() !== enrolled) return;
        person.putKey(bytes);
        person.isKeyUseless = false;
      });
    }, (error) => {
      if (process.isAlive) this.fail(`an enrolment failed: ${error?.stack ?? error}`);
    });
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
    if (machine === this.#serverMachine) {
      this.#checkEnrolments();
      if (gone.some(({ name }) => name === "server")) this.#startServerLater(downMs);
      else if (isPowerLoss) {
        this.scheduler.after(downMs, "server's machine is up", undefined, () => machine.isUp = true);
      }
      return;
    }
    const person = this.#people.find((each) => each.machine === machine)!;
    if (person.process === undefined || person.process.isAlive) return;
    person.process = undefined;
    this.#startClientLater(person, downMs);
  }

  /** Whatever became of an enrolment: the server knows every key file that has its name. */
  #checkEnrolments(): void {
    for (const { path, data } of this.#serverMachine.disk.list(OUT_FOLDER)) {
      if (path.endsWith(draftOf(""))) continue;
      const { id, root } = parseClientKey(data.slice());
      if (!this.#lineages.knows(id, root)) this.fail(`${id} has a key file that the server does not know`);
    }
  }

  #scheduleFaults(): void {
    for (const [i, fault] of this.plan.faults.entries()) {
      if (fault.kind === "slow") {
        this.trouble.happened.add(i);
        this.#serverMachine.stepMs.store = fault.ms;
        this.#pausedMs += 100 * fault.ms;
      }
      if (fault.kind === "restore") {
        this.scheduler.after(fault.copiedAtMs, "a key file is copied", undefined, () => {
          this.#people[fault.client]!.copyKey();
        });
      }
      if (!("atMs" in fault)) continue;
      this.scheduler.after(fault.atMs, `fault ${fault.kind}`, undefined, () => {
        if (this.trouble.isOver) return;
        this.trouble.happened.add(i);
        this.#befall(fault);
      });
    }
  }

  #befall(fault: RoundsFault): void {
    switch (fault.kind) {
      case "crashAt": {
        const process = this.#processOf(fault.who);
        if (process !== undefined) this.#crash(process, fault.isPowerLoss, fault.downMs);
        break;
      }
      case "stop":
        if (this.#isUp()) this.#stop(this.#server!, fault.downMs);
        break;
      case "pause": {
        const process = this.#processOf(fault.who);
        if (process === undefined) break;
        process.busyUntilMs = Math.max(process.busyUntilMs, this.scheduler.nowMs + fault.ms);
        if (fault.who === "server") this.#pausedMs += fault.ms;
        break;
      }
      case "clock":
        this.#machines().find(({ name }) => name === fault.who)!.skewMs += fault.byMs;
        break;
      case "again":
        this.#startClient(this.#people[fault.client]!, undefined, true);
        break;
      case "deviant":
        this.#startClient(this.#people[fault.client]!, fault.how);
        break;
      case "restore":
        this.#restore(this.#people[fault.client]!);
        break;
      case "enroll":
        this.#enroll(this.#people[fault.client]!);
        break;
      case "revoke":
        this.#revoke(this.#people[fault.client]!);
        break;
      case "replay":
        void this.#replay(fault.connection);
    }
  }

  #restore(person: Person): void {
    if (!person.restoreKey()) return;
    person.isKeyUseless = true;
    // The copy may be of a key that the server has forgotten.
    this.#lineages.restored(person.id);
  }

  #revoke(person: Person): void {
    person.isKeyUseless = true;
    this.#lineages.revoked(person.id);
    this.#database.rows.revoke(person.id);
  }

  #processOf(who: string): Process | undefined {
    return this.#processes.find((each) => each.isAlive && each.name === who);
  }

  #machines(): readonly Machine[] {
    return [this.#serverMachine, ...this.#people.map(({ machine }) => machine)];
  }

  #heal(): void {
    this.scheduler.note("all is well");
    this.trouble.isOver = true;
    for (const machine of this.#machines()) {
      machine.skewMs = 0;
      machine.stepMs = {};
    }
    for (const process of this.#processes) {
      process.busyUntilMs = Math.min(process.busyUntilMs, this.scheduler.nowMs);
    }
    for (const { faults, line, hasFault, client, server } of this.#connections) {
      faults.length = 0;
      // What TCP does by itself, in an hour or two.
      if (hasFault || !client.isAlive || !server.process.isAlive) line.reset();
    }
  }
}

function addressOf(connection: number): string {
  return `10.0.${connection >> 8}.${connection & 255}`;
}

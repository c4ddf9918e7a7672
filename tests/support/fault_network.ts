/**
 * Two machines with a wire between them, on one: network namespaces, in which packets can be lost, refused and damaged,
 * and the wire pulled out. Linux only, as root of a network of its own: see tests/long/faults.ts.
 * @module
 */
import { runProgram } from "./programs.ts";

/** What can happen to the wire. */
export type Trouble = "drop" | "reject" | "corrupt" | "down" | "mtu";

/** All of them. */
export const TROUBLES: readonly Trouble[] = ["drop", "reject", "corrupt", "down", "mtu"];

/** Where the receiver listens. */
export const RECEIVER_ADDRESS = "10.77.0.2";

const [NEAR, FAR] = ["stx-near", "stx-far"] as const;

/** See the module's text. */
export class FaultNetwork implements AsyncDisposable {
  /** Words before a command line that run it on the sender's machine. */
  readonly near: readonly string[] = ["ip", "netns", "exec", NEAR];
  /** Words before a command line that run it on the receiver's machine. */
  readonly far: readonly string[] = ["ip", "netns", "exec", FAR];

  /** Makes both machines, and a wire of this many megabits a second. */
  static async make(megabits: number): Promise<FaultNetwork> {
    const network = new FaultNetwork();
    for (const name of [NEAR, FAR]) await run("ip", "netns", "add", name);
    await run("ip", "link", "add", "near0", "netns", NEAR, "type", "veth", "peer", "far0", "netns", FAR);
    for (
      const [words, device, address] of [
        [network.near, "near0", "10.77.0.1"],
        [network.far, "far0", RECEIVER_ADDRESS],
      ] as const
    ) {
      // Packets as they go over a wire, and not many at once; damage is then damage to one of them.
      await run(...words, "ip", "link", "set", device, "gso_max_segs", "1");
      await run(...words, "ip", "address", "add", `${address}/24`, "dev", device);
      await run(...words, "ip", "link", "set", "lo", "up");
      await run(...words, "ip", "link", "set", device, "up");
      const rate = ["rate", `${megabits}mbit`, "burst", "64kb", "latency", "50ms"];
      await run(...words, "tc", "qdisc", "add", "dev", device, "root", "tbf", ...rate);
    }
    return network;
  }

  /** Begins a trouble; returns what ends it. */
  async begin(trouble: Trouble, random: () => number): Promise<() => Promise<void>> {
    switch (trouble) {
      case "down":
        await run(...this.near, "ip", "link", "set", "near0", "down");
        return () => run(...this.near, "ip", "link", "set", "near0", "up");
      case "mtu": {
        const mtu = [576, 700, 1280, 9000][Math.floor(random() * 4)]!;
        await run(...this.near, "ip", "link", "set", "near0", "mtu", String(mtu));
        return () => run(...this.near, "ip", "link", "set", "near0", "mtu", "1500");
      }
      default:
        return await this.#filter(trouble, random);
    }
  }

  async #filter(trouble: "drop" | "reject" | "corrupt", random: () => number): Promise<() => Promise<void>> {
    const isAll = random() < 0.5;
    const some = `numgen random mod 100 < ${1 + Math.floor(random() * 30)}`;
    // A byte of the payload, 64 bytes behind the beginning of the TCP header, in one packet of a few hundred.
    const rule = {
      drop: isAll ? "drop" : `${some} drop`,
      reject: `${isAll ? "" : some} meta l4proto tcp reject with tcp reset`,
      corrupt: `meta length > 500 numgen random mod 400 == 0 @th,512,8 set 0x99`,
    }[trouble];
    const table = `table ip trouble { chain packets { type filter hook input priority 0; ${rule}; }; }`;
    await run(...this.far, "nft", table);
    return () => run(...this.far, "nft", "delete table ip trouble");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [NEAR, FAR]) await run("ip", "netns", "delete", name);
  }
}

async function run(...words: readonly string[]): Promise<void> {
  const [program, ...args] = words;
  const { code, stderr } = await runProgram(program!, args);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr.trim()}`);
}

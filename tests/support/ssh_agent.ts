/**
 * A real ssh-agent for tests.
 * @module
 */
import assert from "node:assert/strict";

/** Runs `body` while an ssh-agent listens on a socket in `folder`. */
export async function withAgent(folder: string, body: (socket: string) => Promise<void>): Promise<void> {
  const socket = `${folder}/agent`;
  const agent = new Deno.Command("ssh-agent", {
    args: ["-D", "-a", socket],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    // It says where it listens once it does.
    const reader = agent.stdout.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /SSH_AUTH_SOCK/);
    await reader.cancel();
    await body(socket);
  } finally {
    agent.kill("SIGTERM");
    await agent.status;
  }
}

import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../../../lib/errors.ts";
import { Session } from "../../../lib/records/session.ts";
import { ALERTS } from "../../../lib/wire/alert.ts";
import { MESSAGE_TYPES } from "../../../lib/wire/message.ts";
import { cryptoTest } from "../../support/settled_crypto.ts";
import { assertRejects } from "../identity/failures.ts";
import { joined, opened, ROOMY, secretOf, START_MS, typesOf } from "./records.ts";

const GCM = "aes-256-gcm";
const STATEMENT = utf8("what the session itself does not read");

cryptoTest("a ROTATION is taken below the transfer, once in each direction", async () => {
  const [client, server] = joined();
  for (const [from, to] of [[client, server], [server, client]] as const) {
    from.session.send("offer");
    from.session.send("rotation", STATEMENT);
    from.session.send("manifest");
    assert.deepEqual(typesOf(await to.receive(await from.output())), ["offer", "manifest"]);
    assert.deepEqual(to.rotations, [STATEMENT]);
    assert.equal(to.session.failure, undefined);
  }
});

cryptoTest("a second ROTATION ends the session, and what comes behind it is not given out", async () => {
  const [client, server] = joined();
  for (const type of ["rotation", "offer", "rotation", "manifest"] as const) {
    client.session.send(type, STATEMENT);
  }
  assert.deepEqual(typesOf(await server.receive(await client.output())), ["offer"]);
  assert.equal(codeOf(server.session.failure), "unexpected_message");
  assert.match(server.session.failure!.message, /one before/);
  assert.equal(server.rotations.length, 1);
});

cryptoTest("a ROTATION that was sent before READY ends the session", async () => {
  const [client, server] = joined();
  client.session.send("rotation", STATEMENT);
  const bytes = await client.output();
  await assertRejects(
    () => server.session.receive(bytes, START_MS, true),
    "unexpected_message",
    /not open yet/,
  );
  assert.equal(server.rotations.length, 0);
  await server.settle();
});

cryptoTest("other early messages are taken", async () => {
  const [client, server] = joined();
  client.session.send("offer", STATEMENT);
  const messages = await server.session.receive(await client.output(), START_MS, true);
  assert.deepEqual(typesOf(messages), ["offer"]);
});

for (const code of ["malformed", "bad_signature", "bad_identity"] as const) {
  cryptoTest(`a ROTATION that is ${code} ends the session, and the peer is told`, async () => {
    const [client] = joined();
    let woken = Promise.withResolvers<void>();
    const server = new Session({
      suite: GCM,
      sendSecret: secretOf("server"),
      receiveSecret: secretOf("client"),
      limits: ROOMY,
      onOutput: () => {
        woken.resolve();
        woken = Promise.withResolvers();
      },
      onRotation() {
        throw new StxError(code, "not a good one");
      },
    }, START_MS);
    client.session.send("rotation", STATEMENT);
    client.session.send("offer");
    const bytes = await client.output();
    await assertRejects(() => server.receive(bytes, START_MS), code);
    let alert: Bytes = new Uint8Array(0);
    for (let signal = woken.promise; alert.length === 0; signal = woken.promise) {
      alert = concat(...server.takeOutput());
      if (alert.length === 0) await signal;
    }
    const plaintext = await opened(GCM, secretOf("server"), alert);
    assert.equal(plaintext[0], MESSAGE_TYPES.alert);
    assert.deepEqual(plaintext.slice(5), Uint8Array.of(ALERTS.protocolError));
  });
}

cryptoTest("a ROTATION is control: a full window does not hold it back", async () => {
  const limits = { windowRecords: 2, windowSizeBytes: 1024 };
  const [client, server] = joined({ limits });
  client.session.send("offer");
  client.session.send("data");
  assert.ok(!client.session.hasRoom(0));
  client.session.send("rotation", STATEMENT);
  await server.receive(await client.output());
  assert.deepEqual(server.rotations, [STATEMENT]);
});

import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { RoundsClient } from "../../../lib/rounds/client.ts";
import { COUNTER_MAX } from "../../../lib/rounds/packet.ts";
import { nextRoot, rootAfter } from "../../../lib/rounds/root.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { Ends, enrolled, fails, ID, ROOT } from "./ends.ts";

const ZEROS = new Uint8Array(32);

Deno.test("the server's epoch goes past each session before it is answered", () => {
  const keys = enrolled();
  const log: string[] = [];
  const advance = keys.advance.bind(keys);
  const ends = new Ends(keys);
  keys.advance = (id, from, to, root) => {
    assert.deepEqual(ends.server.takeOutput(), [], "the answer waits");
    log.push(`${id} ${to}`);
    assert.deepEqual(from, ROOT);
    assert.deepEqual(root, nextRoot(ROOT));
    return advance(id, from, to, root);
  };
  ends.toServer();
  assert.deepEqual(log, [`${ID} 1`]);
  assert.deepEqual(keys.find(ID), { root: nextRoot(ROOT), epoch: 1 });
});

Deno.test("a client may be up to 1,024 epochs ahead, and not one behind", () => {
  for (const ahead of [0, 1, 1_024]) {
    const keys = enrolled();
    new Ends(keys, { epoch: ahead, root: rootAfter(ROOT, ahead) }).open().round();
    assert.deepEqual(keys.find(ID), { root: rootAfter(ROOT, ahead + 1), epoch: ahead + 1 });
  }
  const keys = enrolled();
  const far = new Ends(keys, { epoch: 1_025, root: rootAfter(ROOT, 1_025) });
  fails("round", () => far.toServer(), /HELLO of epoch 1025: 0 to 1024 may come/);
  assert.equal(keys.find(ID)!.epoch, 0);
  new Ends(keys).open();
  const error = fails("round", () => new Ends(keys).toServer(), /HELLO of epoch 0: 1 to 1025 may come/);
  assert.match(error.hint!, /enrolled again/);
});

Deno.test("a HELLO of a right epoch under another epoch's root is a wrong key, and moves nothing", () => {
  const keys = enrolled();
  fails("mac", () => new Ends(keys, { epoch: 3, root: ROOT }).toServer());
  fails("mac", () => new Ends(keys, { epoch: 0, root: nextRoot(ROOT) }).toServer());
  assert.deepEqual(keys.find(ID), { root: ROOT, epoch: 0 });
});

Deno.test("the last epoch opens a session, and there is none behind it", () => {
  const keys = enrolled();
  keys.advance(ID, ROOT, COUNTER_MAX, ROOT);
  new Ends(keys, { epoch: COUNTER_MAX }).open().round();
  const { epoch, root } = keys.find(ID)!;
  assert.equal(epoch, 2 ** 32);
  const copy = root.slice();
  fails(
    "limit",
    () => RoundsClient.start({ id: ID, epoch, root: copy, random: seededRandom("x") }),
    /enrolled again/,
  );
  assert.deepEqual(copy, ZEROS);
  // As nobody sends it: 2^32 does not fit, so that it comes as 0.
  fails("round", () => new Ends(keys, { epoch: 0, root }).toServer(), /HELLO of epoch 0: 4294967296 to/);
});

Deno.test("another process that was quicker wins, and the client's new key stays", () => {
  for (
    const meanwhile of [
      // Another session of the client, and another enrolment of it: the epoch may be the same again.
      (keys: ReturnType<typeof enrolled>) => void keys.advance(ID, ROOT, 1, nextRoot(ROOT)),
      (keys: ReturnType<typeof enrolled>) => keys.enroll(ID, new Uint8Array(32).fill(9)),
      (keys: ReturnType<typeof enrolled>) => void keys.revoke(ID),
    ]
  ) {
    const keys = enrolled();
    const ends = new Ends(keys);
    const find = keys.find.bind(keys);
    keys.find = (id) => {
      const found = find(id);
      meanwhile(keys);
      return found;
    };
    fails("round", () => ends.toServer(), /another one was quicker/);
    keys.find = find;
    const other = enrolled();
    meanwhile(other);
    assert.deepEqual(keys.find(ID), other.find(ID));
    assert.deepEqual(ends.server.takeOutput(), []);
  }
});

Deno.test("roots are overwritten as soon as a session has keys of its own", () => {
  const root = ROOT.slice();
  const client = RoundsClient.start({ id: ID, epoch: 0, root, random: seededRandom("ends") });
  assert.deepEqual(root, ROOT);
  const keys = enrolled();
  const found: Bytes[] = [];
  const given: Bytes[] = [];
  const [find, advance] = [keys.find.bind(keys), keys.advance.bind(keys)];
  keys.find = (id) => {
    const known = find(id)!;
    found.push(known.root);
    return known;
  };
  keys.advance = (id, from, to, next) => {
    given.push(next);
    return advance(id, from, to, next);
  };
  const ends = new Ends(keys);
  ends.toServer();
  assert.deepEqual(found, [ZEROS]);
  assert.deepEqual(given, [ZEROS]);
  for (const _ of client.receive(concat(...ends.server.takeOutput())));
  assert.deepEqual(root, ZEROS);
});

Deno.test("roots are overwritten, too, where the handshake fails", () => {
  const keys = enrolled();
  const found: Bytes[] = [];
  const find = keys.find.bind(keys);
  keys.find = (id) => {
    const known = find(id)!;
    found.push(known.root);
    return known;
  };
  for (const options of [{ root: new Uint8Array(32).fill(9) }, { epoch: 2_000 }]) {
    assert.throws(() => new Ends(keys, options).toServer());
  }
  keys.advance = () => {
    throw new Error("the disk is full");
  };
  assert.throws(() => new Ends(keys).toServer(), /disk is full/);
  assert.deepEqual(found, [ZEROS, ZEROS, ZEROS]);

  const root = ROOT.slice();
  const client = RoundsClient.start({ id: ID, epoch: 0, root, random: seededRandom("ends") });
  fails("limit", () => [...client.receive(new Uint8Array(4))]);
  assert.deepEqual(root, ZEROS);
  const other = ROOT.slice();
  RoundsClient.start({ id: ID, epoch: 0, root: other, random: seededRandom("ends") }).close();
  assert.deepEqual(other, ZEROS);
});

import assert from "node:assert/strict";
import { deferred } from "../../../lib/bytes/deferred.ts";

Deno.test("a deferred promise settles as it is told, and only once", async () => {
  const resolved = deferred<number>();
  resolved.resolve(1);
  resolved.resolve(2);
  resolved.reject(new Error("too late"));
  assert.equal(await resolved.promise, 1);
  const rejected = deferred<void>();
  rejected.reject(new Error("why"));
  rejected.resolve();
  await assert.rejects(rejected.promise, /why/);
});

Deno.test("a deferred promise follows one that it is resolved with", async () => {
  const first = deferred<string>();
  const second = deferred<string>();
  first.resolve(second.promise);
  second.resolve("end");
  assert.equal(await first.promise, "end");
});

import assert from "node:assert/strict";
import { Rate } from "../../../cli/rate.ts";

Deno.test("a rate needs half a second", () => {
  const rate = new Rate(1000, 0);
  assert.equal(rate.perSecond(), undefined);
  rate.add(1499, 100);
  assert.equal(rate.perSecond(), undefined);
  rate.add(1500, 100);
  assert.equal(rate.perSecond(), 200);
});

Deno.test("a rate counts from where it starts", () => {
  const rate = new Rate(0, 5_000_000);
  rate.add(1000, 5_000_300);
  assert.equal(rate.perSecond(), 300);
});

Deno.test("a rate forgets what is older than its window", () => {
  const rate = new Rate(0, 0);
  let amount = 0;
  for (let atMs = 100; atMs <= 20_000; atMs += 100) rate.add(atMs, amount += 1000);
  assert.equal(rate.perSecond(), 10_000);
  for (let atMs = 20_100; atMs <= 30_000; atMs += 100) rate.add(atMs, amount += 10);
  assert.equal(rate.perSecond(), 100);
});

Deno.test("after a standstill a rate is the average over it", () => {
  const rate = new Rate(0, 0);
  rate.add(1000, 1000);
  rate.add(21_000, 2000);
  // The last sample before the window is kept.
  assert.equal(rate.perSecond(), 50);
});

Deno.test("samples are a quarter of a second apart, so that few are held", () => {
  const rate = new Rate(0, 0);
  rate.add(100, 1000);
  rate.add(5100, 5100);
  // Not from 100 on, where the window begins: no sample was kept there.
  assert.equal(rate.perSecond(), 1000);
});

/** The client's own check of public keys, which no honest receiver puts to the test. @module */
import assert from "node:assert/strict";
import { ed25519, ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { NEEDS, PYTHON, runPython } from "./python.ts";

Deno.test({
  name: `the client takes a public key only if it is canonical and of prime order ${NEEDS}`,
  ignore: PYTHON === undefined,
  fn: async () => {
    const key = ed25519.getPublicKey(ed25519.utils.randomSecretKey());
    const mixed = ED25519_TORSION_SUBGROUP.slice(1).map((small) =>
      ed25519.Point.fromBytes(key).add(ed25519.Point.fromHex(small)).toHex()
    );
    // 2^255 - 19 + 3, where y = 3 is a good point's coordinate, and 1 with the sign of x = 0.
    const overflowing = `f0${"ff".repeat(30)}7f`;
    const signed = `01${"00".repeat(30)}80`;
    const noPoint = `02${"00".repeat(31)}`;
    const wrong = [...ED25519_TORSION_SUBGROUP, ...mixed, overflowing, signed, noPoint, key.toHex().slice(2)];

    const { code, stdout, stderr } = await runPython(
      "ed25519_point.py",
      [],
      [key.toHex(), ...wrong].join("\n"),
    );

    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.trimEnd().split("\n"), ["safe", ...wrong.map(() => "not safe")]);
  },
});

/**
 * The vectors of tests/vectors and the second implementation: both come from docs/protocol.md alone, and neither from
 * the other.
 * @module
 */
import assert from "node:assert/strict";
import { PROJECT_FOLDER } from "../../scripts/project.ts";
import { NEEDS, PYTHON, runPython } from "./python.ts";

Deno.test({
  name: `every vector that a client, a session or a sender can be held against comes out ${NEEDS}`,
  ignore: PYTHON === undefined,
  fn: async () => {
    const { code, stdout, stderr } = await runPython("vectors.py", [`${PROJECT_FOLDER}/tests/vectors`]);

    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\d{3,} cases, 0 of them otherwise\n$/);
  },
});

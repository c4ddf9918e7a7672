/**
 * The parts of a rounds server and of its clients that `lib/net` has, with some of their defences switched off.
 * @module
 */
import type { Off } from "../../lib/attacks/defences.ts";
import { makeWeakRoundsServer, startWeakRoundsClient } from "../../lib/attacks/weak/rounds.ts";
import type { StxError } from "../../lib/errors.ts";
import { ClosedByServer, RoundsMembership, type RoundsParts } from "../../lib/net/rounds_client.ts";
import { RoundsService, type RoundsServiceOptions } from "../../lib/net/rounds_server.ts";
import type { RoundsServerOptions, RoundsServerSession } from "../../lib/rounds/server.ts";

/** A server without some defences. */
export function makeWeakRoundsService(off: Off, options: RoundsServiceOptions): RoundsService {
  class WeakService extends RoundsService {
    protected override makeSession(options: RoundsServerOptions): RoundsServerSession {
      return makeWeakRoundsServer(off, options);
    }

    protected override supersede(id: string): void {
      if (!off.has("one session a client")) super.supersede(id);
    }
  }
  return new WeakService(options);
}

/** What a client without some defences is made of. */
export function weakRoundsParts(off: Off): RoundsParts {
  class WeakMembership extends RoundsMembership {
    protected override endWithoutClose(): StxError {
      return off.has("end only by CLOSE") ? new ClosedByServer("done") : super.endWithoutClose();
    }
  }
  return {
    startSession: (options) => startWeakRoundsClient(off, options),
    makeMembership: (session, duplex) => new WeakMembership(session, duplex),
  };
}

import { signalRHub } from "./hub.js";
import { Memories } from "./memories.js";
import { warnOnConsole, type TransportOptions } from "./options.js";
import { Pace } from "./pace.js";
import { PresenceMirrors } from "./presenceMirrors.js";
import { Refusals } from "./refusals.js";
import { RealtimeSocket, type SocketSettings } from "./socket.js";

/** What `createClient` takes as `realtime.transport`: a constructor in the place of `WebSocket`. */
export type RealtimeTransport = new (address: string | URL, protocols?: string | string[]) => RealtimeSocket;

/**
 * Makes the transport for a supabase-js client.
 *
 * ```ts
 * const supabase = createClient(url, key, { realtime: { transport: realtimeTransport() } });
 * ```
 *
 * One transport serves any number of clients; they share its memory of refused joins and its pace of reconnecting.
 */
export function realtimeTransport(options: TransportOptions = {}): RealtimeTransport {
  const settings: SocketSettings = {
    // Looked up at each call, so that a fetch that is replaced later, by instrumentation for one, counts.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    hub: options.hub ?? signalRHub,
    log: options.logger ?? warnOnConsole,
    callTimeoutMs: options.callTimeoutMs ?? 15_000,
    retryMs: options.retryMs ?? [1_000, 5_000, 15_000],
    refusals: new Refusals(options.refusalMs ?? 60_000),
    pace: new Pace(options.random),
    random: options.random ?? Math.random,
    latestOnly: new Set(options.latestOnly),
    mirrors: new PresenceMirrors(),
    memories: new Memories(),
    onResume: inItsOwnTurn(options.onResume),
    onGap: inItsOwnTurn(options.onGap),
  };

  return class extends RealtimeSocket {
    constructor(address: string | URL) {
      super(address, settings);
    }
  };
}

/** After the frames before it, and so that a handler that throws does not disturb us. */
function inItsOwnTurn<T>(handler: ((value: T) => void) | undefined): (value: T) => void {
  return (value) => handler !== undefined && queueMicrotask(() => handler(value));
}

import type { HubFactory } from "./hub.js";

/** Receives what a developer may want to know. Never a token, never a row. */
export type Logger = (level: "debug" | "warn", message: string) => void;

/** A channel has been given all that it missed. */
export interface Resumed {
  readonly topic: string;
  /** Changes that came late. */
  readonly count: number;
}

/** A channel has missed changes that cannot be given. */
export interface MissedChanges {
  readonly topic: string;
  /** One of the protocol's, such as `WindowPassed`. */
  readonly reason: string;
  readonly message: string;
}

/** Settings of the transport; each has a default. */
export interface TransportOptions {
  /** Makes the HTTP calls. Default: the global `fetch`. */
  readonly fetch?: typeof fetch;

  /** Default: warnings go to `console.warn`. */
  readonly logger?: Logger;

  /**
   * Milliseconds that one HTTP call, or the opening of the SignalR connection, may take. Default: 15,000.
   *
   * supabase-js gives up a join after 10 seconds (its `timeout` option) whatever this says.
   */
  readonly callTimeoutMs?: number;

  /** Milliseconds for which a join that was refused for good is answered from memory. Default: 60,000. */
  readonly refusalMs?: number;

  /**
   * Milliseconds between tries of a leave, a new token, a track or a question what was missed that failed for a passing reason, or of broadcasts that
   * were answered 429.
   * Default: 1, 5, 15 seconds.
   */
  readonly retryMs?: readonly number[];

  /**
   * Events of broadcasts of which only the newest matters, such as `["cursor-move", "typing"]`. Default: none.
   *
   * Of such an event, one message waits for each topic while a call is under way or the rate allows no more; a newer one takes its place. Live
   * cursors then cost no more than one call at a time, whatever the mouse does, and never lag behind.
   */
  readonly latestOnly?: readonly string[];

  /** Is told when a channel that lost its connection, or a message, has been given what it missed. */
  readonly onResume?: (resumed: Resumed) => void;

  /** Is told when changes were missed that cannot be given: read the channel's rows again. */
  readonly onGap?: (gap: MissedChanges) => void;

  /** Opens the connection that brings messages. Default: `@microsoft/signalr`, with its own fall-backs to SSE and long polling. */
  readonly hub?: HubFactory;

  /** Spreads reconnects, and requests for what was missed and who is present. Default: `Math.random`. */
  readonly random?: () => number;
}

/** Logs warnings to the console, so that a first mistake is seen without any set-up. */
export const warnOnConsole: Logger = (level, message) => {
  if (level === "warn") {
    console.warn(`[serverless-realtime] ${message}`);
  }
};

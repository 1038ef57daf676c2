import type { HubFactory } from "./hub.js";

/** Receives what a developer may want to know. Never a token, never a row. */
export type Logger = (level: "debug" | "warn", message: string) => void;

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

  /** Milliseconds between tries of a leave or of a new token that failed for a passing reason. Default: 1, 5, 15 seconds. */
  readonly retryMs?: readonly number[];

  /** Opens the connection that brings messages. Default: `@microsoft/signalr`, with its own fall-backs to SSE and long polling. */
  readonly hub?: HubFactory;

  /** Spreads reconnects. Default: `Math.random`. */
  readonly random?: () => number;
}

/** Logs warnings to the console, so that a first mistake is seen without any set-up. */
export const warnOnConsole: Logger = (level, message) => {
  if (level === "warn") {
    console.warn(`[serverless-realtime] ${message}`);
  }
};

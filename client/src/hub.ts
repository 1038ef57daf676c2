import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

/** The little of a SignalR connection that the transport uses; tests put their own in its place. */
export interface Hub {
  on(target: string, handler: (argument: unknown) => void): void;
  onclose(handler: (error?: Error) => void): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes a connection that is not started yet. */
export type HubFactory = (url: string, accessToken: string) => Hub;

/**
 * A connection of `@microsoft/signalr`.
 *
 * Without its automatic reconnect: a session ends with its connection, and supabase-js knows how to begin anew and to join again.
 * Without cookies: tokens say who is calling, and cookies would ask more of the service's CORS settings.
 */
export const signalRHub: HubFactory = (url, accessToken) =>
  new HubConnectionBuilder()
    .withUrl(url, { accessTokenFactory: () => accessToken, withCredentials: false })
    .configureLogging(LogLevel.None)
    .build();

import { createClient, type RealtimeChannel, type RealtimePostgresChangesPayload, type SupabaseClient } from "@supabase/supabase-js";
import { realtimeTransport, type TransportOptions } from "../../src/index.js";
import type { Address } from "./app.js";
import type { Inbox } from "./inbox.js";

export type RowChange = RealtimePostgresChangesPayload<Record<string, unknown>>;

/** What a test may set beside what every application sets. */
export interface ClientSettings {
  readonly transport?: TransportOptions;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** A client as an application makes it; nothing but the options of `createClient` differs from Supabase. */
export function clientOf(app: Address, vsn?: string, { transport, params }: ClientSettings = {}): SupabaseClient {
  return createClient(app.url, app.anonKey, {
    realtime: { transport: realtimeTransport(transport), ...(vsn === undefined ? {} : { vsn }), ...(params === undefined ? {} : { params }) },
    auth: { persistSession: false, autoRefreshToken: false },
  });
}

/** A message as a channel's handler of `broadcast` gets it. */
export interface Heard {
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: { readonly id?: string; readonly replayed?: boolean };
}

/** Writes down what a channel hears. */
export function listen(channel: RealtimeChannel, heard: Inbox<Heard>): RealtimeChannel {
  return channel.on("broadcast", { event: "*" }, (message) => heard.add(message as unknown as Heard));
}

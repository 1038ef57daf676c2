import { createClient, type RealtimePostgresChangesPayload, type SupabaseClient } from "@supabase/supabase-js";
import { realtimeTransport } from "../../src/index.js";
import type { App } from "./app.js";

export type RowChange = RealtimePostgresChangesPayload<Record<string, unknown>>;

/** A client as an application makes it; nothing but the options of `createClient` differs from Supabase. */
export function clientOf(app: App, vsn?: string): SupabaseClient {
  return createClient(app.url, app.anonKey, {
    realtime: { transport: realtimeTransport(), ...(vsn === undefined ? {} : { vsn }) },
    auth: { persistSession: false, autoRefreshToken: false },
  });
}

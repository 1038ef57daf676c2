// Runs in the browser: what a small application would write, with its state put on `window` for the test to read.
import { createClient } from "@supabase/supabase-js";
import { realtimeTransport } from "../../src/index.js";

declare global {
  interface Window {
    startFollowing(url: string, key: string, table: string): void;
    statuses: string[];
    longestTask: number;
    changes: { readonly type: string; readonly row: unknown }[];
  }
}

window.statuses = [];
window.changes = [];
window.startFollowing = (url, key, table) => {
  createClient(url, key, { realtime: { transport: realtimeTransport() } })
    .channel("page")
    .on("postgres_changes", { event: "*", schema: "public", table }, ({ eventType, new: row }) => {
      window.changes.push({ type: eventType, row });
    })
    .subscribe((status) => window.statuses.push(status));
};

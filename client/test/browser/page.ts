// Runs in the browser: what a small application would write, with its state put on `window` for the test to read.
import { createClient, type RealtimeChannel } from "@supabase/supabase-js";
import { realtimeTransport } from "../../src/index.js";

declare global {
  interface Window {
    startFollowing(url: string, key: string, table: string): void;
    enterRoom(url: string, key: string, topic: string, name: string): void;
    room: RealtimeChannel;
    heard: { readonly event: string; readonly payload: unknown }[];
    members: readonly string[];
    statuses: string[];
    longestTask: number;
    changes: { readonly type: string; readonly row: unknown }[];
  }
}

window.statuses = [];
window.changes = [];
window.heard = [];
window.members = [];
window.startFollowing = (url, key, table) => {
  createClient(url, key, { realtime: { transport: realtimeTransport() } })
    .channel("page")
    .on("postgres_changes", { event: "*", schema: "public", table }, ({ eventType, new: row }) => {
      window.changes.push({ type: eventType, row });
    })
    .subscribe((status) => window.statuses.push(status));
};
window.enterRoom = (url, key, topic, name) => {
  const room = createClient(url, key, { realtime: { transport: realtimeTransport({ latestOnly: ["cursor-move"] }) } }).channel(topic, {
    config: { presence: { key: name } },
  });
  window.room = room
    .on("broadcast", { event: "*" }, ({ event, payload }) => {
      window.heard.push({ event, payload: payload instanceof ArrayBuffer ? [...new Uint8Array(payload)] : payload });
    })
    .on("presence", { event: "sync" }, () => {
      window.members = Object.keys(room.presenceState()).sort();
    })
    .subscribe((status) => {
      window.statuses.push(status);
      if (status === "SUBSCRIBED") {
        void room.track({ name, online_at: new Date().toISOString() });
      }
    });
};

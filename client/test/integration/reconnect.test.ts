import type { SupabaseClient } from "@supabase/supabase-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf, type RowChange } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Statuses } from "../support/statuses.js";

describe.skipIf(!hasApp)("a client of a service that is killed and started again", () => {
  let app: App;
  let client: SupabaseClient;

  beforeAll(async () => {
    app = await startApp();
    await app.sql.query(`
      create table public.ticks (id int primary key);
      alter publication supabase_realtime add table public.ticks;`);
    client = clientOf(app);
  });
  afterAll(async () => {
    await client.removeAllChannels();
    await app.stop();
  });

  it("is told CHANNEL_ERROR, then SUBSCRIBED again, and hears what is committed from then on, once", async () => {
    const changes = new Inbox<RowChange>();
    const channel = client.channel("ticks").on("postgres_changes", { event: "*", schema: "public", table: "ticks" }, changes.add);
    const statuses = new Statuses(channel);
    await statuses.until("SUBSCRIBED");
    await app.sql.query("insert into public.ticks values (1)");
    await changes.until(({ new: row }) => (row as { id: number }).id === 1);

    await app.kill();
    await statuses.until("CHANNEL_ERROR");
    const before = statuses.seen.length;
    await app.restart();
    await statuses.until("SUBSCRIBED", before, 45_000);
    await app.sql.query("insert into public.ticks values (2)");
    await changes.until(({ new: row }) => (row as { id: number }).id === 2);
    expect(changes.items.filter(({ new: row }) => (row as { id: number }).id === 2)).toHaveLength(1);
  });
});

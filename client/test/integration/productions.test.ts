import type { SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf, type RowChange } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Statuses } from "../support/statuses.js";

const workspace = "6f1f2c1e-4c1c-4b1e-9d2a-000000000001";
const elsewhere = "6f1f2c1e-4c1c-4b1e-9d2a-000000000002";

/** What a production team's application does: a list of productions of one workspace, and a board of one production's tasks. */
describe.skipIf(!hasApp)("an application of a production team", () => {
  let app: App;
  let supabase: SupabaseClient;

  beforeAll(async () => {
    app = await startApp();
    await app.sql.query(`
      create table public.productions (id serial primary key, workspace_id uuid not null, title text not null);
      create table public.project_tasks (
        id serial primary key, production_id int not null, title text not null, status text not null default 'todo');
      alter table public.productions replica identity full;
      alter table public.project_tasks replica identity full;
      alter publication supabase_realtime add table public.productions, public.project_tasks;`);
  });
  afterAll(() => app.stop());
  afterEach(() => supabase.removeAllChannels());

  it("follows the productions of its workspace", async () => {
    supabase = clientOf(app);
    const updates = new Inbox<RowChange>();
    const productionChannel = supabase
      .channel("production-changes")
      .on("postgres_changes", { event: "*", schema: "public", table: "productions", filter: `workspace_id=eq.${workspace}` }, updates.add);
    await new Statuses(productionChannel).until("SUBSCRIBED");

    await app.sql.query("insert into public.productions (workspace_id, title) values ($1, 'Hamlet'), ($2, 'Macbeth')", [workspace, elsewhere]);
    await app.sql.query("update public.productions set title = title || '!'");
    await app.sql.query("delete from public.productions");
    const heard = await updates.until(({ eventType }) => eventType === "DELETE");
    expect(heard.map(({ eventType, new: row, old }) => [eventType, (row as { title?: string }).title ?? (old as { title?: string }).title])).toEqual([
      ["INSERT", "Hamlet"],
      ["UPDATE", "Hamlet!"],
      ["DELETE", "Hamlet!"],
    ]);
  });

  it("keeps a board of tasks that ends up as the table is", async () => {
    supabase = clientOf(app);
    const productionId = 7;
    const board = new Map<number, Record<string, unknown>>();
    const seen = new Inbox<RowChange>();
    const taskChannel = supabase
      .channel("task-updates")
      .on<Record<string, unknown>>(
        "postgres_changes",
        { event: "*", schema: "public", table: "project_tasks", filter: `production_id=eq.${productionId}` },
        (payload) => {
          if (payload.eventType === "DELETE") {
            board.delete(payload.old["id"] as number);
          } else {
            board.set(payload.new["id"] as number, payload.new);
          }
          seen.add(payload);
        },
      );
    await new Statuses(taskChannel).until("SUBSCRIBED");

    await app.sql.query("insert into public.project_tasks (production_id, title) select 7 + n % 2, 'task ' || n from generate_series(1, 40) n");
    await app.sql.query("begin; update public.project_tasks set status = 'review' where id % 3 = 0; delete from public.project_tasks where id % 5 = 0; commit");
    await app.sql.query("insert into public.project_tasks (production_id, title) values (7, 'the end')");
    await seen.until(({ new: row }) => (row as { title?: string }).title === "the end");

    const { rows } = await app.sql.query<{ id: number }>("select * from public.project_tasks where production_id = 7 order by id");
    expect([...board.values()].sort((left, right) => Number(left["id"]) - Number(right["id"]))).toEqual(rows);
  });
});

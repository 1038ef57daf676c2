import type { SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf, type RowChange } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Statuses } from "../support/statuses.js";

describe.skipIf(!hasApp)("subscriptions", () => {
  let app: App;
  const clients: SupabaseClient[] = [];

  beforeAll(async () => {
    app = await startApp();
    await app.sql.query(`
      create table public.modules (id serial primary key, name text not null, price numeric);
      create table public.messages_v2 (
        id serial primary key, conversation_id text, user_id text, status text, body text);
      alter table public.messages_v2 replica identity full;
      create table public.private_notes (id serial primary key, body text);
      alter publication supabase_realtime add table public.modules, public.messages_v2;`);
  });
  afterAll(() => app.stop());
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.removeAllChannels()));
  });

  function connect(vsn?: string): SupabaseClient {
    const client = clientOf(app, vsn);
    clients.push(client);
    return client;
  }

  it.each(["1.0.0", "2.0.0"])("follow every event of a table until they are ended, with serializer %s", async (vsn) => {
    const changes = new Inbox<RowChange>();
    const client = connect(vsn);
    const channel = client
      .channel("modules-changes")
      .on("postgres_changes", { event: "*", schema: "public", table: "modules" }, changes.add);
    const statuses = new Statuses(channel);
    await statuses.until("SUBSCRIBED");

    const { rows } = await app.sql.query<{ id: number }>("insert into public.modules (name, price) values ('Chess', 9.5) returning id");
    const id = rows[0]?.id;
    await app.sql.query("update public.modules set name = 'Go' where id = $1", [id]);
    await app.sql.query("delete from public.modules where id = $1", [id]);
    const [inserted, updated, deleted, ...more] = await changes.until(({ eventType }) => eventType === "DELETE");

    expect(more).toEqual([]);
    expect(inserted).toMatchObject({ eventType: "INSERT", schema: "public", table: "modules", old: {}, errors: null });
    expect(inserted?.new).toEqual({ id, name: "Chess", price: 9.5 });
    expect(Math.abs(Date.parse(inserted?.commit_timestamp ?? "") - Date.now())).toBeLessThan(60_000);
    expect(updated).toMatchObject({ eventType: "UPDATE", new: { id, name: "Go", price: 9.5 }, old: { id } });
    expect(deleted).toMatchObject({ eventType: "DELETE", new: {}, old: { id } });

    expect(await channel.unsubscribe()).toBe("ok");
    await statuses.until("CLOSED");
    await app.sql.query("insert into public.modules (name) values ('Unheard')");
    const later = new Inbox<RowChange>();
    const next = client.channel("later").on("postgres_changes", { event: "*", schema: "public", table: "modules" }, later.add);
    await new Statuses(next).until("SUBSCRIBED");
    await app.sql.query("insert into public.modules (name) values ('Heard')");
    await later.until((change) => (change.new as { name: string }).name === "Heard");
    expect(changes.items).toHaveLength(3);
  });

  it("of INSERT hear of inserts alone, under an eq filter", async () => {
    const messages = new Inbox<RowChange>();
    const channel = connect()
      .channel("messages-channel")
      .on("postgres_changes", { event: "INSERT", schema: "public", table: "messages_v2", filter: "conversation_id=eq.abc-123" }, messages.add);
    await new Statuses(channel).until("SUBSCRIBED");

    await app.sql.query("insert into public.messages_v2 (conversation_id, body) values ('other', 'no'), ('abc-123', 'yes'), (null, 'no')");
    await app.sql.query("update public.messages_v2 set body = 'changed' where conversation_id = 'abc-123'");
    await app.sql.query("delete from public.messages_v2");
    await app.sql.query("insert into public.messages_v2 (conversation_id, body) values ('abc-123', 'last')");
    const heard = await messages.until(({ new: row }) => (row as { body: string }).body === "last");
    expect(heard.map(({ eventType, new: row }) => [eventType, (row as { body: string }).body])).toEqual([
      ["INSERT", "yes"],
      ["INSERT", "last"],
    ]);
  });

  it("with two conditions hear of rows that meet both, whatever the event", async () => {
    const messages = new Inbox<RowChange>();
    const channel = connect()
      .channel("active-messages")
      .on(
        "postgres_changes",
        { event: "*", schema: "public", table: "messages_v2", filter: "user_id=eq.user-1,status=eq.active" },
        messages.add,
      );
    await new Statuses(channel).until("SUBSCRIBED");

    await app.sql.query(`
      insert into public.messages_v2 (user_id, status, body)
      values ('user-1', 'idle', 'a'), ('user-2', 'active', 'b'), ('user-1', 'active', 'c')`);
    await app.sql.query("update public.messages_v2 set status = 'active' where body = 'a'");
    await app.sql.query("delete from public.messages_v2 where body in ('b', 'c')");
    const heard = await messages.until(({ eventType }) => eventType === "DELETE");
    expect(heard.map((change) => [change.eventType, ((change.eventType === "DELETE" ? change.old : change.new) as { body: string }).body])).toEqual([
      ["INSERT", "c"],
      ["UPDATE", "a"],
      ["DELETE", "c"],
    ]);
  });

  it("several on one channel, and several channels on one client, each hear their own", async () => {
    const client = connect();
    const [inserts, deletes, modules] = [new Inbox<RowChange>(), new Inbox<RowChange>(), new Inbox<RowChange>()];
    const both = client
      .channel("both")
      .on("postgres_changes", { event: "INSERT", schema: "public", table: "messages_v2" }, inserts.add)
      .on("postgres_changes", { event: "DELETE", schema: "public", table: "messages_v2" }, deletes.add);
    const other = client.channel("other").on("postgres_changes", { event: "*", schema: "public", table: "modules" }, modules.add);
    await Promise.all([both, other].map((channel) => new Statuses(channel).until("SUBSCRIBED")));

    await app.sql.query("insert into public.messages_v2 (body) values ('x')");
    await app.sql.query("delete from public.messages_v2 where body = 'x'");
    await app.sql.query("insert into public.modules (name) values ('y')");
    await Promise.all([inserts, deletes, modules].map((inbox) => inbox.until(() => true)));
    expect([inserts, deletes, modules].map(({ items }) => items.map(({ eventType }) => eventType))).toEqual([["INSERT"], ["DELETE"], ["INSERT"]]);
  });

  it.each([
    ["a table that is not published", { event: "*", schema: "public", table: "private_notes" } as const],
    ["a table that does not exist", { event: "*", schema: "public", table: "nowhere" } as const],
    ["a column that does not exist", { event: "*", schema: "public", table: "modules", filter: "colour=eq.red" } as const],
    ["a value of another type", { event: "*", schema: "public", table: "modules", filter: "id=eq.red" } as const],
  ])("to %s are told CHANNEL_ERROR with a code and a reason", async (_, asked) => {
    const channel = connect().channel("wrong").on("postgres_changes", asked, () => undefined);
    expect(await new Statuses(channel).until("CHANNEL_ERROR")).toMatch(/^[A-Z][A-Za-z]+: .+/);
  });

  it("with a key that is not ours are told why", async () => {
    const stranger = clientOf({ ...app, anonKey: `${app.anonKey.slice(0, -3)}AAA` });
    clients.push(stranger);
    const channel = stranger.channel("room").on("postgres_changes", { event: "*", schema: "public", table: "modules" }, () => undefined);
    expect(await new Statuses(channel).until("CHANNEL_ERROR")).toMatch(/^socket closed: 1006 \([A-Z][A-Za-z]+: /);
  });

  it("carry on under a new token of the same user", async () => {
    const client = connect();
    await client.realtime.setAuth(app.tokenOf("user-1"));
    const changes = new Inbox<RowChange>();
    const channel = client.channel("mine").on("postgres_changes", { event: "INSERT", schema: "public", table: "modules" }, changes.add);
    const statuses = new Statuses(channel);
    await statuses.until("SUBSCRIBED");
    await client.realtime.setAuth(app.tokenOf("user-1"));
    await app.sql.query("insert into public.modules (name) values ('after')");
    await changes.until(({ new: row }) => (row as { name: string }).name === "after");
    expect(statuses.names).toEqual(["SUBSCRIBED"]);
  });

  it("begin a new session when another user signs in", async () => {
    const client = connect();
    await client.realtime.setAuth(app.tokenOf("user-1"));
    const changes = new Inbox<RowChange>();
    const channel = client.channel("mine").on("postgres_changes", { event: "INSERT", schema: "public", table: "modules" }, changes.add);
    const statuses = new Statuses(channel);
    await statuses.until("SUBSCRIBED");
    await client.realtime.setAuth(app.tokenOf("user-2"));
    await statuses.until("SUBSCRIBED", 1);
    await app.sql.query("insert into public.modules (name) values ('for the second')");
    await changes.until(({ new: row }) => (row as { name: string }).name === "for the second");
  });

  it("are closed, and told why, when a new token is not good", async () => {
    const client = connect();
    await client.realtime.setAuth(app.tokenOf("user-1"));
    const notes = new Inbox<string>();
    const channel = client
      .channel("mine")
      .on("system", {}, ({ message }: { message: string }) => notes.add(message))
      .on("postgres_changes", { event: "INSERT", schema: "public", table: "modules" }, () => undefined);
    const statuses = new Statuses(channel);
    await statuses.until("SUBSCRIBED");
    await client.realtime.setAuth(`${app.tokenOf("user-1").slice(0, -4)}AAAA`);
    await statuses.until("CLOSED");
    expect(notes.items.at(-1)).toMatch(/^[A-Z][A-Za-z]+: .+/);
  });
});

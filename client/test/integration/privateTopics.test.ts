import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf, listen, type Heard } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Room } from "../support/room.js";
import { Statuses } from "../support/statuses.js";

const ada = "6f1f2c1e-4c1c-4b1e-9d2a-00000000000a";
const bob = "6f1f2c1e-4c1c-4b1e-9d2a-00000000000b";
const eve = "6f1f2c1e-4c1c-4b1e-9d2a-00000000000e";

describe.skipIf(!hasApp)("private topics", () => {
  let app: App;
  const clients: SupabaseClient[] = [];

  beforeAll(async () => {
    app = await startApp();
    await app.sql.query(`
      create table public.members (topic text, user_id uuid, may_send boolean not null);
      insert into public.members values
        ('team', '${ada}', true), ('team', '${bob}', false), ('kept', '${ada}', true), ('ready', '${ada}', true);
      create policy "members hear" on realtime.messages for select to authenticated using (
        exists (select from public.members m where m.topic = (select realtime.topic()) and m.user_id = (select auth.uid())));
      create policy "some members send" on realtime.messages for insert to authenticated with check (
        exists (select from public.members m where m.topic = (select realtime.topic()) and m.user_id = (select auth.uid()) and m.may_send));`);
  });
  afterAll(() => app.stop());
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.removeAllChannels()));
  });

  async function signIn(user?: string): Promise<SupabaseClient> {
    const client = clientOf(app);
    clients.push(client);
    if (user !== undefined) {
      await client.realtime.setAuth(app.tokenOf(user));
    }
    return client;
  }

  const stepOf = (payload: unknown): number => (payload as { readonly step: number }).step;

  /** Joins the topic whose messages are kept; answers what is heard, and in which order with SUBSCRIBED. */
  async function replayed(client: SupabaseClient, replay: { since: number; limit: number }): Promise<[RealtimeChannel, Inbox<Heard>, readonly string[]]> {
    const heard = new Inbox<Heard>();
    const order: string[] = [];
    const channel = client.channel("kept", { config: { private: true, broadcast: { replay } } });
    listen(channel, heard).on("broadcast", { event: "moved" }, () => void order.push("heard"));
    await new Statuses(channel, undefined, (status) => void order.push(status)).until("SUBSCRIBED");
    return [channel, heard, order];
  }

  it("are for those whom the policies on realtime.messages let in", async () => {
    const [sender, member, stranger, anonymous] = await Promise.all([signIn(ada), signIn(bob), signIn(eve), signIn()]);
    const config = { private: true, broadcast: { ack: true } };
    const heard = new Inbox<Heard>();
    const from = sender.channel("team", { config });
    const to = listen(member.channel("team", { config }), heard);
    await Promise.all([from, to].map((channel) => new Statuses(channel).until("SUBSCRIBED")));
    const refused = [stranger, anonymous].map((client) => new Statuses(client.channel("team", { config })).until("CHANNEL_ERROR"));
    expect(await Promise.all(refused)).toEqual([expect.stringMatching(/^Unauthorized: /), expect.stringMatching(/^Unauthorized: /)]);

    expect(await from.send({ type: "broadcast", event: "plan", payload: { day: 1 } })).toBe("ok");
    await heard.until(({ event }) => event === "plan");
    expect(await to.send({ type: "broadcast", event: "plan", payload: { day: 2 } })).toBe("error");
  });

  it("are not the public topics of the same name", async () => {
    const [inside, outside] = await Promise.all([signIn(ada), signIn()]);
    const [secret, open] = [new Inbox<Heard>(), new Inbox<Heard>()];
    const privately = listen(inside.channel("team", { config: { private: true, broadcast: { self: true } } }), secret);
    const publicly = listen(outside.channel("team", { config: { broadcast: { self: true } } }), open);
    await Promise.all([privately, publicly].map((channel) => new Statuses(channel).until("SUBSCRIBED")));
    await privately.send({ type: "broadcast", event: "secret", payload: {} });
    await publicly.send({ type: "broadcast", event: "open", payload: {} });
    await Promise.all([secret.until(() => true), open.until(() => true)]);
    expect([secret, open].map(({ items }) => items.map(({ event }) => event))).toEqual([["secret"], ["open"]]);
  });

  it("show presence to those who may hear it", async () => {
    const [adas, bobs] = await Promise.all([signIn(ada), signIn(bob)]);
    const watcher = new Room(bobs, "team", "bob", undefined, true);
    await watcher.statuses.until("SUBSCRIBED");
    const member = new Room(adas, "team", "ada", { name: "Ada" }, true);
    await watcher.until({ ada: ["Ada"] });
    expect(await watcher.channel.track({ name: "Bob" })).toBe("error");
    await member.channel.unsubscribe();
    await watcher.until({});
  });

  it("replay what was sent by SQL while nobody was connected, and bring what is sent later", async () => {
    const since = Date.now() - 60_000;
    for (let step = 1; step <= 3; step++) {
      await app.sql.query("select realtime.send(jsonb_build_object('step', $1::int), 'moved', 'kept', true)", [step]);
    }
    // Those that capture has not read yet come live as well, and must not be heard twice.
    const [channel, heard, order] = await replayed(await signIn(ada), { since, limit: 25 });
    await heard.until(({ payload }) => stepOf(payload) === 3);
    await app.sql.query("select realtime.send('{\"step\": 4}', 'moved', 'kept', true)");
    await heard.until(({ payload }) => stepOf(payload) === 4);
    expect(heard.items.map(({ payload, meta }) => [stepOf(payload), meta?.replayed === true])).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, false],
    ]);
    expect(new Set(heard.items.map(({ meta }) => meta?.id)).size).toBe(4);
    expect(order).toEqual(["SUBSCRIBED", "heard", "heard", "heard", "heard"]);
    await channel.unsubscribe();

    const [, later] = await replayed(await signIn(ada), { since, limit: 2 });
    await later.until(({ payload }) => stepOf(payload) === 4);
    expect(later.items.map(({ payload }) => stepOf(payload))).toEqual([3, 4]);
  });

  it("say when messages from SQL are sure to arrive", async () => {
    const client = await signIn(ada);
    const notes = new Inbox<{ readonly extension: string; readonly status: string; readonly message: string }>();
    const channel = client
      .channel("ready", { config: { private: true, broadcast: { replication_ready: true } } })
      .on("system", {}, (note: { extension: string; status: string; message: string }) => notes.add(note));
    const heard = new Inbox<Heard>();
    listen(channel, heard);
    await new Statuses(channel).until("SUBSCRIBED");
    await notes.until(({ message }) => message === "Replication connection established");
    expect(notes.items.find(({ message }) => message === "Replication connection established")).toMatchObject({ status: "ok", channel: "ready" });
    await app.sql.query("select realtime.send('{}', 'ready', 'ready', true), realtime.send_binary('\\x0102', 'bytes', 'ready', true)");
    await heard.until(({ event }) => event === "bytes");
    expect(new Uint8Array(heard.items.find(({ event }) => event === "bytes")?.payload as ArrayBuffer)).toEqual(new Uint8Array([1, 2]));
  });

  it("that are public hear SQL too, where it says so", async () => {
    const heard = new Inbox<Heard>();
    await new Statuses(listen((await signIn()).channel("news"), heard)).until("SUBSCRIBED");
    await app.sql.query("select realtime.send('{\"title\": \"a\"}', 'news', 'news', false)");
    await heard.until(({ event }) => event === "news");
    expect(heard.items[0]?.payload).toMatchObject({ title: "a" });
  });
});

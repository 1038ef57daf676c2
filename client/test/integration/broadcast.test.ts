import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf, listen, type ClientSettings, type Heard } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { Statuses } from "../support/statuses.js";

describe.skipIf(!hasApp)("broadcasts", () => {
  let app: App;
  const clients: SupabaseClient[] = [];

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.stop());
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.removeAllChannels()));
  });

  function connect(vsn?: string, settings?: ClientSettings): SupabaseClient {
    const client = clientOf(app, vsn, settings);
    clients.push(client);
    return client;
  }

  /** Subscribes to a topic, and writes down what is heard. */
  async function join(client: SupabaseClient, topic: string, broadcast: { self?: boolean; ack?: boolean } = {}): Promise<[RealtimeChannel, Inbox<Heard>]> {
    const heard = new Inbox<Heard>();
    const channel = listen(client.channel(topic, { config: { broadcast } }), heard);
    await new Statuses(channel).until("SUBSCRIBED");
    return [channel, heard];
  }

  const send = (channel: RealtimeChannel, event: string, payload: unknown): Promise<string> => channel.send({ type: "broadcast", event, payload });
  const named = (event: string) => (message: Heard): boolean => message.event === event;

  it.each([
    ["1.0.0", "1.0.0"],
    ["1.0.0", "2.0.0"],
    ["2.0.0", "1.0.0"],
    ["2.0.0", "2.0.0"],
  ])("travel from serializer %s to serializer %s, in order, and not to other topics", async (from, to) => {
    const [sender, own] = await join(connect(from), "exercises");
    const [, heard] = await join(connect(to), "exercises");
    const [, elsewhere] = await join(connect(to), "other");
    for (let exercise = 1; exercise <= 50; exercise++) {
      await send(sender, "exercise_completed", { exerciseId: String(exercise) });
    }
    await send(sender, "größe", "done");
    await heard.until(named("größe"));
    expect(heard.items.slice(0, 50).map(({ payload }) => (payload as { exerciseId: string }).exerciseId)).toEqual(
      Array.from({ length: 50 }, (_, index) => String(index + 1)),
    );
    expect(heard.items[0]).toEqual({ type: "broadcast", event: "exercise_completed", payload: { exerciseId: "1" } });
    expect([own.items, elsewhere.items]).toEqual([[], []]);
  });

  it("keep names in any script", async () => {
    const [sender] = await join(connect("1.0.0"), "комната 🎉");
    const [other, heard] = await join(connect("2.0.0"), "комната 🎉");
    await send(sender, "привет 🎉", { text: "日本" });
    await heard.until(named("привет 🎉"));
    const [, echoed] = await join(connect("1.0.0"), "комната 🎉");
    await send(other, "plain", { text: "日本" });
    await echoed.until(named("plain"));
    expect([heard.items[0]?.payload, echoed.items[0]?.payload]).toEqual([{ text: "日本" }, { text: "日本" }]);
  });

  it("are heard by their sender with self, and answered with ack", async () => {
    const [sender, heard] = await join(connect(), "room", { self: true, ack: true });
    expect(await send(sender, "mine", { n: 1 })).toBe("ok");
    await heard.until(named("mine"));
    expect(heard.items).toEqual([{ type: "broadcast", event: "mine", payload: { n: 1 } }]);
  });

  it("may be bytes, which serializer 1.0.0 does not bring", async () => {
    const [sender] = await join(connect("2.0.0"), "bytes");
    const [, whole] = await join(connect("2.0.0"), "bytes");
    const [, textOnly] = await join(connect("1.0.0"), "bytes");
    const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 256);
    await send(sender, "bytes", bytes.buffer);
    await send(sender, "after", {});
    await Promise.all([whole, textOnly].map((inbox) => inbox.until(named("after"))));
    expect(new Uint8Array(whole.items[0]?.payload as ArrayBuffer)).toEqual(bytes);
    expect(textOnly.items.map(({ event }) => event)).toEqual(["after"]);
  });

  it("say who is typing, and until when", async () => {
    const [writer] = await join(connect(), "session-1");
    const [, heard] = await join(connect(), "session-1");
    const typing = { user_id: "ada", session_id: "1", is_typing: true, expires_at: new Date(Date.now() + 3_000).toISOString() };
    await send(writer, "typing", typing);
    await heard.until(named("typing"));
    expect(heard.items[0]?.payload).toEqual(typing);
  });

  it("keep to eventsPerSecond, and all arrive", async () => {
    const [sender] = await join(connect(undefined, { params: { eventsPerSecond: 20 } }), "paced");
    const [, heard] = await join(connect(), "paced");
    const began = Date.now();
    await Promise.all(Array.from({ length: 40 }, (_, index) => send(sender, "tick", index)));
    await heard.until(({ payload }) => payload === 39);
    expect(heard.items.map(({ payload }) => payload)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(Date.now() - began).toBeGreaterThanOrEqual(900);
  });

  it("on a channel that is not joined go over HTTP, as supabase-js does by itself", async () => {
    const notice = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const [, heard] = await join(connect(), "room");
    const stranger = connect().channel("room");
    expect(await send(stranger, "unjoined", { a: 1 })).toBe("ok");
    expect(await stranger.httpSend("explicit", { b: 2 })).toEqual({ success: true });
    expect(await stranger.httpSend("bytes", new Uint8Array([1, 2]).buffer)).toEqual({ success: true });
    await heard.until(named("bytes"));
    notice.mockRestore();
    expect(heard.items.map(({ event, payload }) => [event, payload instanceof ArrayBuffer ? payload.byteLength : payload])).toEqual([
      ["unjoined", { a: 1 }],
      ["explicit", { b: 2 }],
      ["bytes", 2],
    ]);
  });

  it("do not reach who has left", async () => {
    const [sender] = await join(connect(), "room");
    const leaver = connect();
    const [channel, heard] = await join(leaver, "room");
    await join(leaver, "stays");
    expect(await channel.unsubscribe()).toBe("ok");
    const [, after] = await join(leaver, "room");
    await send(sender, "later", {});
    await after.until(named("later"));
    expect(heard.items).toEqual([]);
  });
});

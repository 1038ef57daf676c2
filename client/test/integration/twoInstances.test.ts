import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { hasApp } from "../support/app.js";
import { clientOf, listen, type Heard } from "../support/clients.js";
import { Inbox } from "../support/inbox.js";
import { startPair, type Pair } from "../support/pair.js";
import { Room } from "../support/room.js";
import { Statuses } from "../support/statuses.js";

/** What clients of one process see of clients of another, where both share a database and a SignalR service: all of it. */
describe.skipIf(!hasApp)("clients of two processes of the service", () => {
  let pair: Pair;
  const clients: SupabaseClient[] = [];

  beforeAll(async () => {
    pair = await startPair();
    await pair.sql.query("create policy hear on realtime.messages for select to anon using (true)");
    await pair.sql.query("create policy send on realtime.messages for insert to anon with check (true)");
  });
  afterAll(() => pair.stop());
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.removeAllChannels()));
  });

  /** Two clients of each process, which speak both serializers. */
  function connectFour(): readonly SupabaseClient[] {
    const made = ["1.0.0", "2.0.0"].flatMap((vsn) => pair.instances.map((instance) => clientOf(instance, vsn)));
    clients.push(...made);
    return made;
  }

  async function join(client: SupabaseClient, topic: string, isPrivate = false): Promise<[RealtimeChannel, Inbox<Heard>]> {
    const heard = new Inbox<Heard>();
    const channel = listen(client.channel(topic, { config: { private: isPrivate, broadcast: { ack: true } } }), heard);
    await new Statuses(channel).until("SUBSCRIBED");
    return [channel, heard];
  }

  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
  const ofSender = (heard: Inbox<Heard>, from: number): readonly number[] =>
    heard.items.map(({ payload }) => payload as { from: number; n: number }).filter((payload) => payload.from === from).map(({ n }) => n);

  it.each([false, true])("hear what each of them broadcasts, once and in its order (private: %s)", async (isPrivate) => {
    const joined = await Promise.all(connectFour().map((client) => join(client, "exercises", isPrivate)));
    const answers = await Promise.all(
      joined.flatMap(([channel], from) => numbers(20).map((n) => channel.send({ type: "broadcast", event: "exercise_completed", payload: { from, n } }))),
    );
    expect(new Set(answers)).toEqual(new Set(["ok"]));
    await Promise.all(joined.map(([, heard]) => heard.until(() => heard.items.length >= (joined.length - 1) * 20)));
    joined.forEach(([, heard], index) =>
      joined.forEach((_, from) => expect(ofSender(heard, from)).toEqual(from === index ? [] : numbers(20))),
    );
  });

  it("hear what servers send over HTTP to either, once", async () => {
    const joined = await Promise.all(connectFour().map((client) => join(client, "from-servers")));
    for (const [from, { url, anonKey }] of pair.instances.entries()) {
      const post = (route: string, body: unknown): Promise<Response> =>
        fetch(`${url}/realtime/v1/api/broadcast${route}`, { method: "POST", headers: { apikey: anonKey, "content-type": "application/json" }, body: JSON.stringify(body) });
      const answered = await post("", { messages: numbers(10).map((n) => ({ topic: "from-servers", event: "moved", payload: { from, n } })) });
      const one = await post("/from-servers/events/moved", { from, n: 10 });
      expect([answered.status, one.status]).toEqual([202, 202]);
    }
    await Promise.all(joined.map(([, heard]) => heard.until(() => heard.items.length >= 22)));
    joined.forEach(([, heard]) => [0, 1].forEach((from) => expect(ofSender(heard, from)).toEqual(numbers(11))));
  });

  it("hear what SQL sends, once and in the order of its commits, and miss nothing when the process that streamed it is killed", async () => {
    const joined = await Promise.all(connectFour().map((client) => join(client, "from-sql", true)));
    const sent = async (first: number, count: number): Promise<void> => {
      for (let n = first; n < first + count; n++) {
        await pair.sql.query("select realtime.send(jsonb_build_object('from', 0, 'n', $1::int), 'moved', 'from-sql', true)", [n]);
      }
    };
    const heardAll = (count: number, withinMs?: number): Promise<unknown> =>
      Promise.all(joined.map(([, heard]) => heard.until(({ payload }) => (payload as { n: number }).n === count - 1, withinMs)));
    await sent(0, 30);
    await heardAll(30);
    joined.forEach(([, heard]) => expect(ofSender(heard, 0)).toEqual(numbers(30)));

    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await pair.kill(0);
    const since = Date.now();
    await sent(30, 30);
    await heardAll(60, 45_000);
    console.log(`kill -9 of the app that streams: the other one sent what SQL wrote after ${((Date.now() - since) / 1000).toFixed(1)} s`);
    // What the killed one had sent and not yet confirmed may come again.
    joined.forEach(([, heard]) => expect([...new Set(ofSender(heard, 0))]).toEqual(numbers(60)));
    await pair.restart(0);
    warned.mockRestore();
  }, 120_000);

  it("see who is present, who comes, who changes and who goes, whichever process each of them uses", async () => {
    const rooms = connectFour().map((client, index) => new Room(client, "online-users", `user-${index}`, { name: `User ${index}` }));
    const all = Object.fromEntries(rooms.map((_, index) => [`user-${index}`, [`User ${index}`]]));
    await Promise.all(rooms.map((room) => room.until(all)));
    const [ada, bob, ...others] = rooms as [Room, Room, ...Room[]];
    const seenBefore = rooms.map(({ events }) => events.items.length);
    expect(await ada.channel.track({ name: "away" })).toBe("ok");
    await Promise.all(rooms.map((room) => room.until({ ...all, "user-0": ["away"] })));
    expect(await bob.channel.untrack()).toBe("ok");
    const { "user-1": _, ...rest } = all;
    await Promise.all(rooms.map((room) => room.until({ ...rest, "user-0": ["away"] })));
    await ada.channel.unsubscribe();
    await Promise.all([bob, ...others].map((room) => room.until({ "user-2": ["User 2"], "user-3": ["User 3"] })));
    [bob, ...others].forEach(({ events }, index) =>
      expect(events.items.slice(seenBefore[index + 1]).filter((event) => event.startsWith("leave"))).toEqual(["leave user-1", "leave user-0"]),
    );

    // What a server is told is the same from both.
    const [first, second] = await Promise.all(
      pair.instances.map(async ({ url, anonKey }) => (await fetch(`${url}/realtime/v1/presence/online-users`, { headers: { apikey: anonKey } })).json() as Promise<unknown>),
    );
    expect(first).toEqual(second);
  });
});

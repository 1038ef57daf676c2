import type { SupabaseClient } from "@supabase/supabase-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasApp, startApp, type App } from "../support/app.js";
import { clientOf } from "../support/clients.js";
import { Room } from "../support/room.js";

/** The product's own times take more than a minute to pass. */
const times =
  process.env["REALTIME_TEST_FULL"] === "1"
    ? { settings: {}, goneWithinMs: 110_000 }
    : { settings: { Presence__HeartbeatInterval: "00:00:03", Presence__Timeout: "00:00:10" }, goneWithinMs: 30_000 };

describe.skipIf(!hasApp)("presence", () => {
  let app: App;
  const clients: SupabaseClient[] = [];

  beforeAll(async () => {
    app = await startApp(() => times.settings);
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

  /** Joins and waits for SUBSCRIBED. */
  async function enter(client: SupabaseClient, topic: string, key: string, told?: Readonly<Record<string, unknown>>): Promise<Room> {
    const room = new Room(client, topic, key, told);
    await room.statuses.until("SUBSCRIBED");
    return room;
  }

  it.each(["1.0.0", "2.0.0"])("shows who is online, who comes and who goes, with serializer %s", async (vsn) => {
    const topic = `online-users-${vsn}`;
    const watcher = await enter(connect(vsn), topic, "watcher");
    await watcher.until({});
    const ada = connect(vsn);
    const track = { user_id: "ada", name: "Ada", online_at: new Date().toISOString(), location: "/board" };
    const adas = await enter(ada, topic, "ada", track);
    await watcher.until({ ada: ["Ada"] });
    await adas.until({ ada: ["Ada"] });
    expect(watcher.channel.presenceState()["ada"]).toMatchObject([track]);
    expect(watcher.channel.presenceState()["ada"]?.[0]?.presence_ref).toMatch(/.+/);

    const late = await enter(connect(vsn), topic, "bob", { name: "Bob" });
    await late.until({ ada: ["Ada"], bob: ["Bob"] });
    expect(await adas.channel.untrack()).toBe("ok");
    await watcher.until({ bob: ["Bob"] });
    expect(watcher.events.items).toEqual(["join ada", "join bob", "leave ada"]);
  });

  it("of somebody who only changes his status does not look like leaving", async () => {
    const watcher = await enter(connect(), "status", "watcher");
    const ada = await enter(connect(), "status", "ada", { name: "online" });
    await watcher.until({ ada: ["online"] });
    expect(await ada.channel.track({ name: "away" })).toBe("ok");
    await Promise.all([watcher.until({ ada: ["away"] }), ada.until({ ada: ["away"] })]);
    expect([...watcher.events.items, ...ada.events.items].filter((event) => event.startsWith("leave"))).toEqual([]);
  });

  it("of two clients under one key is there until both are gone", async () => {
    const watcher = await enter(connect(), "tabs", "watcher");
    const tabs = [connect(), connect()];
    await enter(tabs[0] as SupabaseClient, "tabs", "ada", { name: "first" });
    await watcher.until({ ada: ["first"] });
    const second = await enter(tabs[1] as SupabaseClient, "tabs", "ada", { name: "second" });
    await watcher.until({ ada: ["first", "second"] });
    await second.channel.track({ name: "second, away" });
    await watcher.until({ ada: ["first", "second, away"] });
    await tabs[0]?.removeAllChannels();
    await watcher.until({ ada: ["second, away"] });
    await tabs[1]?.removeAllChannels();
    await watcher.until({});
  });

  it("without a key of one's own is under one that nobody else has", async () => {
    const watcher = await enter(connect(), "anonymous", "watcher");
    await enter(connect(), "anonymous", "", { name: "first" });
    await enter(connect(), "anonymous", "", { name: "second" });
    await watcher.syncs.until((roster) => Object.keys(roster).length === 2);
    expect(Object.values(watcher.roster).flat().sort()).toEqual(["first", "second"]);
  });

  it("ends when a connection ends, and when a channel is left", async () => {
    const watcher = await enter(connect(), "ends", "watcher");
    const [leaver, closer] = [connect(), connect()];
    const left = await enter(leaver, "ends", "leaver", { name: "leaver" });
    await enter(leaver, "stays", "leaver", { name: "leaver" });
    await enter(closer, "ends", "closer", { name: "closer" });
    await watcher.until({ leaver: ["leaver"], closer: ["closer"] });
    await left.channel.unsubscribe();
    await watcher.until({ closer: ["closer"] });
    await closer.realtime.disconnect();
    await watcher.until({});
  });

  it("of twenty who come at once is complete for everyone", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const all = Object.fromEntries(names.map((name) => [name, [name]]));
    const client = connect();
    const watcher = await enter(client, "crowd", "watcher");
    const rooms = await Promise.all(names.slice(0, 10).map((name) => enter(connect(), "crowd", name, { name })));
    rooms.push(...(await Promise.all(names.slice(10).map((name) => enter(connect(), "crowd", name, { name })))));
    await Promise.all([watcher, ...rooms].map((room) => room.until(all)));
  });

  it("comes back, each once, when the service is killed and started again", async () => {
    const [ada, bob] = await Promise.all([enter(connect(), "restart", "ada"), enter(connect(), "restart", "bob")]);
    const trackBoth = (when: string): Promise<unknown> => Promise.all([ada.channel.track({ name: `Ada ${when}` }), bob.channel.track({ name: `Bob ${when}` })]);
    expect(await trackBoth("before")).toEqual(["ok", "ok"]);
    await Promise.all([ada, bob].map((room) => room.until({ ada: ["Ada before"], bob: ["Bob before"] })));
    const before = [ada, bob].map(({ statuses }) => statuses.seen.length);
    await app.kill();
    await app.restart();
    await Promise.all([ada, bob].map(({ statuses }, index) => statuses.until("SUBSCRIBED", before[index], 45_000)));
    expect(await trackBoth("after")).toEqual(["ok", "ok"]);
    // Nobody was there to see the killed process's connections end, so the former presences stay until they have been silent for too long.
    await Promise.all([ada, bob].map((room) => room.until({ ada: ["Ada after"], bob: ["Bob after"] }, times.goneWithinMs)));
    await bob.channel.unsubscribe();
    await ada.until({ ada: ["Ada after"] });
  }, 180_000);
});

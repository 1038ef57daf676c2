import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { describe, expect, it } from "vitest";
import { Gate, Harness } from "../support/harness.js";
import { list } from "../support/standIn.js";

const online = { status: "online" };

describe.each(["1.0.0", "2.0.0"])("being present with serializer %s", (vsn) => {
  const harness = new Harness(vsn);

  const channelOf = (client: SupabaseClient, topic: string): RealtimeChannel =>
    client.channel(topic, { config: { presence: { key: "ada" } } }).on("presence", { event: "sync" }, () => undefined);
  const routes = (): readonly string[] => harness.service.calls.map(({ route }) => route).filter((route) => route.startsWith("presence/"));
  const tracked = (): readonly unknown[] => harness.service.bodies("presence/track").map(({ channels }) => channels);

  it("is told to the service, and taken back", async () => {
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    const track = channel.track(online);
    await harness.settle();
    const untrack = channel.untrack();
    await harness.settle();
    expect([await track, await untrack]).toEqual(["ok", "ok"]);
    expect(tracked()).toEqual([[{ topic: "room", payload: online }]]);
    expect(harness.service.bodies("presence/untrack")).toEqual([{ channels: [{ topic: "room" }] }]);
  });

  it("waits until the channel is joined, as supabase-js does by itself", async () => {
    const channel = channelOf(harness.clientOf(), "room");
    channel.subscribe();
    const track = channel.track(online);
    await harness.settle();
    expect(await track).toBe("ok");
  });

  it("costs one call for all channels of a moment, and one for all states of a channel while a call is under way", async () => {
    const gate = new Gate();
    harness.service.on("presence/track", async (call) => {
      await gate.wait();
      return harness.service.well(call);
    });
    const client = harness.clientOf();
    const [a, b] = [channelOf(client, "a"), channelOf(client, "b")];
    await harness.joined(a, b);
    const answers = [a.track({ n: 1 }), b.track({ n: 2 })];
    await harness.settle();
    answers.push(a.track({ n: 3 }), a.track({ n: 4 }), a.track({ n: 5 }));
    await harness.settle();
    gate.release();
    await harness.settle();
    gate.release();
    await harness.settle();
    expect(await Promise.all(answers)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
    expect(tracked()).toEqual([
      [
        { topic: "a", payload: { n: 1 } },
        { topic: "b", payload: { n: 2 } },
      ],
      [{ topic: "a", payload: { n: 5 } }],
    ]);
  });

  it("that was taken back before it was told costs nothing", async () => {
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    const answers = Promise.all([channel.track(online), channel.untrack(), channel.untrack()]);
    await harness.settle();
    expect(await answers).toEqual(["ok", "ok", "ok"]);
    expect(routes()).toEqual([]);
  });

  it("that the service refuses is answered with an error", async () => {
    harness.service.on("presence/track", () => ({
      status: 200,
      body: { channels: [{ topic: "room", status: "error", statusCode: 403, code: "Unauthorized", message: "No." }] },
    }));
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    const answer = channel.track(online);
    await harness.settle();
    expect(await answer).toBe("error");
    await harness.settle(60_000);
    expect(routes()).toEqual(["presence/track"]);
  });

  it("is told again when the call fails for a passing reason, and then with the latest state", async () => {
    harness.service.on("presence/track", () => "drop");
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    const first = channel.track({ n: 1 });
    await harness.settle(1_100);
    expect(tracked()).toHaveLength(2);
    harness.service.on("presence/track", (call) => harness.service.well(call));
    const second = channel.track({ n: 2 });
    await harness.settle();
    expect([await first, await second]).toEqual(["ok", "ok"]);
    expect(tracked().at(-1)).toEqual([{ topic: "room", payload: { n: 2 } }]);
    await harness.settle(20_000);
    expect(tracked()).toHaveLength(3);
  });

  it("that cannot be told is answered with an error in the end", async () => {
    harness.service.on("presence/track", () => "drop");
    const channel = channelOf(harness.clientOf({ retryMs: [100] }), "room");
    await harness.joined(channel);
    const answer = channel.track(online);
    await harness.settle(1_000);
    expect(await answer).toBe("error");
    expect(tracked()).toHaveLength(2);
  });

  it.each([
    ["TRACK", online, "ok"],
    ["track", 7, "error"],
    ["track", [1], "error"],
    ["wave", online, "error"],
  ])("with event %s and payload %j is answered %s", async (event, payload, expected) => {
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    const answer = channel.send({ type: "presence", event, payload });
    await harness.settle();
    expect(await answer).toBe(expected);
  });

  it("is bounded in what waits", async () => {
    harness.service.on("presence/track", () => "hang");
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    void channel.track(online);
    await harness.settle();
    const answers = Array.from({ length: 101 }, (_, n) => channel.track({ n }));
    await harness.settle();
    expect(await answers.at(-1)).toBe("error");
  });

  it("is kept alive by a heartbeat, at the interval that the service asks for, until nothing is tracked", async () => {
    harness.service.on("presence/heartbeat", () => ({ status: 200, body: { interval: 10, tracked: ["room"] } }));
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    await harness.settle(60_000);
    expect(routes()).toEqual([]);
    void channel.track(online);
    await harness.settle(29_900);
    expect(routes()).toEqual(["presence/track"]);
    await harness.settle(200);
    expect(routes()).toEqual(["presence/track", "presence/heartbeat"]);
    await harness.settle(30_000);
    expect(harness.service.bodies("presence/heartbeat")).toHaveLength(4);
    void channel.untrack();
    await harness.settle(60_000);
    expect(harness.service.bodies("presence/heartbeat")).toHaveLength(4);
    void channel.track(online);
    await harness.settle(10_100);
    expect(harness.service.bodies("presence/heartbeat")).toHaveLength(5);
  });

  it("is kept alive from the first heartbeat on at the interval that the answer to track names, or that to the join", async () => {
    harness.service.on("presence/track", () => {
      harness.service.tracked.add("room");
      return { status: 200, body: { channels: [{ topic: "room", status: "ok" }], interval: 4 } };
    });
    const first = channelOf(harness.clientOf(), "room");
    await harness.joined(first);
    void first.track(online);
    await harness.settle(4_100);
    expect(routes()).toEqual(["presence/track", "presence/heartbeat"]);
    void first.untrack();
    await harness.settle(30_100);

    harness.service.on("presence/track", (call) => harness.service.well(call));
    harness.service.on("channels/join", ({ body }) => {
      const channels = list(body["channels"]).map((channel) => ({ ...harness.service.joined(channel), presence: { version: 100, state: {}, interval: 7 } }));
      return { status: 200, body: { channels } };
    });
    const before = routes().length;
    const second = channelOf(harness.clientOf(), "room");
    await harness.joined(second);
    void second.track(online);
    await harness.settle(6_900);
    expect(routes().slice(before)).toEqual(["presence/track"]);
    await harness.settle(200);
    expect(routes().slice(before)).toEqual(["presence/track", "presence/heartbeat"]);
  });

  it("is told again where the service has lost sight of it", async () => {
    const client = harness.clientOf();
    const [a, b] = [channelOf(client, "a"), channelOf(client, "b")];
    await harness.joined(a, b);
    void a.track({ n: 1 });
    void b.track({ n: 2 });
    await harness.settle();
    harness.service.tracked.delete("a");
    await harness.settle(30_100);
    expect(tracked().at(-1)).toEqual([{ topic: "a", payload: { n: 1 } }]);
    await harness.settle(30_000);
    expect(tracked()).toHaveLength(2);
  });

  it("says in a heartbeat's failure what it means, and tries again soon", async () => {
    harness.service.on("presence/heartbeat", () => "drop");
    const channel = channelOf(harness.clientOf(), "room");
    await harness.joined(channel);
    void channel.track(online);
    await harness.settle(30_100);
    harness.service.on("presence/heartbeat", (call) => harness.service.well(call));
    await harness.settle(7_600);
    expect(harness.service.bodies("presence/heartbeat")).toHaveLength(2);
    expect(harness.warnings.join()).toContain("A heartbeat of presence failed");
  });

  it("is said in the user's name, and without it once the token's time is over", async () => {
    const client = harness.clientOf();
    await client.realtime.setAuth("token-1");
    const channel = channelOf(client, "room");
    await harness.joined(channel);
    void channel.track(online);
    await harness.settle(30_100);
    const names = (): readonly (string | null)[] =>
      harness.service.calls.filter(({ route }) => route === "presence/heartbeat").map(({ headers }) => headers.get("authorization"));
    expect(names()).toEqual(["Bearer token-1"]);
    harness.service.on("presence/heartbeat", (call) =>
      call.headers.has("authorization") ? { status: 401, body: { code: "TokenExpired", message: "Over." } } : harness.service.well(call),
    );
    await harness.settle(30_000);
    expect(names()).toEqual(["Bearer token-1", "Bearer token-1", null]);
    expect([harness.service.hubs.length, harness.warnings]).toEqual([1, []]);
  });

  it("ends with the session that a heartbeat finds gone, and is told anew in the next", async () => {
    harness.service.on("presence/heartbeat", () => ({ status: 409, body: { code: "SessionNotConnected", message: "Connect first." } }));
    const channel = channelOf(harness.clientOf(), "room");
    channel.subscribe((status) => void (status === "SUBSCRIBED" && channel.track(online)));
    await harness.settle(32_000);
    expect(harness.service.hubs).toHaveLength(2);
    expect(tracked()).toHaveLength(2);
  });

  it("is forgotten when its channel is left, closed, or joined again", async () => {
    const client = harness.clientOf();
    const [left, closed] = [channelOf(client, "left"), channelOf(client, "closed")];
    await harness.joined(left, closed, channelOf(client, "stays"));
    void left.track(online);
    void closed.track(online);
    await harness.settle();
    void left.unsubscribe();
    harness.service.hub.invoke("close", { topics: ["closed"], reason: "Over." });
    await harness.joined(channelOf(client, "left"));
    await harness.settle(90_000);
    expect(routes()).toEqual(["presence/track"]);
  });
});

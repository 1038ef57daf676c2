import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { describe, expect, it, vi } from "vitest";
import { realtimeTransport } from "../../src/index.js";
import { Gate, Harness } from "../support/harness.js";
import { list } from "../support/standIn.js";

interface Heard {
  readonly type: string;
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: unknown;
}

describe.each(["1.0.0", "2.0.0"])("broadcasts with serializer %s", (vsn) => {
  const harness = new Harness(vsn);

  interface Config {
    readonly self?: boolean | string;
    readonly ack?: boolean | string;
    readonly isPrivate?: boolean | string;
  }

  function room(client: SupabaseClient, topic: string, { self = false, ack = false, isPrivate = false }: Config = {}, heard: Heard[] = []): RealtimeChannel {
    const config = { broadcast: { self: self as boolean, ack: ack as boolean }, private: isPrivate as boolean };
    return client.channel(topic, { config }).on("broadcast", { event: "*" }, (message) => void heard.push(message as unknown as Heard));
  }

  const send = (channel: RealtimeChannel, event: string, payload: unknown): Promise<string> => channel.send({ type: "broadcast", event, payload });

  /** What the service sends to a topic. */
  function say(topic: string, ...messages: readonly Record<string, unknown>[]): void {
    harness.service.hub.invoke("broadcast", { topic, private: false, messages });
  }

  it("go out to the service with a sender that is the socket's own", async () => {
    const [one, other] = [harness.clientOf(), harness.clientOf()];
    const [from, to] = [room(one, "room"), room(one, "private room", { isPrivate: "true" })];
    await harness.joined(from, to);
    await send(from, "cursor-move", { x: 1 });
    await send(to, "größe", "text");
    await harness.settle();
    const third = room(other, "room");
    await harness.joined(third);
    await send(third, "e", [null]);
    await harness.settle();

    const [[first, second] = [], [last] = []] = harness.sent;
    expect(first).toEqual({ topic: "room", private: false, event: "cursor-move", payload: { x: 1 }, from: first?.["from"] });
    expect(second).toEqual({ topic: "private room", private: true, event: "größe", payload: "text", from: first?.["from"] });
    expect(last).toMatchObject({ event: "e", payload: [null] });
    expect(last?.["from"]).not.toBe(first?.["from"]);
  });

  it("that come in are heard as Supabase sends them, by the channel that they are for", async () => {
    const client = harness.clientOf();
    const heard: Heard[][] = [[], [], []];
    await harness.joined(room(client, "room", {}, heard[0]), room(client, "other", {}, heard[1]), room(client, "closed", { isPrivate: true }, heard[2]));
    say("room", { event: "moved", payload: { x: 1 } }, { event: "日本 🎉", payload: null, meta: { id: "m-1" } });
    say("closed", { event: "for the public topic of that name", payload: 1 });
    harness.service.hub.invoke("broadcast", { topic: "room", private: true, messages: [{ event: "for the private one", payload: 2 }] });
    harness.service.hub.invoke("broadcast", { topic: "closed", private: true, messages: [{ event: "secret", payload: 3 }] });
    await harness.settle();
    expect(heard).toEqual([
      [
        { type: "broadcast", event: "moved", payload: { x: 1 } },
        { type: "broadcast", event: "日本 🎉", payload: null, meta: { id: "m-1" } },
      ],
      [],
      [{ type: "broadcast", event: "secret", payload: 3 }],
    ]);
  });

  it.each([
    [true, ["mine", "another's"]],
    ["TRUE", ["mine", "another's"]],
    [false, ["another's"]],
    ["false", ["another's"]],
  ])("of one's own are heard with self: %s as they should", async (self, expected) => {
    const heard: Heard[] = [];
    const channel = room(harness.clientOf(), "room", { self }, heard);
    await harness.joined(channel);
    await send(channel, "mine", {});
    await harness.settle();
    const from = harness.sent[0]?.[0]?.["from"];
    say("room", { event: "mine", payload: {}, from }, { event: "another's", payload: {}, from: "else" });
    await harness.settle();
    expect(heard.map(({ event }) => event)).toEqual(expected);
  });

  it.each([true, "true"])("with ack: %s are answered for each message", async (ack) => {
    harness.service.on("channels/broadcast", ({ body }) => ({
      status: 200,
      body: {
        messages: list(body["messages"]).map(({ event }) =>
          event === "good" ? { status: "ok" } : { status: "error", statusCode: 403, code: "Unauthorized", message: "You may not send to 'room'." },
        ),
      },
    }));
    const channel = room(harness.clientOf(), "room", { ack });
    await harness.joined(channel);
    const answers = Promise.all(["good", "bad", "good"].map((event) => send(channel, event, {})));
    await harness.settle();
    expect(await answers).toEqual(["ok", "error", "ok"]);
    expect(harness.warnings).toEqual([]);
  });

  it("without ack are not answered, and a refusal is a warning once a minute", async () => {
    harness.service.on("channels/broadcast", () => ({
      status: 200,
      body: { messages: [{ status: "error", statusCode: 403, code: "Unauthorized", message: "You may not send to 'room'." }] },
    }));
    const channel = room(harness.clientOf(), "room");
    await harness.joined(channel);
    for (let times = 0; times < 3; times++) {
      expect(await send(channel, "e", {})).toBe("ok");
      await harness.settle();
    }
    expect(harness.warnings).toEqual(["A broadcast to 'room' was not sent. Unauthorized: You may not send to 'room'."]);
    await harness.settle(60_000);
    await send(channel, "e", {});
    await harness.settle();
    expect(harness.warnings).toHaveLength(2);
  });

  it.each([
    ["the network fails", () => "drop" as const],
    ["the service is ill", () => ({ status: 503, body: { code: "SignalRUnavailable", message: "Try again." } }) as const],
    ["an answer is short", () => ({ status: 200, body: { messages: [] } }) as const],
  ])("are sent once, and answered with an error, where %s", async (_, responder) => {
    harness.service.on("channels/broadcast", responder);
    const channel = room(harness.clientOf(), "room", { ack: true });
    await harness.joined(channel);
    const answer = send(channel, "e", {});
    await harness.settle(9_000);
    expect(await answer).toBe("error");
    expect(harness.sent).toHaveLength(1);
  });

  it("begin a new session where the service has lost the old one", async () => {
    harness.service.on("channels/broadcast", () => ({ status: 409, body: { code: "SessionNotConnected", message: "Connect first." } }));
    const channel = room(harness.clientOf(), "room");
    await harness.joined(channel);
    await send(channel, "e", {});
    await harness.settle(3_000);
    expect(harness.service.hubs).toHaveLength(2);
    expect(channel.state).toBe("joined");
  });

  it("on a channel that is not joined yet are posted by supabase-js itself, and cost the transport nothing", async () => {
    const posted: string[] = [];
    const notice = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const client = harness.clientOf();
    client.realtime.fetch = (input, init) => {
      posted.push(`${String(input)} ${String(init?.body)}`);
      return Promise.resolve(new Response(null, { status: 202 }));
    };
    const gate = new Gate();
    harness.service.on("channels/join", async (call) => {
      await gate.wait();
      return harness.service.well(call);
    });
    const channel = room(client, "room");
    channel.subscribe();
    await harness.settle();
    expect(await send(channel, "early", { a: 1 })).toBe("ok");
    expect(notice.mock.calls.join()).toContain("falling back to REST");
    notice.mockRestore();
    gate.release();
    await harness.settle();
    expect(posted).toEqual([
      `https://service.test/realtime/v1/api/broadcast?apikey=anon-key&vsn=${vsn} {"messages":[{"topic":"room","event":"early","payload":{"a":1},"private":false}]}`,
    ]);
    expect(harness.sent).toEqual([]);
    await send(channel, "later", {});
    await harness.settle();
    expect(harness.sent).toHaveLength(1);
  });

  it("that the service writes in another way are dropped with a warning", async () => {
    const heard: Heard[] = [];
    await harness.joined(room(harness.clientOf(), "room", {}, heard));
    [null, 7, {}, { topic: "room" }, { topic: 1, messages: [] }].forEach((nonsense) => harness.service.hub.invoke("broadcast", nonsense));
    say("room", { payload: "no event" }, { event: 7 }, { event: "good" });
    await harness.settle();
    expect(heard).toEqual([{ type: "broadcast", event: "good", payload: null }]);
    expect(harness.warnings.filter((warning) => warning.includes("'broadcast'"))).toHaveLength(5);
  });

  it("leave before the socket is closed, and before a private topic is left", async () => {
    const gate = new Gate();
    harness.service.on("channels/broadcast", async (call) => {
      await gate.wait();
      return harness.service.well(call);
    });
    const client = harness.clientOf();
    const channel = room(client, "room", { isPrivate: true });
    await harness.joined(channel, room(client, "stays"));
    await send(channel, "goodbye", {});
    void channel.unsubscribe();
    await harness.settle();
    expect(harness.service.bodies("channels/leave")).toEqual([]);
    gate.release();
    await harness.settle();
    expect(harness.service.calls.map(({ route }) => route).slice(-2)).toEqual(["channels/broadcast", "channels/leave"]);

    const [other] = client.getChannels();
    await other?.send({ type: "broadcast", event: "goodbye", payload: {} });
    const gone = client.removeAllChannels();
    await harness.settle();
    expect(harness.service.calls.at(-1)?.signal.aborted).toBe(false);
    gate.release();
    await harness.settle(300);
    await gone;
    expect(harness.service.hub.isRunning).toBe(false);
  });
});

describe("bytes", () => {
  const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;

  describe("with serializer 2.0.0", () => {
    const harness = new Harness("2.0.0");

    it("go out as base64 and come in as they were", async () => {
      const heard: Heard[] = [];
      const channel = harness.clientOf().channel("zürich").on("broadcast", { event: "*" }, (message) => void heard.push(message as unknown as Heard));
      await harness.joined(channel);
      const large = Uint8Array.from({ length: 20_000 }, (_, index) => index % 256);
      await channel.send({ type: "broadcast", event: "größe", payload: large.buffer });
      await channel.send({ type: "broadcast", event: "none", payload: bytes() });
      await harness.settle();
      const [first, second] = harness.sent[0] ?? [];
      expect(first).toMatchObject({ topic: "zürich", event: "größe", payload_base64: Buffer.from(large).toString("base64") });
      expect(second).toMatchObject({ payload_base64: "" });

      const messages = [{ event: "日本", payload_base64: "AQL/", meta: { id: "m" } }, { event: "no base64", payload_base64: "?" }];
      harness.service.hub.invoke("broadcast", { topic: "zürich", private: false, messages });
      await harness.settle();
      expect(heard).toEqual([{ type: "broadcast", event: "日本", payload: bytes(1, 2, 255), meta: { id: "m" } }]);
      expect(harness.warnings).toHaveLength(1);
    });

    it("whose topic is too long for a binary frame are not delivered, and a warning says so", async () => {
      const topic = "t".repeat(250);
      const heard: Heard[] = [];
      await harness.joined(harness.clientOf().channel(topic).on("broadcast", { event: "*" }, (message) => void heard.push(message as unknown as Heard)));
      harness.service.hub.invoke("broadcast", { topic, private: false, messages: [{ event: "e", payload_base64: "" }, { event: "json", payload: 1 }] });
      await harness.settle();
      expect(heard.map(({ event }) => event)).toEqual(["json"]);
      expect(harness.warnings.join()).toContain("at most 255 fit");
    });
  });

  describe("with serializer 1.0.0", () => {
    const harness = new Harness("1.0.0");

    it("cannot be delivered, which is said once and for developers only", async () => {
      const heard: Heard[] = [];
      await harness.joined(harness.clientOf().channel("room").on("broadcast", { event: "*" }, (message) => void heard.push(message as unknown as Heard)));
      const messages = [{ event: "e", payload_base64: "AQL/" }, { event: "e", payload_base64: "AQL/" }, { event: "json", payload: 1 }];
      harness.service.hub.invoke("broadcast", { topic: "room", private: false, messages });
      await harness.settle();
      expect(heard.map(({ event }) => event)).toEqual(["json"]);
      expect(harness.debugs.filter((text) => text.includes("Bytes came to 'room'"))).toHaveLength(1);
      expect(harness.warnings).toEqual([]);
    });
  });
});

describe("names beyond Latin-1 with serializer 2.0.0", () => {
  const harness = new Harness("2.0.0");

  it("of topics arrive, though a binary frame cannot hold them", async () => {
    const client = harness.clientOf();
    const channels = ["房间", "room 🎉🎉", "ü"].map((topic) => client.channel(topic, { config: { broadcast: { ack: true } } }));
    await harness.joined(...channels);
    const answers = Promise.all(channels.map((channel) => channel.send({ type: "broadcast", event: "größe", payload: { a: 1 } })));
    await harness.settle();
    expect(await answers).toEqual(["ok", "ok", "ok"]);
    expect(harness.sent[0]?.map(({ topic, event, payload }) => [topic, event, payload])).toEqual([
      ["房间", "größe", { a: 1 }],
      ["room 🎉🎉", "größe", { a: 1 }],
      ["ü", "größe", { a: 1 }],
    ]);
  });

  it("of events are refused where they are seen to be lost", async () => {
    const channel = harness.clientOf().channel("room", { config: { broadcast: { ack: true } } });
    await harness.joined(channel);
    const answers = Promise.all(["🎉", "事件"].map((event) => channel.send({ type: "broadcast", event, payload: {} })));
    await harness.settle();
    expect(await answers).toEqual(["error", "error"]);
    expect(harness.sent).toEqual([]);
  });
});

describe("frames that no supabase-js would send", () => {
  const harness = new Harness("2.0.0");

  it("are dropped with a warning, or answered with an error, and the socket goes on", async () => {
    const { service, warnings } = harness;
    const transport = realtimeTransport({ fetch: service.fetch, hub: service.connect, logger: (level, text) => void (level === "warn" && warnings.push(text)) });
    const socket = new transport("wss://service.test/realtime/v1/websocket?apikey=anon-key&vsn=2.0.0");
    const received: unknown[] = [];
    socket.onmessage = ({ data }) => void received.push(JSON.parse(String(data)));
    await harness.settle();

    const binary = [[], [3], [3, 255, 1, 1, 1, 0, 1, 65], [9, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 1, 0, 1, 65, 123]];
    binary.forEach((bytes) => socket.send(new Uint8Array(bytes)));
    ["{", "[]", '["1","2"]'].forEach((text) => socket.send(text));
    expect(warnings).toHaveLength(8);

    socket.send(JSON.stringify(["1", "2", "realtime:room", "broadcast", { type: "broadcast", event: "e", payload: {} }]));
    socket.send(new Uint8Array([3, 1, 1, 0, 1, 0, 0, 49, 51, 65]));
    socket.send(JSON.stringify(["1", "4", "realtime:room", "presence", { event: "track", payload: {} }]));
    socket.send(JSON.stringify(["1", "1", "realtime:room", "phx_join", { config: { broadcast: { ack: true }, presence: { enabled: false } } }]));
    await harness.settle();
    socket.send(JSON.stringify(["1", "5", "realtime:room", "broadcast", "no object"]));
    socket.send(JSON.stringify(["1", "6", "realtime:room", "broadcast", { payload: "no event" }]));
    await harness.settle();
    expect(received).toMatchObject([
      ["1", "2", "realtime:room", "phx_reply", { status: "error", response: { reason: "TopicNotJoined: The channel is not joined. Wait for SUBSCRIBED." } }],
      ["1", "3", "", "phx_reply", { status: "error" }],
      ["1", "4", "realtime:room", "phx_reply", { status: "error" }],
      ["1", "1", "realtime:room", "phx_reply", { status: "ok" }],
      ["1", "5", "realtime:room", "phx_reply", { status: "error" }],
      ["1", "6", "realtime:room", "phx_reply", { status: "error" }],
    ]);
    expect(service.bodies("channels/broadcast")).toEqual([]);
    socket.close();
  });
});

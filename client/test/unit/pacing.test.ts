import type { RealtimeChannel } from "@supabase/supabase-js";
import { describe, expect, it } from "vitest";
import { Gate, Harness } from "../support/harness.js";

const acked = { config: { broadcast: { ack: true } } };

describe("broadcasts share calls", () => {
  const harness = new Harness("2.0.0");
  const send = (channel: RealtimeChannel, event: string, payload: unknown = {}): Promise<string> => channel.send({ type: "broadcast", event, payload });
  const events = (): readonly (readonly unknown[])[] => harness.sent.map((call) => call.map(({ event }) => event));

  /** Holds every call until the gate lets it go. */
  function hold(): Gate {
    const gate = new Gate();
    harness.service.on("channels/broadcast", async (call) => {
      await gate.wait();
      return harness.service.well(call);
    });
    return gate;
  }

  it("in one moment, over all channels, in order", async () => {
    const client = harness.clientOf();
    const [a, b] = [client.channel("a"), client.channel("b")];
    await harness.joined(a, b);
    await Promise.all([send(a, "1"), send(b, "2"), send(a, "3")]);
    await harness.settle();
    expect(events()).toEqual([["1", "2", "3"]]);
  });

  it("and while one is under way no other is made", async () => {
    const gate = hold();
    const channel = harness.clientOf().channel("a");
    await harness.joined(channel);
    await send(channel, "1");
    await harness.settle();
    await Promise.all([send(channel, "2"), send(channel, "3")]);
    await harness.settle(1_000);
    expect(events()).toEqual([["1"]]);
    gate.release();
    await harness.settle();
    expect(events()).toEqual([["1"], ["2", "3"]]);
  });

  it("up to a hundred messages and what a body may hold", async () => {
    const channel = harness.clientOf().channel("a");
    await harness.joined(channel);
    await Promise.all(Array.from({ length: 120 }, () => send(channel, "small")));
    await harness.settle();
    await Promise.all(Array.from({ length: 3 }, () => send(channel, "large", "ü".repeat(50_000))));
    await harness.settle();
    expect(events().map(({ length }) => length)).toEqual([100, 20, 1, 1, 1]);
  });

  it("and of an event in latestOnly only the newest waits, whose answer is everybody's", async () => {
    const gate = hold();
    const client = harness.clientOf({ latestOnly: ["cursor"] });
    const [a, b] = [client.channel("a", acked), client.channel("b", acked)];
    await harness.joined(a, b);
    const answers: string[] = [];
    const move = (channel: RealtimeChannel, x: number): void => void send(channel, "cursor", { x }).then((answer) => answers.push(`${x} ${answer}`));
    move(a, 0);
    await harness.settle();
    [1, 2, 3].forEach((x) => move(a, x));
    move(b, 4);
    void send(a, "chat");
    move(a, 5);
    await harness.settle();
    gate.release();
    await harness.settle();
    expect(answers).toEqual(["0 ok"]);
    gate.release();
    await harness.settle();
    expect(answers).toEqual(["0 ok", "1 ok", "2 ok", "3 ok", "5 ok", "4 ok"]);
    expect(harness.sent[1]?.map(({ topic, payload }) => [topic, payload])).toEqual([
      ["a", { x: 5 }],
      ["b", { x: 4 }],
      ["a", {}],
    ]);
  });

  it("at no more than eventsPerSecond, and nothing is lost", async () => {
    const channel = harness.clientOf({}, { eventsPerSecond: 10 }).channel("a");
    await harness.joined(channel);
    await Promise.all(Array.from({ length: 25 }, (_, index) => send(channel, String(index))));
    await harness.settle();
    expect(events().flat()).toHaveLength(10);
    await harness.settle(500);
    expect(events().flat()).toHaveLength(15);
    await harness.settle(1_000);
    expect(events().flat()).toEqual(Array.from({ length: 25 }, (_, index) => String(index)));
  });

  it("and a cursor that moves all the time costs as many calls as the rate allows, and shows the last place", async () => {
    const channel = harness.clientOf({ latestOnly: ["cursor"] }, { eventsPerSecond: 10 }).channel("a");
    await harness.joined(channel);
    for (let frame = 0; frame < 120; frame++) {
      await send(channel, "cursor", { frame });
      await harness.settle(16);
    }
    await harness.settle(1_000);
    // Ten at once and ten a second for the two seconds that it took.
    expect(harness.sent.length).toBeLessThanOrEqual(30);
    expect(harness.sent.length).toBeGreaterThan(20);
    expect(harness.sent.at(-1)?.[0]?.["payload"]).toEqual({ frame: 119 });
  });

  it("and what is too much for the queue is refused, not dropped silently", async () => {
    const gate = hold();
    const client = harness.clientOf();
    const [quiet, asking] = [client.channel("quiet"), client.channel("asking", acked)];
    await harness.joined(quiet, asking);
    await send(quiet, "first");
    await harness.settle();
    await Promise.all(Array.from({ length: 1_001 }, () => send(quiet, "more")));
    const answer = send(asking, "too much");
    await harness.settle();
    expect(await answer).toBe("error");
    expect(harness.warnings).toHaveLength(1);
    expect(harness.warnings[0]).toContain("A broadcast to 'quiet' was not sent. TooManyWaiting: 1000 operations wait");
    for (let calls = 0; calls < 11; calls++) {
      gate.release();
      await harness.settle();
    }
    expect(events().flat()).toHaveLength(1_001);
  });

  it("that are turned away for their rate are made again, in order, with what has come since", async () => {
    harness.service.on("channels/broadcast", () => ({ status: 429, body: { code: "TooMany", message: "Slow down." } }));
    const channel = harness.clientOf({ latestOnly: ["cursor"] }).channel("a", acked);
    await harness.joined(channel);
    const answers = Promise.all([send(channel, "1"), send(channel, "cursor", "old")]);
    await harness.settle();
    const later = Promise.all([send(channel, "2"), send(channel, "cursor", "new")]);
    harness.service.on("channels/broadcast", (call) => harness.service.well(call));
    await harness.settle(1_000);
    expect([await answers, await later]).toEqual([
      ["ok", "ok"],
      ["ok", "ok"],
    ]);
    expect(harness.sent[1]?.map(({ event, payload }) => [event, payload])).toEqual([
      ["1", {}],
      ["cursor", "new"],
      ["2", {}],
    ]);
  });

  it("but not without end", async () => {
    harness.service.on("channels/broadcast", () => ({ status: 429, body: { code: "TooMany", message: "Slow down." } }));
    const channel = harness.clientOf({ retryMs: [100, 200] }).channel("a", acked);
    await harness.joined(channel);
    const answer = send(channel, "1");
    await harness.settle(5_000);
    expect(await answer).toBe("error");
    expect(harness.sent).toHaveLength(3);
  });
});

import { describe, expect, it } from "vitest";
import { Harness } from "../support/harness.js";
import { list, type Call } from "../support/standIn.js";

interface Heard {
  readonly event: string;
  readonly payload: unknown;
  readonly meta?: { readonly id?: string; readonly replayed?: boolean };
}

describe.each(["1.0.0", "2.0.0"])("the answer to a join with serializer %s", (vsn) => {
  const harness = new Harness(vsn);
  const replay = [
    { event: "moved", payload: { x: 1 }, meta: { id: "m-1", replayed: true } },
    { event: "moved", payload: { x: 2 }, meta: { id: "m-2", replayed: true } },
  ];
  const live = (id: string): Record<string, unknown> => ({ event: "moved", payload: { live: id }, meta: { id } });
  const say = (...messages: readonly Record<string, unknown>[]): void =>
    harness.service.hub.invoke("broadcast", { topic: "room", private: true, messages });

  /** Joins a private topic that keeps messages, and lists what is heard, with SUBSCRIBED where it is said. */
  async function join(during: (call: Call) => void = () => undefined): Promise<string[]> {
    harness.service.on("channels/join", (call) => {
      during(call);
      return { status: 200, body: { channels: list(call.body["channels"]).map((channel) => ({ ...harness.service.joined(channel), replay })) } };
    });
    const heard: string[] = [];
    harness
      .clientOf()
      .channel("room", { config: { private: true, broadcast: { replay: { since: 1, limit: 2 }, replication_ready: true } } })
      .on("broadcast", { event: "moved" }, (message) => {
        const { payload, meta } = message as unknown as Heard;
        heard.push(`${JSON.stringify(payload)} ${meta?.id} ${meta?.replayed}`);
      })
      .subscribe((status) => void heard.push(status));
    await harness.settle();
    return heard;
  }

  it("brings kept messages after SUBSCRIBED, oldest first", async () => {
    expect(await join()).toEqual(["SUBSCRIBED", '{"x":1} m-1 true', '{"x":2} m-2 true']);
    const [channel] = list(harness.service.bodies("channels/join")[0]?.["channels"]);
    expect(channel?.["config"]).toMatchObject({ private: true, broadcast: { replay: { since: 1, limit: 2 }, replication_ready: true } });
  });

  it("is followed by what came live during the join, and not by repeats", async () => {
    const heard = await join(() => say(live("m-2"), live("m-3")));
    say(live("m-1"), live("m-4"), { event: "moved", payload: "no id" });
    await harness.settle();
    expect(heard).toEqual([
      "SUBSCRIBED",
      '{"x":1} m-1 true',
      '{"x":2} m-2 true',
      '{"live":"m-3"} m-3 undefined',
      '{"live":"m-4"} m-4 undefined',
      '"no id" undefined undefined',
    ]);
  });

  it("is refused, and the join made again, when more comes during it than is kept", async () => {
    let isFirst = true;
    const heard = await join(() => {
      if (isFirst) {
        say(...Array.from({ length: 50_001 }, () => live("m")));
      }
      isFirst = false;
    });
    await harness.settle(1_100);
    expect(heard).toEqual(["CHANNEL_ERROR", "SUBSCRIBED", '{"x":1} m-1 true', '{"x":2} m-2 true']);
  });
});

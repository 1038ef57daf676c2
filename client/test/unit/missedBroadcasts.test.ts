import type { RealtimeChannel } from "@supabase/supabase-js";
import { describe, expect, it, vi } from "vitest";
import { Harness } from "../support/harness.js";
import { list } from "../support/standIn.js";

describe.each(["1.0.0", "2.0.0"])("broadcasts of a lost connection, with serializer %s,", (vsn) => {
  const harness = new Harness(vsn);
  const message = (id: string): Record<string, unknown> => ({ event: "moved", payload: { id }, meta: { id } });
  const say = (isPrivate: boolean, ...ids: readonly string[]): void =>
    harness.service.hub.invoke("broadcast", { topic: "room", private: isPrivate, messages: ids.map(message) });

  function listener(config: Record<string, unknown>, heard: string[]): RealtimeChannel {
    return harness.clientOf().channel("room", { config }).on("broadcast", { event: "moved" }, ({ payload }) => void heard.push((payload as { id: string }).id));
  }

  /** Loses the connection; the next join is answered with these kept messages. */
  async function reconnect(ids: readonly string[]): Promise<unknown> {
    harness.service.on("channels/join", ({ body }) => ({
      status: 200,
      body: { channels: list(body["channels"]).map((channel) => ({ ...harness.service.joined(channel), replay: ids.map(message) })) },
    }));
    harness.service.hub.drop("cut");
    await harness.settle(5_000);
    const [channel] = list(harness.service.bodies("channels/join").at(-1)?.["channels"]);
    return ((channel?.["config"] as Record<string, unknown>)["broadcast"] as Record<string, unknown>)["replay"];
  }

  it("are asked for since it was last alive, and delivered once", async () => {
    const heard: string[] = [];
    await harness.joined(listener({ private: true }, heard));
    await harness.settle(1_000_000);
    say(true, "a", "b", "b");
    const alive = Date.now();
    await harness.settle(60_000);
    expect(await reconnect(["a", "b", "c"])).toEqual({ since: alive - 5_000, limit: 25 });
    say(true, "c", "d");
    await harness.settle();
    expect(heard).toEqual(["a", "b", "c", "d"]);
  });

  it("are remembered over several connections, five hundred of them", async () => {
    const heard: string[] = [];
    await harness.joined(listener({ private: true }, heard));
    const ids = Array.from({ length: 501 }, (_, index) => `m-${index}`);
    say(true, ...ids);
    await reconnect([]);
    await reconnect(["m-2", "m-0", "m-500"]);
    expect(heard).toEqual([...ids, "m-0"]);
  });

  it("of a public topic, and on a first join, are not asked for", async () => {
    await harness.joined(listener({}, []));
    expect(await reconnect([])).toBeUndefined();
    const [first] = list(harness.service.bodies("channels/join")[0]?.["channels"]);
    expect(first?.["config"]).toMatchObject({ broadcast: { ack: false, self: false } });
  });

  it("come as the application asks where it asks by itself", async () => {
    const heard: string[] = [];
    await harness.joined(listener({ private: true, broadcast: { replay: { since: 1, limit: 2 } } }, heard));
    say(true, "a");
    expect(await reconnect(["a"])).toEqual({ since: 1, limit: 2 });
    expect(heard).toEqual(["a", "a"]);
  });

  it("that were refused for good are still answered from memory", async () => {
    vi.setSystemTime(1_000_000);
    const channel = listener({ private: true }, []);
    await harness.joined(channel);
    harness.service.on("channels/join", ({ body }) => ({
      status: 200,
      body: { channels: list(body["channels"]).map(({ topic }) => ({ topic, status: "error", statusCode: 403, code: "Unauthorized", message: "No." })) },
    }));
    harness.service.hub.drop("cut");
    await harness.settle(40_000);
    expect(harness.service.bodies("channels/join")).toHaveLength(2);
  });
});

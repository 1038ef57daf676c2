import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { describe, expect, it } from "vitest";
import { Harness } from "../support/harness.js";
import { list, type Answer, type Call } from "../support/standIn.js";

type State = Record<string, { readonly metas: readonly Record<string, unknown>[] }>;

/** A member with one presence; `key` is told, so that a test sees who it is. */
const of = (...members: readonly (readonly [key: string, ref: string, told?: string])[]): State => {
  const keys = [...new Set(members.map(([key]) => key))];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      { metas: members.filter(([owner]) => owner === key).map(([, ref, told]) => ({ phx_ref: ref, name: told ?? ref })) },
    ]),
  );
};

describe.each(["1.0.0", "2.0.0"])("who is present, with serializer %s", (vsn) => {
  const harness = new Harness(vsn);

  /** A channel that writes down what it is told. */
  function watch(client: SupabaseClient, heard: string[] = [], config: { readonly private?: boolean } = {}): RealtimeChannel {
    const channel = client.channel("room", { config });
    channel
      .on("presence", { event: "sync" }, () => void heard.push(`sync ${shown(channel)}`))
      .on("presence", { event: "join" }, ({ key, newPresences }) => void heard.push(`join ${key} ${newPresences.map(({ name }) => String(name)).join()}`))
      .on("presence", { event: "leave" }, ({ key, leftPresences }) => void heard.push(`leave ${key} ${leftPresences.map(({ name }) => String(name)).join()}`));
    return channel;
  }

  const shown = (channel: RealtimeChannel): string =>
    Object.entries(channel.presenceState<{ name: string }>())
      .map(([key, presences]) => `${key}:${presences.map(({ name }) => name).sort().join("+")}`)
      .sort()
      .join(" ");

  const joinedWith = (state: State, version = 100) => (call: Call): Answer => ({
    status: 200,
    body: { channels: list(call.body["channels"]).map((channel) => ({ ...harness.service.joined(channel), presence: { version, state } })) },
  });

  function diff(previous: number, version: number, joins: State, leaves: State = {}, isPrivate = false): void {
    harness.service.hub.invoke("presence_diff", { topic: "room", private: isPrivate, previous, version, joins, leaves });
  }

  const question = "presence/room?private=false";
  const asked = (): number => harness.service.bodies(question).length;
  const answer = (version: number, state: State) => (): Answer => ({ status: 200, body: { topic: "room", private: false, version, state } });

  it("is shown from SUBSCRIBED on, and follows the diffs", async () => {
    harness.service.on("channels/join", joinedWith(of(["ada", "1"])));
    const heard: string[] = [];
    const channel = watch(harness.clientOf(), heard);
    channel.subscribe((status) => void heard.push(status));
    await harness.settle();
    expect(heard).toEqual(["SUBSCRIBED", "join ada 1", "sync ada:1"]);
    diff(100, 101, of(["bob", "2"]));
    diff(101, 102, of(["ada", "1", "away"]));
    diff(102, 103, {}, of(["bob", "2"]));
    await harness.settle();
    expect(heard.slice(3)).toEqual([
      "join bob 2",
      "sync ada:1 bob:2",
      "join ada away",
      "sync ada:away bob:2",
      "leave bob 2",
      "sync ada:away",
    ]);
    expect(asked()).toBe(0);
  });

  it("keeps several presences of one key apart, until the last is gone", async () => {
    harness.service.on("channels/join", joinedWith(of(["ada", "1"])));
    const channel = watch(harness.clientOf());
    await harness.joined(channel);
    const states: string[] = [];
    for (const [version, joins, leaves] of [
      [101, of(["ada", "2"]), {}],
      [102, of(["ada", "1", "away"]), {}],
      [103, of(["ada", "3"]), of(["ada", "2"])],
      [104, {}, of(["ada", "1"])],
      [105, {}, of(["ada", "3"])],
    ] as const) {
      diff(version - 1, version, joins, leaves);
      await harness.settle();
      states.push(shown(channel));
    }
    expect(states).toEqual(["ada:1+2", "ada:2+away", "ada:3+away", "ada:3", ""]);
  });

  it("counts what came during the join, and drops what the answer has already", async () => {
    harness.service.on("channels/join", (call) => {
      diff(98, 99, of(["old", "0"]));
      diff(100, 101, of(["bob", "2"]));
      return joinedWith(of(["ada", "1"]))(call);
    });
    const channel = watch(harness.clientOf());
    await harness.joined(channel);
    diff(99, 100, {}, of(["ada", "1"]));
    await harness.settle();
    expect(shown(channel)).toBe("ada:1 bob:2");
    expect(asked()).toBe(0);
  });

  it("waits a moment for a diff that another has overtaken", async () => {
    harness.service.on("channels/join", joinedWith({}));
    const channel = watch(harness.clientOf({ random: () => 0.5 }));
    await harness.joined(channel);
    diff(101, 102, {}, of(["ada", "1"]));
    diff(100, 101, of(["ada", "1"], ["bob", "2"]));
    await harness.settle(5_000);
    expect(shown(channel)).toBe("bob:2");
    expect(asked()).toBe(0);
  });

  it("is asked for where a diff is missing, after a random while, and goes on from there", async () => {
    harness.service.on("channels/join", joinedWith(of(["ada", "1"], ["bob", "2"])));
    harness.service.on(question, answer(103, of(["ada", "1", "away"], ["eve", "3"])));
    const heard: string[] = [];
    const channel = watch(harness.clientOf({ random: () => 0.5 }), heard);
    await harness.joined(channel);
    diff(102, 103, of(["eve", "3"]));
    diff(103, 104, of(["dan", "4"]));
    await harness.settle(900);
    expect(asked()).toBe(0);
    await harness.settle(200);
    expect(asked()).toBe(1);
    expect(harness.service.calls.at(-1)?.headers.get("authorization")).toBe("Bearer anon-key");
    expect(shown(channel)).toBe("ada:away dan:4 eve:3");
    expect(heard.filter((text) => text.startsWith("leave"))).toEqual(["leave bob 2"]);
    diff(104, 105, {}, of(["dan", "4"]));
    await harness.settle();
    expect(shown(channel)).toBe("ada:away eve:3");
  });

  it("is taken from the service's word where it comes by itself, and asked for where it is too large for that", async () => {
    harness.service.on("channels/join", joinedWith(of(["ada", "1"])));
    harness.service.on(question, answer(110, of(["bob", "2"], ["eve", "3"])));
    const channel = watch(harness.clientOf());
    await harness.joined(channel);
    harness.service.hub.invoke("presence_state", { topic: "room", private: false, version: 105, state: of(["bob", "2"]) });
    harness.service.hub.invoke("presence_state", { topic: "room", private: false, version: 104, state: of(["old", "0"]) });
    harness.service.hub.invoke("presence_state", { topic: "room", private: false, version: 103 });
    await harness.settle(100);
    expect([shown(channel), asked()]).toEqual(["bob:2", 0]);
    harness.service.hub.invoke("presence_state", { topic: "room", private: false, version: 109 });
    await harness.settle(100);
    expect([shown(channel), asked()]).toEqual(["bob:2 eve:3", 1]);
  });

  it("is asked for again while the service is away, in bounds, and when the next change comes", async () => {
    harness.service.on("channels/join", joinedWith({}));
    harness.service.on(question, () => "drop");
    const channel = watch(harness.clientOf({ retryMs: [100, 200] }));
    await harness.joined(channel);
    diff(105, 106, of(["ada", "1"]));
    await harness.settle(60_000);
    expect(asked()).toBe(3);
    expect(harness.warnings.join()).toContain("Who is present on 'room' could not be asked for");
    harness.service.on(question, answer(107, of(["ada", "1"], ["bob", "2"])));
    diff(106, 107, of(["bob", "2"]));
    await harness.settle(100);
    expect(shown(channel)).toBe("ada:1 bob:2");
  });

  it("is not asked for any more where the service refuses it", async () => {
    harness.service.on("channels/join", joinedWith({}));
    harness.service.on(question, () => ({ status: 403, body: { code: "Unauthorized", message: "No." } }));
    await harness.joined(watch(harness.clientOf()));
    diff(105, 106, of(["ada", "1"]));
    await harness.settle(100);
    diff(110, 111, of(["ada", "1"]));
    await harness.settle(60_000);
    expect(asked()).toBe(1);
  });

  it("is that of the private topic where the channel is private", async () => {
    harness.service.on("channels/join", joinedWith({}));
    const channel = watch(harness.clientOf(), [], { private: true });
    await harness.joined(channel);
    diff(100, 101, of(["eve", "9"]));
    diff(100, 101, of(["ada", "1"]), {}, true);
    await harness.settle();
    expect(shown(channel)).toBe("ada:1");
  });

  it("is not told to a channel that did not ask for it", async () => {
    const channel = harness.clientOf().channel("room");
    await harness.joined(channel);
    diff(100, 101, of(["ada", "1"]));
    harness.service.hub.invoke("presence_state", { topic: "room", private: false, version: 105 });
    await harness.settle(10_000);
    expect([channel.presenceState(), asked()]).toEqual([{}, 0]);
  });

  it("is compared over a reconnect: who stayed is not told of again, who changed or went is", async () => {
    harness.service.on("channels/join", joinedWith(of(["ada", "1"], ["bob", "2"], ["eve", "3"], ["dan", "4"])));
    const heard: string[] = [];
    const channel = watch(harness.clientOf(), heard);
    await harness.joined(channel);
    diff(100, 101, of(["ada", "1", "away"]));
    await harness.settle();
    heard.length = 0;
    harness.service.on("channels/join", joinedWith(of(["ada", "1", "away"], ["bob", "2", "busy"], ["dan", "5"]), 200));
    harness.service.hub.drop("Server timeout elapsed.");
    await harness.settle(3_000);
    expect(shown(channel)).toBe("ada:away bob:busy dan:5");
    expect(heard.filter((text) => !text.startsWith("sync")).sort()).toEqual(["join bob busy", "join dan 5", "leave bob 2", "leave dan 4", "leave eve 3"]);
    diff(200, 201, {}, of(["dan", "5"]));
    await harness.settle();
    expect(shown(channel)).toBe("ada:away bob:busy");
  });

  it("holds no key that supabase-js would stumble over", async () => {
    const names = ["__proto__", "constructor", "toString", "ids"];
    const presences = [...names, "ada"].map((name) => `"${name}":{"metas":[{"phx_ref":"1","name":"1"}]}`);
    const hostile = JSON.parse(`{${presences.join()}}`) as State;
    harness.service.on("channels/join", joinedWith(hostile));
    const channel = watch(harness.clientOf());
    await harness.joined(channel);
    diff(100, 101, hostile);
    diff(101, 102, of(["bob", "2"]), hostile);
    await harness.settle();
    expect(shown(channel)).toBe("bob:2");
    expect(harness.warnings).toHaveLength(names.length);
    expect(({} as Record<string, unknown>)["metas"]).toBeUndefined();
  });

  it("survives messages that are none", async () => {
    harness.service.on("channels/join", joinedWith(of(["ada", "1"])));
    const channel = watch(harness.clientOf());
    await harness.joined(channel);
    [null, 7, [], {}, { topic: "room" }, { topic: "room", version: "1" }, { topic: "room", version: 1, previous: null }].forEach((nonsense) => {
      harness.service.hub.invoke("presence_diff", nonsense);
      harness.service.hub.invoke("presence_state", nonsense);
    });
    const about = { topic: "room", private: false, previous: 100 };
    harness.service.hub.invoke("presence_diff", { ...about, version: 101, joins: { eve: 7, dan: { metas: [{ name: "no reference" }, 7] } }, leaves: 7 });
    await harness.settle();
    expect(shown(channel)).toBe("ada:1");
  });
});

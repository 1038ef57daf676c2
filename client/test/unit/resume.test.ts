import { describe, expect, it } from "vitest";
import { end, position } from "../support/changeLog.js";
import { Gate } from "../support/harness.js";
import { Resuming, rows, type Heard } from "../support/resuming.js";
import { list } from "../support/standIn.js";

describe.each(["1.0.0", "2.0.0"])("a lost connection, with serializer %s,", (vsn) => {
  const harness = new Resuming(vsn);

  it("is followed by what was missed, and by word of it", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say(2);
    await harness.settle();
    await harness.reconnect(() => harness.log.write(3));
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, 3, 4, 5, "resumed 3", 6]);
    expect(harness.resumed).toEqual([{ topic: "room", count: 3 }]);
    expect(harness.asked).toEqual([
      [{ topic: "room", subscriptions: [{ id: 2_001, epoch: "1-1-1", position: end(0), tables: [{ schema: "public", table: "todos", position: position(2) }] }] }],
    ]);
  });

  it("loses nothing that the log did not have yet when the channel joined again", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    harness.service.on("channels/resume", (call) => {
      const answer = harness.log.resume(call, 2);
      harness.log.send([3]);
      return answer;
    });
    await harness.reconnect(() => harness.log.write(2));
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, "resumed 1", 3, 4]);
  });

  it("is told of where nothing was missed, and again when it is lost again", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    await harness.reconnect();
    await harness.reconnect(() => harness.log.write(1));
    expect(heard).toEqual(["resumed 0", 1, "resumed 1"]);
  });

  it("costs one call for a channel, and none on a first join", async () => {
    const client = harness.client();
    const heard: Heard = [];
    const channels = rows(1, 5).map((n) => harness.listener(client, heard, { topic: `room-${n}` }));
    await harness.joined(...channels);
    expect(harness.asked).toEqual([]);
    await harness.reconnect(() => harness.log.write(1));
    expect(harness.asked.map((channelsOfCall) => channelsOfCall.length)).toEqual([5]);
    expect(heard.filter((one) => one === 1)).toHaveLength(5);
  });

  it("of more than a hundred channels is mended by calls of a hundred", async () => {
    const client = harness.client();
    const heard: Heard = [];
    await harness.joined(...rows(1, 101).map((n) => harness.listener(client, heard, { topic: `room-${n}` })));
    await harness.reconnect(() => harness.log.write(1));
    expect(harness.asked.map((channelsOfCall) => channelsOfCall.length)).toEqual([100, 1]);
    expect(heard.filter((one) => one === 1)).toHaveLength(101);
  });

  it("is mended page by page, with what comes live before, between and after the pages", async () => {
    const heard: Heard = [];
    harness.log.pageSize = 2;
    await harness.joined(harness.listener(harness.client(), heard));
    harness.service.on("channels/join", (call) => {
      const answer = harness.log.join(call);
      harness.log.say();
      return answer;
    });
    harness.service.on("channels/resume", (call) => {
      const before = harness.log.last < 8;
      if (before) {
        harness.log.say();
      }
      const answer = harness.log.resume(call);
      if (before) {
        harness.log.say();
      }
      return answer;
    });
    await harness.reconnect(() => harness.log.write(3));
    harness.log.say();
    await harness.settle();
    expect(heard.filter((one) => typeof one === "number")).toEqual(rows(1, harness.log.last));
    expect(heard.filter((one) => typeof one === "string")).toHaveLength(1);
    expect(harness.asked.length).toBeGreaterThan(2);
  });

  it("that is too long ago is told as a gap before what comes then, and breaks nothing", async () => {
    const heard: Heard = [];
    const channel = harness.listener(harness.client(), heard);
    await harness.joined(channel);
    harness.log.say(2);
    harness.service.on("channels/resume", (call) => {
      const answer = harness.log.resume(call);
      harness.log.say();
      return answer;
    });
    await harness.reconnect(() => {
      harness.log.write(5);
      harness.log.keptFrom = 6;
    });
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, "gap WindowPassed", 8, 9]);
    expect(channel.state).toBe("joined");
    expect(harness.gaps).toEqual([{ topic: "room", reason: "WindowPassed", message: "Read the table again." }]);
    expect(harness.resumed).toEqual([]);
  });

  it("resumes from the gap's cursor the next time", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    await harness.reconnect(() => {
      harness.log.epoch = "1-1-2";
      harness.log.write(1);
    });
    await harness.reconnect(() => harness.log.write(1));
    expect(heard).toEqual([1, "gap EpochChanged", 3, "resumed 1"]);
  });

  it("is resumed from progress, where that is further than what was seen", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard, { filters: ["list=eq.1"] }));
    harness.log.say();
    harness.log.say(5, 2);
    harness.log.progress();
    harness.log.progress(2);
    harness.log.keptFrom = 7;
    await harness.reconnect(() => harness.log.write(1));
    expect(heard).toEqual([1, 7, "resumed 1"]);
  });

  it("means nothing to a channel that was left, or that asks for something else", async () => {
    const heard: Heard = [];
    const client = harness.client();
    const [left, other] = [harness.listener(client, heard), harness.listener(client, heard, { topic: "other" })];
    await harness.joined(left, other);
    await left.unsubscribe();
    await harness.reconnect(() => harness.log.write(1));
    await harness.joined(harness.listener(client, heard));
    await harness.joined(harness.listener(client, heard, { topic: "another", filters: ["list=eq.1"] }));
    expect(heard).toEqual([1, "resumed 1"]);
  });

  it("during the join or during the resuming is one more", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    let calls = 0;
    harness.service.on("channels/join", (call) => (calls++ === 0 ? "hang" : harness.log.join(call)));
    await harness.reconnect(() => harness.log.write(1));
    harness.service.on("channels/resume", () => "hang");
    await harness.reconnect(() => harness.log.write(1));
    harness.log.say();
    harness.log.progress();
    harness.service.on("channels/resume", (call) => harness.log.resume(call));
    await harness.reconnect(() => harness.log.write(1));
    expect(heard).toEqual([1, 2, 3, 4, 5, "resumed 4"]);
  });

  it("does not bring back the channel that is left while it resumes", async () => {
    const heard: Heard = [];
    const channel = harness.listener(harness.client(), heard);
    await harness.joined(channel);
    const gate = new Gate();
    harness.service.on("channels/resume", async (call) => {
      await gate.wait();
      return harness.log.resume(call);
    });
    await harness.reconnect(() => harness.log.write(1));
    const left = channel.unsubscribe();
    await harness.settle();
    gate.release();
    await harness.settle();
    expect([await left, heard]).toEqual(["ok", []]);
    expect(harness.service.bodies("channels/leave")).toEqual([{ channels: [{ topic: "room" }] }]);
  });

  it("is resumed under the new numbers when the token changes meanwhile", async () => {
    const heard: Heard = [];
    const client = harness.client();
    await harness.joined(harness.listener(client, heard));
    harness.log.pageSize = 1;
    harness.service.on("channels/access-token", () => {
      const ids = harness.log.renumber("room");
      harness.log.say();
      return { status: 200, body: { channels: [{ topic: "room", status: "ok", postgres_changes: ids.map((id) => ({ id })) }] } };
    });
    const gate = new Gate();
    harness.service.on("channels/resume", async (call) => {
      const answer = harness.log.resume(call);
      if (harness.asked.length === 1) {
        await gate.wait();
      }
      return answer;
    });
    await harness.reconnect(() => harness.log.write(3));
    await client.realtime.setAuth("another");
    await harness.settle();
    gate.release();
    await harness.settle();
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, 3, 4, "resumed 4", 5]);
    const ids = harness.asked.map(([channel]) => list(channel?.["subscriptions"])[0]?.["id"]);
    expect(new Set(ids)).toEqual(new Set([2_001, 2_051]));
  });

  it("is resumed as soon as the service can, however often it fails", async () => {
    const heard: Heard = [];
    const channel = harness.listener(harness.client({ retryMs: [2_000, 3_000] }), heard);
    await harness.joined(channel);
    let calls = 0;
    harness.service.on("channels/resume", (call) => {
      const answers = ["drop", { status: 503, body: { code: "CaptureNotReady", message: "Not yet." } }, { status: 429, body: {} }, { status: 200, body: {} }] as const;
      return answers[calls++] ?? harness.log.resume(call);
    });
    await harness.reconnect(() => harness.log.write(1));
    harness.log.say();
    await harness.settle(10_000);
    expect(heard).toEqual([1, 2, "resumed 2"]);
    expect(channel.state).toBe("joined");
  });

  it("is followed by another join where the service has lost sight of the channel", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.service.on("channels/resume", (call) => {
      if (harness.asked.length === 1) {
        harness.log.subscriptions.clear();
      }
      return harness.log.resume(call);
    });
    await harness.reconnect(() => harness.log.write(1));
    await harness.settle(20_000);
    expect(heard).toEqual([1, "resumed 1"]);
    expect(harness.service.bodies("channels/join")).toHaveLength(3);
  });

  it("is told as a gap where the service never finds the channel, and the channel goes on", async () => {
    const heard: Heard = [];
    const channel = harness.listener(harness.client(), heard);
    await harness.joined(channel);
    harness.service.on("channels/resume", ({ body }) => ({
      status: 200,
      body: { channels: list(body["channels"]).map(({ topic }) => ({ topic, status: "error", statusCode: 400, code: "TopicNotJoined", message: "No." })) },
    }));
    await harness.reconnect(() => harness.log.write(1));
    await harness.settle(60_000);
    expect(harness.asked).toHaveLength(4);
    harness.log.say();
    await harness.settle();
    expect([heard, channel.state]).toEqual([["gap TopicNotJoined", 2], "joined"]);
  });

  it("that lasts for more than an hour is told as a gap", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    harness.service.on("negotiate", () => "drop");
    await harness.reconnect(() => harness.log.write(1));
    await harness.settle(3_600_000);
    harness.service.on("negotiate", (call) => harness.service.well(call));
    await harness.settle(60_000);
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, "gap WindowPassed", 3]);
    expect(harness.asked).toEqual([]);
  });

  it("is told as a gap where its positions are refused", async () => {
    const heard: Heard = [];
    const channel = harness.listener(harness.client(), heard);
    await harness.joined(channel);
    harness.service.on("channels/resume", () => ({ status: 400, body: { code: "InvalidResume", message: "No." } }));
    await harness.reconnect(() => harness.log.write(1));
    await harness.settle(20_000);
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual(["gap InvalidResume", 2]);
    expect(harness.asked).toHaveLength(1);
  });

  it("is lost once more where the session is not accepted when it resumes", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.service.on("channels/resume", (call) =>
      harness.asked.length === 1 ? { status: 403, body: { code: "SessionMismatch", message: "No." } } : harness.log.resume(call),
    );
    await harness.reconnect(() => harness.log.write(1));
    await harness.settle(10_000);
    expect(heard).toEqual([1, "resumed 1"]);
    expect(harness.service.hubs).toHaveLength(3);
  });

  it("is resumed again where more comes meanwhile than is kept", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.service.on("channels/resume", (call) => {
      const answer = harness.log.resume(call);
      if (harness.asked.length === 1) {
        const many = harness.log.write(50_001);
        harness.log.send(many.slice(0, 25_000));
        harness.log.send(many.slice(25_000));
      }
      return answer;
    });
    harness.log.pageSize = 100_000;
    await harness.reconnect(() => harness.log.write(1));
    await harness.settle();
    expect(heard.length).toBe(50_003);
    expect(heard.at(-1)).toBe("resumed 50002");
    expect(heard.slice(0, -1)).toEqual(rows(1, 50_002));
  });

  it("brings to two entries with one number each change once, as live changes do", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard, { filters: ["list=eq.1", "list=eq.1", "list=eq.2"] }));
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 1]);
    await harness.reconnect(() => {
      harness.log.write(1);
      harness.log.write(1, 2);
    });
    expect(heard).toEqual([1, 1, 2, 2, 3, "resumed 2"]);
  });

  it("of two clients of one transport gives both what they missed", async () => {
    const [first, second]: [Heard, Heard] = [[], []];
    const transport = harness.telling();
    const clients = [harness.clientOf({}, {}, transport), harness.clientOf({}, {}, transport)] as const;
    await harness.joined(harness.listener(clients[0], first), harness.listener(clients[1], second));
    const hubs = harness.service.hubs.slice();
    harness.log.say();
    // The first has seen more than the second when both are lost: what is kept is the less, and a repeat better than a loss.
    hubs[1]?.drop("cut");
    harness.log.say();
    hubs[0]?.drop("cut");
    harness.log.write(1);
    await harness.settle(10_000);
    expect(second).toEqual([1, 2, 3, "resumed 2"]);
    expect(first).toEqual([1, 2, 2, 3, "resumed 2"]);
  });
});

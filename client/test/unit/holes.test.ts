import { describe, expect, it } from "vitest";
import { end, position } from "../support/changeLog.js";
import { Gate } from "../support/harness.js";
import { Resuming, rows, type Heard } from "../support/resuming.js";
import { inserts } from "../support/changes.js";

describe.each(["1.0.0", "2.0.0"])("a message that does not come, with serializer %s,", (vsn) => {
  const harness = new Resuming(vsn);

  it("is found missing by the next one, and delivered before it", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client({ random: () => 0.5 }), heard));
    harness.log.say();
    harness.log.send(harness.log.write(2), { lost: true });
    harness.log.say(2);
    await harness.settle(490);
    expect([heard, harness.asked]).toEqual([[1], []]);
    await harness.settle(20);
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, ...rows(2, 5), "resumed 4", 6]);
    expect(harness.asked).toEqual([
      [{ topic: "room", subscriptions: [{ id: 1_001, epoch: "1-1-1", position: end(0), tables: [{ schema: "public", table: "todos", position: position(1) }] }] }],
    ]);
  });

  it("is asked for once by all channels that miss it", async () => {
    const heard: Heard = [];
    const client = harness.client();
    await harness.joined(...["a", "b", "c"].map((topic) => harness.listener(client, heard, { topic })));
    harness.log.send(harness.log.write(1), { lost: true });
    harness.log.say();
    await harness.settle();
    expect(harness.asked.map((channels) => channels.length)).toEqual([3]);
    expect(heard.filter((one) => one === 1)).toHaveLength(3);
  });

  it("is asked for from where it was missed, although progress has come since", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    harness.log.send(harness.log.write(1), { lost: true });
    harness.log.progress();
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, 3, "resumed 2"]);
  });

  it("is not lost where the connection is, after it was found missing", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client({ random: () => 0.9 }), heard));
    harness.log.say();
    harness.log.send(harness.log.write(1), { lost: true });
    harness.log.progress();
    harness.log.say();
    harness.log.progress();
    await harness.reconnect();
    await harness.settle(5_000);
    expect(heard).toEqual([1, 2, 3, "resumed 2"]);
  });

  it("is not looked for behind a sender that has sent nothing since the cursor or the progress", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard, { filters: ["list=eq.1"] }));
    harness.log.say(5, 2);
    harness.log.progress();
    harness.log.send(harness.log.write(1), { previous: position(5) });
    await harness.settle();
    expect([heard, harness.asked]).toEqual([[6], []]);
  });

  it.each([null, position(5)])("is looked for when a sender names %s, and nothing is told where nothing was missed", async (previous) => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard, { filters: ["list=eq.1"] }));
    harness.log.say();
    harness.log.write(4, 2);
    harness.log.send(harness.log.write(1), { previous });
    await harness.settle();
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 6, "resumed 1", 7]);
    expect(harness.asked).toHaveLength(1);
  });

  it("that is a repeat is no hole", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say(3);
    harness.log.send([1], { previous: null });
    harness.log.send([2, 3], { previous: position(1) });
    await harness.settle();
    expect([heard, harness.asked]).toEqual([[1, 2, 3], []]);
  });

  it("that came during a resume and is torn again is mended again", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.service.on("channels/resume", (call) => {
      const answer = harness.log.resume(call);
      if (harness.asked.length === 1) {
        harness.log.send(harness.log.write(1), { lost: true });
        harness.log.say();
      }
      return answer;
    });
    harness.log.send(harness.log.write(1), { lost: true });
    harness.log.say();
    await harness.settle();
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, "resumed 2", 3, 4, "resumed 2", 5]);
  });

  it("does not make it ask for ever where the log knows nothing of the table", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    const [row] = harness.log.write(1);
    harness.service.on("channels/resume", () => ({
      status: 200,
      body: { channels: [{ topic: "room", status: "ok", messages: [], subscriptions: [{ id: 1_001, more: false, tables: [] }] }] },
    }));
    harness.log.send([row ?? 0], { previous: null });
    await harness.settle(10_000);
    expect([heard, harness.asked.length]).toEqual([[1], 1]);
  });

  it("of a new epoch is told as a gap, and the stream goes on in that", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    harness.log.epoch = "1-1-2";
    harness.log.write(1);
    harness.service.on("channels/resume", (call) => {
      const answer = harness.log.resume(call);
      harness.log.say();
      return answer;
    });
    harness.log.say();
    await harness.settle();
    harness.service.hub.invoke("postgres_changes", inserts([1_001], [position(9)], "1-1-1", position(1)));
    await harness.settle();
    harness.log.say();
    await harness.settle();
    expect(heard.filter((one) => one !== "resumed 1")).toEqual([1, "gap EpochChanged", 4, 5, 6]);
    expect(harness.gaps).toHaveLength(1);
  });

  it("of a new epoch is told at the next progress where nothing else comes", async () => {
    const heard: Heard = [];
    await harness.joined(harness.listener(harness.client(), heard));
    harness.log.say();
    harness.log.epoch = "1-1-2";
    harness.log.progress();
    await harness.settle();
    expect(heard).toEqual([1, "gap EpochChanged"]);
    harness.log.progress();
    await harness.settle();
    expect(harness.asked).toHaveLength(1);
  });

  it("during a change of token is found, whichever number it came under", async () => {
    const heard: Heard = [];
    const client = harness.client();
    await harness.joined(harness.listener(client, heard));
    harness.log.say();
    const gate = new Gate();
    harness.service.on("channels/access-token", async () => {
      const ids = harness.log.renumber("room");
      harness.log.say();
      harness.log.send(harness.log.write(1), { lost: true });
      harness.log.say();
      await gate.wait();
      return { status: 200, body: { channels: [{ topic: "room", status: "ok", postgres_changes: ids.map((id) => ({ id })) }] } };
    });
    await client.realtime.setAuth("another");
    await harness.settle();
    gate.release();
    await harness.settle();
    harness.log.say();
    await harness.settle();
    expect(heard).toEqual([1, 2, 3, 4, "resumed 2", 5]);
  });
});

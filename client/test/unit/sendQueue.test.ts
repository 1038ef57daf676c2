import { describe, expect, it } from "vitest";
import type { Frame } from "../../src/frames.js";
import { Rate } from "../../src/rate.js";
import { Said } from "../../src/said.js";
import { SendQueue, type Outgoing } from "../../src/sendQueue.js";

const frame = (ref: string): Frame => ({ joinRef: "1", ref, topic: "t", event: "broadcast", payload: {} });
const message = (event: string, json: string, { topic = "t", bytes = 10, acks = [] as readonly Frame[] } = {}): Outgoing => ({
  topic,
  event,
  json,
  bytes,
  acks,
});
const texts = (batch: readonly Outgoing[]): readonly string[] => batch.map(({ json }) => json);

describe("the queue of broadcasts", () => {
  it("keeps the order in which they were sent", () => {
    const queue = new SendQueue();
    ["a", "b", "c"].forEach((json) => queue.add(message("e", json)));
    expect([texts(queue.take(2)), texts(queue.take(2)), texts(queue.take(2))]).toEqual([["a", "b"], ["c"], []]);
    expect([queue.isEmpty, queue.bytes]).toEqual([true, 0]);
  });

  it("puts the newest of an event and topic where the older waited, with whoever waits for that", () => {
    const queue = new SendQueue(new Set(["cursor"]));
    [
      message("cursor", "old", { acks: [frame("1")] }),
      message("cursor", "elsewhere", { topic: "other" }),
      message("chat", "first"),
      message("chat", "second"),
      message("cursor", "new", { acks: [frame("2")] }),
    ].forEach((one) => queue.add(one));
    const batch = queue.take(100);
    expect(texts(batch)).toEqual(["new", "elsewhere", "first", "second"]);
    expect(batch[0]?.acks.map(({ ref }) => ref)).toEqual(["1", "2"]);
  });

  it("takes at most a hundred for a call, and no more than it may carry, save one that is too large by itself", () => {
    const queue = new SendQueue();
    for (let count = 0; count < 150; count++) {
      queue.add(message("e", String(count)));
    }
    expect([queue.take(Infinity).length, queue.take(Infinity).length]).toEqual([100, 50]);
    [100_000, 90_000, 10_000, 900_000, 1].forEach((bytes) => queue.add(message("e", String(bytes), { bytes })));
    expect([1, 2, 3, 4].map(() => texts(queue.take(Infinity)))).toEqual([["100000", "90000"], ["10000"], ["900000"], ["1"]]);
  });

  it("takes back what was not sent, and gives way to what has come since", () => {
    const queue = new SendQueue(new Set(["cursor"]));
    queue.add(message("chat", "first"));
    queue.add(message("cursor", "old", { acks: [frame("1")] }));
    const batch = queue.take(2);
    queue.add(message("chat", "second"));
    queue.add(message("cursor", "new", { acks: [frame("2")] }));
    queue.putBack(batch);
    const again = queue.take(10);
    expect(texts(again)).toEqual(["first", "new", "second"]);
    expect(again[1]?.acks.map(({ ref }) => ref)).toEqual(["1", "2"]);
    expect([queue.isEmpty, queue.bytes]).toEqual([true, 0]);
  });

  it("is bounded in messages, in frames that wait for an answer, and in bytes", () => {
    const few = new SendQueue(new Set(["cursor"]), 2);
    expect([1, 2, 3].map((ref) => few.add(message("cursor", "c", { acks: [frame(String(ref))] })))).toEqual([true, true, false]);
    expect([1, 2, 3].map(() => new SendQueue(new Set(), 2)).map((queue) => [1, 2, 3].map(() => queue.add(message("e", "c"))))).toEqual(
      [1, 2, 3].map(() => [true, true, false]),
    );
    const small = new SendQueue(new Set(["cursor"]), 1_000, 100);
    expect([60, 60, 40].map((bytes) => small.add(message("e", "e", { bytes })))).toEqual([true, false, true]);
    expect(small.has("t")).toBe(true);
    small.clear();
    expect([small.bytes, small.has("t"), small.add(message("e", "e", { bytes: 100 }))]).toEqual([0, false, true]);
  });
});

describe("the rate", () => {
  it("lets a second's worth leave at once, and then so many a second", () => {
    let now = 0;
    const rate = new Rate(10, () => now);
    rate.spend(rate.allowed);
    expect([rate.allowed, rate.waitMs]).toEqual([0, 100]);
    now = 99;
    expect(rate.allowed).toBe(0);
    now = 100;
    expect([rate.allowed, rate.waitMs]).toEqual([1, 0]);
    now = 60_000;
    expect(rate.allowed).toBe(10);
  });

  it("may be less than one a second", () => {
    let now = 0;
    const rate = new Rate(0.5, () => now);
    rate.spend(rate.allowed);
    expect([rate.allowed, rate.waitMs]).toEqual([0, 2_000]);
    now = 2_000;
    expect(rate.allowed).toBe(1);
  });

  it("is not filled by a clock that is set back, nor stopped for longer than it has to", () => {
    let now = 100_000;
    const rate = new Rate(1, () => now);
    rate.spend(1);
    now = 0;
    expect(rate.allowed).toBe(0);
    now = 1_000;
    expect(rate.allowed).toBe(1);
  });

  it("is without bound where none was asked for", () => {
    const rate = new Rate(undefined, () => 0);
    rate.spend(5_000);
    expect([rate.allowed, rate.waitMs]).toEqual([Infinity, 0]);
  });
});

describe("what was said", () => {
  it("is said again after a minute, and forgotten when there is too much of it", () => {
    let now = 0;
    const said = new Said(60_000, 2, () => now);
    expect(["a", "a", "b", "a"].map((text) => said.isNew(text))).toEqual([true, false, true, false]);
    now = 60_000;
    expect(said.isNew("a")).toBe(true);
    expect(["c", "b"].map((text) => said.isNew(text))).toEqual([true, true]);
  });
});

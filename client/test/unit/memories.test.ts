import { describe, expect, it } from "vitest";
import type { ChannelMemory } from "../../src/channelMemory.js";
import { EntryPositions } from "../../src/entryPositions.js";
import { Memories } from "../../src/memories.js";
import { RecentIds } from "../../src/recentIds.js";
import { end, position } from "../support/changeLog.js";

const todos = { schema: "public", table: "todos" };

/** Of a channel that began at one place, has seen so much, and heard these. */
function memory(began: number, seen: number, ids: readonly string[] = [], aliveAt = 0): ChannelMemory {
  const [entry, heard] = [new EntryPositions(), new RecentIds()];
  entry.begin({ epoch: "1-1-1", position: end(began) });
  entry.advance("1-1-1", todos, position(seen));
  ids.forEach((id) => heard.add(id));
  return { entries: [entry], heard, aliveAt, breaks: 0 };
}

describe("what is kept of channels without a socket", () => {
  it("is taken once", () => {
    const memories = new Memories();
    memories.put("a", memory(1, 2));
    expect([memories.take("a") !== undefined, memories.take("a"), memories.take("b")]).toEqual([true, undefined, undefined]);
  });

  it("is the less of two that are alike, for each of them", () => {
    const memories = new Memories();
    memories.put("a", memory(1, 7, ["x", "y"], 20));
    memories.put("a", memory(3, 5, ["y", "z"], 10));
    const taken = [memories.take("a"), memories.take("a")].map((one) => (one === "outlived" ? undefined : one));
    expect(taken.map((one) => one?.entries[0]?.resumeFrom())).toEqual(
      [0, 1].map(() => ({ epoch: "1-1-1", position: end(1), tables: [{ ...todos, position: position(5) }] })),
    );
    expect(taken.map((one) => [one?.aliveAt, ["x", "y", "z"].filter((id) => one?.heard.has(id))])).toEqual([0, 1].map(() => [10, ["y"]]));
    taken[0]?.entries[0]?.advance("1-1-1", todos, position(9));
    expect(taken[1]?.entries[0]?.resumeFrom()?.tables).toEqual([{ ...todos, position: position(5) }]);
    expect(memories.take("a")).toBeUndefined();
  });

  it("is bounded in number", () => {
    const memories = new Memories(2);
    ["a", "b", "c"].forEach((key) => memories.put(key, memory(1, 2)));
    expect(["a", "b", "c"].map((key) => memories.take(key) !== undefined)).toEqual([false, true, true]);
  });

  it("is not given out after its time, but said to have been there", () => {
    let now = 0;
    const memories = new Memories(10, 60_000, () => now);
    memories.put("a", memory(1, 2));
    now = 60_001;
    expect([memories.take("a"), memories.take("a")]).toEqual(["outlived", undefined]);
  });

  it("of broadcasts is the latest ones", () => {
    const ids = new RecentIds(2);
    ["a", "b", "a", "c"].forEach((id) => ids.add(id));
    expect(["a", "b", "c"].map((id) => ids.has(id))).toEqual([true, false, true]);
  });
});

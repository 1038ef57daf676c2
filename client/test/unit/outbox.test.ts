import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox, type Operation } from "../../src/outbox.js";

interface Step extends Operation {
  readonly name: string;
}

const step = (batchKey: string, topic: string, bytes = 1): Step => ({ batchKey, topic, bytes, name: `${batchKey} ${topic}` });

/** An outbox whose calls are recorded, and end when the test says so. */
function recorded(limit?: number): { outbox: Outbox<Step>; calls: { names: readonly string[]; end: () => void }[] } {
  const calls: { names: readonly string[]; end: () => void }[] = [];
  const outbox = new Outbox<Step>(
    (batch) => new Promise((resolve) => calls.push({ names: batch.map(({ name }) => name), end: resolve })),
    limit,
  );
  return { outbox, calls };
}

describe("the outbox", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("sends what was added in one moment together", async () => {
    const { outbox, calls } = recorded();
    ["a", "b", "c"].forEach((topic) => outbox.add(step("join", topic)));
    await vi.advanceTimersByTimeAsync(1);
    expect(calls.map(({ names }) => names)).toEqual([["join a", "join b", "join c"]]);
  });

  it("does not let a leave overtake its join", async () => {
    const { outbox, calls } = recorded();
    outbox.add(step("join", "a"));
    await vi.advanceTimersByTimeAsync(1);
    outbox.add(step("leave", "a"));
    outbox.add(step("leave", "b"));
    await vi.advanceTimersByTimeAsync(1);
    expect(calls.map(({ names }) => names)).toEqual([["join a"], ["leave b"]]);
    calls[0]?.end();
    await vi.advanceTimersByTimeAsync(1);
    expect(calls[2]?.names).toEqual(["leave a"]);
  });

  it("names at most a hundred channels in a call", async () => {
    const { outbox, calls } = recorded();
    for (let topic = 0; topic < 150; topic++) {
      outbox.add(step("join", String(topic)));
    }
    await vi.advanceTimersByTimeAsync(1);
    expect(calls.map(({ names }) => names.length)).toEqual([100, 50]);
  });

  it("keeps a call under the service's limit, and sends alone what exceeds it", async () => {
    const { outbox, calls } = recorded();
    outbox.add(step("join", "large", 150_000));
    outbox.add(step("join", "larger", 150_000));
    outbox.add(step("join", "largest", 900_000));
    await vi.advanceTimersByTimeAsync(1);
    expect(calls.map(({ names }) => names)).toEqual([["join large"], ["join larger"], ["join largest"]]);
  });

  it("makes four calls at a time", async () => {
    const { outbox, calls } = recorded();
    for (let kind = 0; kind < 6; kind++) {
      outbox.add(step(String(kind), String(kind)));
    }
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toHaveLength(4);
    calls[0]?.end();
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toHaveLength(5);
  });

  it("turns away what exceeds its limit", () => {
    const { outbox } = recorded(2);
    expect(["a", "b", "c"].map((topic) => outbox.add(step("join", topic)))).toEqual([true, true, false]);
  });

  it("sends nothing after it was closed", async () => {
    const { outbox, calls } = recorded();
    outbox.add(step("join", "a"));
    outbox.close();
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

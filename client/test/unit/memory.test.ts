import { describe, expect, it } from "vitest";
import { CallError } from "../../src/errors.js";
import { HeldMessages } from "../../src/held.js";
import { Pace } from "../../src/pace.js";
import { Refusals } from "../../src/refusals.js";
import { parseChanges, type ChangesMessage } from "../../src/wire.js";
import { inserts } from "../support/changes.js";

const refused = new CallError(400, "UnknownTable", "No such table.");

describe("refusals", () => {
  it("are remembered for their time, and say how long that is", () => {
    let now = 0;
    const refusals = new Refusals(60_000, 10, () => now);
    refusals.remember("join", refused);
    now = 45_000;
    expect(refusals.recall("join")?.reason).toBe("UnknownTable: No such table. (Remembered; the service is asked again in 15 s.)");
    now = 60_000;
    expect(refusals.recall("join")).toBeUndefined();
  });

  it("are bounded in number", () => {
    const refusals = new Refusals(60_000, 2, () => 0);
    ["a", "b", "c"].forEach((key) => refusals.remember(key, refused));
    expect(["a", "b", "c"].map((key) => refusals.recall(key) !== undefined)).toEqual([false, true, true]);
  });
});

describe("errors", () => {
  it.each([
    [400, "InvalidFilter", true],
    [403, "TableForbidden", true],
    [401, "TokenExpired", false],
    [403, "SessionMismatch", false],
    [409, "SessionNotConnected", false],
    [429, "TooMany", false],
    [503, "Http503", false],
    [0, "Unreachable", false],
  ])("of status %i %s are final: %s", (status, code, final) => {
    expect(new CallError(status, code, "").isFinal).toBe(final);
  });
});

describe("pace", () => {
  it("lets the first session begin at once, and doubles the wait with each short one", () => {
    let now = 0;
    const pace = new Pace(() => 1, () => now);
    const waits = [pace.wait];
    for (let session = 0; session < 8; session++) {
      const ended = pace.began();
      now += 1_000;
      ended();
      waits.push(pace.wait);
    }
    expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("forgets the short ones after a long one", () => {
    let now = 0;
    const pace = new Pace(() => 1, () => now);
    pace.began()();
    const ended = pace.began();
    now += 60_000;
    ended();
    expect(pace.wait).toBe(0);
  });
});

describe("held messages", () => {
  const held = (...limits: [number?, number?]): HeldMessages<ChangesMessage> => new HeldMessages(({ changes }) => changes.length, ...limits);

  const message = (count: number): ChangesMessage => {
    const positions = Array.from({ length: count }, (_, index) => `0/1:${index}`);
    const parsed = parseChanges(inserts([1], positions));
    if (parsed === undefined) {
      throw new Error("The message of the test is not one.");
    }
    return parsed;
  };

  it("are those since the wait began", () => {
    const messages = held();
    const [early, late] = [message(1), message(1)];
    const first = messages.wait();
    messages.keep(early);
    const second = messages.wait();
    messages.keep(late);
    expect([first.since(), second.since()]).toEqual([[early, late], [late]]);
  });

  it("are kept only as long as somebody waits for them", () => {
    const messages = held();
    const [first, second] = [messages.wait(), messages.wait()];
    messages.keep(message(1));
    first.end();
    first.end();
    expect(second.since()).toHaveLength(1);
    second.end();
    expect(second.since()).toEqual([]);
  });

  it("are forgotten when the one who needed them is served, though others still wait", () => {
    const messages = held();
    const first = messages.wait();
    messages.keep(message(1));
    const second = messages.wait();
    const late = message(1);
    messages.keep(late);
    first.end();
    expect([first.since(), second.since()]).toEqual([[late], [late]]);
  });

  it.each([
    ["changes", held(10), 6],
    ["bytes", held(50_000, 1_500), 6],
    ["bytes, by a single message", held(50_000, 500), 6],
  ])("are never given out with a gap when there are too many %s", (_, messages, count) => {
    const before = messages.wait();
    messages.keep(message(count));
    messages.keep(message(count));
    expect(before.since()).toBeUndefined();
    const after = messages.wait();
    expect(after.since()).toEqual([]);
  });
});

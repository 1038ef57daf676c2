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
  const message = (count: number): ChangesMessage => {
    const positions = Array.from({ length: count }, (_, index) => `0/1:${index}`);
    const parsed = parseChanges(inserts([1], positions));
    if (parsed === undefined) {
      throw new Error("The message of the test is not one.");
    }
    return parsed;
  };

  it("are those since the mark", () => {
    const held = new HeldMessages();
    held.mark();
    const [early, late] = [message(1), message(1)];
    held.keep(early);
    const mark = held.mark();
    held.keep(late);
    expect(held.since(mark)).toEqual([late]);
  });

  it("are kept only while somebody waits", () => {
    const held = new HeldMessages();
    const mark = held.mark();
    held.keep(message(1));
    held.release();
    expect(held.since(mark)).toEqual([]);
  });

  it("are never given out with a gap", () => {
    const held = new HeldMessages(10);
    const before = held.mark();
    held.keep(message(6));
    const after = held.mark();
    held.keep(message(6));
    expect(held.since(before)).toBeUndefined();
    expect(held.since(after)).toHaveLength(1);
  });
});

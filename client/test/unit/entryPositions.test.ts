import { describe, expect, it } from "vitest";
import { EntryPositions } from "../../src/entryPositions.js";
import { parseChanges, type ChangesMessage } from "../../src/wire.js";
import { inserts } from "../support/changes.js";
import { end, position } from "../support/changeLog.js";

const todos = { schema: "public", table: "todos" };
const notes = { schema: "public", table: "notes" };

function begun(at = 10): EntryPositions {
  const entry = new EntryPositions();
  entry.begin({ epoch: "1-1-1", position: end(at) });
  return entry;
}

function message(n: number, previous: number | null, epoch = "1-1-1"): ChangesMessage {
  const parsed = parseChanges(inserts([1], [position(n)], epoch, previous === null ? null : position(previous)));
  if (parsed === undefined) {
    throw new Error("The message of the test is not one.");
  }
  return parsed;
}

describe("the positions of an entry", () => {
  it.each([
    ["0/16B3748:0", "0/16B3748:1"],
    ["0/9:0", "0/10:0"],
    ["0/FFFFFFFF:7", "1/0:0"],
    ["9/0:0", "A/0:0"],
    ["0/1:9", "0/1:10"],
  ])("have %s before %s", (first, second) => {
    const entry = new EntryPositions();
    expect([first, second, first, second].map((at) => entry.advance("1-1-1", todos, at))).toEqual([true, true, false, false]);
  });

  it("of an unknown form count as new: a repeat is better than a loss", () => {
    expect([1, 2].map(() => begun().advance("1-1-1", todos, "later"))).toEqual([true, true]);
  });

  it("of tables are not compared with one another", () => {
    const entry = begun();
    entry.advance("1-1-1", todos, position(20));
    expect(entry.advance("1-1-1", notes, position(12))).toBe(true);
  });

  it("without a cursor take the epochs as they come, and see no holes", () => {
    const entry = new EntryPositions();
    entry.advance("1-1-1", todos, position(20));
    expect([entry.isHole(message(9, null, "1-1-2")), entry.advance("1-1-2", todos, position(9)), entry.resumeFrom()]).toEqual([false, true, undefined]);
  });

  it.each([
    ["follows the cursor", 12, 10, false],
    ["names one that is not known", 12, 11, true],
    ["does not know", 12, null, true],
  ] as const)("see a hole where the first message %s: %i after %s", (_, n, previous, isHole) => {
    expect(begun().isHole(message(n, previous))).toBe(isHole);
  });

  it("are judged by what was seen, and by progress only where nothing was", () => {
    const [seen, unseen] = [begun(), begun()];
    seen.advance("1-1-1", todos, position(12));
    [seen, unseen].forEach((entry) => entry.moveOn({ epoch: "1-1-1", position: end(20) }));
    expect([seen.isHole(message(30, 15)), unseen.isHole(message(30, 15)), unseen.isHole(message(30, 21))]).toEqual([true, false, true]);
  });

  it("take progress of their epoch alone, and only forwards", () => {
    const entry = begun();
    [{ epoch: "1-1-2", position: end(99) }, { epoch: "1-1-1", position: end(20) }, { epoch: "1-1-1", position: end(15) }].forEach((cursor) => entry.moveOn(cursor));
    expect(entry.resumeFrom()).toEqual({ epoch: "1-1-1", position: end(20), tables: [] });
  });

  it("resume from the later of the two, but a table with a hole from what was seen of it, until it is mended", () => {
    const entry = begun();
    entry.advance("1-1-1", todos, position(12));
    entry.advance("1-1-1", notes, position(11));
    entry.tear(message(30, 15));
    entry.moveOn({ epoch: "1-1-1", position: end(20) });
    const copy = entry.copy();
    expect(copy.resumeFrom()).toEqual({ epoch: "1-1-1", position: end(20), tables: [{ ...todos, position: position(12) }] });
    copy.mended();
    expect(copy.resumeFrom()).toEqual({ epoch: "1-1-1", position: end(20), tables: [] });
  });

  it("go on after a gap in the same epoch: what comes from before it is in the new reading of the table, and shows no holes", () => {
    const entry = begun();
    entry.advance("1-1-1", todos, position(12));
    entry.tear(message(14, 13));
    entry.beginAnew({ epoch: "1-1-1", position: end(20) });
    expect([12, 19, 20, 21].map((n) => entry.copy().advance("1-1-1", todos, position(n)))).toEqual([false, false, false, true]);
    expect([entry.isHole(message(22, 20)), entry.isHole(message(22, 21))]).toEqual([false, true]);
    expect(entry.resumeFrom()).toEqual({ epoch: "1-1-1", position: end(20), tables: [] });
  });

  it("begin anew after a gap that begins another epoch", () => {
    const entry = begun();
    entry.advance("1-1-1", todos, position(12));
    entry.beginAnew({ epoch: "1-1-2", position: end(3) });
    expect([entry.resumeFrom(), entry.advance("1-1-1", todos, position(13)), entry.advance("1-1-2", todos, position(4))]).toEqual([
      { epoch: "1-1-2", position: end(3), tables: [] },
      false,
      true,
    ]);
  });

  it("merge to the older epoch, where a gap will be told", () => {
    const [older, newer] = [begun(), new EntryPositions()];
    newer.begin({ epoch: "1-1-10", position: end(1) });
    const merged = newer.copy();
    merged.lowerTo(older);
    older.lowerTo(newer);
    expect([merged.resumeFrom()?.epoch, older.resumeFrom()?.epoch]).toEqual(["1-1-1", "1-1-1"]);
  });

  it("are of so many tables at most: the one that moved last goes last", () => {
    const entry = new EntryPositions(2);
    entry.begin({ epoch: "1-1-1", position: end(10) });
    ["a", "b", "a", "c"].forEach((table, index) => entry.advance("1-1-1", { schema: "public", table }, position(11 + index)));
    expect(entry.resumeFrom()?.tables.map(({ table }) => table)).toEqual(["a", "c"]);
  });
});

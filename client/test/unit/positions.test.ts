import { describe, expect, it } from "vitest";
import { Positions } from "../../src/positions.js";

describe("positions", () => {
  it.each([
    ["0/16B3748:0", "0/16B3748:1"],
    ["0/9:0", "0/10:0"],
    ["0/FFFFFFFF:7", "1/0:0"],
    ["9/0:0", "A/0:0"],
    ["0/1:9", "0/1:10"],
  ])("%s comes before %s", (first, second) => {
    const positions = new Positions();
    expect(positions.advance("s", first)).toBe(true);
    expect(positions.advance("s", second)).toBe(true);
    expect(positions.advance("s", first)).toBe(false);
    expect(positions.advance("s", second)).toBe(false);
  });

  it("of different streams are not compared", () => {
    const positions = new Positions();
    positions.advance("epoch 1", "5/0:0");
    expect(positions.advance("epoch 2", "1/0:0")).toBe(true);
  });

  it("of an unknown form count as new: a repeat is better than a loss", () => {
    const positions = new Positions();
    expect([positions.advance("s", "later"), positions.advance("s", "later")]).toEqual([true, true]);
  });

  it("forget the stream that came first when there are too many", () => {
    const positions = new Positions(2);
    ["a", "b", "c"].forEach((stream) => positions.advance(stream, "0/1:0"));
    expect(positions.advance("c", "0/1:0")).toBe(false);
    expect(positions.advance("a", "0/1:0")).toBe(true);
  });
});

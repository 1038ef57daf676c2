import { describe, expect, it } from "vitest";
import { position } from "../support/changeLog.js";
import { Resuming, type Heard } from "../support/resuming.js";
import type { Answer, Call } from "../support/standIn.js";

/** Numbers that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const seeds = Array.from({ length: Number(process.env["REALTIME_TEST_SEEDS"] ?? 40) }, (_, index) => index + 1);

describe("whatever is lost, repeated, late and cut,", () => {
  const harness = new Resuming("2.0.0");

  it.each(seeds)("each entry hears the log of what matches it, in order and once (seed %i)", async (seed) => {
    const random = randomOf(seed);
    const below = (most: number): number => Math.floor(random() * most);
    const heard: [Heard, Heard] = [[], []];
    const committed: [number[], number[]] = [[], []];
    const client = harness.client({ random, retryMs: [200, 500] });
    await harness.joined(
      harness.listener(client, heard[0], { topic: "one", filters: ["list=eq.0"] }),
      harness.listener(client, heard[1], { topic: "two", filters: ["list=eq.1"] }),
    );
    harness.log.pageSize = 1 + below(8);

    // Rows that are committed, and neither in the log nor sent yet.
    const waiting: number[] = [];
    const late = (answer: (call: Call) => Answer) => async (call: Call): Promise<Answer> => {
      const first = random() < 0.5 ? answer(call) : undefined;
      await new Promise((resolve) => setTimeout(resolve, below(300)));
      return random() < 0.1 ? "drop" : (first ?? answer(call));
    };
    harness.service.on("channels/resume", late((call) => harness.log.resume(call, (waiting[0] ?? harness.log.last + 1) - 1)));
    harness.service.on("channels/join", late((call) => harness.log.join(call)));

    const write = (): number => {
      const list = below(2);
      const [n = 0] = harness.log.write(1, list);
      committed[list]?.push(n);
      return n;
    };
    const process = (): void => waiting.splice(0).forEach((n) => harness.log.send([n]));
    const acts: readonly (() => void)[] = [
      () => harness.log.send([write()]),
      () => harness.log.send([write()]),
      () => harness.log.send([write(), write()]),
      () => harness.log.send([write()], { lost: true }),
      () => harness.log.send([write()], { previous: null }),
      () => {
        // A repeat of what was sent at some time.
        const n = 1 + below(Math.max(1, harness.log.last));
        if (n <= harness.log.last && !harness.log.hidesLoss) {
          harness.log.send([n], { previous: position(n - 1) });
        }
      },
      () => {
        // Two that overtake each other.
        const [first, second] = [write(), write()];
        harness.log.send([second], { previous: position(first) });
        harness.log.send([first], { previous: position(first - 1) });
      },
      () => {
        if (!harness.log.hidesLoss && harness.service.hub.isRunning) {
          harness.log.progress();
        }
      },
    ];
    for (let step = 0; step < 120; step++) {
      if (random() < 0.2) {
        waiting.push(write());
      } else {
        process();
        acts[below(acts.length)]?.();
      }
      if (random() < 0.5) {
        await harness.settle(below(400));
      }
      if (random() < 0.04 && harness.service.hub.isRunning) {
        harness.service.hub.drop("cut");
      }
    }
    process();
    await harness.reconnectIfOpen();
    await harness.settle(60_000);
    const numbers = heard.map((one) => one.filter((item) => typeof item === "number"));
    expect(numbers).toEqual(committed);
    expect(harness.gaps).toEqual([]);
  });
});

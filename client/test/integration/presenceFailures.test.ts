import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasApp } from "../support/app.js";
import { buildCrowdProgram, Crowd, type CrowdProgram, type Seen } from "../support/crowd.js";
import { startPair, type Pair } from "../support/pair.js";
import { Relay } from "../support/relay.js";

const topic = "cast";
const isFull = process.env["REALTIME_TEST_FULL"] === "1";

/** The product's own times take minutes, so they run with `REALTIME_TEST_FULL=1` alone; what is judged is the same. */
const times = isFull
  ? { settings: {}, timeoutMs: 75_000, sweepMs: 5_000 }
  : { settings: { Presence__HeartbeatInterval: "00:00:03", Presence__Timeout: "00:00:10" }, timeoutMs: 10_000, sweepMs: 1_000 };

/** Whoever vanishes is listed no longer than the timeout and one sweep; a moment more for the news to arrive on a busy machine. */
const goneWithinMs = times.timeoutMs + times.sweepMs + 4_000;

const names = (prefix: string, count: number): readonly string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

/**
 * A hundred clients in real processes, two processes of the service behind what balances load, and what can break between them. The tests go on from
 * each other: a hundred clients take their time to come.
 */
describe.skipIf(!hasApp)("a hundred who are present", () => {
  const [stayNames, cutNames, victims] = [names("stay", 88), names("cut", 10), names("victim", 2)];
  const crowds: Crowd[] = [];
  const relays: Relay[] = [];
  let program: CrowdProgram;
  let pair: Pair;
  let [apps, cutApps, cutSignalR]: Relay[] = [];
  let [stay, cut, victim, second]: Crowd[] = [];
  let present: readonly string[] = [...stayNames, ...cutNames, ...victims];

  beforeAll(async () => {
    [program, pair] = await Promise.all([buildCrowdProgram(), startPair(times.settings)]);
    const ports = pair.instances.map(({ url }) => Number(new URL(url).port));
    apps = await relay(...ports);
    cutApps = await relay(apps.port);
    cutSignalR = await relay(pair.signalRPort);
    stay = await crowd(apps);
    cut = await crowd(cutApps, cutSignalR.port);
    [victim, second] = [await crowd(apps), await crowd(apps)];
    await Promise.all([enter(stay, stayNames), enter(cut, cutNames), enter(victim, victims.slice(0, 1)), enter(second, victims.slice(1))]);
    await right(stay, cut, victim, second);
  }, 180_000);
  afterAll(async () => {
    await Promise.all(crowds.map((one) => one.kill()));
    await Promise.all(relays.map((one) => one.close()));
    await pair?.stop();
    await program?.remove();
  });

  async function relay(...ports: readonly number[]): Promise<Relay> {
    const made = await Relay.before(...ports);
    relays.push(made);
    return made;
  }

  async function crowd(through: Relay, signalRPort?: number): Promise<Crowd> {
    const { anonKey } = pair;
    const url = `http://127.0.0.1:${through.port}`;
    const made = await Crowd.start(program, { url, anonKey, topic, ...(signalRPort === undefined ? {} : { signalRPort }) });
    crowds.push(made);
    return made;
  }

  const enter = (one: Crowd, some: readonly string[]): Promise<void> => one.enter(some);

  /** Waits until all clients show exactly who is present; answers when that was so, and forgets what they saw on the way. */
  async function right(...of: readonly (Crowd | undefined)[]): Promise<void> {
    await Promise.all(of.map((one) => one?.until(present, 60_000)));
    await Promise.all(of.map((one) => one?.seen()));
  }

  /** The seconds until all clients of these crowds show exactly who is present, which it prints. */
  async function secondsUntilRight(what: string, since: number, withinMs: number, ...of: readonly (Crowd | undefined)[]): Promise<void> {
    const at = await Promise.all(of.map((one) => one?.until(present, since + withinMs - Date.now())));
    print(what, Math.max(...at.map(Number)) - since);
  }

  /** What all of these crowds saw, as the events alone. */
  async function events(...of: readonly (Crowd | undefined)[]): Promise<readonly string[]> {
    const seen: readonly (Seen | undefined)[] = await Promise.all(of.map((one) => one?.seen()));
    return [...new Set(seen.flatMap((one) => Object.keys(one ?? {})))].sort();
  }

  it("see one leave whose process is killed, and nobody else", async () => {
    await victim?.kill();
    present = present.filter((name) => name !== "victim-0");
    await secondsUntilRight("kill -9 of one of 100 clients", Date.now(), goneWithinMs, stay, cut, second);
    expect(await events(stay, cut, second)).toEqual(["leave victim-0"]);
  }, 120_000);

  it("lose nobody but him who vanishes when a process of the service is killed in the same moment, while others come", async () => {
    const late = await crowd(apps as Relay);
    const lateNames = names("late", 5);
    const killed = Promise.all([pair.kill(0), second?.kill()]);
    const since = Date.now();
    const entering = late.enter(lateNames);
    await Promise.all([killed, entering]);
    // Nobody was told of the connection's end, for the process that would have been is gone.
    present = [...present.filter((name) => name !== "victim-1"), ...lateNames];
    await secondsUntilRight("kill -9 of one of two apps, and of a client", since, goneWithinMs, stay, cut, late);
    expect(await events(stay, cut)).toEqual([...lateNames.map((name) => `join ${name}`), "leave victim-1"]);
    await pair.restart(0);
    await late.seen();
  }, 180_000);

  it("never seem to leave when others are cut off, who are there again when the network is", async () => {
    const late = crowds.at(-1);
    const since = Date.now();
    [cutApps, cutSignalR].forEach((one) => one?.cut());
    // Of whom those who are cut off hear only afterwards.
    await late?.enter(["later"]);
    present = [...present, "later"];
    const others = present.filter((name) => !cutNames.includes(name));
    if (isFull) {
      await new Promise((resolve) => setTimeout(resolve, 20_000));
    } else {
      // Cut off for longer than the timeout, they are gone to the others.
      const at = await Promise.all([stay, late].map((one) => one?.until(others, goneWithinMs)));
      print("a network cut of 10 of 100 clients", Math.max(...at.map(Number)) - since, "gone");
    }
    const [cutMs, healed] = [Date.now() - since, Date.now()];
    [cutApps, cutSignalR].forEach((one) => one?.heal());
    await secondsUntilRight(`the end of a network cut of ${Math.round(cutMs / 1000)} s`, healed, goneWithinMs, stay, cut, late);
    const ofOthers = (event: string): boolean => !/^(join|leave) cut-\d$/.test(event);
    expect((await events(stay, cut)).filter(ofOthers)).toEqual(["join later"]);

    // Everybody hears of the next change too, so nobody is left with a list that only looked right.
    await late?.kill();
    const left = present.filter((name) => name.startsWith("late"));
    present = present.filter((name) => !left.includes(name));
    await secondsUntilRight("kill -9 of six clients afterwards", Date.now(), goneWithinMs, stay, cut);
    expect((await events(stay, cut)).filter(ofOthers)).toEqual(left.map((name) => `leave ${name}`).sort());
  }, 180_000);
});

function print(what: string, ms: number, outcome = "right"): void {
  console.log(`${what}: ${outcome} after ${(ms / 1000).toFixed(1)} s`);
}

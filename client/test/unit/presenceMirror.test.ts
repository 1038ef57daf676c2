import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { PresenceMirror } from "../../src/presenceMirror.js";
import { presencesOf, type Meta } from "../../src/presenceState.js";
import type { JsonObject } from "../../src/wire.js";

interface Presence {
  readonly metas: Record<string, unknown>[];
}
type States = Record<string, Presence>;
type Listener = (key: string, current: Presence | undefined, changed: Presence) => void;
interface Peer {
  syncState(state: States, next: States, onJoin: Listener, onLeave: Listener): States;
  syncDiff(state: States, diff: { joins: States; leaves: States }, onJoin: Listener, onLeave: Listener): States;
}
interface Adapter {
  onJoinPayload: (...changed: Parameters<Listener>) => unknown;
  onLeavePayload: (...changed: Parameters<Listener>) => unknown;
}

const load = createRequire(createRequire(import.meta.url).resolve("@supabase/realtime-js"));
const { Presence: peer } = load("@supabase/phoenix") as { Presence: Peer };
// What supabase-js calls when somebody joins or leaves, which is not among its exports. Up to 2.110 it spoils what it is given.
const { default: adapter } = createRequire(import.meta.url)("@supabase/realtime-js/dist/main/phoenix/presenceAdapter.js") as { default: Adapter };

/** The presences of supabase-js, with its own listeners or with such as do no harm. */
class Shown {
  private state: States = {};
  readonly heard: string[] = [];

  constructor(private readonly isFaulty: boolean) {}

  become(payload: JsonObject): void {
    this.state = peer.syncState(this.state, copy(payload) as unknown as States, this.onJoin, this.onLeave);
  }

  diff(payload: JsonObject): void {
    this.state = peer.syncDiff(this.state, copy(payload) as unknown as { joins: States; leaves: States }, this.onJoin, this.onLeave);
  }

  /** What is told under each key, whatever became of the references. */
  get told(): Record<string, readonly string[]> {
    return Object.fromEntries(
      Object.entries(this.state).map(([key, { metas }]) => [key, metas.map(({ told }) => JSON.stringify(told)).sort()]),
    );
  }

  private readonly onJoin: Listener = (key, current, changed) => {
    this.heard.push(`join ${key}`);
    if (this.isFaulty) {
      adapter.onJoinPayload(key, current, changed);
    }
  };

  private readonly onLeave: Listener = (key, current, changed) => {
    this.heard.push(`leave ${key}`);
    if (this.isFaulty) {
      adapter.onLeavePayload(key, current, changed);
    }
  };
}

function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

const meta = (ref: string, told: unknown = ref): Meta => ({ phx_ref: ref, told });
const presences = (...entries: readonly [string, readonly Meta[]][]): Map<string, readonly Meta[]> => new Map(entries);
const none = presences();

describe.each([true, false])("what supabase-js shows, with its fault: %s", (isFaulty) => {
  it("is what is true, through any history of joins, updates, leaves and states", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const next = numbers(seed);
      const [mirror, shown] = [new PresenceMirror(), new Shown(isFaulty)];
      const truth = new Map<string, Map<string, Meta>>();
      const metasOf = (key: string): Map<string, Meta> => truth.get(key) ?? new Map<string, Meta>();
      const state = (): Map<string, readonly Meta[]> => new Map([...truth].map(([key, metas]) => [key, [...metas.values()]]));
      mirror.restate(none).forEach((payload) => shown.become(payload));

      for (let step = 0; step < 40; step++) {
        const [joins, leaves] = [presences(), presences()];
        for (let change = 0; change <= next(3); change++) {
          const key = `key-${next(3)}`;
          const now = metasOf(key);
          const ref = `${key}-${next(3)}`;
          const isLeave = now.has(ref) && next(3) === 0;
          const told = isLeave ? now.get(ref) : meta(ref, next(50));
          if (told === undefined || (joins.get(key) ?? leaves.get(key))?.some(({ phx_ref }) => phx_ref === ref) === true) {
            continue;
          }
          if (isLeave) {
            now.delete(ref);
            leaves.set(key, [...(leaves.get(key) ?? []), told]);
          } else {
            now.set(ref, told);
            joins.set(key, [...(joins.get(key) ?? []).filter(({ phx_ref }) => phx_ref !== ref), told]);
          }
          if (now.size === 0) {
            truth.delete(key);
          } else {
            truth.set(key, now);
          }
        }
        const way = next(10);
        if (way === 0) {
          // A reconnect: what was missed meanwhile is in the state of the next join.
          mirror.restate(state()).forEach((payload) => shown.become(payload));
        } else {
          const frame = way === 1 ? mirror.moveTo(state()) : mirror.apply(joins, leaves);
          shown.diff(frame ?? { joins: {}, leaves: {} });
        }
        const expected = Object.fromEntries(
          [...truth].map(([key, metas]) => [key, [...metas.values()].map(({ told }) => JSON.stringify(told)).sort()] as const),
        );
        expect(shown.told, `seed ${seed}, step ${step}`).toEqual(expected);
      }
    }
  });

  it("does not look like leaving when a member changes what is told of him", () => {
    const [mirror, shown] = [new PresenceMirror(), new Shown(isFaulty)];
    mirror.restate(presences(["ada", [meta("1", "online")]])).forEach((payload) => shown.become(payload));
    const frame = mirror.apply(presences(["ada", [meta("1", "away")]]), none);
    expect(frame).toEqual({ joins: { ada: { metas: [meta("1", "away")] } }, leaves: {} });
    shown.diff(frame ?? {});
    expect([shown.told, shown.heard]).toEqual([{ ada: ['"away"'] }, ["join ada", "join ada"]]);
  });

  it("is silent about members who stayed over a reconnect, and tells of those who did not", () => {
    const [mirror, shown] = [new PresenceMirror(), new Shown(isFaulty)];
    mirror.restate(presences(["ada", [meta("1")]], ["bob", [meta("2")]], ["eve", [meta("3")]])).forEach((payload) => shown.become(payload));
    shown.heard.length = 0;
    mirror.restate(presences(["ada", [meta("1")]], ["bob", [meta("4")]])).forEach((payload) => shown.become(payload));
    expect([...shown.heard].sort()).toEqual(["join bob", "leave bob", "leave eve"]);
    expect(shown.told).toEqual({ ada: ['"1"'], bob: ['"4"'] });
  });
});

describe("the frames of presence", () => {
  it("say nothing where nothing changes", () => {
    const mirror = new PresenceMirror();
    mirror.restate(presences(["ada", [meta("1")]]));
    expect(mirror.apply(presences(["ada", [meta("1")]]), presences(["bob", [meta("2")]]))).toBeUndefined();
    expect(mirror.moveTo(presences(["ada", [meta("1")]]))).toBeUndefined();
  });

  it("hold keys that a plain object would take for its own", () => {
    const payload = presencesOf(presences(["__proto__", [meta("1")]], ["constructor", [meta("2")]]));
    expect(Object.keys(payload)).toEqual(["__proto__", "constructor"]);
    expect(JSON.stringify(payload)).toBe(
      '{"__proto__":{"metas":[{"phx_ref":"1","told":"1"}]},"constructor":{"metas":[{"phx_ref":"2","told":"2"}]}}',
    );
    expect(Object.getPrototypeOf(payload)).toBe(Object.prototype);
  });
});

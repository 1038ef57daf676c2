import { presencesOf, type Meta, type PresenceState } from "./presenceState.js";
import type { JsonObject } from "./wire.js";

/** A presence as supabase-js has it. */
interface Shown {
  readonly meta: Meta;
  readonly text: string;
  /** Whether supabase-js has lost its reference. */
  isNameless: boolean;
}

type Presences = ReadonlyMap<string, Shown>;

/** What a diff says of one key. */
interface Step {
  readonly joins: readonly Meta[];
  readonly leaves: readonly JsonObject[];
}

/**
 * What supabase-js shows of one topic, and the frames that change it.
 *
 * It is kept for two reasons. supabase-js compares states by reference alone, so a state in which somebody has only changed what he tells
 * would change nothing: the difference is made here. And supabase-js 2.100 to 2.110 forgets the references of a key's other presences when
 * one of them comes or goes (its issue 2565), so that those would never leave. Where that matters, a leave is written once more without a
 * reference, which is what a forgotten one is equal to, and what stays is written as a join again. Releases without the fault are led
 * to the same state by the same frames.
 */
export class PresenceMirror {
  private readonly keys = new Map<string, Map<string, Shown>>();

  /** The frames `presence_state` that lead to this state, from whatever was shown before under this mirror. */
  restate(state: PresenceState): readonly JsonObject[] {
    const kept = [...state].filter(([key, metas]) => this.showsWell(key, metas));
    const isFirst = this.keys.size === 0;
    this.keys.clear();
    state.forEach((metas, key) => this.keys.set(key, new Map(metas.map((meta) => [meta.phx_ref, shown(meta)]))));
    // A key of which some went and others came in one state would suffer from the fault, so it goes as a whole first.
    const whole = presencesOf(state);
    return isFirst || kept.length === state.size ? [whole] : [presencesOf(kept), whole];
  }

  /** The frame `presence_diff` that leads to this state; undefined where it is shown already. */
  moveTo(state: PresenceState): JsonObject | undefined {
    const gone = [...this.keys.keys()].filter((key) => !state.has(key)).map((key) => [key, []] as const);
    return this.move([...gone, ...state]);
  }

  /** The frame `presence_diff` for these joins and leaves; undefined where they change nothing. */
  apply(joins: PresenceState, leaves: PresenceState): JsonObject | undefined {
    const targets = new Map<string, readonly Meta[]>();
    for (const key of new Set([...joins.keys(), ...leaves.keys()])) {
      const left = new Set(leaves.get(key)?.map(({ phx_ref }) => phx_ref));
      const metas = new Map(this.metasOf(key).filter(({ phx_ref }) => !left.has(phx_ref)).map((meta) => [meta.phx_ref, meta]));
      joins.get(key)?.forEach((meta) => metas.set(meta.phx_ref, meta));
      targets.set(key, [...metas.values()]);
    }
    return this.move(targets);
  }

  private move(targets: Iterable<readonly [string, readonly Meta[]]>): JsonObject | undefined {
    const joins: [string, readonly JsonObject[]][] = [];
    const leaves: [string, readonly JsonObject[]][] = [];
    for (const [key, metas] of targets) {
      const step = this.moveKey(key, metas);
      if (step.joins.length > 0) {
        joins.push([key, step.joins]);
      }
      if (step.leaves.length > 0) {
        leaves.push([key, step.leaves]);
      }
    }
    return joins.length + leaves.length === 0 ? undefined : { joins: presencesOf(joins), leaves: presencesOf(leaves) };
  }

  private moveKey(key: string, metas: readonly Meta[]): Step {
    const before: Presences = this.keys.get(key) ?? new Map<string, Shown>();
    const after = new Map(metas.map((meta) => [meta.phx_ref, shown(meta)]));
    const step = stepBetween(before, after);
    if (after.size === 0) {
      this.keys.delete(key);
    } else {
      this.keys.set(key, after);
      const written = new Set(step.joins.map(({ phx_ref }) => phx_ref));
      after.forEach((presence, ref) => {
        // The fault: when a key changes that was there before, its presences lose their references, at a leave all, otherwise all but the new.
        const stays = before.get(ref)?.isNameless ?? false;
        const suffers = before.size > 0 && (step.leaves.length > 0 || (step.joins.length > 0 && !written.has(ref)));
        presence.isNameless = suffers || (stays && !written.has(ref));
      });
    }
    return step;
  }

  private showsWell(key: string, metas: readonly Meta[]): boolean {
    const presences = this.keys.get(key);
    return presences?.size === metas.length && metas.every((meta) => isSame(presences.get(meta.phx_ref), meta));
  }

  private metasOf(key: string): readonly Meta[] {
    return [...(this.keys.get(key)?.values() ?? [])].map(({ meta }) => meta);
  }
}

function stepBetween(before: Presences, after: Presences): Step {
  const fresh = [...after.values()].filter(({ meta, text }) => before.get(meta.phx_ref)?.text !== text);
  const left = [...before.values()].filter(({ meta }) => !after.has(meta.phx_ref));
  const replaced = [...before.values()].filter(({ meta, text }) => after.has(meta.phx_ref) && after.get(meta.phx_ref)?.text !== text);
  const joins = fresh.map(({ meta }) => meta);
  const leaves = left.map(({ meta }) => meta);

  const touched = [...left, ...replaced];
  const suffers = touched.some(({ isNameless }) => isNameless) || (joins.length > 0 && left.length > 0);
  if (!suffers) {
    return { joins, leaves };
  }
  const stays = [...after.keys()].some((ref) => before.get(ref)?.isNameless === true);
  return {
    joins: joins.length > 0 || stays ? [...after.values()].map(({ meta }) => meta) : [],
    leaves: [...leaves, ...touched.slice(0, 1).map(({ meta }) => nameless(meta))],
  };
}

function nameless({ phx_ref: _, ...told }: Meta): JsonObject {
  return told;
}

function shown(meta: Meta): Shown {
  return { meta, text: JSON.stringify(meta), isNameless: false };
}

function isSame(presence: Shown | undefined, meta: Meta): boolean {
  return presence !== undefined && !presence.isNameless && presence.text === JSON.stringify(meta);
}

import type { EntryPositions } from "./entryPositions.js";
import type { RecentIds } from "./recentIds.js";

/** What a channel knows that outlives its socket. */
export interface ChannelMemory {
  /** How far each entry of `postgres_changes` has come, in the order in which supabase-js wrote them: numbers differ from session to session. */
  readonly entries: readonly EntryPositions[];
  /** The broadcasts that were delivered. */
  readonly heard: RecentIds;
  /** When its connection was last known to be alive. */
  readonly aliveAt: number;
  /** How many times in a row the service lost sight of it before it had resumed. */
  readonly breaks: number;
}

export function copyOf({ entries, heard, aliveAt, breaks }: ChannelMemory): ChannelMemory {
  return { entries: entries.map((entry) => entry.copy()), heard: heard.copy(), aliveAt, breaks };
}

/** What both know, and no more. */
export function lowerOf(left: ChannelMemory, right: ChannelMemory): ChannelMemory {
  const lower = { ...copyOf(left), aliveAt: Math.min(left.aliveAt, right.aliveAt), breaks: Math.max(left.breaks, right.breaks) };
  lower.entries.forEach((entry, index) => right.entries[index] !== undefined && entry.lowerTo(right.entries[index]));
  lower.heard.keepOnly(right.heard);
  return lower;
}

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
}

export function copyOf({ entries, heard, aliveAt }: ChannelMemory): ChannelMemory {
  return { entries: entries.map((entry) => entry.copy()), heard: heard.copy(), aliveAt };
}

/** What both know, and no more. */
export function lowerOf(left: ChannelMemory, right: ChannelMemory): ChannelMemory {
  const lower = { ...copyOf(left), aliveAt: Math.min(left.aliveAt, right.aliveAt) };
  lower.entries.forEach((entry, index) => right.entries[index] !== undefined && entry.lowerTo(right.entries[index]));
  lower.heard.keepOnly(right.heard);
  return lower;
}

import { copyOf, lowerOf, type ChannelMemory } from "./channelMemory.js";

interface Kept {
  readonly memory: ChannelMemory;
  /** How many channels lost their socket with it: as many come back. */
  readonly holders: number;
  readonly at: number;
}

/**
 * Keeps what channels know while they have no socket.
 *
 * supabase-js joins them again on the next one, with nothing that tells one client of the transport from another. So channels that ask the
 * same share what is kept: the less of what they know, and for each of them once.
 */
export class Memories {
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly limit = 1_000,
    private readonly lifeMs = 60 * 60 * 1_000,
    private readonly now: () => number = Date.now,
  ) {}

  put(key: string, memory: ChannelMemory): void {
    const other = this.kept.get(key);
    this.kept.delete(key);
    if (this.kept.size >= this.limit) {
      const [oldest] = this.kept.keys();
      this.kept.delete(oldest ?? key);
    }
    const merged = other === undefined ? copyOf(memory) : lowerOf(other.memory, memory);
    this.kept.set(key, { memory: merged, holders: (other?.holders ?? 0) + 1, at: this.now() });
  }

  /** What is kept, which is the caller's from now on; or `"outlived"` where it was kept for too long, so that its channel can say so. */
  take(key: string): ChannelMemory | "outlived" | undefined {
    const found = this.kept.get(key);
    if (found === undefined) {
      return undefined;
    }
    if (found.holders > 1) {
      this.kept.set(key, { ...found, holders: found.holders - 1 });
    } else {
      this.kept.delete(key);
    }
    return this.now() - found.at > this.lifeMs ? "outlived" : copyOf(found.memory);
  }
}

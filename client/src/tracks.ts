import type { Channel } from "./channel.js";
import type { Frame } from "./frames.js";
import type { JsonObject } from "./wire.js";

/** What supabase-js wants told of itself on one channel, and the frames that wait for the outcome. */
export interface Wish {
  /** Absent: nothing, that is untrack. */
  readonly payload: JsonObject | undefined;
  readonly frames: readonly Frame[];
  readonly tries: number;
}

/** As many frames wait for one call. */
const mostFrames = 100;

/**
 * What one socket is present with.
 *
 * Of a channel only the latest wish counts: it takes over the frames of the one before, which are answered with it.
 */
export class Tracks {
  private readonly wishes = new Map<Channel, Wish>();
  private readonly tracked = new Map<Channel, JsonObject>();
  private readonly known = new Set<Channel>();

  /** Whether one more frame may wait for the channel. */
  hasRoom(channel: Channel): boolean {
    return (this.wishes.get(channel)?.frames.length ?? 0) < mostFrames;
  }

  /** Puts a wish in the place of what the channel wished before. */
  wish(channel: Channel, payload: JsonObject | undefined, frames: readonly Frame[], tries = 0): Wish {
    const wish = { payload, frames: [...(this.wishes.get(channel)?.frames ?? []), ...frames], tries };
    this.wishes.set(channel, wish);
    return wish;
  }

  /** Whether nothing else was wished since. */
  isLatest(channel: Channel, wish: Wish): boolean {
    return this.wishes.get(channel) === wish;
  }

  hasWish(channel: Channel): boolean {
    return this.wishes.has(channel);
  }

  /** Takes the wish that goes out now: from here on the service may know of it, whatever becomes of the answer. */
  send(channel: Channel): Wish | undefined {
    const wish = this.wishes.get(channel);
    this.wishes.delete(channel);
    if (wish?.payload !== undefined) {
      this.known.add(channel);
    }
    return wish;
  }

  /** Gives the frames of a wish that failed to the one that has come since, to be answered with it. */
  giveFrames(channel: Channel, frames: readonly Frame[]): void {
    const later = this.wishes.get(channel);
    if (later !== undefined) {
      this.wishes.set(channel, { ...later, frames: [...frames, ...later.frames] });
    }
  }

  /** The service has done as wished. */
  done(channel: Channel, { payload }: Wish): void {
    if (payload === undefined) {
      this.tracked.delete(channel);
      this.known.delete(channel);
    } else {
      this.tracked.set(channel, payload);
    }
  }

  /** Whether there is anything to untrack. */
  mayBeTracked(channel: Channel): boolean {
    return this.known.has(channel);
  }

  forget(channel: Channel): void {
    this.wishes.delete(channel);
    this.tracked.delete(channel);
    this.known.delete(channel);
  }

  /** What the service has confirmed. */
  confirmed(): ReadonlyMap<Channel, JsonObject> {
    return new Map(this.tracked);
  }
}

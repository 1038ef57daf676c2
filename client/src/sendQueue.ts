import type { Frame } from "./frames.js";

/** A broadcast that waits for its call. */
export interface Outgoing {
  readonly topic: string;
  readonly event: string;
  /** Its part of the body, as JSON. */
  readonly json: string;
  /** The length of `json` in UTF-8. */
  readonly bytes: number;
  /** The frames that want to be answered when it has been sent. */
  readonly acks: readonly Frame[];
}

/** The limits of the service: a call carries at most 100 messages and 256 KiB. */
const mostPerCall = 100;
const mostBytesPerCall = 192 * 1024;

/**
 * Broadcasts in the order in which they were sent.
 *
 * Of an event that is named in `latestOnly` one message waits for each topic: a newer one takes the place of the older, not the end of
 * the queue. At the end, of two cursors that move all the time, the one that moved last before each call would never be sent.
 */
export class SendQueue {
  private waiting: Outgoing[] = [];
  private frames = 0;
  private total = 0;

  constructor(
    private readonly latestOnly: ReadonlySet<string> = new Set(),
    readonly limit = 1_000,
    private readonly mostBytes = 8 * 1024 * 1024,
  ) {}

  /** The length of what waits. */
  get bytes(): number {
    return this.total;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  has(topic: string): boolean {
    return this.waiting.some((message) => message.topic === topic);
  }

  /** Whether there was room for it. */
  add(message: Outgoing): boolean {
    const place = this.placeOf(message);
    const older = this.waiting[place];
    const newer = older === undefined ? message : { ...message, acks: [...older.acks, ...message.acks] };
    const frames = this.frames + weight(newer) - weight(older);
    const total = this.total + newer.bytes - (older?.bytes ?? 0);
    if (frames > this.limit || total > this.mostBytes) {
      return false;
    }
    this.waiting.splice(older === undefined ? this.waiting.length : place, older === undefined ? 0 : 1, newer);
    [this.frames, this.total] = [frames, total];
    return true;
  }

  /** Takes what the next call carries: `most` messages at most. */
  take(most: number): readonly Outgoing[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.waiting.slice(0, Math.min(most, mostPerCall))) {
      bytes += message.bytes + 1;
      if (count > 0 && bytes > mostBytesPerCall) {
        break;
      }
      count++;
    }
    const batch = this.waiting.splice(0, count);
    batch.forEach((message) => this.count(message, -1));
    return batch;
  }

  /** Puts back what could not be sent, before everything else, save where a newer message has come in its place. */
  putBack(batch: readonly Outgoing[]): void {
    for (const message of [...batch].reverse()) {
      const [newer] = this.waiting.splice(this.placeOf(message), 1);
      if (newer !== undefined) {
        this.count(newer, -1);
      }
      const first = newer === undefined ? message : { ...newer, acks: [...message.acks, ...newer.acks] };
      this.waiting.unshift(first);
      this.count(first, 1);
    }
  }

  clear(): void {
    this.waiting = [];
    this.frames = 0;
    this.total = 0;
  }

  /** Where the message waits that this one makes needless; the end of the queue where there is none. */
  private placeOf({ topic, event }: Outgoing): number {
    const place = this.latestOnly.has(event)
      ? this.waiting.findIndex((message) => message.topic === topic && message.event === event)
      : -1;
    return place < 0 ? this.waiting.length : place;
  }

  private count(message: Outgoing, sign: 1 | -1): void {
    this.frames += sign * weight(message);
    this.total += sign * message.bytes;
  }
}

/** A message counts once, or once for each frame that it has to answer. */
function weight(message: Outgoing | undefined): number {
  return message === undefined ? 0 : Math.max(1, message.acks.length);
}

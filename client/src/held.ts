/** One wait for an answer that tells what messages belong to. */
export interface Wait<T> {
  /** What came since it began, in the order of arrival; undefined where not all of it is there any more. */
  since(): readonly T[] | undefined;

  /** Moves its beginning on, past so many of those messages. */
  skip(count: number): void;

  /** Ends it. What nobody else waits for is forgotten. Once it has ended, ending it does nothing. */
  end(): void;
}

interface Held<T> {
  readonly place: number;
  readonly message: T;
  readonly length: number;
}

/**
 * Keeps messages while calls are under way whose answers tell what they belong to.
 *
 * A change, for one, may come through SignalR before the HTTP answer that names its subscription. At most `most` of them are kept, as `countOf`
 * counts a message, and about `mostBytes` bytes, by the length of their JSON; then the oldest go, and whoever needed them is told, never served
 * with a gap.
 */
export class HeldMessages<T> {
  private readonly messages: Held<T>[] = [];
  /** Where each wait began. */
  private readonly waits = new Map<Wait<T>, number>();
  private next = 0;
  private lostBefore = 0;
  private count = 0;
  private length = 0;

  constructor(
    private readonly countOf: (message: T) => number,
    private readonly most = 50_000,
    private readonly mostBytes = 32 * 1024 * 1024,
  ) {}

  /** Begins now, or where another wait began that has not ended. */
  wait(like?: Wait<T>): Wait<T> {
    const from = (like === undefined ? undefined : this.waits.get(like)) ?? this.next;
    const wait: Wait<T> = {
      since: () => this.since(this.waits.get(wait) ?? from),
      skip: (count) => this.skip(wait, count),
      end: () => this.forget(wait),
    };
    this.waits.set(wait, from);
    return wait;
  }

  /** The one of two waits that began earlier; the other is ended. */
  earlier(left: Wait<T>, right: Wait<T>): Wait<T> {
    const [first, second] = (this.waits.get(left) ?? this.next) <= (this.waits.get(right) ?? this.next) ? [left, right] : [right, left];
    second.end();
    return first;
  }

  keep(message: T): void {
    const place = this.next++;
    if (this.waits.size === 0) {
      return;
    }
    const length = JSON.stringify(message).length;
    this.messages.push({ place, message, length });
    this.count += this.countOf(message);
    this.length += length;
    while (this.count > this.most || this.length > this.mostBytes) {
      this.lostBefore = this.drop() + 1;
    }
  }

  private since(from: number): readonly T[] | undefined {
    return from < this.lostBefore ? undefined : this.messages.filter(({ place }) => place >= from).map(({ message }) => message);
  }

  private skip(wait: Wait<T>, count: number): void {
    const from = this.waits.get(wait);
    if (from !== undefined) {
      // While somebody waits every message is kept, so places have no holes.
      this.waits.set(wait, Math.min(from + count, this.next));
      this.tidy();
    }
  }

  private forget(wait: Wait<T>): void {
    this.waits.delete(wait);
    this.tidy();
  }

  /** Drops what nobody waits for. */
  private tidy(): void {
    const oldest = Math.min(this.next, ...this.waits.values());
    while ((this.messages[0]?.place ?? oldest) < oldest) {
      this.drop();
    }
  }

  /** Drops the oldest message; answers its place. */
  private drop(): number {
    const oldest = this.messages.shift();
    this.count -= oldest === undefined ? this.count : this.countOf(oldest.message);
    this.length -= oldest?.length ?? this.length;
    return oldest?.place ?? this.lostBefore;
  }
}

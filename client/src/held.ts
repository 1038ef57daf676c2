import type { ChangesMessage } from "./wire.js";

/** One wait for an answer that tells what messages belong to. */
export interface Wait {
  /** What came since it began, in the order of arrival; undefined where not all of it is there any more. */
  since(): readonly ChangesMessage[] | undefined;

  /** Ends it. What nobody else waits for is forgotten. Once it has ended, ending it does nothing. */
  end(): void;
}

interface Held {
  readonly place: number;
  readonly message: ChangesMessage;
  readonly length: number;
}

/**
 * Keeps messages while calls are under way whose answers tell what they belong to.
 *
 * A change may come through SignalR before the HTTP answer that names its subscription. At most `mostChanges` changes are kept, and
 * about `mostBytes` bytes, by the length of their JSON; then the oldest go, and whoever needed them is told, never served with a gap.
 */
export class HeldMessages {
  private readonly messages: Held[] = [];
  /** Where each wait began; the oldest comes first. */
  private readonly waits = new Map<Wait, number>();
  private next = 0;
  private lostBefore = 0;
  private changes = 0;
  private length = 0;

  constructor(
    private readonly mostChanges = 50_000,
    private readonly mostBytes = 32 * 1024 * 1024,
  ) {}

  wait(): Wait {
    const from = this.next;
    const wait: Wait = { since: () => this.since(from), end: () => this.forget(wait) };
    this.waits.set(wait, from);
    return wait;
  }

  keep(message: ChangesMessage): void {
    const place = this.next++;
    if (this.waits.size === 0) {
      return;
    }
    const length = JSON.stringify(message).length;
    this.messages.push({ place, message, length });
    this.changes += message.changes.length;
    this.length += length;
    while (this.changes > this.mostChanges || this.length > this.mostBytes) {
      this.lostBefore = this.drop() + 1;
    }
  }

  private since(from: number): readonly ChangesMessage[] | undefined {
    return from < this.lostBefore ? undefined : this.messages.filter(({ place }) => place >= from).map(({ message }) => message);
  }

  private forget(wait: Wait): void {
    this.waits.delete(wait);
    const [oldest = this.next] = this.waits.values();
    while ((this.messages[0]?.place ?? oldest) < oldest) {
      this.drop();
    }
  }

  /** Drops the oldest message; answers its place. */
  private drop(): number {
    const oldest = this.messages.shift();
    this.changes -= oldest?.message.changes.length ?? this.changes;
    this.length -= oldest?.length ?? this.length;
    return oldest?.place ?? this.lostBefore;
  }
}

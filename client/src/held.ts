import type { ChangesMessage } from "./wire.js";

/** A point in the stream of messages. */
export type Mark = number;

/**
 * Keeps messages while calls are under way whose answers tell what they belong to.
 *
 * A change may come through SignalR before the HTTP answer that names its subscription. Whoever waits for such an answer takes a mark,
 * and gets what came since it when the answer is there. At most `limit` changes are kept; then the oldest go, and whoever
 * needed them is told, never served with a gap.
 */
export class HeldMessages {
  private messages: { readonly mark: Mark; readonly message: ChangesMessage }[] = [];
  private waiting = 0;
  private next: Mark = 0;
  private lostBefore: Mark = 0;
  private changes = 0;

  constructor(private readonly limit = 50_000) {}

  /** Begins to wait. */
  mark(): Mark {
    this.waiting++;
    return this.next;
  }

  /** Ends one wait. */
  release(): void {
    this.waiting--;
    if (this.waiting === 0) {
      this.messages = [];
      this.changes = 0;
    }
  }

  keep(message: ChangesMessage): void {
    const mark = this.next++;
    if (this.waiting === 0) {
      return;
    }
    this.messages.push({ mark, message });
    this.changes += message.changes.length;
    while (this.changes > this.limit) {
      const oldest = this.messages.shift();
      this.changes -= oldest?.message.changes.length ?? 0;
      this.lostBefore = (oldest?.mark ?? mark) + 1;
    }
  }

  /** What came since the mark, or undefined where not all of it is there any more. */
  since(mark: Mark): readonly ChangesMessage[] | undefined {
    return mark < this.lostBefore ? undefined : this.messages.filter((held) => held.mark >= mark).map((held) => held.message);
  }
}

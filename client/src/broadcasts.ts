import type { Rate } from "./rate.js";
import type { Outgoing, SendQueue } from "./sendQueue.js";

/** What became of a call: it is over, or it was turned away unread and may be made again. */
export type CallOutcome = "done" | "again";

/**
 * Sends the broadcasts of one socket: one call at a time, so that they arrive in order.
 *
 * A call is a function execution, which costs. Everything that is sent in one moment, or while a call is under way, or while the rate
 * allows no more, waits and travels together.
 */
export class Broadcasts {
  private calling: readonly Outgoing[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refusals = 0;
  private isClosed = false;
  private readonly watchers = new Map<() => void, string>();

  constructor(
    /** Must not reject. Must answer "done" where the call may not be made again. */
    private readonly call: (batch: readonly Outgoing[], mayRepeat: boolean) => Promise<CallOutcome>,
    private readonly queue: SendQueue,
    private readonly rate: Rate,
    private readonly retryMs: readonly number[],
  ) {}

  get limit(): number {
    return this.queue.limit;
  }

  /** As a WebSocket's: supabase-js waits a moment for it to become 0 before it closes. */
  get bufferedAmount(): number {
    return this.queue.bytes + this.calling.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Whether there was room for it. */
  add(message: Outgoing): boolean {
    if (!this.queue.add(message)) {
      return false;
    }
    this.pumpAfter(0);
    return true;
  }

  /** Whether a message to the topic has not been sent yet. */
  isSending(topic: string): boolean {
    return this.queue.has(topic) || this.calling.some((message) => message.topic === topic);
  }

  /** Waits until every message to the topic has been sent, or the socket is closed. */
  sent(topic: string): Promise<void> {
    return new Promise((resolve) => {
      this.watchers.set(resolve, topic);
      this.tellWatchers();
    });
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.queue.clear();
    this.calling = [];
    this.tellWatchers();
  }

  private pumpAfter(ms: number): void {
    if (this.isClosed || this.calling.length > 0) {
      return;
    }
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, ms);
  }

  private pump(): void {
    const { allowed } = this.rate;
    if (this.queue.isEmpty) {
      return;
    }
    if (allowed < 1) {
      this.pumpAfter(this.rate.waitMs);
      return;
    }
    this.calling = this.queue.take(allowed);
    this.rate.spend(this.calling.length);
    void this.run(this.calling);
  }

  private async run(batch: readonly Outgoing[]): Promise<void> {
    const wait = this.retryMs[this.refusals];
    const outcome = await this.call(batch, wait !== undefined);
    if (this.isClosed) {
      return;
    }
    this.calling = [];
    this.refusals = outcome === "again" ? this.refusals + 1 : 0;
    if (outcome === "again") {
      this.queue.putBack(batch);
      this.pumpAfter(wait ?? 0);
      return;
    }
    this.tellWatchers();
    this.pump();
  }

  private tellWatchers(): void {
    this.watchers.forEach((topic, tell) => {
      if (!this.isSending(topic)) {
        this.watchers.delete(tell);
        tell();
      }
    });
  }
}

/** Something to tell the service about one topic. */
export interface Operation {
  readonly topic: string;
  /** Operations of the same key may share a call. */
  readonly batchKey: string;
  /** Roughly what it adds to the body. */
  readonly bytes: number;
}

/** The limits of the service: a call names at most 100 channels and carries at most 256 KiB. */
const mostPerCall = 100;
const mostBytesPerCall = 192 * 1024;

/**
 * Gathers what is asked in one moment into few calls, and keeps the operations of one topic in order.
 *
 * A call is a function execution, which costs. Everything that is added before `gatherMs` have passed, or while calls are under way
 * for its topic, waits and travels together. Two calls never speak of the same topic at the same time: a leave that overtook
 * its join would leave the channel joined for ever.
 */
export class Outbox<T extends Operation> {
  private queue: T[] = [];
  private readonly busy = new Set<string>();
  private running = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(
    /** Must not reject. */
    private readonly call: (batch: readonly T[]) => Promise<void>,
    readonly limit = 1_000,
    private readonly gatherMs = 0,
    /** How many calls may be under way at a time. */
    private readonly mostCalls = 4,
  ) {}

  /** Whether there was room for it. Once closed there is always room, for nothing is sent any more. */
  add(operation: T): boolean {
    if (this.isClosed) {
      return true;
    }
    if (this.queue.length >= this.limit) {
      return false;
    }
    this.queue.push(operation);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.pump();
    }, this.gatherMs);
    return true;
  }

  /** Takes back what has not been sent yet. */
  withdraw(unwanted: (operation: T) => boolean): void {
    this.queue = this.queue.filter((operation) => !unwanted(operation));
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.queue = [];
  }

  private pump(): void {
    while (this.running < this.mostCalls) {
      const batch = this.take();
      if (batch.length === 0) {
        return;
      }
      void this.run(batch);
    }
  }

  private take(): readonly T[] {
    const blocked = new Set(this.busy);
    const batch: T[] = [];
    const rest: T[] = [];
    let bytes = 0;
    for (const operation of this.queue) {
      const fits =
        batch.length === 0 ||
        (operation.batchKey === batch[0]?.batchKey && batch.length < mostPerCall && bytes + operation.bytes <= mostBytesPerCall);
      if (fits && !blocked.has(operation.topic)) {
        batch.push(operation);
        bytes += operation.bytes;
      } else {
        rest.push(operation);
      }
      blocked.add(operation.topic);
    }
    this.queue = rest;
    return batch;
  }

  private async run(batch: readonly T[]): Promise<void> {
    this.running++;
    batch.forEach(({ topic }) => this.busy.add(topic));
    try {
      await this.call(batch);
    } finally {
      this.running--;
      batch.forEach(({ topic }) => this.busy.delete(topic));
      this.pump();
    }
  }
}

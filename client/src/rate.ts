/**
 * Says how many messages may leave: a bucket of tokens that fills at so many a second, and holds one second's worth.
 *
 * In the mean no more than that many leave in a second, and no more than that many at once. They may leave at once, for messages that
 * leave together cost one call.
 */
export class Rate {
  private readonly most: number;
  private tokens: number;
  private filledAt: number;

  constructor(
    /** Absent: without bound. */
    private readonly perSecond: number | undefined,
    private readonly now: () => number = Date.now,
  ) {
    this.most = Math.max(1, perSecond ?? 1);
    this.tokens = this.most;
    this.filledAt = now();
  }

  /** How many may leave now. */
  get allowed(): number {
    if (this.perSecond === undefined) {
      return Infinity;
    }
    this.fill(this.perSecond);
    return Math.floor(this.tokens);
  }

  /** Milliseconds until the next may leave. */
  get waitMs(): number {
    return this.perSecond === undefined || this.allowed > 0 ? 0 : Math.ceil(((1 - this.tokens) / this.perSecond) * 1000);
  }

  spend(count: number): void {
    this.tokens -= count;
  }

  private fill(perSecond: number): void {
    const now = this.now();
    // A clock that was set back fills nothing.
    const seconds = Math.max(0, now - this.filledAt) / 1000;
    this.filledAt = now;
    this.tokens = Math.min(this.most, this.tokens + seconds * perSecond);
  }
}

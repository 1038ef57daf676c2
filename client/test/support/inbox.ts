/** Collects what arrives, and waits for it with a bound. */
export class Inbox<T> {
  readonly items: T[] = [];
  private waiting: (() => void)[] = [];

  readonly add = (item: T): void => {
    this.items.push(item);
    this.waiting.splice(0).forEach((wake) => wake());
  };

  /** All that has arrived, as soon as one of it satisfies. */
  async until(satisfies: (item: T) => boolean, withinMs = 20_000): Promise<readonly T[]> {
    const deadline = Date.now() + withinMs;
    while (!this.items.some(satisfies)) {
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`What was waited for did not come within ${withinMs} ms; ${JSON.stringify(this.items)} did.`);
      }
      await this.next(left);
    }
    return this.items;
  }

  private next(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

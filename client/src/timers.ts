/** Timers that end together with the socket; after that none begins. */
export class Timers {
  private readonly running = new Set<ReturnType<typeof setTimeout>>();
  private isClosed = false;

  after(ms: number, action: () => void): void {
    if (this.isClosed) {
      return;
    }
    const timer = setTimeout(() => {
      this.running.delete(timer);
      action();
    }, ms);
    this.running.add(timer);
  }

  close(): void {
    this.isClosed = true;
    this.running.forEach((timer) => clearTimeout(timer));
    this.running.clear();
  }
}

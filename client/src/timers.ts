/** Timers that end together with the socket. */
export class Timers {
  private readonly running = new Set<ReturnType<typeof setTimeout>>();

  after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.running.delete(timer);
      action();
    }, ms);
    this.running.add(timer);
  }

  close(): void {
    this.running.forEach((timer) => clearTimeout(timer));
    this.running.clear();
  }
}

/** Tells what was said already: a cursor that is refused sixty times a second would fill the console. */
export class Said {
  private readonly times = new Map<string, number>();

  constructor(
    private readonly everyMs = 60_000,
    private readonly limit = 100,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether the text was not said in the last minute; from now on it was. */
  isNew(text: string): boolean {
    const last = this.times.get(text);
    if (last !== undefined && this.now() - last < this.everyMs) {
      return false;
    }
    this.times.delete(text);
    if (this.times.size >= this.limit) {
      const [oldest] = this.times.keys();
      this.times.delete(oldest ?? text);
    }
    this.times.set(text, this.now());
    return true;
  }
}

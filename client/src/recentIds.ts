/** Remembers which messages were delivered, the latest of them. */
export class RecentIds {
  private ids = new Set<string>();

  constructor(private readonly limit = 500) {}

  has(id: string): boolean {
    return this.ids.has(id);
  }

  add(id: string): void {
    this.ids.delete(id);
    this.ids.add(id);
    if (this.ids.size > this.limit) {
      const [oldest = id] = this.ids;
      this.ids.delete(oldest);
    }
  }

  copy(): RecentIds {
    const copy = new RecentIds(this.limit);
    copy.ids = new Set(this.ids);
    return copy;
  }

  /** Forgets what the other does not know: a repeat is better than a loss. */
  keepOnly(other: RecentIds): void {
    this.ids = new Set([...this.ids].filter((id) => other.has(id)));
  }
}

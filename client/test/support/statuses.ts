import type { RealtimeChannel } from "@supabase/supabase-js";

/** What the callback of `subscribe` was told, and a way to wait for it. */
export class Statuses {
  readonly seen: { readonly status: string; readonly message: string | undefined }[] = [];
  private waiting: (() => void)[] = [];

  /** Subscribes the channel. */
  constructor(channel: RealtimeChannel, timeout?: number, also: (status: string) => void = () => undefined) {
    channel.subscribe((status, error) => {
      this.seen.push({ status, message: error?.message });
      also(status);
      this.waiting.splice(0).forEach((wake) => wake());
    }, timeout);
  }

  get names(): readonly string[] {
    return this.seen.map(({ status }) => status);
  }

  /** Waits for the status, at the earliest after `after` others. */
  async until(status: string, after = 0, withinMs = 20_000): Promise<string | undefined> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = this.seen.slice(after).find((entry) => entry.status === status);
      if (found !== undefined) {
        return found.message;
      }
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`No ${status} within ${withinMs} ms; seen: ${JSON.stringify(this.seen)}.`);
      }
      await this.next(left);
    }
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

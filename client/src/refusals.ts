import { CallError } from "./errors.js";

/**
 * Remembers what the service refused for good, so that it is not asked the same again at once.
 *
 * supabase-js joins a channel that was refused again by itself, every ten seconds without end. Each time would be a function
 * execution that somebody pays for, with the same answer. So an identical join is answered from here for a while; a join with
 * other parameters or another token is another key.
 */
export class Refusals {
  private readonly entries = new Map<string, { readonly error: CallError; readonly until: number }>();

  constructor(
    private readonly lifeMs: number,
    private readonly limit = 200,
    private readonly now: () => number = Date.now,
  ) {}

  remember(key: string, error: CallError): void {
    this.entries.delete(key);
    if (this.entries.size >= this.limit) {
      const [oldest] = this.entries.keys();
      this.entries.delete(oldest ?? key);
    }
    this.entries.set(key, { error, until: this.now() + this.lifeMs });
  }

  recall(key: string): CallError | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      return undefined;
    }
    const seconds = Math.ceil((entry.until - this.now()) / 1000);
    if (seconds <= 0) {
      this.entries.delete(key);
      return undefined;
    }
    const { status, code, message } = entry.error;
    return new CallError(status, code, `${message} (Remembered; the service is asked again in ${seconds} s.)`);
  }
}

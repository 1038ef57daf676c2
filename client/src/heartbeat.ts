import type { Timers } from "./timers.js";

/** What an interval of the service is taken for, at least and at most. */
const [shortestMs, longestMs] = [1_000, 600_000];

/**
 * Says from time to time that a socket which is present still is.
 *
 * It begins when something is tracked, goes on at the interval that the service asks for, and ends when nothing is tracked any more: each
 * beat is a call that costs. It leaves behind at most a timer, which then does nothing.
 */
export class Heartbeat {
  /** What it is until the service has said: its own default. */
  private intervalMs = 30_000;
  private isRunning = false;

  constructor(
    private readonly timers: Timers,
    private readonly isNeeded: () => boolean,
    /** Beats once, and says when to do so again. Must not reject. */
    private readonly beat: (intervalMs: number) => Promise<number>,
  ) {}

  begin(): void {
    if (!this.isRunning) {
      this.isRunning = true;
      this.beatAfter(this.intervalMs);
    }
  }

  /** Takes the interval that the service asks for, in bounds that keep it from harm; answers it. */
  every(ms: number | undefined): number {
    this.intervalMs = Math.min(longestMs, Math.max(shortestMs, ms ?? this.intervalMs));
    return this.intervalMs;
  }

  private beatAfter(ms: number): void {
    this.timers.after(ms, () => {
      this.isRunning = this.isNeeded();
      if (this.isRunning) {
        void this.beat(this.intervalMs).then((next) => this.beatAfter(next));
      }
    });
  }
}

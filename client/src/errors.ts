/** Statuses after which the very same call may succeed later, although they are in the 400s. */
const passing4xx: ReadonlySet<number> = new Set([401, 408, 409, 425, 429]);

/** Statuses of a whole call after which only a new session helps. */
const ending4xx: ReadonlySet<number> = new Set([401, 403, 409]);

/**
 * A call that the service refused, or that never got an answer.
 *
 * `status` is the HTTP status, or 0 where there was no answer; `code` is one of the protocol's stable codes, or one of
 * `Unreachable`, `TimedOut`, `UnexpectedAnswer`, `TooManyHeld`, `TooManyWaiting` and `InvalidEvent`, which this client makes up.
 */
export class CallError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "CallError";
  }

  /** As Supabase writes it: supabase-js shows it as the message of a CHANNEL_ERROR. */
  get reason(): string {
    return `${this.code}: ${this.message}`;
  }

  /** Whether asking the same again is pointless. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && !passing4xx.has(this.status) && !this.endsSession;
  }

  /** Whether the same call may succeed in a moment, with nothing changed on our side. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }

  /** Whether the service turned the caller away and not what he asked. Of a call as a whole; one part of an answer may be 403 by itself. */
  get endsCalls(): boolean {
    return this.endsSession || ending4xx.has(this.status);
  }

  /** Whether the session itself is no longer accepted, so that only a new one helps. */
  get endsSession(): boolean {
    return this.code === "InvalidSession" || this.code.startsWith("Session");
  }
}

/** The error of an operation that was turned away because too many were waiting already. */
export function tooManyWaiting(limit: number, advice = "Join fewer channels at once."): CallError {
  return new CallError(0, "TooManyWaiting", `${limit} operations wait for the service already. ${advice}`);
}

/** Whatever was thrown, as the failure of a call. */
export function asCallError(error: unknown): CallError {
  return error instanceof CallError ? error : new CallError(0, "Unreachable", messageOf(error));
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import type { FrameData } from "./frames.js";

/** The end of a connection. Node has no `CloseEvent` before version 23, so this is one of our own. */
export class SocketCloseEvent extends Event {
  constructor(
    readonly code: number,
    readonly reason: string,
    readonly wasClean: boolean,
  ) {
    super("close");
  }
}

/**
 * A failure to connect.
 *
 * supabase-js makes the error of a CHANNEL_ERROR from `code` and `reason` where an event has them, so that is where the message
 * goes: a developer then reads why, and not only that there was a transport failure.
 */
export class SocketErrorEvent extends Event {
  readonly code = 1006;

  constructor(readonly reason: string) {
    super("error");
  }
}

/** The outside of a WebSocket: states, handlers and events, with nothing behind them. */
export abstract class SocketShape extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  readonly protocol = "";
  readonly extensions = "";
  binaryType = "arraybuffer";

  onopen: ((event: Event) => unknown) | null = null;
  onmessage: ((event: MessageEvent) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  onclose: ((event: CloseEvent) => unknown) | null = null;

  private state: 0 | 1 | 2 | 3 = 0;

  constructor(readonly url: string) {
    super();
    this.addEventListener("open", (event) => this.onopen?.(event));
    this.addEventListener("message", (event) => this.onmessage?.(event as MessageEvent));
    this.addEventListener("error", (event) => this.onerror?.(event));
    this.addEventListener("close", (event) => this.onclose?.(event as CloseEvent));
  }

  /** How much was sent and has not left yet. supabase-js waits a moment for it before it closes. */
  get bufferedAmount(): number {
    return 0;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.state;
  }

  abstract send(data: FrameData | Blob): void;

  /** What to stop when the connection ends, for whichever reason. Called once. */
  protected abstract release(): void;

  close(code = 1000, reason = ""): void {
    if (this.state >= this.CLOSING) {
      return;
    }
    this.state = this.CLOSING;
    this.release();
    // Like a WebSocket, it is closed a moment later: supabase-js expects no event from within its own call.
    queueMicrotask(() => this.end(new SocketCloseEvent(code, reason, true)));
  }

  protected opened(): void {
    if (this.state === this.CONNECTING) {
      this.state = this.OPEN;
      this.dispatchEvent(new Event("open"));
    }
  }

  /**
   * Hands a frame to supabase-js in a turn of its own: a handler that throws, or that closes the socket, does not disturb us. A frame that was
   * on its way when the connection ended still arrives, for it counts as delivered.
   */
  protected deliver(data: string | ArrayBuffer): void {
    queueMicrotask(() => {
      if (this.state === this.OPEN || this.state === this.CLOSING) {
        this.dispatchEvent(new MessageEvent("message", { data }));
      }
    });
  }

  /** Ends the connection as if the network had: supabase-js connects again. */
  protected lose(reason: string): void {
    if (this.state >= this.CLOSING) {
      return;
    }
    const wasConnecting = this.state === this.CONNECTING;
    this.state = this.CLOSING;
    this.release();
    const close = new SocketCloseEvent(1006, reason, false);
    if (wasConnecting) {
      this.dispatchEvent(new SocketErrorEvent(reason));
      this.end(close);
    } else {
      queueMicrotask(() => this.end(close));
    }
  }

  private end(event: SocketCloseEvent): void {
    this.state = this.CLOSED;
    this.dispatchEvent(event);
  }
}

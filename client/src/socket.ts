import { Api } from "./api.js";
import { handleFrame, handleMessage, targets, type Target } from "./channels.js";
import { parseEndpoint, type Endpoint } from "./endpoint.js";
import { CallError, messageOf } from "./errors.js";
import { decodeFrame, encodeFrame, type Frame, type FrameData } from "./frames.js";
import type { Hub, HubFactory } from "./hub.js";
import type { Pace } from "./pace.js";
import { openSession, type Session, type SessionSettings } from "./session.js";
import { SocketShape } from "./socketShape.js";
import { Timers } from "./timers.js";

/** Everything that a socket needs from outside; what must outlive one socket is in here too. */
export interface SocketSettings extends SessionSettings {
  readonly fetch: typeof fetch;
  readonly hub: HubFactory;
  readonly callTimeoutMs: number;
  readonly pace: Pace;
}

/**
 * What supabase-js takes for its WebSocket.
 *
 * Its life: negotiate, connect SignalR, open. Then frames become HTTP calls, and SignalR invocations become frames. When
 * the SignalR connection ends, or the service no longer accepts the session, it closes with code 1006; supabase-js makes another
 * one and joins its channels again, which is a new session. It leaves nothing behind: calls are aborted, timers cleared.
 */
export class RealtimeSocket extends SocketShape {
  private readonly endpoint: Endpoint;
  private readonly aborted = new AbortController();
  private readonly timers = new Timers();
  private session: Session | undefined;
  private hub: Hub | undefined;
  private ended: (() => void) | undefined;

  constructor(
    address: string | URL,
    private readonly settings: SocketSettings,
  ) {
    super(String(address));
    this.endpoint = parseEndpoint(this.url);
    this.timers.after(settings.pace.wait, () => void this.connect());
  }

  override get bufferedAmount(): number {
    return this.session?.broadcasts.bufferedAmount ?? 0;
  }

  send(data: FrameData | Blob): void {
    if (this.readyState === this.CONNECTING) {
      throw new DOMException("The connection is not open yet.", "InvalidStateError");
    }
    if (this.session === undefined || this.readyState !== this.OPEN) {
      return;
    }
    const frame = this.decode(data);
    if (frame !== undefined) {
      handleFrame(this.session, frame);
    }
  }

  protected release(): void {
    this.aborted.abort();
    this.timers.close();
    this.session?.close();
    // It may fail where it never started; either way it is gone.
    this.hub?.stop().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    try {
      await this.open();
    } catch (error) {
      this.lose(error instanceof CallError ? error.reason : `SignalR: ${messageOf(error)}`);
      return;
    }
    if (this.readyState === this.CONNECTING) {
      this.ended = this.settings.pace.began();
      this.opened();
    }
  }

  private async open(): Promise<void> {
    const { fetch, callTimeoutMs, hub, log } = this.settings;
    const api = new Api(this.endpoint, { fetch, timeoutMs: callTimeoutMs, signal: this.aborted.signal });
    const { url, accessToken, session, sessionToken } = await api.negotiate();
    if (this.readyState !== this.CONNECTING) {
      return;
    }
    const opened = openSession(this.settings, this.endpoint, api.within(sessionToken), {
      timers: this.timers,
      emit: (frame) => this.deliver(encodeFrame(this.endpoint.version, frame)),
      emitBytes: (data) => this.deliver(data),
      end: (reason) => this.lost(reason),
    });
    this.session = opened;
    this.hub = hub(url, accessToken);
    targets.forEach((target) => this.listen(opened, target));
    this.hub.onclose((error) => this.lost(`SignalR connection ended${error === undefined ? "" : `: ${error.message}`}`));
    this.timers.after(callTimeoutMs, () => {
      if (this.readyState === this.CONNECTING) {
        this.lose(`TimedOut: SignalR did not connect within ${callTimeoutMs} ms.`);
      }
    });
    await this.hub.start();
    log("debug", `Session ${session} is open.`);
  }

  private listen(opened: Session, target: Target): void {
    this.hub?.on(target, (argument) => {
      if (this.readyState === this.OPEN) {
        opened.aliveAt = Date.now();
        handleMessage(opened, target, argument);
      }
    });
  }

  private lost(reason: string): void {
    if (this.readyState === this.OPEN) {
      this.ended?.();
      this.settings.log("debug", reason);
    }
    this.lose(reason);
  }

  private decode(data: FrameData | Blob): Frame | undefined {
    try {
      if (data instanceof Blob) {
        throw new SyntaxError("A frame is text or an ArrayBuffer, not a Blob.");
      }
      return decodeFrame(this.endpoint.version, data, (joinRef) => this.session?.table.topicOf(joinRef));
    } catch (error) {
      this.settings.log("warn", `A frame of supabase-js was not understood and is dropped: ${messageOf(error)}`);
      return undefined;
    }
  }
}

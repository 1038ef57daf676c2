import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/**
 * A TCP relay, which may be cut: then it takes whatever comes and passes nothing on, neither closes nor answers, until it is healed.
 *
 * It goes through its ports in turn and passes over those at which nobody listens, as what balances load does.
 */
export class Relay {
  private readonly streams = new Set<Stream>();
  private isCut = false;
  private turn = 0;

  private constructor(
    private readonly server: Server,
    private readonly ports: readonly number[],
  ) {
    server.on("connection", (socket: Socket) => void this.accept(socket));
  }

  static async before(...ports: readonly number[]): Promise<Relay> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
    const relay = new Relay(server, ports);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.isCut = true;
  }

  heal(): void {
    this.isCut = false;
    this.streams.forEach((stream) => stream.flow());
  }

  /** Ends all connections, as a network does that changes. */
  drop(): void {
    this.streams.forEach(({ from, to }) => [from, to].forEach((socket) => socket.destroy()));
  }

  async close(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.streams.forEach(({ from, to }) => [from, to].forEach((socket) => socket.destroy()));
    await closed;
  }

  private async accept(socket: Socket): Promise<void> {
    socket.on("error", () => undefined);
    const target = await this.reach();
    if (target === undefined || socket.destroyed) {
      socket.destroy();
      target?.destroy();
      return;
    }
    const pair = [new Stream(socket, target, () => this.isCut), new Stream(target, socket, () => this.isCut)];
    pair.forEach((stream) => {
      this.streams.add(stream);
      stream.to.on("close", () => this.streams.delete(stream));
      stream.flow();
    });
  }

  private async reach(): Promise<Socket | undefined> {
    for (let tries = 0; tries < this.ports.length; tries++) {
      const socket = connect({ host: "127.0.0.1", port: this.ports[this.turn++ % this.ports.length] ?? 0, allowHalfOpen: true });
      socket.on("error", () => undefined);
      socket.pause();
      // Without once(), which would throw at the error and leave the other listener.
      const reached = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true)).once("close", () => resolve(false));
      });
      if (reached) {
        return socket;
      }
    }
    return undefined;
  }
}

/** One direction of a connection. What comes during a cut waits, an end and a loss too. */
class Stream {
  private readonly waiting: (() => void)[] = [];

  constructor(
    readonly from: Socket,
    readonly to: Socket,
    private readonly isCut: () => boolean,
  ) {
    from.on("data", (chunk: Buffer) => {
      from.pause();
      this.pass(() => (to.write(chunk) ? from.resume() : to.once("drain", () => from.resume())));
    });
    from.on("end", () => this.pass(() => to.end()));
    from.on("close", () => this.pass(() => to.destroySoon()));
  }

  flow(): void {
    this.from.resume();
    if (!this.isCut()) {
      this.waiting.splice(0).forEach((act) => act());
    }
  }

  private pass(act: () => void): void {
    if (this.isCut()) {
      this.waiting.push(act);
    } else {
      act();
    }
  }
}

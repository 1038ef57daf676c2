import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import type pg from "pg";
import { environmentOf, readableByDefault, type Address } from "./app.js";
import { Database } from "./database.js";
import { end, freePort, launch } from "./serviceProcess.js";
import { signedToken } from "./tokens.js";

/** Two processes of the service on one database and one SignalR service, which is a third process: as instances share Azure SignalR. */
export interface Pair {
  readonly instances: readonly [Address, Address];
  /** Where clients reach the SignalR service. */
  readonly signalRPort: number;
  readonly anonKey: string;
  readonly serviceKey: string;
  /** The database, as its owner. */
  readonly sql: pg.Client;
  /** Kills one of the two, as a crash would. */
  kill(instance: 0 | 1): Promise<void>;
  restart(instance: 0 | 1): Promise<void>;
  stop(): Promise<void>;
}

/** Starts all three. The SignalR service tells the first instance of connections that end, and nobody where that one is gone. */
export async function startPair(settings: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const database = new Database();
  const [secret, accessKey] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
  const [first, second, signalRPort] = [await freePort(), await freePort(), await freePort()];
  const [signalRUrl, urls] = [`http://127.0.0.1:${signalRPort}`, [`http://127.0.0.1:${first}`, `http://127.0.0.1:${second}`] as const];
  await database.create();

  const running: ChildProcess[] = [];
  const start = async (instance: number): Promise<void> => {
    const url = urls[instance] ?? "";
    const shared = { AzureSignalRConnectionString: `Endpoint=${signalRUrl};AccessKey=${accessKey};Version=1.0;`, ...settings };
    running[instance] = await launch([], environmentOf(database, secret, url, shared), `${url}/readyz`);
  };
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.map((child) => end(child, "SIGTERM")));
    await database.remove();
  };
  try {
    const environment = {
      ...process.env,
      ASPNETCORE_URLS: signalRUrl,
      EmbeddedSignalR__AccessKey: accessKey,
      EmbeddedSignalR__Upstream: `${urls[0]}/realtime/v1/signalr/events`,
    };
    // It has no page that says it is ready; one who may not enter is answered as soon as it is.
    running[2] = await launch(["signalr"], environment, `${signalRUrl}/client/?hub=realtime`, (status) => status === 401);
    await start(0);
    await start(1);
    const sql = await database.connect();
    await readableByDefault(sql);

    const anonKey = signedToken(secret, { role: "anon" });
    return {
      instances: [
        { url: urls[0], anonKey },
        { url: urls[1], anonKey },
      ],
      signalRPort,
      anonKey,
      serviceKey: signedToken(secret, { role: "service_role" }),
      sql,
      kill: async (instance) => {
        const child = running[instance];
        if (child !== undefined) {
          await end(child, "SIGKILL");
        }
      },
      restart: start,
      stop: async () => {
        await sql.end();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

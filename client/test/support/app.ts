import { randomBytes } from "node:crypto";
import type pg from "pg";
import { Database, server } from "./database.js";
import { dll, end, freePort, launch } from "./serviceProcess.js";
import { signedToken } from "./tokens.js";

/** Where a service is, and what a client needs to use it. */
export interface Address {
  /** What `createClient` takes as its first argument. */
  readonly url: string;
  /** What `createClient` takes as its second argument. */
  readonly anonKey: string;
}

/** The service, as a process of its own, on a database of its own. */
export interface App extends Address {
  /** The database, as its owner. */
  readonly sql: pg.Client;
  /** A token of a user, another one at each call. */
  tokenOf(subject: string): string;
  /** Kills the process, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  /** Stops the process and removes the slot and the database. */
  stop(): Promise<void>;
}

/** Whether there is a service to test against. On a build server there must be one. */
export const hasApp = dll !== undefined && server !== undefined;
if (!hasApp && process.env["CI"] !== undefined) {
  throw new Error("Set REALTIME_APP to the path of Serverless.Functions.dll and REALTIME_TEST_POSTGRES_URL to a PostgreSQL server.");
}

/** Starts it; `settings` may add to its environment, knowing the key that clients will use. */
export async function startApp(settings: (anonKey: string) => Readonly<Record<string, string>> = () => ({})): Promise<App> {
  const database = new Database();
  const secret = randomBytes(32).toString("hex");
  const anonKey = signedToken(secret, { role: "anon" });
  const url = `http://127.0.0.1:${await freePort()}`;
  await database.create();

  const environment = environmentOf(database, secret, url, settings(anonKey));
  const start = (): ReturnType<typeof launch> => launch([], environment, `${url}/readyz`);
  let running = await start().catch(async (error: unknown) => {
    await database.remove();
    throw error;
  });
  const sql = await database.connect();
  await readableByDefault(sql);

  return {
    url,
    anonKey,
    sql,
    tokenOf: (subject) => signedToken(secret, { role: "authenticated", sub: subject, jti: randomBytes(4).toString("hex") }),
    kill: () => end(running, "SIGKILL"),
    restart: async () => {
      running = await start();
    },
    stop: async () => {
      await sql.end();
      await end(running, "SIGTERM");
      await database.remove();
    },
  };
}

/** What a process of the service is told. */
export function environmentOf(database: Database, secret: string, url: string, settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ASPNETCORE_URLS: url,
    Realtime__Postgres: database.npgsql,
    Realtime__JwtSecret: secret,
    Capture__Slot: database.name,
    ...settings,
  };
}

/** As on Supabase, where tables in public may be read by default and policies say the rest. */
export async function readableByDefault(sql: pg.Client): Promise<void> {
  await sql.query("alter default privileges in schema public grant select on tables to anon, authenticated");
}

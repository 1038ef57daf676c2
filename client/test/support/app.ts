import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import pg from "pg";
import { signedToken } from "./tokens.js";

/** The service, as a process of its own, on a database of its own. */
export interface App {
  /** What `createClient` takes as its first argument. */
  readonly url: string;
  /** What `createClient` takes as its second argument. */
  readonly anonKey: string;
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

/** The published service, and a PostgreSQL server with `wal_level=logical`, in the form `postgres://user@host:port/postgres`. */
const dll = process.env["REALTIME_APP"];
const server = process.env["REALTIME_TEST_POSTGRES_URL"];

/** Whether there is a service to test against. On a build server there must be one. */
export const hasApp = dll !== undefined && server !== undefined;
if (!hasApp && process.env["CI"] !== undefined) {
  throw new Error("Set REALTIME_APP to the path of Serverless.Functions.dll and REALTIME_TEST_POSTGRES_URL to a PostgreSQL server.");
}

/** Starts it; `settings` may add to its environment, knowing the key that clients will use. */
export async function startApp(settings: (anonKey: string) => Readonly<Record<string, string>> = () => ({})): Promise<App> {
  const name = `realtime_client_${randomBytes(6).toString("hex")}`;
  const secret = randomBytes(32).toString("hex");
  const anonKey = signedToken(secret, { role: "anon" });
  const port = await freePort();
  await onServer((admin) => admin.query(`create database ${name}`));

  const environment = {
    ...process.env,
    ASPNETCORE_URLS: `http://127.0.0.1:${port}`,
    Realtime__Postgres: npgsql(name),
    Realtime__JwtSecret: secret,
    Capture__Slot: name,
    ...settings(anonKey),
  };
  let running = await launch(port, environment).catch(async (error: unknown) => {
    await removeDatabase(name);
    throw error;
  });
  const sql = new pg.Client({ connectionString: databaseUrl(name) });
  await sql.connect();
  // As on Supabase, where tables in public may be read by default and policies say the rest.
  await sql.query("alter default privileges in schema public grant select on tables to anon, authenticated");

  return {
    url: `http://127.0.0.1:${port}`,
    anonKey,
    sql,
    tokenOf: (subject) => signedToken(secret, { role: "authenticated", sub: subject, jti: randomBytes(4).toString("hex") }),
    kill: () => end(running, "SIGKILL"),
    restart: async () => {
      running = await launch(port, environment);
    },
    stop: async () => {
      await sql.end();
      await end(running, "SIGTERM");
      await removeDatabase(name);
    },
  };
}

async function launch(port: number, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn("dotnet", [dll ?? ""], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-8_000));
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);

  const deadline = Date.now() + 60_000;
  while (!(await isReady(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child, "SIGKILL");
      throw new Error(`The service did not become ready (exit code ${child.exitCode ?? "none"}). It said:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return child;
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const exited = once(child, "exit");
  child.kill(signal);
  const hard = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await exited;
  clearTimeout(hard);
}

async function removeDatabase(name: string): Promise<void> {
  await onServer(async (admin) => {
    await admin.query("select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1 and active", [name]);
    // A walsender that was told to end holds its slot for a moment longer.
    const slots = "select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots where database = $1 and not active";
    const left = "select 1 from pg_replication_slots where database = $1";
    for (let tries = 0; tries < 50; tries++) {
      await admin.query(slots, [name]);
      if ((await admin.query(left, [name])).rowCount === 0) {
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await admin.query(`drop database if exists ${name} with (force)`);
  });
}

async function onServer(action: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  try {
    await action(admin);
  } finally {
    await admin.end();
  }
}

function databaseUrl(name: string): string {
  const url = new URL(server ?? "");
  url.pathname = `/${name}`;
  return url.toString();
}

function npgsql(database: string): string {
  const url = new URL(server ?? "");
  const parts = [`Host=${url.hostname}`, `Port=${url.port === "" ? "5432" : url.port}`, `Username=${decodeURIComponent(url.username)}`];
  const password = url.password === "" ? [] : [`Password=${decodeURIComponent(url.password)}`];
  return [...parts, ...password, `Database=${database}`].join(";");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

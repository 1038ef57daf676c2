import { randomBytes } from "node:crypto";
import pg from "pg";

/** A PostgreSQL server with `wal_level=logical`, in the form `postgres://user@host:port/postgres`. */
export const server = process.env["REALTIME_TEST_POSTGRES_URL"];

/** A database of a test's own, named so that no other has it; its replication slot bears the same name. */
export class Database {
  readonly name = `realtime_client_${randomBytes(6).toString("hex")}`;

  create(): Promise<void> {
    return onServer((admin) => admin.query(`create database ${this.name}`));
  }

  /** A connection as its owner. */
  async connect(): Promise<pg.Client> {
    const url = new URL(server ?? "");
    url.pathname = `/${this.name}`;
    const sql = new pg.Client({ connectionString: url.toString() });
    await sql.connect();
    return sql;
  }

  /** As the service is told of it. */
  get npgsql(): string {
    const url = new URL(server ?? "");
    const parts = [`Host=${url.hostname}`, `Port=${url.port === "" ? "5432" : url.port}`, `Username=${decodeURIComponent(url.username)}`];
    const password = url.password === "" ? [] : [`Password=${decodeURIComponent(url.password)}`];
    return [...parts, ...password, `Database=${this.name}`].join(";");
  }

  /** Removes it with its slot. */
  remove(): Promise<void> {
    return onServer(async (admin) => {
      await admin.query("select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1 and active", [this.name]);
      // A walsender that was told to end holds its slot for a moment longer.
      const slots = "select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots where database = $1 and not active";
      const left = "select 1 from pg_replication_slots where database = $1";
      for (let tries = 0; tries < 50; tries++) {
        await admin.query(slots, [this.name]);
        if ((await admin.query(left, [this.name])).rowCount === 0) {
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await admin.query(`drop database if exists ${this.name} with (force)`);
    });
  }
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

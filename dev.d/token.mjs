// Prints a JWT signed with $JWT_SECRET: `anon`, an API key for ten years, or `authenticated`, a user's token for a day.
import { createHmac } from "node:crypto";

const day = 24 * 60 * 60;
const now = Math.floor(Date.now() / 1000);

const claims = {
  anon: { role: "anon", iss: "serverless-realtime-dev", iat: now, exp: now + 3650 * day },
  authenticated: {
    role: "authenticated",
    iss: "serverless-realtime-dev",
    aud: "authenticated",
    sub: "11111111-1111-4111-8111-111111111111",
    email: "ada@example.com",
    iat: now,
    exp: now + day,
  },
}[process.argv[2]];

if (!claims || !process.env.JWT_SECRET) {
  console.error("Usage: JWT_SECRET=... node dev.d/token.mjs anon|authenticated");
  process.exit(1);
}

const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
console.log(`${signed}.${createHmac("sha256", process.env.JWT_SECRET).update(signed).digest("base64url")}`);

import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Whether there is a browser to test in. On a build server there must be one. */
export const hasBrowser = existsSync(executablePath);
if (!hasBrowser && process.env["CI"] !== undefined) {
  throw new Error(`There is no browser at '${executablePath}'. Install chromium, or set CHROMIUM to where it is.`);
}

/** A headless Chromium that runs as any user and talks to nobody but the pages' own services. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A page that the test itself answers has no address, and may not open a WebSocket to a local one; SignalR would fall back to SSE.
      "--disable-features=LocalNetworkAccessChecks",
    ],
  });
}

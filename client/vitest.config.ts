import { defineConfig } from "vitest/config";

const report = process.env["REALTIME_TEST_REPORT"];

// `REALTIME_TEST_REPORT` names a file that gets the totals as JSON, for whoever adds them to other totals.
export default defineConfig({
  test: {
    reporters: report === undefined ? ["default"] : ["default", "json"],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/browser/**/*.test.ts"],
          // Each file starts an app and a database of its own; one at a time keeps a small machine honest about time-outs.
          poolOptions: { forks: { singleFork: true } },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

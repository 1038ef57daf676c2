// Prints "PASSED FAILED" from a test runner's report; "0 0" where there is none that can be read.
import { readFileSync } from "node:fs";

/** Visual Studio's format: <Counters total="3" executed="3" passed="2" failed="1" error="0" timeout="0" aborted="0" ... />. */
function trx(text) {
  const counters = /<Counters ([^>]*)>/.exec(text)?.[1] ?? "";
  const number = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(counters)?.[1] ?? 0);
  return [number("passed"), number("failed") + number("error") + number("timeout") + number("aborted")];
}

/**
 * A suite that could not be loaded has no tests to fail, so it counts itself. A test that was skipped is a failure: suites skip themselves where there is nothing to test
 * against, and here there is everything.
 */
function vitest(text) {
  const { testResults, numPassedTests } = JSON.parse(text);
  const tests = testResults.flatMap((suite) => suite.assertionResults);
  const failed = tests.filter((test) => test.status === "failed").length;
  const skipped = tests.length - failed - numPassedTests;
  const broken = testResults.filter((suite) => suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed"));
  if (skipped > 0) {
    console.error(`${skipped} client tests were skipped. Each counts as a failure: ./dev test gives them all that they need.`);
  }
  return [numPassedTests, failed + skipped + broken.length];
}

const [format, file] = process.argv.slice(2);
let counts = [0, 0];
try {
  counts = { trx, vitest }[format](readFileSync(file, "utf8"));
} catch (error) {
  console.error(`The report ${file} cannot be read: ${error.message}`);
}
console.log(counts.join(" "));

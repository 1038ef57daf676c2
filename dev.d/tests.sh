# ./dev test: everything the tests need, the tests, and one line at the end.

TEST_RESULTS=$LOCAL/test-results
TEST_APP=$ROOT/Functions/bin/Release/net10.0/Serverless.Functions.dll

run_tests() {
  case "${1:-}" in
    '') ;;
    --full) export REALTIME_TEST_FULL=1 ;;
    *) fail "'$1' is not an option of ./dev test; there is only --full." ;;
  esac
  need_dotnet
  need_node
  mkdir -p "$LOCAL"
  take_lock './dev test'
  trap stop_tests EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  prepare_tests
  PASSED=0 FAILED=0
  run_csharp_tests
  run_client_tests
  say "$PASSED passed, $FAILED failed"
  ((FAILED == 0))
}

stop_tests() {
  local status=$?
  trap '' INT TERM HUP PIPE
  [[ -z ${RUNNER_PID:-} ]] || kill -TERM -- "-$RUNNER_PID" 2>/dev/null || true
  stop_postgres
  [[ -z ${PG_DATA:-} ]] || rm -rf "$PG_DATA"
  exit "$status"
}

prepare_tests() {
  rm -rf "$TEST_RESULTS"
  mkdir -p "$TEST_RESULTS"
  need_package chromium chromium
  CHROMIUM=$(command -v chromium)
  export CHROMIUM
  start_test_postgres
  install_packages "$ROOT"
  install_packages "$ROOT/dev.d/azurite" azurite
  step 'Building the client and the demo page'
  quietly npm run build --silent || fail "'npm run build' failed; its own lines above say why."
  step 'Building the app and its tests'
  quietly dotnet build Serverless.sln -c Release -v quiet --nologo || fail "'dotnet build' failed; its own lines above say why."
}

# Thrown away afterwards, so it need not survive a crash.
start_test_postgres() {
  need_postgres
  local port password
  password=$(node -p 'require("crypto").randomBytes(16).toString("hex")')
  place_data test-postgres
  stop_forgotten_postgres
  rm -rf "$PG_DATA"
  place_data test-postgres
  init_postgres "$password"
  port=$(free_port)
  step "Starting PostgreSQL on port $port"
  start_postgres "$port" "$TEST_RESULTS/postgres.log" fsync=off synchronous_commit=off full_page_writes=off \
    max_replication_slots=100 max_wal_senders=100 max_connections=300
  export REALTIME_TEST_POSTGRES="Host=127.0.0.1;Port=$port;Username=postgres;Password=$password"
  export REALTIME_TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
}

run_csharp_tests() {
  step 'Running the C# tests'
  local status=0
  run_bounded dotnet test Functions.Tests -c Release --no-build --nologo --logger 'trx;LogFileName=csharp.trx' \
    --results-directory "$TEST_RESULTS" --blame-hang-timeout 10min --blame-hang-dump-type none || status=$?
  count csharp "$status" "$(node dev.d/count.mjs trx "$TEST_RESULTS/csharp.trx")"
}

run_client_tests() {
  step 'Running the client tests'
  local status=0
  REALTIME_TEST_REPORT=$TEST_RESULTS/client.json REALTIME_APP=$TEST_APP run_bounded npm test || status=$?
  count client "$status" "$(node dev.d/count.mjs vitest "$TEST_RESULTS/client.json")"
}

# In a process group of its own, so that one signal stops a runner with all that it has started.
run_bounded() {
  setsid timeout --kill-after=10 "${TEST_LIMIT:-45m}" "$@" </dev/null &
  RUNNER_PID=$!
  local status=0
  wait "$RUNNER_PID" || status=$?
  kill -KILL -- "-$RUNNER_PID" 2>/dev/null || true
  RUNNER_PID=
  return "$status"
}

# count NAME STATUS "PASSED FAILED": a runner that broke, or ran nothing, is a failure that no test reports.
count() {
  local passed failed
  read -r passed failed <<<"$3"
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
  if ((failed == 0 && ($2 != 0 || passed == 0))); then
    say "The $1 tests did not run to their end: status $2, $passed passed. This counts as one failure."
    FAILED=$((FAILED + 1))
  fi
}

# ./dev bench NAME: builds for speed, measures, and ends with one line of JSON. bench/README.md says how to read it.

BENCH=bench/Serverless.Bench

run_bench() {
  (($# == 1)) || fail "'./dev bench' takes the name of one measurement; bench/README.md lists them."
  need_dotnet
  mkdir -p "$LOCAL"
  take_lock './dev bench'
  trap stop_bench EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  [[ $1 == match ]] || start_bench_postgres
  step 'Building the measurements'
  quietly dotnet build "$BENCH" -c Release -v quiet --nologo || fail "'dotnet build' failed; its own lines above say why."
  run_bounded dotnet "$BENCH/bin/Release/net10.0/Serverless.Bench.dll" "$1"
}

stop_bench() {
  local status=$?
  trap '' INT TERM HUP PIPE
  [[ -z ${RUNNER_PID:-} ]] || kill -TERM -- "-$RUNNER_PID" 2>/dev/null || true
  stop_postgres
  [[ -z ${PG_DATA:-} ]] || rm -rf "$PG_DATA"
  exit "$status"
}

# With the settings of ./dev: what is written is safe on disk, as it would be in earnest.
start_bench_postgres() {
  need_postgres
  need_node
  local port password
  password=$(node -p 'require("crypto").randomBytes(16).toString("hex")')
  place_data bench-postgres
  stop_forgotten_postgres
  rm -rf "$PG_DATA"
  place_data bench-postgres
  init_postgres "$password"
  port=$(free_port)
  step "Starting PostgreSQL on port $port (log: .local/bench-postgres.log)"
  start_postgres "$port" "$LOCAL/bench-postgres.log"
  export REALTIME_BENCH_POSTGRES="Host=127.0.0.1;Port=$port;Username=postgres;Password=$password"
}

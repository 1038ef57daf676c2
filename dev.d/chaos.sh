# ./dev chaos [--minutes N] [--seed S]: kills what it can while rows are written, and says whether anybody missed one. chaos/README.md says how to read it.

CHAOS=chaos/Serverless.Chaos

run_chaos() {
  need_dotnet
  need_node
  mkdir -p "$LOCAL"
  take_lock './dev chaos'
  trap stop_chaos EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  prepare_chaos_postgres
  step 'Building the app and the chaos'
  quietly dotnet build "$CHAOS" -c Release -v quiet --nologo || fail "'dotnet build' failed; its own lines above say why."
  TEST_LIMIT=${CHAOS_LIMIT:-11h} run_bounded dotnet "$CHAOS/bin/Release/net10.0/Serverless.Chaos.dll" "$@"
}

stop_chaos() {
  local status=$?
  trap '' INT TERM HUP PIPE
  [[ -z ${RUNNER_PID:-} ]] || kill -KILL -- "-$RUNNER_PID" 2>/dev/null || true
  if [[ -n ${PG_DATA:-} ]]; then
    stop_forgotten_postgres
    rm -rf "$PG_DATA"
  fi
  exit "$status"
}

# Only its files: the program starts the server, crashes it and starts it again.
prepare_chaos_postgres() {
  need_postgres
  CHAOS_POSTGRES_PASSWORD=$(node -p 'require("crypto").randomBytes(16).toString("hex")')
  place_data chaos-postgres
  stop_forgotten_postgres
  rm -rf "$PG_DATA"
  place_data chaos-postgres
  init_postgres "$CHAOS_POSTGRES_PASSWORD"
  CHAOS_POSTGRES_DATA=$PG_DATA CHAOS_POSTGRES_PROGRAMS=$PG_BIN CHAOS_LOGS=$LOCAL/chaos
  rm -rf "$CHAOS_LOGS"
  mkdir -p "$CHAOS_LOGS"
  export CHAOS_POSTGRES_PASSWORD CHAOS_POSTGRES_DATA CHAOS_POSTGRES_PROGRAMS CHAOS_LOGS
}

# ./dev: everything up, until Ctrl-C.

run_all() {
  need_ports
  need_dotnet
  need_node
  mkdir -p "$LOCAL"
  take_lock ./dev
  # However this ends, also when the terminal is closed, what was started is stopped.
  trap stop_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  stop_forgotten_app
  bring_up_postgres
  build_client
  build_app
  bring_up_app
  show_addresses
  watch_over
}

# Nothing is installed or built for a setting that cannot work.
need_ports() {
  need_port PORT "$PORT" 8099
  need_port POSTGRES_PORT "$POSTGRES_PORT" 54399
  ((PORT != POSTGRES_PORT)) || fail "PORT and POSTGRES_PORT are both $PORT, and two servers cannot share a port; choose another for one of them: POSTGRES_PORT=54399 ./dev"
}

stop_all() {
  local status=$?
  # A second Ctrl-C, or a terminal that is gone, must not cut this short.
  trap '' INT TERM HUP PIPE
  [[ -z ${PG_PID:-} ]] || is_gone "$PG_PID" || step 'Stopping' 2>/dev/null || true
  stop_app
  stop_postgres
  exit "$status"
}

bring_up_postgres() {
  need_postgres
  place_data postgres
  stop_forgotten_postgres
  ! port_in_use "$POSTGRES_PORT" || fail "Port $POSTGRES_PORT is in use, and PostgreSQL needs it; choose another: POSTGRES_PORT=54399 ./dev"
  ! port_in_use "$PORT" || fail "Port $PORT is in use, and the app needs it; choose another: PORT=8099 ./dev"
  check_data
  [[ -s $LOCAL/postgres-password || -z $(ls -A "$PG_DATA") ]] ||
    fail "The password of the PostgreSQL in $PG_DATA is gone from .local; delete that folder to begin anew, which loses its data."
  local password
  password=$(kept_secret postgres-password)
  (umask 077 && printf '127.0.0.1:%s:*:postgres:%s\n' "$POSTGRES_PORT" "$password" >"$LOCAL/pgpass")
  init_postgres "$password"
  step "Starting PostgreSQL on port $POSTGRES_PORT (log: .local/postgres.log)"
  start_postgres "$POSTGRES_PORT" "$LOCAL/postgres.log"
  local admin
  admin=$(psql_url "$POSTGRES_PORT" postgres)
  [[ $("$PG_BIN/psql" "$admin" -Atqc "select 1 from pg_database where datname = 'realtime'") ]] ||
    "$PG_BIN/psql" "$admin" -qc 'create database realtime' || fail "The database 'realtime' could not be made; psql's own line above says why."
  need_database "$POSTGRES_PORT"
}

bring_up_app() {
  step "Starting the app on port $PORT (log: .local/app.log)"
  start_app
  "$PG_BIN/psql" "$(psql_url "$POSTGRES_PORT")" -q -v ON_ERROR_STOP=1 -f dev.d/seed.sql >"$LOCAL/seed.log" 2>&1 ||
    fail "The demo table could not be made: $(grep -m 1 -E 'ERROR|FATAL|error:' "$LOCAL/seed.log"); see .local/seed.log."
}

show_addresses() {
  local secret
  secret=$(kept_secret jwt-secret)
  cat <<TEXT

  Demo page            http://127.0.0.1:$PORT/
  API                  http://127.0.0.1:$PORT
  anon key             $(JWT_SECRET=$secret node dev.d/token.mjs anon)
  authenticated token  $(JWT_SECRET=$secret node dev.d/token.mjs authenticated)
  psql                 ./dev psql
                       psql "$(psql_url "$POSTGRES_PORT")"

  Try:  ./dev psql -c "update project_tasks set status = 'done' where id = 1"

  Ctrl-C stops everything.
TEXT
}

# Returns never; ends when either process does.
watch_over() {
  wait -n "$APP_PID" "$PG_PID" || true
  is_running "$PG_PID" || fail "PostgreSQL ended by itself: $(tail -n 1 "$LOCAL/postgres.log")"
  fail "The app ended by itself: $(app_complaint)"
}

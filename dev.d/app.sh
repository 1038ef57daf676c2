# The app's process: one port, the embedded bus and SignalR, the demo page.

APP_DLL=$LOCAL/app/Serverless.Functions.dll

start_app() {
  local secret
  secret=$(kept_secret jwt-secret)
  ASPNETCORE_URLS="http://127.0.0.1:$PORT" \
  Realtime__Postgres="Host=127.0.0.1;Port=$POSTGRES_PORT;Username=postgres;Password=$(kept_secret postgres-password);Database=realtime" \
  Realtime__JwtSecret="$secret" \
  Realtime__Demo="$ROOT/demo/dist" \
  Realtime__DemoApiKey="$(JWT_SECRET=$secret node dev.d/token.mjs anon)" \
    setsid dotnet "$APP_DLL" >"$LOCAL/app.log" 2>&1 </dev/null 9>&- &
  APP_PID=$!
  echo "$APP_PID" >"$LOCAL/app.pid"
  local reason
  # Without the line that bash itself writes when .NET aborts after an exception.
  {
    reason=$(node dev.d/ready.mjs "http://127.0.0.1:$PORT/readyz" "$APP_PID" 60) && return
    is_running "$APP_PID" || wait "$APP_PID" || true
  } 2>/dev/null
  is_running "$APP_PID" || reason="it ended: $(app_complaint)"
  fail "The app did not become ready, $reason; its log is .local/app.log."
}

# What ended it, or else its first failure: the console writes a level and a name, and the message on the line below.
app_complaint() {
  { grep -m 1 -E '^(Cannot start:|Unhandled exception)' "$LOCAL/app.log" || grep -m 1 -A 1 -E '^(crit|fail):' "$LOCAL/app.log" | tail -n 1 | grep . || tail -n 1 "$LOCAL/app.log"; } |
    sed 's/^ *//' | head -c 300
}

# The app stops by itself on SIGTERM, its replication connection with it.
stop_app() {
  [[ -z ${APP_PID:-} ]] || stop_process "$APP_PID" TERM 15
  APP_PID=
  rm -f "$LOCAL/app.pid"
}

# A ./dev that was killed outright could not stop its app.
stop_forgotten_app() {
  local pid
  pid=$(cat "$LOCAL/app.pid" 2>/dev/null) || return 0
  if [[ $pid ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$APP_DLL"; then
    step 'Stopping the app that a killed ./dev left behind'
    stop_process "$pid" TERM 15
  fi
  rm -f "$LOCAL/app.pid"
}

# Starting, waiting and stopping, so that nothing is left running.

port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# need_port NAME VALUE EXAMPLE
need_port() {
  [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && (($2 <= 65535)) || fail "$1 is '$2', and a port is a whole number from 1 to 65535; choose one: $1=$3 ./dev"
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

is_running() { kill -0 "$1" 2>/dev/null; }

# await SECONDS COMMAND...: until the command succeeds; fails when the time is over.
await() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

is_gone() { ! is_running "$1"; }

# stop_process PID SIGNAL SECONDS: asks, waits, and does not ask twice.
stop_process() {
  is_running "$1" || return 0
  kill "-$2" "$1" 2>/dev/null || true
  await "$3" is_gone "$1" || kill -KILL "$1" 2>/dev/null || true
}

# take_lock COMMAND: one of a kind in a checkout, a second would fight over ports and data. It ends with this process, however that
# ends, because what outlives the process is started without file descriptor 9.
take_lock() {
  exec 9>"$LOCAL/$(basename "$1").lock"
  flock -n 9 || fail "'$1' already runs in this checkout; stop it there with Ctrl-C, or wait for it."
}

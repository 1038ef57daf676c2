# A private PostgreSQL: its own data, its own port on loopback, a random password, never run as root.

# Sets PG_BIN to the newest server's programs.
find_postgres() {
  local newest
  newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n 1)
  PG_BIN=${newest:-$(dirname "$(command -v initdb || echo /nowhere/initdb)")}
  [[ -x $PG_BIN/initdb && -x $PG_BIN/postgres ]]
}

need_postgres() {
  find_postgres || { apt_install_postgres && find_postgres; } ||
    fail "The package 'postgresql' was installed, but no /usr/lib/postgresql/*/bin/initdb is there; install a PostgreSQL server by hand."
  local major
  major=$("$PG_BIN/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  ((major >= 15)) || fail "PostgreSQL 15 or newer is needed, and this system offers $major; install a newer one from the PostgreSQL project's packages."
}

# PostgreSQL refuses to run as root, so root borrows the package's user.
as_postgres() {
  if ((EUID == 0)); then
    setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/ "$@"
  else
    "$@"
  fi
}

# place_data NAME: sets PG_DATA to a folder that PostgreSQL's user can reach, owns, and nobody else reads.
place_data() {
  local home=$LOCAL
  if ((EUID == 0)) && ! setpriv --reuid=postgres --regid=postgres --init-groups test -x "$LOCAL"; then
    home=/var/tmp/serverless-realtime-$(printf %s "$ROOT" | sha256sum | cut -c1-12)
    say "  User 'postgres' cannot enter $ROOT, so its data is in $home."
    mkdir -p -m 755 "$home"
    # The name can be guessed, and /var/tmp is everybody's.
    [[ -O $home && ! -L $home ]] || fail "$home belongs to somebody else; remove it."
  fi
  PG_DATA=$home/$1
  [[ -d $PG_DATA ]] || mkdir -m 700 "$PG_DATA"
  ((EUID != 0)) || chown postgres: "$PG_DATA"
}

# Says what is wrong with a server's files before the server does, and takes the programs of their version where there are several.
check_data() {
  [[ -n $(ls -A "$PG_DATA") ]] || return 0
  local file version installed
  for file in PG_VERSION global/pg_control pg_wal base postgresql.conf; do
    [[ -e $PG_DATA/$file ]] || fail "The PostgreSQL files in $PG_DATA are broken: $file is missing; delete that folder to begin anew, which loses its data."
  done
  version=$(cat "$PG_DATA/PG_VERSION")
  installed=$("$PG_BIN/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
  [[ $version != "$installed" ]] || return 0
  [[ -x /usr/lib/postgresql/$version/bin/postgres ]] ||
    fail "The data in $PG_DATA is of PostgreSQL $version, and this system now has $installed; install postgresql-$version beside it, or delete that folder to begin anew, which loses its data."
  PG_BIN=/usr/lib/postgresql/$version/bin
}

# init_postgres PASSWORD: makes the server's files, unless they are there.
init_postgres() {
  [[ -z $(ls -A "$PG_DATA") ]] || return 0
  step "Creating a PostgreSQL server in $PG_DATA"
  local password_file output
  password_file=$(mktemp)
  printf '%s\n' "$1" >"$password_file"
  ((EUID != 0)) || chown postgres "$password_file"
  output=$(as_postgres "$PG_BIN/initdb" -D "$PG_DATA" -U postgres --auth=scram-sha-256 --pwfile="$password_file" \
    --encoding=UTF8 --locale=C.UTF-8 2>&1) || { rm -f "$password_file"; fail "initdb failed: $(tail -n 1 <<<"$output")"; }
  rm -f "$password_file"
}

# start_postgres PORT LOG [SETTING...]: returns when it answers; sets PG_PID. A session of its own keeps the terminal's Ctrl-C from it.
start_postgres() {
  local port=$1 log=$2 settings=() setting
  shift 2
  for setting in wal_level=logical listen_addresses=127.0.0.1 "port=$port" unix_socket_directories= "$@"; do settings+=(-c "$setting"); done
  : >"$log"
  as_postgres true || fail "Root cannot become the user 'postgres'; is the package postgresql-common whole?"
  if ((EUID == 0)); then
    setsid setpriv --reuid=postgres --regid=postgres --init-groups "$PG_BIN/postgres" -D "$PG_DATA" "${settings[@]}" >>"$log" 2>&1 </dev/null 9>&- &
  else
    setsid "$PG_BIN/postgres" -D "$PG_DATA" "${settings[@]}" >>"$log" 2>&1 </dev/null 9>&- &
  fi
  PG_PID=$!
  local settled=yes
  # Without the line that bash itself writes when the server aborts, as it does over a damaged file.
  {
    await 60 postgres_settled "$port" || settled=no
    is_running "$PG_PID" || wait "$PG_PID" || true
  } 2>/dev/null
  is_running "$PG_PID" || fail_to_start "$log"
  [[ $settled == yes ]] || fail "PostgreSQL has not answered on port $port for 60 seconds; its log is $log."
}

# need_database PORT: a server starts without looking into its databases, and the app would only ever find that this one is not ready yet.
need_database() {
  local output
  output=$("$PG_BIN/psql" "$(psql_url "$1")" -Atqc 'select 1' 2>&1) && return
  ! grep -q 'database subdirectory' <<<"$output" ||
    fail "The PostgreSQL files in $PG_DATA are broken ($(sed -n 's/^DETAIL: *//p' <<<"$output" | head -n 1)); delete that folder to begin anew, which loses its data."
  fail "The database 'realtime' cannot be opened: $(sed -n 's/^.*\(FATAL\|ERROR\|error\): *//p' <<<"$output" | head -n 1)"
}

# A setting, a port or a full disk is no reason to throw data away; files that the server itself finds damaged are.
fail_to_start() {
  local damage='PANIC|pg_control|checkpoint record|status of transaction|not a database cluster|could not open (file|directory) "(\./)?(base|global|pg_)|initialized by PostgreSQL version|invalid magic number|invalid page'
  ! grep -qE "$damage" "$1" || fail "The PostgreSQL files in $PG_DATA are broken ($(postgres_complaint "$1")); delete that folder to begin anew, which loses its data."
  fail "PostgreSQL cannot start from $PG_DATA: $(postgres_complaint "$1"); its log is $1."
}

postgres_settled() { is_gone "$PG_PID" || "$PG_BIN/pg_isready" -q -h 127.0.0.1 -p "$1"; }

postgres_complaint() { grep -E 'FATAL|PANIC|ERROR|postgres:|could not' "$1" | head -n 1 | sed 's/^.*\(FATAL\|PANIC\|ERROR\): *//' | grep . || echo 'it said nothing'; }

# Fast: clients are cut off, data is safe.
stop_postgres() {
  [[ -z ${PG_PID:-} ]] || stop_process "$PG_PID" INT 30
  PG_PID=
}

# A ./dev that was killed outright could not stop its server. It is known by the folder it works in.
stop_forgotten_postgres() {
  local pid
  pid=$(head -n 1 "$PG_DATA/postmaster.pid" 2>/dev/null) || return 0
  [[ $pid && $(readlink "/proc/$pid/cwd") == "$PG_DATA" ]] || return 0
  step "Stopping the PostgreSQL that a killed ./dev left behind"
  stop_process "$pid" INT 30
}

# kept_secret NAME: a random secret of this checkout, made once.
kept_secret() {
  [[ -s $LOCAL/$1 ]] || (umask 077 && node -p 'require("crypto").randomBytes(32).toString("hex")' >"$LOCAL/$1")
  cat "$LOCAL/$1"
}

# Where psql finds the server of ./dev, without the password on a command line.
psql_url() { printf "host=127.0.0.1 port=%s user=postgres dbname=%s passfile='%s'" "$1" "${2:-realtime}" "$LOCAL/pgpass"; }

open_psql() {
  [[ -s $LOCAL/pgpass ]] || fail "There is no database yet; start it with ./dev first."
  local port
  port=$(cut -d: -f2 "$LOCAL/pgpass")
  port_in_use "$port" || fail "PostgreSQL does not answer on port $port; start it with ./dev, and leave that running."
  find_postgres || fail "psql is missing; start ./dev first, it installs PostgreSQL."
  exec "$PG_BIN/psql" "$(psql_url "$port")" "$@"
}

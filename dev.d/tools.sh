# What must be there: checked, and installed where the system's packages have it.

need_dotnet() {
  local wanted
  wanted=$(sed -n 's/.*"version": *"\([0-9]*\)\..*/\1/p' global.json)
  command -v dotnet >/dev/null ||
    fail "The .NET SDK $wanted is missing; install it (https://dotnet.microsoft.com/download) and put 'dotnet' on the PATH."
  dotnet --version >/dev/null 2>&1 ||
    fail "The .NET SDK $wanted is needed, and this machine has $(dotnet --list-sdks | cut -d' ' -f1 | paste -sd' ' | sed 's/^$/no SDK/'); install it from https://dotnet.microsoft.com/download."
  export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
  # Build servers outlive the build; nothing that ./dev starts may.
  export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
}

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js 20 or newer with npm is missing; install it and put 'node' and 'npm' on the PATH."
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  ((major >= 20)) || fail "Node.js 20 or newer is needed, and this machine has $(node --version); install a newer one."
}

# need_package COMMAND PACKAGE: installs the package unless the command is there.
need_package() {
  command -v "$1" >/dev/null || apt_install "$2"
}

apt_install() {
  local log=$LOCAL/apt.log
  command -v apt-get >/dev/null || fail "$* is missing and this system has no apt-get; install it with the system's own package manager."
  step "Installing $* with apt-get (log: .local/apt.log)"
  as_root apt-get update >"$log" 2>&1 || fail "'apt-get update' failed: $(apt_reason "$log"); see .local/apt.log."
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1 ||
    fail "'apt-get install $*' failed: $(apt_reason "$log"); see .local/apt.log."
}

apt_reason() { grep -E '^(E|Err|W):' "$1" | head -n 1 | sed 's/^E: //' || tail -n 1 "$1"; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    command -v sudo >/dev/null || fail "'$*' needs root and there is no sudo; run it as root, then ./dev again."
    sudo "$@"
  fi
}

# Debian starts a system-wide server on 5432 when the package is installed. This one is not asked for.
apt_install_postgres() {
  local without=/etc/postgresql-common/createcluster.d/serverless-realtime-dev.conf
  apt_install postgresql-common
  as_root install -d "$(dirname "$without")"
  echo 'create_main_cluster = false' | as_root tee "$without" >/dev/null
  apt_install postgresql
  as_root rm -f "$without"
}

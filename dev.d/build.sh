# Building only what changed since it was last built.

# hash_of PATH...: of all files there that are not built, names included.
hash_of() {
  find "$@" \( -name node_modules -o -name dist -o -name bin -o -name obj -o -name test-results \) -prune -o -type f -print0 2>/dev/null |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# install_packages FOLDER: npm ci, unless that lock file's packages are installed.
install_packages() {
  local stamp=$1/node_modules/.installed-from hash
  hash=$(cat "$1/package.json" "$1/package-lock.json" | sha256sum | cut -d' ' -f1)-$(node --version)
  [[ $(cat "$stamp" 2>/dev/null) != "$hash" ]] || return 0
  step "Installing npm packages${2:+ of $2}"
  quietly npm ci --prefix "$1" --no-audit --no-fund --no-progress --loglevel=error || fail "'npm ci' failed; its own lines above say why."
  printf '%s\n' "$hash" >"$stamp"
}

build_client() {
  install_packages "$ROOT"
  local stamp=$LOCAL/client-built-from hash
  hash=$(hash_of client demo package.json package-lock.json)
  [[ $(cat "$stamp" 2>/dev/null) != "$hash" || ! -d demo/dist ]] || return 0
  step 'Building the client and the demo page'
  quietly npm run build --silent || fail "'npm run build' failed; its own lines above say why."
  printf '%s\n' "$hash" >"$stamp"
}

# A copy of its own, so that another build does not replace files under the app while it runs.
build_app() {
  local stamp=$LOCAL/app-built-from hash
  hash=$(hash_of Functions host.json global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig)
  [[ $(cat "$stamp" 2>/dev/null) != "$hash" || ! -f $APP_DLL ]] || return 0
  step 'Building the app'
  quietly dotnet build Functions -c Release -o "$LOCAL/app" -v quiet --nologo || fail "'dotnet build' failed; its own lines above say why."
  printf '%s\n' "$hash" >"$stamp"
}

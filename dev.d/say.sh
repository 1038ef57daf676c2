# What the developer reads.

say() { printf '%s\n' "$*"; }

# A line for a step that is about to be taken.
step() { printf '• %s\n' "$*"; }

# One sentence on what is wrong and what to do, and the end.
fail() {
  printf './dev: %s\n' "$*" >&2
  exit 1
}

# quietly COMMAND...: shows what the command says only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || { say "$output"; return 1; }
}

# ./dev bench NAME: builds for speed, measures, and ends with one line of JSON. bench/README.md says how to read it.

BENCH=bench/Serverless.Bench

run_bench() {
  (($# == 1)) || fail "'./dev bench' takes the name of one measurement; bench/README.md lists them."
  need_dotnet
  step 'Building the measurements'
  quietly dotnet build "$BENCH" -c Release -v quiet --nologo || fail "'dotnet build' failed; its own lines above say why."
  exec dotnet "$BENCH/bin/Release/net10.0/Serverless.Bench.dll" "$1"
}

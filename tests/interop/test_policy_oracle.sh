#!/usr/bin/env bash
# rb_evaluate beside an implementation that nobody here wrote, npm @cloud-copilot/iam-simulate: the same policies and
# requests, generated from a seed; no difference that AWS's documentation does not explain.
# usage: test_policy_oracle.sh BUILD_DIR; POLICY_SEED and POLICY_CASES change what is asked
set -uo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../../scripts/lib.sh"
# shellcheck source=tests/interop/policies.sh
. "$(dirname "$0")/policies.sh"

[ $# -ge 1 ] || fail "usage: $0 BUILD_DIR"
BUILD=$(realpath -- "$1")
ANSWER=$BUILD/tests/interop/policies/policy_answer
SEED=${POLICY_SEED:-2026} CASES=${POLICY_CASES:-12000}
[ -x "$ANSWER" ] || fail "no $ANSWER: build first"
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

# Both answer what is in CASES.jsonl, into ours.tsv and theirs.tsv beside it.
both_answer() { # FOLDER
    "$ANSWER" <"$1/cases.jsonl" >"$1/ours.tsv" && simulate "$BUILD/simulate" "$1/cases.jsonl" >"$1/theirs.tsv"
}

answers_agree() {
    local wrong line id
    policy_cases "$SEED" "$CASES" >"$W/cases.jsonl" && both_answer "$W" || { say "not ok seed $SEED: somebody did not answer"; return; }
    [ "$(wc -l <"$W/ours.tsv")" = "$CASES" ] || { say "not ok seed $SEED: $(wc -l <"$W/ours.tsv") answers to $CASES cases"; return; }
    wrong=$(diff "$W/ours.tsv" "$W/theirs.tsv" | grep -c '^<')
    if [ "$wrong" = 0 ]; then
        say "ok $CASES policies and requests of seed $SEED: both say $(cut -f2 "$W/ours.tsv" | sort | uniq -c | awk '{ n = $1; $1 = ""; printf "%s%d%s", (NR > 1 ? ", " : ""), n, $0 }')"
        return
    fi
    say "not ok seed $SEED: $wrong of $CASES differ"
    diff "$W/ours.tsv" "$W/theirs.tsv" | sed -n 's/^< //p' | head -3 | while read -r line; do
        id=${line%%$'\t'*}
        say "ours: $line; theirs: $(grep -P "^$id\t" "$W/theirs.tsv" | cut -f2)"
        sed -n "$((id + 1))p" "$W/cases.jsonl"
    done
}

# Each kind of answer, operator and element must be there often: a generator that writes only what is denied proves nothing.
cases_are_wide() {
    local answer word count
    for answer in allowed denied 'not allowed'; do
        count=$(cut -f2 "$W/ours.tsv" | grep -cx "$answer")
        [ "$count" -ge $((CASES / 8)) ] || { say "not ok the cases are wide: $count of $CASES are $answer"; return; }
    done
    while read -r word; do
        count=$(grep -cF -- "$word" "$W/cases.jsonl")
        [ "$count" -ge $((CASES / 400)) ] || { say "not ok the cases are wide: $count of $CASES have $word"; return; }
    done <<'WORDS'
"NotAction"
"NotResource"
"NotPrincipal"
"boundary": [{
"session_policies": [{
"scp": [[
"rcp": [{
"resource_policy": {
"trust": true
"federated": "
"service": "
"owner": "444455556666"
, 'red'}
${aws:
ForAnyValue:StringNotLike
ForAllValues:StringEquals
StringEqualsIgnoreCaseIfExists
NumericNotEquals
NumericLessThanEquals
NumericGreaterThanEquals
DateNotEquals
DateLessThan
DateGreaterThanEquals
BoolIfExists
BinaryEquals
"IpAddress
NotIpAddress
ArnNotLike
ArnEquals
"Null"
WORDS
    say "ok the cases are wide"
}

explained_differences() {
    mkdir "$W/explained"
    python3 -B "$POLICIES/explained.py" cases >"$W/explained/cases.jsonl" && both_answer "$W/explained" &&
        python3 -B "$POLICIES/explained.py" check "$W/explained/ours.tsv" "$W/explained/theirs.tsv" ||
        say "not ok explained differences: somebody did not answer"
}

if simulate_install "$BUILD/simulate"; then
    answers_agree
    cases_are_wide
    explained_differences
else
    say "skip npm @cloud-copilot/iam-simulate: not installed (registry out of reach?): $BUILD/simulate/npm.log"
fi

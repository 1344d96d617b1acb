#!/usr/bin/env bash
# What compile writes, read by those it is for: every template by cfn-lint (PyPI), every module by terraform: whole where its
# registry is in reach; in any case its syntax, its texts, and its arguments by the AWS provider's schema (npm). The sample organisation, and one with names and policies that are hard to write.
# usage: test_compile_tools.sh BUILD_DIR
# needs: interop
set -uo pipefail
# shellcheck source=tests/interop/parts.sh
. "$(dirname "$0")/parts.sh"

CFN_LINT=1.51.0 PROVIDER_AWS=21.22.1
BUILD=$(realpath "$1") HERE=$(realpath "$(dirname "$0")")
CTL=$BUILD/src/rolebridgectl/rolebridgectl
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

check() { # NAME COMMAND…
    local name=$1 why
    shift
    if why=$("$@" 2>&1); then say "ok $name"; else say "not ok $name: $(tail -n 5 <<<"$why" | tr '\n' ' ')"; fi
}

# install_cfn_lint: prints the program. The mark is written last: an install cut short is never taken for a good one.
install_cfn_lint() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/rolebridge venv
    venv=$cache/cfn-lint-$CFN_LINT
    mkdir -p "$cache"
    exec 9>"$venv.lock"
    flock 9
    if [ ! -e "$venv/installed" ]; then
        rm -rf "$venv"
        if ! { python3 -m venv "$venv" && "$venv/bin/pip" install -q "cfn-lint==$CFN_LINT"; } >"$venv.log" 2>&1 9>&-; then
            rm -rf "$venv"
            return 1
        fi
        : >"$venv/installed"
    fi
    printf '%s\n' "$venv/bin/cfn-lint"
}

# Names that need care, a policy in several parts, one that names the role, variables of AWS's, a text with %{.
hard_mapping() {
    local i
    cp -r "$ROOT/mappings" "$W/hard"
    cd "$W/hard" || return
    cat >policies/2nd-line--.yaml <<'YAML'
rolebridge: 1
policy: 2nd-line--
task: "100 %{ of \"it\" ${so} to say"
statements:
  - { sid: Own, effect: Allow, action: "s3:GetObject", resource: "arn:${partition}:s3:::${account.id}-logs/${role}/${aws:PrincipalTag/CostCenter}/*" }
YAML
    {
        printf 'rolebridge: 1\npolicy: long-1\ntask: Long\nstatements:\n'
        for i in $(seq 80); do
            printf '  - { sid: S%s, effect: Allow, action: "s3:GetObject", resource: "arn:aws:s3:::a-bucket-with-a-long-name-%s/and-a-folder-with-a-name-that-is-long-too/*" }\n' "$i" "$i"
        done
    } >policies/long-1.yaml
    cat >roles/2nd-line.yaml <<'YAML'
rolebridge: 1
role: 2nd-line
title: Second Line
owner: support@acme.example
purpose: "Looks ${into} it, 100 %{ of the time."
policies: [2nd-line--, long-1]
managed_policies: [job-function/ViewOnlyAccess]
tags: { Project: "a-${identity.project}" }
YAML
    sed -i 's/^separation_of_duties:/  - { groups: [acme-second-line], role: 2nd-line, accounts: [corporate, development, analytics-prod] }\n&/' assignments.yaml
    # shellcheck disable=SC2016 # it is text
    printf '<EntityDescriptor entityID="%s">%01000d</EntityDescriptor>\n' '${x}' 0 >bridge.xml
    sed -i 's/^  url: .*/&\n  metadata: bridge.xml/' accounts.yaml
}

compile_all() {
    local mapping form
    hard_mapping || return
    for mapping in "$ROOT/mappings" "$W/hard"; do
        for form in cloudformation terraform; do
            "$CTL" compile --mappings "$mapping" --format $form --output "$W/out/$(basename "$mapping")" || return
        done
    done
}

lints() { # FILES…
    "$LINT" --non-zero-exit-code informational "$@"
}

# provider_schema: prints the folder of the AWS provider's resources, as npm @cdktf/provider-aws has them.
provider_schema() {
    local home=${XDG_CACHE_HOME:-$HOME/.cache}/rolebridge/provider-aws-$PROVIDER_AWS
    mkdir -p "$home"
    exec 9>"$home.lock"
    flock 9
    if [ ! -e "$home/installed" ]; then
        (cd "$home" && timeout 300 npm pack --silent "@cdktf/provider-aws@$PROVIDER_AWS" && tar xzf ./*.tgz --wildcards 'package/lib/iam-*' && rm ./*.tgz) \
            >"$home.log" 2>&1 9>&- || return 1
        : >"$home/installed"
    fi
    printf '%s\n' "$home/package/lib"
}

arguments_look() {
    jq '(.resource.aws_iam_role[] | .assume_policy) = "x" | del(.resource.aws_iam_policy[].policy)' "$W/out/mappings/corporate/main.tf.json" >"$W/wrong.tf.json"
    ! python3 "$HERE/terraform_arguments.py" "$SCHEMA" "$W/wrong.tf.json" >"$W/arguments" &&
        grep -q 'assume_policy$' "$W/arguments" && grep -q 'policy is missing' "$W/arguments"
}

# What proves that it looks: CloudFormation knows no tags of managed policies.
lint_looks() {
    jq '(.Resources[] | select(.Type == "AWS::IAM::ManagedPolicy").Properties) += { Tags: [] }' \
        "$W/out/mappings/corporate.template.json" >"$W/wrong.template.json"
    ! lints "$W/wrong.template.json" >"$W/lint" && grep -q "'Tags' was unexpected" "$W/lint"
}

# As nobody's configuration, and without a word to the maker.
tf() { # DIR ARGUMENTS…
    (cd "$1" && TF_CLI_CONFIG_FILE=/dev/null CHECKPOINT_DISABLE=1 timeout 200 terraform "${@:2}" -no-color)
}

# terraform reads the module, and says what it takes to use it.
reads() { # DIR
    local said
    said=$(tf "$1" providers) && grep -q 'registry.terraform.io/hashicorp/aws' <<<"$said"
}

# What we wrote comes out of terraform as it went in: nothing of ours is taken for an expression. As outputs, since those take no
# provider.
keeps_texts() {
    mkdir "$W/texts" || return
    jq '{ output: (.resource | [(.aws_iam_policy, .aws_iam_role) | to_entries[] | (.key as $k | .value | to_entries[] |
            select(.key | IN("policy", "assume_role_policy", "description")) |
            { key: "\($k)-\(.key)", value: { value: .value } })] | from_entries) }' \
        "$W/out/hard/corporate/main.tf.json" >"$W/texts/main.tf.json" || return
    tf "$W/texts" init -input=false && tf "$W/texts" apply -auto-approve && tf "$W/texts" output -json >"$W/texts/said" || return
    "$CTL" compile --mappings "$W/hard" --account corporate |
        jq -S '.accounts[0] | [(.policies[] | { name, description, text: .document }), (.roles[] | { name, description, text: .trust })]' >"$W/texts/wanted" || return
    jq -S --slurpfile wanted "$W/texts/wanted" '. as $said | [$wanted[0][] | .name as $name | ($name | gsub("@"; "__") | gsub("\\."; "_") | if test("^[0-9]") then "_" + . else . end) as $id |
            { name: $name, description: $said["\($id)-description"].value,
              text: (($said["\($id)-policy"].value // $said["\($id)-assume_role_policy"].value) | fromjson) }]' \
        "$W/texts/said" >"$W/texts/got" || return
    [ "$(jq length "$W/texts/got")" -ge 12 ] && diff "$W/texts/wanted" "$W/texts/got"
}

check "compile: the sample and a hard mapping are written" compile_all
if LINT=$(install_cfn_lint); then
    check "cfn-lint $CFN_LINT has nothing to say of the sample's templates" lints "$W"/out/mappings/*.template.json
    check "nor of the hard ones" lints "$W"/out/hard/*.template.json
    check "it does look" lint_looks
else
    say "skip cfn-lint: PyPI is out of reach"
fi
if command -v npm >/dev/null && SCHEMA=$(provider_schema); then
    check "every argument is the AWS provider's, and none is missing" python3 "$HERE/terraform_arguments.py" "$SCHEMA" "$W"/out/*/*/main.tf.json
    check "that looks, too" arguments_look
else
    say "skip the AWS provider's arguments: the npm registry is out of reach"
fi
if ! command -v terraform >/dev/null; then
    say "skip terraform: it is not installed"
    exit 0
fi
for module in "$W"/out/*/*/; do
    check "terraform reads $(basename "$(dirname "$module")")/$(basename "$module")" reads "$module"
done
check "terraform gives policies and descriptions back as they were" keeps_texts
if ! tf "$W/out/hard/corporate" init -input=false >"$W/init" 2>&1; then
    say "skip terraform validate: its registry is out of reach"
    exit 0
fi
check "terraform validate: hard/corporate" tf "$W/out/hard/corporate" validate
for module in mappings/development mappings/corporate hard/development; do
    tf "$W/out/$module" init -input=false >"$W/init" 2>&1 && check "terraform validate: $module" tf "$W/out/$module" validate
done

#!/usr/bin/env bash
# The command `rolebridge` as people and scripts use it, with the real service, the sandbox's IdP and STS, and an unmodified AWS
# CLI. usage: test_cli.sh BUILD_DIR
set -uo pipefail
# shellcheck source=tests/interop/cli_env.sh
. "$(dirname "$0")/cli_env.sh"

cli_up "$@" || { say "not ok cli: the service does not start"; exit 0; }
PROFILE=analytics-prod.data-scientist
ARN=arn:aws:sts::111122223333:assumed-role/data-scientist/ada@acme.example
TOKEN=$HOME/.aws/sso/cache/$(printf rolebridge | sha1sum | cut -d' ' -f1).json
CACHE=$HOME/.cache/rolebridge
HOSTILE=''
at_exit() {
    [ -z "$HOSTILE" ] || kill "$HOSTILE" 2>/dev/null
    stop_group "$BRIDGE_DIR" sandbox
}

# rb WANTED-STATUS ARGUMENTS…: stdout into $W/out, stderr into $W/err
rb() {
    local want=$1 got=0
    shift
    timeout 60 rolebridge "$@" >"$W/out" 2>"$W/err" </dev/null || got=$?
    if grep -qE 'Sanitizer|runtime error' "$W/err"; then
        echo "sanitizer: $(grep -m1 -E 'Sanitizer|runtime error' "$W/err")"
        return 1
    fi
    [ $got = "$want" ] || { echo "'rolebridge $*' ended with $got, not $want: $(tail -n 3 "$W/err" | tr '\n' ' ')"; return 1; }
}

more_tabs_than() { [ "$(tabs)" -gt "$1" ]; }
tabs() { wc -l <"$BROWSER_LOG"; }
out_has() { grep -qF -- "$1" "$W/out" || { echo "not printed: '$1' but: $(head -c 300 "$W/out")"; return 1; }; }
err_has() { grep -qF -- "$1" "$W/err" || { echo "not said: '$1' but: $(head -c 300 "$W/err")"; return 1; }; }
out_is() { jq -e "$1" "$W/out" >/dev/null || { echo "not so: $1: $(head -c 300 "$W/out")"; return 1; }; }
no_secret_said() { ! grep -qE 'ASIA|accessToken' "$W/err" || { echo "a secret on stderr"; return 1; }; }
expire_token() { jq -c '.expiresAt = "2020-01-01T00:00:00Z" | .issuedAt = "2019-12-31T16:00:00Z"' "$TOKEN" >"$W/t" && cat "$W/t" >"$TOKEN"; }
forget_leases() { rm -rf "$CACHE/credentials"; }
count() { records | jq "[.[] | select($1)] | length"; } # JQ-FILTER: records since mark

# ---- signing in ----

nobody_yet() { rb 3 login --check && rb 3 roles && err_has 'rolebridge login' && rb 3 credentials $PROFILE --format process; }
no_bridge() { rb 2 login && err_has 'rolebridge login URL'; }

first_login() {
    rb 0 login "$BRIDGE_URL" || return 1
    same "$(tabs)" 1 && same "$(stat -c %a "$TOKEN")" 600 || return 1
    jq -e --arg url "$BRIDGE_URL" '.startUrl == $url and .accessToken and .refreshToken and .clientSecret and
        (.expiresAt | test("^2...-..-..T..:..:..Z$"))' "$TOKEN" >/dev/null || { echo "not the SDKs' token file"; return 1; }
    ! grep -qF "$(jq -r .accessToken "$TOKEN")" "$W/out" "$W/err"
}

still_valid() { rb 0 login && out_has 'Still signed in' && rb 0 login --check --json && out_is '.signed_in and .was_signed_in' && same "$(tabs)" 1; }

other_bridge() { # the token is not shown to another address
    rb 3 roles --url https://127.0.0.1:1 && err_has 'not one at'
}

over_ssh() { # a device code by itself, confirmed in some browser
    local url='' pid
    : >"$W/err"
    env -u BROWSER SSH_CONNECTION='10.0.0.1 1 10.0.0.2 22' rolebridge login --force >"$W/out" 2>"$W/err" </dev/null &
    pid=$!
    until_true 20 grep -q user_code= "$W/err" || { kill $pid; return 1; }
    url=$(grep -o 'https://[^ ]*user_code=[^ ]*' "$W/err" | head -n 1)
    "$BROWSER" "$url" || { kill $pid; return 1; }
    wait $pid || { echo "login: $(tail -n 2 "$W/err")"; return 1; }
    out_has 'Signed in at'
}

denied() { BROWSER_DOES=deny rb 1 login --force && err_has sso.access_denied && rb 0 login --check; }

# ---- asking ----

who() { rb 0 whoami --json && out_is '.name == "ada@acme.example" and (.groups | index("acme-data-science"))' && rb 0 whoami && out_has acme-data-science; }

roles() {
    rb 0 roles && out_has data-scientist && rb 0 roles --why && out_has 'because group acme-data-science by assignments.yaml:' &&
        rb 0 roles --json && out_is '[.grants[] | .account_name + "." + .role] == ["analytics-prod.data-scientist", "development.data-scientist"]'
}

head_of_roles() { # somebody who read enough is no error to speak of
    local said
    said=$( (rolebridge completion bash; rolebridge roles) 2>&1 >/dev/full | head -c 300)
    [[ $said == *'not everything could be written'* ]] || { echo "a full disk: '$said'"; return 1; }
    said=$( (trap - PIPE; rolebridge roles --why) 2>&1 1> >(true) )
    [[ $said != *rolebridge:* ]] || { echo "a closed pipe: $said"; return 1; }
    same "$(rolebridge roles | head -n 1 | cut -d' ' -f1)" ACCOUNT
}

as_the_aws_cli() { # FORMAT: the same values in the same words as `aws configure export-credentials`
    rb 0 credentials $PROFILE --format "$1" || return 1
    "$AWS_CLI" configure export-credentials --profile $PROFILE --format "$1" >"$W/theirs" 2>"$W/err" ||
        { tail -n 1 "$W/err"; return 1; }
    if [ "$1" = process ]; then
        jq -S 'del(.AccountId) | .Expiration |= sub("\\+00:00$"; "Z")' "$W/theirs" >"$W/a"
        jq -S 'del(.AccountId)' "$W/out" >"$W/b"
        same "$(wc -l <"$W/out")" 1 || return 1
    else
        sed 's/+00:00/Z/' "$W/theirs" >"$W/a"
        cp "$W/out" "$W/b"
    fi
    diff "$W/a" "$W/b" >"$W/diff" || { echo "differs: $(sed 's/=.*//' "$W/diff" | tr '\n' ' ')"; return 1; }
}

process_form() {
    rb 0 credentials $PROFILE --format process && no_secret_said &&
        out_is 'keys_unsorted == ["Version","AccessKeyId","SecretAccessKey","SessionToken","Expiration","AccountId"] and .Version == 1 and
            .AccountId == "111122223333" and (.Expiration | test("^[0-9-]+T[0-9:]+Z$"))'
}

other_shells() {
    local format
    for format in env env-no-export powershell windows-cmd fish file; do
        rb 0 credentials $PROFILE --format $format && no_secret_said || return 1
    done
    rb 0 credentials $PROFILE --format env && (eval "$(<"$W/out")" && "$AWS_CLI" sts get-caller-identity --query Arn --output text >"$W/arn")
    same "$(<"$W/arn")" $ARN
}

usage() {
    rb 2 credentials $PROFILE --format yaml && rb 2 credentials $PROFILE --duration 1d && rb 2 credentials && rb 2 exec $PROFILE &&
        rb 2 roles extra && rb 2 nonsense && rb 2 login --device --browser && rb 2 login ftp://x && rb 2 && rb 0 --help && rb 0 --version &&
        rb 2 rolse && err_has "'roles'"
}

too_long() { rb 1 credentials $PROFILE --duration 12h && err_has sts.duration && rb 0 credentials $PROFILE --duration 15m; }
not_mine() { rb 1 credentials corporate.iam-administrator && err_has mapping. && rb 1 credentials iam-administrator && err_has 'roles --why'; }
cached_privately() { [ -z "$(find "$CACHE" "$HOME/.config" "$HOME/.aws" -type f -perm /077)" ] || { echo "readable by others: $(find "$CACHE" "$HOME/.config" "$HOME/.aws" -type f -perm /077)"; return 1; }; }

runs_commands() {
    rb 7 exec $PROFILE -- sh -c 'exit 7' && rb 127 exec $PROFILE -- /no/such/command && rb 126 exec $PROFILE -- /etc/passwd || return 1
    AWS_PROFILE=x AWS_SECURITY_TOKEN=x rb 0 exec $PROFILE -- env || return 1
    out_has AWS_SESSION_TOKEN= && out_has AWS_CREDENTIAL_EXPIRATION= && out_has AWS_REGION= && ! grep -q '^AWS_PROFILE' "$W/out" || return 1
    rb 0 exec $PROFILE -- sh -c 'echo "$1"' -- --json && same "$(<"$W/out")" --json || return 1
    rb 0 exec $PROFILE -- "$AWS_CLI" sts get-caller-identity --query Arn --output text && same "$(<"$W/out")" $ARN || return 1
    rb 0 exec $PROFILE -- sh -c 'grep SigIgn /proc/self/status' && same "$(awk '{print $2}' "$W/out")" 0000000000000000
}

# ---- profiles ----

profiles() {
    local config=$HOME/.aws/config
    mkdir -p "$HOME/.aws" "$HOME/dotfiles"
    printf '# by hand\n[profile mine]\nregion = eu-west-1\n[profile development.data-scientist]\nregion = x\n' >"$HOME/dotfiles/aws"
    chmod 640 "$HOME/dotfiles/aws"
    ln -sf ../dotfiles/aws "$config"
    cp "$HOME/dotfiles/aws" "$W/before"
    rb 1 configure --dry-run && out_has '+[profile analytics-prod.data-scientist]' && cmp "$W/before" "$config" || return 1
    rb 1 configure && err_has --yes && cmp "$W/before" "$config" || return 1
    rb 0 configure --yes && err_has "'development.data-scientist' of yours" || return 1
    [ -L "$config" ] && same "$(stat -Lc %a "$config")" 640 || { echo "the link or its mode is gone"; return 1; }
    head -n 5 "$config" | cmp - "$W/before" && cp "$config" "$W/after" || return 1
    rb 0 configure --yes && cmp "$config" "$W/after" && rb 0 configure --dry-run --json && out_is '.changes == false and .profiles == 1'
}

nothing_else_typed() { same "$("$AWS_CLI" --profile $PROFILE sts get-caller-identity --query Arn --output text 2>&1)" $ARN; }

prune() { # a role that is gone goes; what was written by hand stays
    local config=$HOME/.aws/config
    sed -i 's/analytics-prod\.data-scientist/analytics-prod.gone/' "$config"
    rb 0 configure --yes && ! grep -q gone "$config" && cmp "$config" "$W/after" || return 1
    rb 0 configure --remove --yes && cmp "$config" "$W/before" && rb 0 configure --yes && cmp "$config" "$W/after"
}

elsewhere() { # AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE are where they say
    printf '[analytics-prod.data-scientist]\naws_access_key_id = x\n' >"$W/shared"
    AWS_CONFIG_FILE=$W/elsewhere/config AWS_SHARED_CREDENTIALS_FILE=$W/shared rb 0 configure --yes || return 1
    grep -q 'profile development.data-scientist' "$W/elsewhere/config" && ! grep -q 'profile analytics' "$W/elsewhere/config"
}

# ---- many at once ----

hundred() { # ARGUMENTS…: a hundred processes; how many got credentials
    local i
    for i in $(seq 100); do
        rolebridge credentials "$@" --format process >"$W/many.$i" 2>"$W/said.$i" </dev/null &
    done
    # shellcheck disable=SC2046
    wait $(jobs -p)
    cat "$W"/many.* | jq -s 'map(select(.Version == 1)) | length'
}

one_refresh() {
    local before
    before=$(tabs)
    expire_token && forget_leases && mark
    same "$(hundred $PROFILE --login)" 100 || { cat "$W"/said.* | sort | uniq -c | head -n 3; return 1; }
    same "$(cat "$W"/many.* | sort -u | wc -l)" 1 || return 1
    same "$(count '.kind == "lease"')" 1 && same "$(tabs)" "$before" || return 1
    same "$(count '.kind == "sign-in"')" 1 # the record of a renewed token
}

one_tab() {
    local before
    rb 0 logout && forget_leases && before=$(tabs) && mark
    same "$(hundred $PROFILE --login)" 100 || { cat "$W"/said.* | sort | uniq -c | head -n 3; return 1; }
    same "$(($(tabs) - before))" 1 && same "$(count '.kind == "lease"')" 1
}

no_further_tabs() { # the one that was opened is answered with "no": nobody opens another
    local before
    rb 0 logout && before=$(tabs)
    same "$(BROWSER_DOES=deny hundred $PROFILE --login)" 0 && same "$(($(tabs) - before))" 1 || return 1
    rb 3 credentials $PROFILE --login && err_has 'no other browser tab' && same "$(($(tabs) - before))" 1 || return 1
    rb 0 login && same "$(($(tabs) - before))" 2 && rb 0 credentials $PROFILE --login # a person who types it is not held back
}

nobody_answers() { # killed while it waits: the next call knows
    local before pid
    rb 0 logout && before=$(tabs)
    BROWSER_DOES=nothing rolebridge credentials $PROFILE --login >"$W/out" 2>"$W/err" </dev/null &
    pid=$!
    until_true 20 more_tabs_than "$before" && kill -KILL $pid
    wait $pid 2>/dev/null
    rb 3 credentials $PROFILE --login && err_has 'nobody answered' && same "$(($(tabs) - before))" 1 && rb 0 login
}

ctrl_c() {
    local pid
    : >"$W/err" # what an earlier command said is not waited for
    # a background job of this shell has SIGINT ignored: python3 undoes that
    BROWSER_DOES=nothing python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])' \
        rolebridge login --force >"$W/out" 2>"$W/err" </dev/null &
    pid=$!
    until_true 20 grep -q 'Sign in in the browser' "$W/err" && kill -INT $pid
    wait $pid 2>/dev/null
    same $? 130 && same "$(find "$HOME" "$W/home" -name '*.??????' -newer "$W/err" | wc -l)" 0
}

# ---- a disk, a home ----

read_only_home() { # root writes anywhere but on a mount that says no
    forget_leases
    unshare -rm sh -c "mount --bind '$HOME' '$HOME' && mount -o remount,bind,ro '$HOME' &&
        XDG_RUNTIME_DIR='$W' rolebridge credentials $PROFILE --format process" >"$W/out" 2>"$W/err" || { tail -n 2 "$W/err"; return 1; }
    out_is '.Version == 1' && err_has 'not cached'
}

full_disk() {
    forget_leases
    unshare -rm sh -c "mkdir -p '$CACHE/credentials' && mount -t tmpfs -o size=4k,nr_inodes=2 none '$CACHE/credentials' &&
        { head -c 4096 /dev/zero >'$CACHE/credentials/fill' || :; } &&
        rolebridge credentials $PROFILE --format process" >"$W/out" 2>"$W/err" || { tail -n 2 "$W/err"; return 1; }
    out_is '.Version == 1' && err_has 'not cached'
}

# ---- a hostile bridge ----

hostile() { # NAME WANTED-STATUS ARGUMENTS…
    local name=$1 want=$2 home=$W/hostile
    shift 2
    rm -rf "$home" && mkdir -p "$home/.aws/sso/cache"
    (umask 077 && printf '{"startUrl":"%s","accessToken":"%s","expiresAt":"2099-01-01T00:00:00Z"}' "$HOSTILE_URL" "$name" >"$home/.aws/sso/cache/$(basename "$TOKEN")")
    HOME=$home ROLEBRIDGE_URL=$HOSTILE_URL rb "$want" "$@" || { echo "$name"; return 1; }
    ! LC_ALL=C grep -qP '\x1b|\x9b|\x07|\xe2\x80\xae|\xc2\x9b' "$W/out" "$W/err" || { echo "$name: control characters came through"; return 1; }
}

hostile_bridge() {
    "$HERE/hostile_bridge.py" "$W/port" 2>"$W/hostile.log" &
    HOSTILE=$!
    until_true 10 test -s "$W/port" || return 1
    HOSTILE_URL=http://127.0.0.1:$(<"$W/port")
    hostile escape 0 whoami && hostile escape 0 whoami --json && hostile types 0 whoami && hostile list 4 whoami && hostile html 4 roles &&
        hostile twice 4 whoami && hostile deep 4 whoami && hostile huge 4 whoami && hostile code 1 roles && hostile code 1 roles --json && hostile refusal 1 roles &&
        hostile number 4 roles && hostile fault 4 roles && hostile unknown 4 roles && hostile types 0 roles && hostile types 0 roles --why &&
        hostile claims 0 roles --why && out_has 'acme/app' && out_has ' by assignments.yaml:4' || return 1
    local name
    for name in shell newline past end text null; do
        hostile $name 4 credentials a.b --format env || return 1
        same "$(wc -c <"$W/out")" 0 || return 1
    done
    hostile account 0 exec a.b -- env && ! grep -q AWS_ACCOUNT_ID "$W/out"
}

# ---- doctor: each wrong thing once ----

doctor() {
    rb 0 doctor && rb 0 doctor --json && out_is 'all(.[]; .ok)' || { cat "$W/out"; return 1; }
    AWS_ACCESS_KEY_ID=x rb 1 doctor && out_has 'beats every profile' || return 1
    rb 1 doctor --url https://127.0.0.1:1 && out_has 'wrong bridge' || return 1
    AWS_SHARED_CREDENTIALS_FILE=$W/shared rb 1 doctor && out_has 'is beaten by keys' || return 1
    chmod 644 "$TOKEN" && rb 1 doctor && out_has 'chmod 600' && chmod 600 "$TOKEN" || return 1
    chmod 777 "$CACHE" && rb 1 doctor && out_has 'chmod 700' && chmod 700 "$CACHE" || return 1
    ROLEBRIDGE_CACHE=keyring DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent rb 1 doctor && out_has 'nothing is cached' || return 1
    printf 'rolebridge: 1\nbrigde: x\n' >"$W/bad.yaml" && mkdir -p "$W/xdg/rolebridge" && cp "$W/bad.yaml" "$W/xdg/rolebridge/config.yaml"
    XDG_CONFIG_HOME=$W/xdg rb 4 doctor && err_has "config.yaml:2:1" && err_has bridge
}

# ---- the keyring ----

keyring() {
    cat >"$W/keyring.sh" <<'SH'
set -u
printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
rolebridge login --keyring >/dev/null || exit 1
rolebridge credentials "$1" --format process >"$W/one" || exit 2
rolebridge credentials "$1" --format process >"$W/two" || exit 3
rolebridge doctor >"$W/doctor" || exit 4
secret-tool search --all application rolebridge >"$W/found" 2>/dev/null || exit 5
rolebridge logout >/dev/null || exit 6
secret-tool search --all application rolebridge >"$W/left" 2>/dev/null
rolebridge login --no-keyring >/dev/null || exit 7
SH
    forget_leases
    export W
    dbus-run-session -- bash "$W/keyring.sh" $PROFILE >"$W/out" 2>"$W/err" || { echo "step $?: $(tail -n 2 "$W/err")"; return 1; }
    cmp "$W/one" "$W/two" && grep -q "$(jq -r .AccessKeyId "$W/one")" "$W/found" && ! grep -q ASIA "$W/left" || return 1
    grep -q 'holds role credentials' "$W/doctor" || return 1
    ! grep -rqF "$(jq -r .SecretAccessKey "$W/one")" "$HOME" || { echo "the secret lies in a file"; return 1; }
}

no_keyring() { # asked for, and there is none: works, keeps nothing
    forget_leases
    ROLEBRIDGE_CACHE=keyring DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent rb 0 credentials $PROFILE --format process &&
        err_has 'not cached' && [ ! -d "$CACHE/credentials" ]
}

# ---- shells, pages ----

completions() {
    rb 0 completion bash && bash -c 'source "$1"; COMP_WORDS=(rolebridge lo); COMP_CWORD=1; _rolebridge; echo "${COMPREPLY[*]}"' _ "$W/out" >"$W/got" &&
        same "$(<"$W/got")" 'login logout' || return 1
    rb 0 completion bash && bash -c 'source "$1"; COMP_WORDS=(rolebridge exec analy); COMP_CWORD=2; _rolebridge; echo "${COMPREPLY[*]}"' _ "$W/out" >"$W/got" &&
        grep -q $PROFILE "$W/got" || { echo "bash: $(<"$W/got")"; return 1; }
    rb 0 completion fish && fish -c 'source $argv[1]; complete -C "rolebridge lo"' "$W/out" 2>&1 | cut -f1 | sort >"$W/got"
    same "$(paste -sd' ' "$W/got")" 'login logout' || return 1
    rb 0 completion zsh && mkdir -p "$W/zfunc" && cp "$W/out" "$W/zfunc/_rolebridge" && python3 "$HERE/zsh_complete.py" "$W/zfunc" 'rolebridge log' >"$W/got"
    grep -q 'login' "$W/got" && grep -q logout "$W/got" || { echo "zsh: $(head -c 300 "$W/got")"; return 1; }
}

man_page() {
    local page=$BUILD/src/rolebridge/rolebridge.1
    [ -e "$page" ] || "$ROOT/packaging/man.py" "$BUILD/src/rolebridge/rolebridge" rolebridge 1 'your corporate sign-in, your roles in AWS' >"$W/rolebridge.1"
    [ -e "$page" ] || page=$W/rolebridge.1
    mandoc -T lint -W warning "$page" 2>&1 | grep -v "missing date" >"$W/lint" # builds are to be the same on every day
    [ ! -s "$W/lint" ] || { head -n 3 "$W/lint"; return 1; }
}

logged_out() { # the token is dead at the bridge too
    local token
    token=$(jq -r .accessToken "$TOKEN")
    rb 0 logout && [ ! -e "$TOKEN" ] && [ -z "$(find "$CACHE/credentials" -type f 2>/dev/null)" ] || return 1
    same "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$BRIDGE_CA" -H "x-amz-sso_bearer_token: $token" "$BRIDGE_URL/api/v1/roles")" 401 &&
        rb 0 logout && out_has 'Nobody was signed in'
}

check "cli: commands before a sign-in say what to do, exit code 3" nobody_yet
check "cli: no bridge configured, exit code 2" no_bridge
check "cli: login by PKCE in a browser; the token file is the SDKs', mode 0600" first_login
check "cli: a sign-in that is still good opens no browser" still_valid
check "cli: the token is shown to no other bridge" other_bridge
check "cli: login by device code, by itself over SSH" over_ssh
check "cli: a denied sign-in, exit code 1, the old one stays" denied
check "cli: whoami" who
check "cli: roles, --why, --json" roles
check "cli: a closed pipe and a full disk behind stdout" head_of_roles
check "cli: credential_process form" process_form
check "cli: the other formats; env works in a shell" other_shells
check "cli: mistakes on the command line, exit code 2" usage
check "cli: a duration too long is refused with the limit" too_long
check "cli: a role of somebody else is refused" not_mine
check "cli: nothing kept is readable by others" cached_privately
check "cli: exec: exit codes, environment, arguments, signals" runs_commands
check "cli: configure: dry run, asks, link kept, hand-written kept, second run changes nothing" profiles
check "cli: aws --profile $PROFILE with nothing typed but the login" nothing_else_typed
for format in process env env-no-export; do
    check "cli: $format as aws configure export-credentials" as_the_aws_cli $format
done
check "cli: configure prunes what is its own" prune
check "cli: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE" elsewhere
check "cli: a hundred calls with an expired token: one refresh, one lease, no browser" one_refresh
check "cli: a hundred calls with no sign-in: one browser tab" one_tab
check "cli: a hundred calls and a denied sign-in: one tab, and none in the next two minutes" no_further_tabs
check "cli: nobody answers the tab: the next call opens none" nobody_answers
check "cli: Ctrl-C while it waits, exit code 130" ctrl_c
if unshare -rm true 2>/dev/null; then
    check "cli: a home that cannot be written to" read_only_home
    check "cli: a full disk" full_disk
else
    say "skip cli: a read-only home and a full disk: no mount namespaces here (unshare -rm)"
fi
check "cli: a hostile bridge" hostile_bridge
check "cli: doctor, each wrong thing once" doctor
check "cli: the keyring holds role credentials, no file does" keyring
check "cli: a keyring asked for that is not there" no_keyring
check "cli: completions in bash, zsh and fish" completions
check "cli: the manual page has no mistakes" man_page
"$HERE/picker_pty.py" "$BUILD/src/rolebridge/rolebridge"
check "cli: logout: here and at the bridge" logged_out
check "cli: the service ends cleanly" bridge_stop
exit 0

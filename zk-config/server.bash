# shellcheck shell=bash
# Sourced by up, down and status: the directories of servers, their processes, and how to ask them.

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=java.sh
. "$here/java.sh"

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2:-1}"
}

# Reads the arguments of a script: --help, [DIR] or ensemble [DIR]. Sets `directory`; for an ensemble also `ensemble`,
# the directory that holds those of its members. `argument` is what to write on a command line for the same.
read_arguments() {
    directory=${ZK_DIR:-${XDG_STATE_HOME:-${HOME:?HOME is not set; set ZK_DIR}/.local/state}/zookeeper-locks}
    ensemble=
    argument=
    if [ "${1-}" = ensemble ]; then
        directory+=/ensemble
        ensemble=$directory
        argument=' ensemble'
        shift
    fi
    if [ $# -gt 1 ]; then
        usage >&2
        exit 2
    fi
    case ${1-} in
        -h | --help)
            usage
            exit 0
            ;;
        '') ;;
        -*) fail "unknown option $1; see --help" 2 ;;
        */*)
            directory=${1%/}
            directory=${directory:-/}
            [ -z "$ensemble" ] || ensemble=$directory
            printf -v argument '%s %q' "$argument" "$1"
            ;;
        # Words stay free for other ways to run.
        *) fail "DIR is a path with a slash; did you mean ./$1 ?" 2 ;;
    esac
}

# Sets `members` to the directories of the ensemble's members, by their numbers.
find_members() {
    members=()
    local settings
    while IFS= read -r settings; do
        members+=("${settings%/zoo.cfg}")
    done < <(printf '%s\n' "$ensemble"/server-*/zoo.cfg | sort -V)
    [ -e "${members[0]}/zoo.cfg" ] || members=()
}

# The pid of the server of this directory; fails if it does not run.
server_pid() {
    local pid
    pid=$(cat -- "$directory/server.pid" 2>/dev/null) || return 1
    # A number alone proves nothing, since it may have gone to another process.
    [[ $pid =~ ^[0-9]+$ ]] && [ "/proc/$pid/cwd" -ef "$directory" ] &&
        tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -q QuorumPeerMain || return 1
    echo "$pid"
}

server_port() {
    sed -n 's/^clientPort=//p' "$directory/zoo.cfg"
}

# The addresses of all members, for a client.
connect_string() {
    local directory addresses=()
    for directory in "${members[@]}"; do
        addresses+=("127.0.0.1:$(server_port)")
    done
    (
        IFS=,
        echo "${addresses[*]}"
    )
}

# Asks the server a four-letter word. The time limit is for one that is paused, or so young that it never answers.
ask() {
    # shellcheck disable=SC2016 # the inner shell expands
    timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$2" && printf %s "$1" >&3 && cat <&3' ask "$1" "$(server_port)" \
        2>/dev/null
}

# Whether the server of this directory serves. Another process on the same port may answer too, so ask for the data.
is_serving() {
    [[ $(ask srvr) == *Mode:* ]] && [[ $(ask conf) == *"dataDir=$directory/./data"* ]]
}

log_tail() {
    echo "The last lines of $directory/server.log:"
    tail -n 20 -- "$directory/server.log" 2>/dev/null | sed 's/^/  /'
}

/// What the guardian runs; `$1` is the directory it guards.
enum GuardianScript {
    /// Makes the directory, says so, waits for the end of its standard input and cleans up.
    ///
    /// The end comes when the owning process closes the pipe or dies, by whatever signal.
    static let guarding = """
        trap '' HUP INT QUIT TERM PIPE
        directory=$1
        mkdir -m 700 -- "$directory" || exit 1
        echo ready
        exec >/dev/null 2>&1
        while read -r line; do :; done
        \(cleaning)
        """

    /// The clean-up alone, for the case that a guardian was killed.
    static let sweeping = """
        trap '' HUP INT QUIT TERM PIPE
        directory=$1
        \(cleaning)
        """

    // The rename comes first. A launch writes its process id and then checks that the directory still has its name, so
    // either the launch sees the rename and gives up, or the loop below sees the id. The working directory shows that
    // the number has not gone to another process in the meantime.
    private static let cleaning = """
        gone=$directory.gone
        [ -e "$directory" ] || directory=$gone
        mv -- "$directory" "$gone" 2>/dev/null || gone=$directory
        for file in "$gone"/*.pid; do
            [ -e "$file" ] || continue
            read -r pid <"$file"
            tries=0
            while [ -n "$pid" ] && [ "/proc/$pid/cwd" -ef "$gone" ] && [ "$tries" -lt 200 ]; do
                kill -9 "$pid"
                tries=$((tries + 1))
                sleep 0.05
            done
        done
        tries=0
        until rm -rf -- "$gone" || [ "$tries" -ge 20 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        """
}

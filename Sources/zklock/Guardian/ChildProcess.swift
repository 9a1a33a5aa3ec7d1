import Glibc
import ZooKeeper

/// Starts a program in a process group of its own, with the descriptors of this process.
///
/// `posix_spawn`, and no package: swift-subprocess has process groups and sessions, but does not hand a terminal to the new group before the
/// program runs (it would be stopped by its first read from it), does not leave alone the descriptors beyond the first three that a shell
/// may have opened for the command, and waits by itself for the end, where stops are to be noticed too.
struct ChildProcess {
    /// As bytes: arguments need not be text.
    var arguments: [[CChar]]
    var mask: SignalMask
    /// Becomes the terminal's foreground group.
    var terminal: Int32?

    /// - Returns: its process id, which is also its group.
    func start() -> Result<pid_t, SpawnError> {
        let name = arguments.first ?? [0]
        switch spawn(name, arguments, search: true) {
        case .failure(let error) where error.code == ENOEXEC:
            // A script without a first line that says by what to run it: the shell's, as everywhere.
            guard let path = Self.find(name) else { return .failure(error) }
            return spawn(
                Array("/bin/sh".utf8CString), [Array("sh".utf8CString), path] + arguments.dropFirst(), search: false)
        case let result:
            return result
        }
    }

    struct SpawnError: Error, Hashable { var code: Int32 }

    private func spawn(_ name: [CChar], _ arguments: [[CChar]], search: Bool) -> Result<pid_t, SpawnError> {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        _ = mask.withPointer { posix_spawnattr_setsigmask(&attributes, $0) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let terminal { ThisProcess.giveTerminal(terminal, toChildOf: &actions) }

        let pointers = arguments.map { argument in
            argument.withUnsafeBufferPointer { $0.baseAddress.flatMap { strdup($0) } }
        }
        defer { for pointer in pointers { free(pointer) } }
        var pid: pid_t = 0
        let status = name.withUnsafeBufferPointer { name -> Int32 in
            guard let name = name.baseAddress else { return ENOENT }
            let environment = ThisProcess.environment
            return search
                ? posix_spawnp(&pid, name, &actions, &attributes, pointers + [nil], environment)
                : posix_spawn(&pid, name, &actions, &attributes, pointers + [nil], environment)
        }
        return status == 0 ? .success(pid) : .failure(SpawnError(code: status))
    }

    /// The file that a name stands for, as the search for programs goes.
    private static func find(_ name: [CChar]) -> [CChar]? {
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if text.contains("/") { return name }
        let directories = getenv("PATH").map { String(cString: $0) } ?? "/bin:/usr/bin"
        for directory in directories.split(separator: ":", omittingEmptySubsequences: false) {
            let path = (directory.isEmpty ? "." : directory) + "/" + text
            if access(path, X_OK) == 0 { return Array(path.utf8CString) }
        }
        return nil
    }
}

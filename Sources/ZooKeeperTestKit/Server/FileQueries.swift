import Glibc

/// The questions about files that the discovery asks; a value, so that tests can answer them.
struct FileQueries: Sendable {
    var exists: @Sendable (_ path: String) -> Bool
    var isExecutable: @Sendable (_ path: String) -> Bool

    /// The machine's own files.
    static let real = FileQueries(
        exists: { access($0, F_OK) == 0 },
        isExecutable: { path in
            var information = stat()
            guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return false }
            return access(path, X_OK) == 0
        }
    )
}

import Glibc
import Logging
import TestSupport

/// What this process uses. For exit tests, which have a process to themselves.
enum OwnProcess {
    /// The time that all threads of this process have run.
    static var cpuTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// The names of the threads.
    static var threads: [String] {
        entries(of: "/proc/self/task").map { firstLine(of: "/proc/self/task/\($0)/comm") ?? "" }.sorted()
    }

    /// Those of the C client and of this library, which carry its names. Swift's own come and go as they like.
    static var ownThreads: [String] { threads.filter { $0.hasPrefix("zk-") } }

    /// What each open descriptor stands for, sockets without their number.
    static var descriptors: [String] {
        entries(of: "/proc/self/fd").compactMap { entry in
            var buffer = [CChar](repeating: 0, count: 256)
            // The directory that is being read has been closed again.
            guard readlink("/proc/self/fd/\(entry)", &buffer, buffer.count - 1) > 0 else { return nil }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .split(separator: ":").first.map(String.init)
        }.sorted()
    }

    /// The memory that is in use, in KiB.
    static var residentKibibytes: Int {
        // Total size and resident size, in pages.
        let pages = firstLine(of: "/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return (pages ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024
    }

    private static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func firstLine(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let bytes = line.prefix { $0 != 0 && $0 != CChar(10) }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Keeps the lines that reach the logger.
struct RecordingLogHandler: LogHandler {
    let lines: Recorder<String>
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.info

    init(_ lines: Recorder<String>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}

import Glibc

/// The processes of this machine, as `/proc` has them, by who is whose parent.
struct ProcessTree {
    struct Entry: Hashable {
        var pid: pid_t
        var parent: pid_t
        var group: pid_t
        /// It has ended, and waits for its parent to notice.
        var isZombie: Bool

        /// Reads a line of `/proc/<pid>/stat`: `12 (name) S 1 12 …`. The name may have anything in it, parentheses too.
        init?(stat line: String) {
            guard let open = line.firstIndex(of: "("), let end = line.lastIndex(of: ")"),
                let pid = pid_t(line[..<open].trimmingSuffix(" "))
            else { return nil }
            let fields = line[line.index(after: end)...].split(separator: " ", maxSplits: 3)
            guard fields.count >= 3, let parent = pid_t(fields[1]), let group = pid_t(fields[2]) else { return nil }
            self.pid = pid
            self.parent = parent
            self.group = group
            isZombie = fields[0] == "Z" || fields[0] == "X"
        }
    }

    private var children: [pid_t: [Entry]] = [:]

    init(_ entries: [Entry]) {
        children = Dictionary(grouping: entries, by: \.parent)
    }

    static func current() -> ProcessTree {
        guard let directory = opendir("/proc") else { return ProcessTree([]) }
        defer { closedir(directory) }
        var entries: [Entry] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let first = name.utf8.first, (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first) else { continue }
            let file = open("/proc/\(name)/stat", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            let count = read(file, &buffer, buffer.count)
            close(file)
            if count > 0, let entry = Entry(stat: String(decoding: buffer[..<count], as: UTF8.self)) {
                entries.append(entry)
            }
        }
        return ProcessTree(entries)
    }

    /// Everybody beneath `root` who has not ended, parents first.
    func descendants(of root: pid_t) -> [Entry] {
        var found: [Entry] = []
        var pending = children[root] ?? []
        // The table is no snapshot, so a number may come twice; nobody is visited twice.
        var seen: Set<pid_t> = [root]
        while !pending.isEmpty {
            let entry = pending.removeFirst()
            guard seen.insert(entry.pid).inserted else { continue }
            if !entry.isZombie { found.append(entry) }
            pending += children[entry.pid] ?? []
        }
        return found
    }

    /// Sends `signal` to everybody beneath this process, but not to `spared`.
    ///
    /// - Returns: how many there were.
    @discardableResult
    static func signalDescendants(_ signal: Int32, sparing spared: pid_t? = nil) -> Int {
        let descendants = current().descendants(of: getpid()).filter { $0.pid != spared }
        for entry in descendants { kill(entry.pid, signal) }
        return descendants.count
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ character: Character) -> Substring {
        var text = self
        while text.last == character { text.removeLast() }
        return text
    }
}

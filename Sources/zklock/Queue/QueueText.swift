import ToolArguments
import ZooKeeper
import ZooKeeperLocks

/// Queues as text: for people, and for programs.
enum QueueText {
    static func table(_ queue: QueueSnapshot, now: Int64) -> String {
        guard !queue.entries.isEmpty else { return "\(queue.path): free\n" + others(queue) }
        var rows = [["", "TOKEN", "SINCE", "WHO", "NODE"]]
        for (index, entry) in queue.entries.enumerated() {
            rows.append([
                index == 0 ? holds(queue, now) : index < queue.holders.count ? "holds" : "\(index)",
                "\(entry.fencingToken)", age(entry, now), who(entry),
                String(entry.node.name),
            ])
        }
        return aligned(rows) + others(queue)
    }

    static func table(_ locks: [LockSummary], now: Int64) -> String {
        var rows = [["LOCK", "WAITING", "TOKEN", "SINCE", "HELD BY"]]
        for lock in locks {
            rows.append([
                lock.path.string, "\(lock.waiting)", "\(lock.holder.fencingToken)", age(lock.holder, now),
                who(lock.holder),
            ])
        }
        return aligned(rows)
    }

    static func lines(_ queue: QueueSnapshot) -> [JSONLine] {
        queue.entries.enumerated().map { index, entry in
            var line = JSONLine()
            line.add("path", queue.path.string)
            add(entry, ahead: index, holds: index < queue.holders.count, to: &line)
            if index == 0, let since = queue.holdingSince { line.add("holdingSinceMs", since) }
            return line
        }
    }

    static func line(_ lock: LockSummary) -> JSONLine {
        var line = JSONLine()
        line.add("path", lock.path.string)
        line.add("waiting", lock.waiting)
        add(lock.holder, ahead: 0, holds: true, to: &line)
        return line
    }

    /// The whole queue in one object.
    static func line(watching queue: QueueSnapshot) -> JSONLine {
        var line = JSONLine(event: "queue")
        line.add("path", queue.path.string)
        line.add(
            "contenders",
            queue.entries.enumerated().map { index, entry in
                var line = JSONLine()
                add(entry, ahead: index, holds: index < queue.holders.count, to: &line)
                return line
            })
        line.add("others", queue.others)
        return line
    }

    private static func add(_ entry: QueueEntry, ahead: Int, holds: Bool, to line: inout JSONLine) {
        line.add("node", entry.node.string)
        line.add("token", entry.fencingToken.rawValue)
        line.add("ahead", ahead)
        line.add("holds", holds)
        line.add("enteredMs", entry.entered)
        line.add("session", "0x" + String(UInt64(bitPattern: entry.session), radix: 16))
        line.add("naming", "\(entry.naming)")
        if let owner = entry.owner {
            line.add("host", owner.host)
            line.add("pid", Int(owner.pid))
            if let label = owner.label { line.add("label", label) }
        } else if let identifier = entry.identifier {
            line.add("identifier", identifier)
        }
        if let request = entry.revocation {
            line.add("revocationRequested", true)
            if let reason = request.reason { line.add("revocationReason", reason) }
        }
    }

    /// For how long, where that can be known.
    private static func holds(_ queue: QueueSnapshot, _ now: Int64) -> String {
        queue.holdingSince.map { "holds for \(Duration.seconds(max(0, (now - $0) / 1000)).brief)" } ?? "holds"
    }

    /// By the server's clock and this machine's, which may differ a little.
    private static func age(_ entry: QueueEntry, _ now: Int64) -> String {
        Duration.seconds(max(0, (now - entry.entered) / 1000)).brief
    }

    /// What others write about themselves does not steer this terminal.
    static func who(_ entry: QueueEntry) -> String {
        plain(entry.description) + (entry.session == 0 ? " (stays until it is deleted by hand)" : "")
            + (entry.revocation == nil ? "" : " (asked to give up)")
    }

    static func plain(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }

    private static func others(_ queue: QueueSnapshot) -> String {
        queue.others.isEmpty ? "" : "no contenders: \(queue.others.joined(separator: ", "))\n"
    }

    static func aligned(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}

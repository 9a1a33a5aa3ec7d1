import ZooKeeper

/// What was seen at two ensembles, made comparable: numbers that each ensemble chooses for itself are replaced by their place.
struct ConformanceView {
    /// The zxids of the other ensemble that were seen in the place of ours.
    private var zxids: [Int64: Int64] = [:]

    /// Why the two differ; `nil` if they do not.
    mutating func difference(
        _ server: [[ConformanceRun.Sight]], sessions: [Int64], _ memory: [[ConformanceRun.Sight]],
        memorySessions: [Int64], inAnyOrder: Bool
    ) -> String? {
        var (theirs, ours) = (
            server.map { $0.map { Self.text($0, sessions) } }, memory.map { $0.map { Self.text($0, memorySessions) } }
        )
        if inAnyOrder {
            theirs = theirs.map { $0.sorted() }
            ours = ours.map { $0.sorted() }
        }
        guard theirs == ours else { return "server: \(theirs)\nmemory: \(ours)" }
        guard !inAnyOrder else { return nil }
        for (theirs, ours) in zip(server.joined().flatMap(Self.zxids), memory.joined().flatMap(Self.zxids)) {
            if let known = zxids[theirs], known != ours {
                return
                    "zxid \(theirs) of the server is \(known) and \(ours) in memory\nserver: \(server)\nmemory: \(memory)"
            }
            zxids[theirs] = ours
        }
        let inOrder = zxids.sorted { $0.key < $1.key }
        for (one, next) in zip(inOrder, inOrder.dropFirst()) where one.value >= next.value {
            return "the order of the zxids \(one) and \(next) differs"
        }
        return nil
    }

    private static func text(_ sight: ConformanceRun.Sight, _ sessions: [Int64]) -> String {
        switch sight {
        case .event(let watch, let event): return "watch \(watch): \(event.kind) \(event.path)"
        case .watchEnded(let watch, let code): return "watch \(watch) ended: \(code)"
        case .answer(_, .failure(let failure)):
            return "\(failure.code) \(failure.failedOperation.map { "at \($0)" } ?? "") \(failure.outcomeIsUnknown)"
        case .answer(_, .success(let reply)):
            switch reply {
            case .done: return "done"
            case .created(let path, let stat): return "created \(path) \(text(stat, sessions))"
            case .data(let data, let stat): return "data \(data) \(text(stat, sessions))"
            case .stat(let stat): return "stat \(text(stat, sessions))"
            case .children(let names, let stat): return "children \(names.sorted()) \(text(stat, sessions))"
            case .acl(let acl, let stat): return "acl \(acl.map { "\($0)" }.sorted()) \(text(stat, sessions))"
            case .committed(let results):
                return "committed "
                    + results.map { result in
                        if case .set(let stat) = result { "set \(text(stat, sessions))" } else { "\(result)" }
                    }.joined(separator: ", ")
            }
        }
    }

    private static func text(_ stat: Stat, _ sessions: [Int64]) -> String {
        let owner =
            sessions.firstIndex(of: stat.ephemeralOwner).map { "session \($0)" }
            ?? String(stat.ephemeralOwner, radix: 16)
        return
            "v\(stat.version) c\(stat.cversion) a\(stat.aversion) length \(stat.dataLength) children \(stat.numChildren) \(owner)"
    }

    private static func zxids(_ sight: ConformanceRun.Sight) -> [Int64] {
        guard case .answer(_, .success(let reply)) = sight else { return [] }
        let stats: [Stat] =
            switch reply {
            case .done: []
            case .created(_, let stat), .data(_, let stat), .stat(let stat), .children(_, let stat), .acl(_, let stat):
                [stat]
            case .committed(let results):
                results.compactMap { if case .set(let stat) = $0 { stat } else { nil } }
            }
        return stats.flatMap { [$0.czxid, $0.mzxid, $0.pzxid] }
    }
}

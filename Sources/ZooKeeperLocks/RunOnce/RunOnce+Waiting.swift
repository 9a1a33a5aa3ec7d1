import ZooKeeper

/// Waiting for a result and for the turn to compute one, at the same time.
extension RunOnce {
    enum Turn: Sendable {
        case computes(Lease)
        case over(RunOnceJudgement.Verdict)
    }

    private enum News: Sendable {
        case turn(Result<Lease, LockError>)
        /// `nil` when the result cannot be watched: the turn comes all the same.
        case result(RunOnceJudgement.Verdict?)
    }

    func turn(
        _ judgement: RunOnceJudgement, within timeout: Duration?, file: String, line: Int
    ) async throws(LockError) -> Turn {
        let turn = await withTaskGroup(of: News.self) { group -> Result<Turn, LockError> in
            group.addTask {
                do throws(LockError) {
                    return .turn(.success(try await lock.acquire(timeout: timeout, file: file, line: line)))
                } catch {
                    return .turn(.failure(error))
                }
            }
            group.addTask {
                do throws(ZooKeeperError) {
                    return .result(try await news(judgement))
                } catch {
                    return .result(nil)
                }
            }
            var turn: Result<Turn, LockError>?
            for await news in group {
                switch news {
                case .result(let verdict?) where turn == nil: turn = .success(.over(verdict))
                case .turn(let lease) where turn == nil: turn = lease.map { .computes($0) }
                // The turn came, but the result was there first.
                case .turn(.success(let lease)): await lease.release()
                case .turn, .result: break
                }
                if turn != nil { group.cancelAll() }
            }
            return turn ?? .failure(.cancelled(path))
        }
        return try turn.get()
    }

    /// Waits for a result that was not there before, or for the failure of a computation.
    private func news(_ judgement: RunOnceJudgement) async throws(ZooKeeperError) -> RunOnceJudgement.Verdict {
        var cursor = ChangeCursor()
        var judgement = judgement
        let news = try await cursor.next(&judgement) { judgement async throws(ZooKeeperError) in
            while true {
                do throws(ZooKeeperError) {
                    let (data, stat, watch) = try await client.getAndWatch(result)
                    let verdict = judgement.verdict(on: RunOnceView(data, stat), now: nil)
                    return (verdict == .compute ? nil : verdict, watch)
                } catch {
                    guard error.code == .noNode else { throw error }
                }
                let (stat, watch) = try await client.existsAndWatch(result)
                if stat == nil { return (nil, watch) }
            }
        }
        guard let news else { throw ZooKeeperError(.cancelled, operation: "get", path: result) }
        return news
    }
}

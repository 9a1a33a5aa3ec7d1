import Glibc
import ZooKeeper
import ZooKeeperLocks

/// Claims items in batches, as long as there are any that nobody has finished.
struct ClaimingWorker: Sendable {
    var store: TokenStore
    var number: Int
    var items: Int
    var batch: Int
    /// How many begin together: nobody is to be late, and find nothing to do.
    var workers: Int
    /// How long an item takes.
    var pace: Duration
    /// After so many it rests, once, in the middle of an item.
    var restAfter: Int
    private let finished = Finished()

    init(
        store: TokenStore, number: Int, items: Int, batch: Int, workers: Int, pace: Duration, restAfter: Int
    ) {
        (self.store, self.number, self.items, self.batch, self.workers) = (store, number, items, batch, workers)
        (self.pace, self.restAfter) = (pace, restAfter)
    }

    /// How many items this worker has finished.
    private actor Finished {
        private(set) var count = 0

        func add() { count += 1 }
    }

    func work(_ client: ZooKeeperClient) async throws {
        var options = BatchClaim.Options()
        options.label = "worker-\(number)"
        let recipe = try client.batchClaim("/jobs/rows", options: options)
        try await assemble(client)
        while true {
            let rest = store.unfinished(of: items)
            if rest.isEmpty { return }
            do {
                let claimed = try await recipe.claim(rest.map { "row-\($0)" }, upTo: batch)
                // The others have all that is left, and may yet be killed.
                if claimed.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
                for item in claimed.items { await work(item, of: claimed) }
                await claimed.release()
            } catch {
                // The session has ended, as after a stop; there is a next one.
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// Waits until all are there. The znodes stay, whoever is killed meanwhile.
    private func assemble(_ client: ZooKeeperClient) async throws {
        let path = try NodePath("/present")
        try await client.ensureExists(path, mode: .persistent)
        try await client.create(path.appending("worker-"), mode: .persistentSequential)
        while true {
            let (names, watch) = try await client.childrenAndWatch(path)
            if names.count >= workers { return }
            _ = try await watch.event()
        }
    }

    private func work(_ item: ClaimedItem, of batch: ClaimedBatch) async {
        guard let row = Int(item.id.dropFirst(4)) else { return }
        // No look at the lease in between: what the store must refuse is to come to the store.
        guard (try? batch.checkHeld(item.id)) != nil else { return }
        let token = item.fencingToken.rawValue
        switch store.begin(row, token: token) {
        case .refused: return
        case .finishedBefore: tell(item, "finished before")
        case .accepted:
            let count = await finished.count
            let rests = restAfter > 0 && count == restAfter
            try? await Task.sleep(for: rests ? .seconds(5) : pace)
            guard case .accepted = store.finish(row, token: token, worker: number) else { return tell(item, "refused") }
            await finished.add()
            if item.attempt > 1 {
                tell(item, "attempt \(item.attempt) after \(item.previousOwner?.label ?? "nobody")")
            }
        }
        await batch.release(item.id)
    }

    private func tell(_ item: ClaimedItem, _ text: String) {
        print("\(number) \(item.id) \(text)")
        fflush(nil)
    }
}

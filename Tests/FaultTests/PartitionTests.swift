import Testing
import ZooKeeper
import ZooKeeperTestKit

@testable import ZooKeeperFaultKit

extension FaultTests {
    @Suite struct Partitions {
        @Test func `All that members say to each other goes through the proxies`() async throws {
            for _ in 1...3 {
                try await PartitionableEnsemble.with { partitionable in
                    // One for each pair.
                    #expect(partitionable.openElectionConnections == 3)
                }
            }
        }
    }
}

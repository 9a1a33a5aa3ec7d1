import TestSupport
import Testing
import ZooKeeper

@Suite(.timeLimit(.minutes(5))) struct TransactionModeTests {
    /// The server answers the creation of a container with a `Stat` behind the path, which the C client takes for the next result.
    @Test
    func aContainerInATransactionIsRefused() async throws {
        try await SharedServer.withClient { client in
            for number in 0..<200 {
                var transaction = Transaction()
                transaction.create(try NodePath("/c\(number)"), mode: .container)
                transaction.create(try NodePath("/n\(number)"))
                await expect(.unimplemented) { try await client.commit(transaction) }
            }
        }
    }
}

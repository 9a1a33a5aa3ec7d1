import NIOCore
import NIOPosix

/// The one thread that proxies run on.
enum ProxyThread {
    /// Runs `body` while there is such a thread. Everything on its event loop is closed afterwards, and its descriptors are.
    static func with<R>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: (any EventLoop) async throws -> sending R
    ) async throws -> sending R {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: R
        do {
            result = try await body(group.next())
        } catch {
            await shutDown(group)
            throw error
        }
        await shutDown(group)
        return result
    }

    private static func shutDown(_ group: MultiThreadedEventLoopGroup) async {
        // It fails only for a group that was shut down before.
        try? await group.shutdownGracefully()
    }
}

import NIOCore
import NIOPosix

@testable import ZooKeeperFaultKit

/// Sends everything back, and ends when its client does.
enum EchoServer {
    /// Runs `body` with a proxy in front of such a server.
    static func with<R: Sendable>(
        _ body: @Sendable (FaultProxy) async throws -> R
    ) async throws -> R {
        try await ProxyThread.with { eventLoop in
            let server = try await ServerBootstrap(group: eventLoop)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            guard let port = server.localAddress?.port else { throw ChannelError.eof }
            return try await FaultProxy.with(port) { try await body($0) }
        }
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var last: EventLoopFuture<Void>?

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            last = context.channel.writeAndFlush(unwrapInboundIn(data))
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return }
            let channel = context.channel
            guard let last else { return channel.close(promise: nil) }
            last.whenComplete { _ in channel.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

/// A connection to a proxy, byte for byte.
struct RawClient: Sendable {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs `body` with what arrives and a way to send. The connection is closed afterwards.
    static func with<R: Sendable>(
        _ port: Int,
        _ body:
            @Sendable (NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>)
            async throws -> R
    ) async throws -> R {
        try await ProxyThread.with { eventLoop in
            let connection = try await ClientBootstrap(group: eventLoop)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try Connection(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
            return try await connection.executeThenClose { inbound, outbound in try await body(inbound, outbound) }
        }
    }

    /// Sends `bytes`, ends its own side, and returns what came back until the end.
    static func echo(_ bytes: ByteBuffer, through port: Int) async throws -> ByteBuffer {
        try await with(port) { inbound, outbound in
            try await outbound.write(bytes)
            outbound.finish()
            var answer = ByteBuffer()
            for try await part in inbound { answer.writeImmutableBuffer(part) }
            return answer
        }
    }
}

import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing
import ZooKeeperTestKit

@testable import ZooKeeperFaultKit

/// The proxy and plain sockets; those of ZooKeeper are in FaultTests.
@Suite(.timeLimit(.minutes(30))) struct FaultProxyTests {
    private let text = ByteBuffer(string: "anything")

    private func random(_ count: Int) -> ByteBuffer {
        var generator = SeededGenerator(seed: 42)
        var buffer = ByteBuffer()
        for _ in 0..<count / 8 { buffer.writeInteger(generator.next()) }
        return buffer
    }

    @Test func `Bytes pass unchanged, and the end of one side leaves the other open`() async throws {
        let sent = random(4 << 20)
        try await EchoServer.with { proxy in
            let answer = try await RawClient.echo(sent, through: proxy.port)
            #expect(answer == sent)
            #expect(proxy.counters.bytesToServer == sent.readableBytes)
            #expect(proxy.counters.bytesToClient == sent.readableBytes)
            #expect(proxy.counters.connections == 1)
        }
    }

    @Test func `Jitter does not change the order of bytes`() async throws {
        let sent = random(1 << 20)
        try await EchoServer.with { proxy in
            await proxy.delay(.milliseconds(1), jitter: .milliseconds(5))
            let answer = try await RawClient.echo(sent, through: proxy.port)
            #expect(answer == sent)
        }
    }

    @Test func `A limited line takes its time, each way`() async throws {
        try await EchoServer.with { proxy in
            await proxy.limit(bytesPerSecond: 20_000, .toServer)
            let sent = random(8_000)
            let start = ContinuousClock.now
            let answer = try await RawClient.echo(sent, through: proxy.port)
            let time = ContinuousClock.now - start
            #expect(answer == sent)
            print("8000 bytes at 20 kB/s: \(time)")
            #expect(time >= .milliseconds(400))
        }
    }

    /// While nobody is let in, the port is anybody's. Found as a client that waited for ever: a server of another test had it.
    @Test func `A port that was taken meanwhile is waited for`() async throws {
        try await EchoServer.with { proxy in
            await proxy.refuse()
            let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "127.0.0.1", port: proxy.port).get()
            let welcome = Task {
                await proxy.accept()
                return try await RawClient.echo(text, through: proxy.port)
            }
            // Long enough for the first attempt to have failed.
            try await Task.sleep(for: .milliseconds(200))
            try await other.close()
            #expect(try await welcome.value == text)
        }
    }

    @Test func `Who is refused is told at once, and may come back`() async throws {
        try await EchoServer.with { proxy in
            await proxy.refuse()
            await #expect(throws: (any Error).self) { try await RawClient.echo(text, through: proxy.port) }
            #expect(proxy.counters.connections == 0)

            await proxy.refuse(.afterAccept)
            let events = proxy.events
            let answer = try? await RawClient.echo(text, through: proxy.port)
            #expect(answer?.readableBytes ?? 0 == 0)
            let event = await events.first { _ in true }
            #expect(event == .refused)

            await proxy.accept()
            let welcome = try await RawClient.echo(text, through: proxy.port)
            #expect(welcome == text)
            #expect(proxy.counters.refused == 1)
        }
    }

    @Test(arguments: [false, true]) func `A cut closes both ends`(reset: Bool) async throws {
        try await EchoServer.with { proxy in
            let events = proxy.events
            try await RawClient.with(proxy.port) { inbound, outbound in
                try await outbound.write(text)
                var parts = inbound.makeAsyncIterator()
                let first = try await parts.next()
                #expect(first == text)
                await proxy.cut(reset: reset)
                #expect(proxy.counters.openConnections == 0)
                do {
                    let end = try await parts.next()
                    #expect(end == nil)
                    #expect(!reset)
                } catch {
                    #expect(reset, "\(error)")
                    #expect((error as? IOError)?.errnoCode == ECONNRESET, "\(error)")
                }
            }
            let seen = await events.prefix(2).reduce(into: []) { $0.append($1) }
            #expect(seen == [.opened(connection: 1), .closed(connection: 1)])
        }
    }

    @Test func `What is frozen arrives after the thaw, the end as well`() async throws {
        try await EchoServer.with { proxy in
            await proxy.freeze(.toServer)
            let events = proxy.events
            async let answer = RawClient.echo(text, through: proxy.port)
            _ = await events.first { _ in true }
            #expect(proxy.counters.bytesToServer == 0)
            await proxy.thaw()
            let all = try await answer
            #expect(all == text)
        }
    }

    @Test func `Whom nobody listens to behind the proxy is told by an end`() async throws {
        try await ProxyThread.with { eventLoop in
            let proxy = try await FaultProxy(to: nil, carries: .clients, seed: 0, on: eventLoop)
            let answer = try? await RawClient.echo(text, through: proxy.port)
            #expect(answer?.readableBytes ?? 0 == 0)
            await proxy.close()
            #expect(proxy.counters.openConnections == 0)
        }
    }

    @Test func `After its end a proxy does nothing, and says so`() async throws {
        let proxy = try await EchoServer.with { $0 }
        await proxy.cut()
        await proxy.pass()
        let drop = await proxy.dropReply(1)
        let dropped = await drop.dropped()
        #expect(dropped == nil)
        let events = await proxy.events.reduce(into: []) { $0.append($1) }
        #expect(events.isEmpty)
    }

    @Test func `A drop that is replaced or ended is told`() async throws {
        try await EchoServer.with { proxy in
            let first = await proxy.dropReply(1)
            let second = await proxy.dropReply(2)
            let replaced = await first.dropped()
            #expect(replaced == nil)
            await proxy.pass()
            let ended = await second.dropped()
            #expect(ended == nil)
            #expect(second.current == nil)
        }
    }

    /// In a process of its own: descriptors are counted.
    @Test(.runsInOwnProcess) func `No descriptor is left, also of connections in the middle of something`() async {
        await #expect(processExitsWith: .success) {
            func descriptors() -> Int {
                (0..<1024).count { fcntl($0, F_GETFD) >= 0 }
            }
            func round(_ number: Int) async throws {
                try await EchoServer.with { proxy in
                    await proxy.freeze(number % 2 == 0 ? .toServer : .toClient)
                    let events = proxy.events
                    try await RawClient.with(proxy.port) { _, outbound in
                        try await outbound.write(ByteBuffer(string: "anything"))
                        _ = await events.first { _ in true }
                    }
                    if number % 3 == 0 { await proxy.refuse() }
                }
            }
            // What the runtime opens once is open then.
            try await round(0)
            let before = descriptors()
            for number in 1...10 { try await round(number) }
            let after = descriptors()
            #expect(after == before)
        }
    }
}

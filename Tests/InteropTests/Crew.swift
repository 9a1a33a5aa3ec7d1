import Subprocess
import TestSupport
import ZooKeeper

/// The processes of one test. Each says by a line on standard output how far it has got, and goes on when it is told to.
struct Crew {
    enum Event: Equatable {
        case state(String)
        /// What it wrote to standard error; `nil` when it ended as it should.
        case ended(error: String?)
    }

    struct UnexpectedEvent: Error {
        var worker: Int
        var event: Event
    }

    private let orders: [AsyncStream<Void>.Continuation]
    private var events: AsyncStream<(worker: Int, event: Event)?>.Iterator
    /// `nil` to wake who waits for an event.
    private let report: AsyncStream<(worker: Int, event: Event)?>.Continuation

    /// Runs `body` with the processes; when it throws, or the task is cancelled, they are ended.
    static func with<R: Sendable>(
        _ commands: [[String]], _ body: @escaping @Sendable (inout Crew) async throws -> R
    ) async throws -> R {
        let (events, report) = AsyncStream.makeStream(of: (worker: Int, event: Event)?.self)
        let orders = commands.map { _ in AsyncStream.makeStream(of: Void.self) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, command) in commands.enumerated() {
                let orders = orders[number].stream
                group.addTask {
                    let event: Event
                    do {
                        event = try await run(command, orders) { report.yield((number, .state($0))) }
                    } catch {
                        event = .ended(error: "\(error)")
                    }
                    report.yield((number, event))
                }
            }
            var crew = Crew(
                orders: orders.map(\.continuation), events: events.makeAsyncIterator(), report: report)
            do {
                let result = try await body(&crew)
                for order in crew.orders { order.finish() }
                try await group.waitForAll()
                report.finish()
                // Who has not been seen to end has to have ended well.
                while let event = await crew.events.next() {
                    if let (worker, event) = event, event != .ended(error: nil) {
                        throw UnexpectedEvent(worker: worker, event: event)
                    }
                }
                return result
            } catch {
                group.cancelAll()
                throw error
            }
        }
    }

    private static func run(
        _ command: [String], _ orders: AsyncStream<Void>, _ report: @Sendable (String) -> Void
    ) async throws -> Event {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(command), platformOptions: options, input: .inputWriter,
            output: .sequence, error: .sequence
        ) { execution in
            let errors = Task {
                var text: [String] = []
                for try await line in execution.standardError.strings() { text.append(line) }
                return text.joined(separator: "; ")
            }
            var orders = orders.makeAsyncIterator()
            for try await line in execution.standardOutput.strings() {
                report(line)
                guard await orders.next() != nil else { break }
                _ = try await execution.standardInputWriter.write("\n")
            }
            try await execution.standardInputWriter.finish()
            return try await errors.value
        }
        guard result.terminationStatus != .exited(0) else { return .ended(error: nil) }
        let error = result.closureResult
        return .ended(error: error.isEmpty ? "\(result.terminationStatus)" : error)
    }

    func tell(_ worker: Int) {
        orders[worker].yield()
    }

    /// Waits for what happens next, to whomever.
    ///
    /// - Throws: `CancellationError`.
    mutating func next() async throws -> (worker: Int, event: Event) {
        while let next = await events.next() {
            if let next { return next }
        }
        throw CancellationError()
    }

    /// Waits for what happens next, to whomever, for so long; `nil` when nothing does.
    ///
    /// - Throws: `CancellationError`.
    mutating func next(within limit: Duration) async throws -> (worker: Int, event: Event)? {
        let report = report
        let alarm = Task {
            try await Task.sleep(for: limit)
            report.yield(nil)
        }
        defer { alarm.cancel() }
        guard let next = await events.next() else { throw CancellationError() }
        return next
    }

    /// Waits until all of them have got so far.
    ///
    /// - Throws: ``UnexpectedEvent`` when something else happens.
    mutating func await(
        _ state: String, of workers: some Collection<Int>, passing other: String? = nil
    ) async throws {
        var missing = Set(workers)
        while !missing.isEmpty {
            let (worker, event) = try await next()
            if let other, event == .state(other) { continue }
            guard event == .state(state), missing.remove(worker) != nil else {
                throw UnexpectedEvent(worker: worker, event: event)
            }
        }
    }
}

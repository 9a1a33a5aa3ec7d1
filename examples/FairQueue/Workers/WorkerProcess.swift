import Subprocess
import SystemPackage

/// Runs a worker in a process of its own, and kills it while it holds the lock.
struct WorkerProcess: Sendable {
    var assignment: Assignment

    private var worker: Worker { assignment.worker }

    /// Returns when the process is gone. What goes wrong is told as an event.
    ///
    /// - Parameter onQueued: called once, when the worker stands in the queue, or when it never will.
    func run(report: @Sendable (Event) -> Void, onQueued: @Sendable () -> Void) async {
        defer { onQueued() }
        do {
            let result = try await launch(report, onQueued)
            let gone = ContinuousClock.now
            if let kill = result.closureResult {
                report(
                    Event(
                        worker: worker.number,
                        round: kill.round,
                        instant: gone,
                        kind: .crashed(kill.place, held: gone - kill.acquired, killed: kill.instant)
                    )
                )
            } else if !Task.isCancelled {
                fail("its process ended by itself (\(result.terminationStatus))", report)
            }
        } catch {
            if !Task.isCancelled { fail("\(error)", report) }
        }
    }

    private struct Kill {
        var place: Place
        var round: Int
        var acquired: ContinuousClock.Instant
        var instant: ContinuousClock.Instant
    }

    private func launch(
        _ report: (Event) -> Void,
        _ onQueued: () -> Void
    ) async throws -> ExecutionResult<Kill?, SequenceOutput, FileDescriptorOutput> {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
        return try await Subprocess.run(
            // This program, even when its file was moved or built anew meanwhile.
            .path("/proc/self/exe"),
            arguments: Arguments(
                executablePathOverride: "fair-queue",
                remainingValues: [CrashingWorkerCommand.name, try assignment.argument()]
            ),
            platformOptions: options,
            // Held open for as long as this process lives: its end is the end of the worker.
            input: .inputWriter,
            output: .sequence,
            error: .currentStandardError
        ) { execution in
            var kill: Kill?
            for try await line in execution.standardOutput.strings() {
                let event = try Event(line: line)
                report(event)
                switch event.kind {
                case .queued:
                    onQueued()
                case .acquired(let place, _) where event.round == worker.crashRound:
                    // In the middle of what it does under the lock.
                    try await Task.sleep(for: worker.hold)
                    kill = Kill(place: place, round: event.round, acquired: event.instant, instant: .now)
                    try execution.send(signal: .kill)
                default:
                    break
                }
            }
            return kill
        }
    }

    private func fail(_ reason: String, _ report: (Event) -> Void) {
        report(Event(worker: worker.number, round: worker.crashRound ?? 1, instant: .now, kind: .failed(reason)))
    }
}

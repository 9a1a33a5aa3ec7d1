/// What runs for as long as a body does, and is gone afterwards: a server, or an ensemble of them.
protocol Scoped: AnyObject, Sendable {
    /// Starts what does not run. Returns when it serves.
    func bringUp() async throws
    /// Ends it for good and removes what it has made, also in a cancelled task.
    func end() async throws(TestKitError)
}

extension TestServer: Scoped {
    func bringUp() async throws { try await restart() }
}

extension TestEnsemble: Scoped {
    func bringUp() async throws { try await start() }
}

extension Scoped {
    /// Starts what `make` prepares; when another process has taken one of its ports, a new one on other ports.
    static func started(_ make: @Sendable () async throws -> Self) async throws -> Self {
        var attempt = 1
        while true {
            try Task.checkCancellation()
            let new = try await make()
            do {
                try await new.bringUp()
                return new
            } catch {
                try? await new.end()
                guard (error as? TestKitError)?.code == .addressInUse, attempt < 5 else { throw error }
                attempt += 1
            }
        }
    }

    /// Runs `body`, and ends this afterwards in every case.
    func ending<R>(
        isolation: isolated (any Actor)? = #isolation,
        after body: (Self) async throws -> sending R
    ) async throws -> sending R {
        let result: R
        do {
            result = try await body(self)
        } catch {
            // The body's error says more than one about the clean-up could.
            try? await end()
            throw error
        }
        try await end()
        return result
    }
}

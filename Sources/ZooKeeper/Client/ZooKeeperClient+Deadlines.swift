/// Requests of somebody who has a deadline of its own, where that is ahead of the request timeout's.
extension ZooKeeperClient {
    /// As ``get(_:)``, until `deadline`.
    package func get(
        _ path: NodePath, by deadline: ContinuousClock.Instant?
    ) async throws(ZooKeeperError) -> (data: [UInt8], stat: Stat) {
        let request = Request.get(path, watch: nil)
        guard case .data(let data, let stat) = try await perform(request, by: deadline) else {
            throw unexpected(request)
        }
        return (data, stat)
    }

    /// Replaces the data of a znode by what may be written twice: again where the connection is lost or the session ends meanwhile, until
    /// `deadline`.
    ///
    /// - Returns: also when the attempt began that was answered.
    /// - Throws: as ``set(_:data:version:)`` does, but not `connectionLost`.
    package func setAgain(
        _ path: NodePath, data: [UInt8], by deadline: ContinuousClock.Instant?
    ) async throws(ZooKeeperError) -> (stat: Stat, begin: ContinuousClock.Instant) {
        let request = Request.set(path, data: data, version: nil)
        if let flaw = request.flaw { throw flaw }
        let (reply, begin) = try await perform(request.operation, path, mayRepeat: true, by: deadline) {
            session, deadline in
            let begin = ContinuousClock.now
            return await session.perform(request, deadline: deadline).map { ($0, begin) }
        }
        guard case .stat(let stat) = reply else { throw unexpected(request) }
        return (stat, begin)
    }
}

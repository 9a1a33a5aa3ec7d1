extension ZooKeeperError {
    /// Ahead of another attempt: gives a server that is too busy a tenth of a second, or less if the task is cancelled. A lost connection needs
    /// no pause, as the next request waits for one.
    package func pauseIfThrottled() async {
        if code == .throttled { try? await Task.sleep(for: .milliseconds(100)) }
    }
}

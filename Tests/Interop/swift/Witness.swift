import Glibc

/// Appends lines to a file that all programs write to: their order is that of what happened.
struct Witness: Sendable {
    enum Claim: String {
        case alone, shared
    }

    private let descriptor: Int32
    private let name: String

    /// `nil` when there is no such file.
    init?(file: String, name: String) {
        descriptor = open(file, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        self.name = name
    }

    func begin(_ claim: Claim, _ node: String) {
        tell("begin \(claim) \(name) \(node)")
    }

    func end(_ claim: Claim, _ node: String, from: Int, to: Int) {
        tell("end \(claim) \(name) \(node) \(from) \(to)")
    }

    private func tell(_ line: String) {
        // One write, which the system appends as a whole.
        _ = "\(line)\n".withCString { write(descriptor, $0, strlen($0)) }
    }
}

import FoundationEssentials
import Subprocess
import Testing

/// A program of this package, as it was built along with the tests.
struct BuiltProgram {
    let path: String

    init(_ name: String) throws {
        // The programs lie beside the bundle of the tests.
        let bundle = try #require(
            CommandLine.arguments.first { $0.contains(".xctest") }, "cannot tell where the programs were built")
        var directory = bundle[...]
        while let slash = directory.lastIndex(of: "/") {
            let isBundle = directory[slash...].hasSuffix(".xctest")
            directory = directory[..<slash]
            if isBundle { break }
        }
        path = "\(directory)/\(name)"
    }

    /// Runs it to its end.
    func run(_ arguments: [String]) async throws -> (status: TerminationStatus, output: String, error: String) {
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments([path] + arguments), output: .string(limit: 10_000_000),
            error: .string(limit: 1_000_000))
        return (result.terminationStatus, result.standardOutput, result.standardError)
    }
}

import Glibc
import Subprocess
import Testing

/// The programs that take part, as `Tests/Interop/build` builds them.
enum Programs {
    struct NotBuilt: Error {
        var reason: String
    }

    private enum Preparation {
        case ready
        case notInstalled(String)
        case failed(NotBuilt)
    }

    static let interop = Repository.root + "/Tests/Interop"
    private static let build = Repository.root + "/.build/interop"

    /// Once, for all tests.
    private static let preparation = Task { try await prepare() }

    private static func prepare() async throws -> Preparation {
        let result = try await Subprocess.run(
            .name("env"), arguments: [interop + "/build"], output: .string(limit: 100_000),
            error: .string(limit: 100_000))
        switch result.terminationStatus {
        case .exited(0): return .ready
        case .exited(69): return .notInstalled(result.standardError)
        default: return .failed(NotBuilt(reason: result.standardOutput + result.standardError))
        }
    }

    /// Whether there is something to test with. Where nobody reads what is printed, everything has to be there.
    static func areInstalled() async throws -> Bool {
        guard case .notInstalled(let reason) = try await preparation.value, getenv("CI") == nil else { return true }
        print("The tests with other libraries are skipped, \(reason)", terminator: "")
        return false
    }

    /// - Throws: ``NotBuilt``.
    static func requireBuilt() async throws {
        switch try await preparation.value {
        case .ready: return
        case .notInstalled(let reason): throw NotBuilt(reason: reason)
        case .failed(let error): throw error
        }
    }

    /// How a worker of that kind is started; its arguments follow.
    static func command(_ program: Worker.Program) throws -> [String] {
        switch program {
        case .ours: return [try besideTests("interop-worker")]
        case .curator: return [build + "/curator/worker"]
        case .goZookeeper: return [build + "/go-zookeeper"]
        case .kazoo: return [build + "/venv/bin/python", interop + "/kazoo/worker.py"]
        }
    }

    /// A program of this package lies beside the bundle of the tests.
    private static func besideTests(_ name: String) throws -> String {
        let bundle = try #require(
            CommandLine.arguments.first { $0.contains(".xctest") }, "cannot tell where the programs were built")
        let components = bundle.split(separator: "/", omittingEmptySubsequences: false)
        let end = try #require(components.firstIndex { $0.hasSuffix(".xctest") })
        return (components[..<end] + [name[...]]).joined(separator: "/")
    }
}

enum Repository {
    static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")
}

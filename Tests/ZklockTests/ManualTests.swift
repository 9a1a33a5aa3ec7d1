import ArgumentParser
import FoundationEssentials
import Glibc
import Testing

@testable import zklock

/// The manual page says what the program can do, and nothing else.
@Suite struct ManualTests {
    private static let path =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/examples/zklock/zklock.1"

    /// What the argument parser tells of a program.
    private struct Dump: Decodable {
        struct Command: Decodable {
            var commandName: String
            var arguments: [Argument]?
            var subcommands: [Command]?

            var all: [Command] { [self] + (subcommands ?? []).flatMap(\.all) }
        }

        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }

            var names: [Name]?
        }

        var command: Command
    }

    private func page() throws -> String { try String(contentsOfFile: Self.path, encoding: .utf8) }

    private func commands() throws -> [Dump.Command] {
        try JSONDecoder().decode(Dump.self, from: Data(Zklock._dumpHelp().utf8)).command.all.dropFirst().map { $0 }
    }

    @Test func everyCommandAndEveryOptionIsThere() throws {
        let lines = Set(try page().split(separator: "\n").map(String.init))
        let commands = try commands()
        #expect(commands.count >= 9)
        for command in commands {
            #expect(lines.contains(".It Cm \(command.commandName)"))
            for name in (command.arguments ?? []).flatMap({ $0.names ?? [] }) {
                let macro = name.kind == "short" ? "Fl \(name.name)" : "Fl \\-\(name.name)"
                #expect(
                    lines.contains { $0 == ".\(macro)" || $0.hasPrefix(".It ") && "\($0) ".contains("\(macro) ") },
                    "\(command.commandName): \(name.name)")
            }
        }
        for status in ExitStatus.allCases { #expect(lines.contains(".It \(status.rawValue)")) }
    }

    @Test func nothingIsThereThatDoesNotExist() throws {
        let names = try commands().flatMap { $0.arguments ?? [] }.flatMap { $0.names ?? [] }.map(\.name)
        // The argument parser's own.
        let known = Set(names + ["generate-completion-script"])
        for line in try page().split(separator: "\n") where line.hasPrefix(".") {
            for part in line.split(separator: " ") where part.hasPrefix("\\-") && part.count > 2 {
                #expect(known.contains(String(part.dropFirst(2))), "\(line)")
            }
        }
    }

    @Test func itIsWellFormed() throws {
        guard let tool = popen("command -v mandoc > /dev/null && mandoc -Tlint -Wwarning '\(Self.path)' 2>&1", "r")
        else {
            Issue.record("no shell")
            return
        }
        var output = [UInt8](repeating: 0, count: 4096)
        let count = fread(&output, 1, output.count, tool)
        let text = String(decoding: output[..<count], as: UTF8.self)
        let isMissing = pclose(tool) != 0 && text.isEmpty
        if isMissing { print("not checked: there is no mandoc here") }
        #expect(text == "")
    }
}

import Testing

@testable import ToolArguments

struct DurationArgumentTests {
    @Test(
        arguments: [
            ("500ms", .milliseconds(500)), ("2s", .seconds(2)), ("1m30s", .seconds(90)), ("1h", .seconds(3600)),
            ("1.5s", .milliseconds(1500)), ("250us", .microseconds(250)), ("250µs", .microseconds(250)),
            ("250\u{3bc}s", .microseconds(250)), ("7ns", .nanoseconds(7)), ("1d", .seconds(86_400)), ("2", .seconds(2)),
            ("0.5", .milliseconds(500)), (".5", .milliseconds(500)), ("0", .zero), ("0s", .zero), ("000", .zero),
            ("1h0m0.25s", .milliseconds(3_600_250)), ("1d2h3m4s5ms6us7ns", .nanoseconds(93_784_005_006_007)),
            ("0.000000001s", .nanoseconds(1)), ("1.5h", .seconds(5400)), ("36500d", .seconds(3_153_600_000)),
            ("0000000000000000000001s", .seconds(1)),
        ] as [(String, Duration)]
    )
    func reads(_ text: String, _ duration: Duration) throws {
        #expect(try Duration(argument: text) == duration)
    }

    @Test(arguments: [
        ("", "empty"), ("-1s", "negative"), ("-0", "negative"), ("5x", "'x' is not a unit"),
        ("5 s", "' s' is not a unit"),
        ("1S", "'S' is not a unit"), ("1e3", "'e' is not a unit"), ("s", "does not begin with a number"),
        ("abc", "does not begin with a number"), ("+1s", "does not begin with a number"),
        ("1s1h", "'h' comes after 's'"),
        ("1s2s", "'s' comes twice"), ("1m30", "'30' has no unit"), ("1.", "missing after the point"),
        ("1.s", "missing after the point"), (".", "missing after the point"), ("1.2.3", "'.3' does not belong"),
        ("1.5h30m", "has a fraction"), ("36501d", "too long"), ("36500d1ns", "too long"),
        ("99999999999999999999999999999999999999999999s", "too long"), ("99999999999999d", "too long"),
        ("99999999999999.999999999d", "too long"), ("0.0000000001s", "10 digits after the point"),
        ("٣s", "does not begin"),
        ("½s", "does not begin"), ("1s\n", "is not a unit"), ("inf", "does not begin"), ("1\u{0}", "is not a unit"),
    ])
    func refuses(_ text: String, _ reason: String) {
        let error = #expect(throws: InvalidDuration.self) { try Duration(argument: text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "no error")")
    }

    @Test func everyRefusalSaysHowToWriteIt() {
        for text in ["", "-1s", "5x", "s", "1s1h", "1m30", "1.5h30m", "36501d"] {
            let error = #expect(throws: InvalidDuration.self) { try Duration(argument: text) }
            #expect(error?.description.contains("; ") == true)
        }
    }
}

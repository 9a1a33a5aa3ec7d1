import Testing

@testable import ToolArguments

struct DurationBriefTests {
    @Test(
        arguments: [
            (.zero, "0 s"), (.nanoseconds(5), "5 ns"), (.microseconds(850), "850 µs"), (.milliseconds(1), "1 ms"),
            (.milliseconds(350), "350 ms"), (.microseconds(350_500), "351 ms"), (.microseconds(999_499), "999 ms"),
            (.microseconds(999_500), "1.0 s"), (.milliseconds(1249), "1.2 s"), (.milliseconds(1250), "1.3 s"),
            (.milliseconds(59_949), "59.9 s"), (.milliseconds(59_950), "1 min"), (.seconds(80), "1 min 20 s"),
            (.milliseconds(3_599_500), "1 h"), (.seconds(7500), "2 h 5 min"), (.milliseconds(-350), "-350 ms"),
        ] as [(Duration, String)]
    )
    func formats(_ duration: Duration, _ text: String) {
        #expect(duration.brief == text)
    }

    @Test(
        arguments: [
            (.zero, "0.0 s"), (.milliseconds(99), "0.0 s"), (.milliseconds(59_999), "59.9 s"), (.seconds(60), "1 min"),
            (.milliseconds(-5), "-5 ms"),
        ] as [(Duration, String)]
    )
    func runsLikeAStopwatch(_ duration: Duration, _ text: String) {
        #expect(duration.stopwatch == text)
    }

    @Test func millisecondsKeepMicroseconds() {
        #expect(Duration.nanoseconds(1_234_567).milliseconds == 1.234)
        #expect(Duration.seconds(-1).milliseconds == -1000)
    }
}

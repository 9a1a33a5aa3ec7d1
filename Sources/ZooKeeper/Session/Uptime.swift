/// An instant of `ContinuousClock`, counted from when this process first looked at it.
///
/// The layout of `ContinuousClock.Instant` is known at run time only: each copy and comparison of one goes through a table of functions. This
/// is the same in a form that the compiler knows. An answer is held against a dozen instants, and that was a quarter of what this library
/// computed for an acquire and release.
package struct Uptime: InstantProtocol {
    private static let origin = ContinuousClock.now

    private var elapsed: Duration

    private init(elapsed: Duration) {
        self.elapsed = elapsed
    }

    package init(_ instant: ContinuousClock.Instant) {
        elapsed = Self.origin.duration(to: instant)
    }

    package static var now: Uptime { Uptime(.now) }

    package var instant: ContinuousClock.Instant { Self.origin.advanced(by: elapsed) }

    package func advanced(by duration: Duration) -> Uptime { Uptime(elapsed: elapsed + duration) }
    package func duration(to other: Uptime) -> Duration { other.elapsed - elapsed }

    package static func < (lhs: Uptime, rhs: Uptime) -> Bool { lhs.elapsed < rhs.elapsed }
    package static func + (lhs: Uptime, rhs: Duration) -> Uptime { lhs.advanced(by: rhs) }
    package static func - (lhs: Uptime, rhs: Duration) -> Uptime { Uptime(elapsed: lhs.elapsed - rhs) }
    package static func - (lhs: Uptime, rhs: Uptime) -> Duration { lhs.elapsed - rhs.elapsed }
}

/// An instant of the simulation, in milliseconds.
struct Moment: InstantProtocol, Hashable {
    var milliseconds: Int64

    init(_ milliseconds: Int64) { self.milliseconds = milliseconds }

    func advanced(by duration: Duration) -> Moment {
        let (seconds, attoseconds) = duration.components
        // Towards the past: what is valid for a part of a millisecond is not valid.
        return Moment(milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000 - (attoseconds < 0 ? 1 : 0))
    }

    func duration(to other: Moment) -> Duration { .milliseconds(other.milliseconds - milliseconds) }

    static func < (lhs: Moment, rhs: Moment) -> Bool { lhs.milliseconds < rhs.milliseconds }
}

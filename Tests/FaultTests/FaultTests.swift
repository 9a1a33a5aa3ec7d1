import Testing

/// One after the other: each starts servers of its own, and is about times.
@Suite(.serialized, .timeLimit(.minutes(30))) struct FaultTests {}

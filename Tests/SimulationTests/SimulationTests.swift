import Testing

/// The production queue machine and lease clock in a world whose time, network and faults a seed decides, or a search goes through.
///
/// One after the other: each uses all threads that there are for it.
@Suite(.serialized) struct SimulationTests {}

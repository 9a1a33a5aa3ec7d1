import FoundationEssentials

/// How much is run: little in a debug build, where it is one test among many, and all of it in a release build. The environment asks for
/// more; see CONTRIBUTING.
enum Budget {
    #if DEBUG
        static let isFull = false
    #else
        static let isFull = true
    #endif

    private static func variable(_ name: String) -> String? {
        let value = ProcessInfo.processInfo.environment[name]
        return value?.isEmpty == false ? value : nil
    }

    /// `SIMULATION_SEED`: one schedule, told in full.
    static var seed: UInt64? { variable("SIMULATION_SEED").flatMap { UInt64($0) } }
    /// `SIMULATION_PROFILE`: of that kind only.
    static var profile: Profile? { variable("SIMULATION_PROFILE").flatMap { Profile(rawValue: $0) } }
    /// `SIMULATION_MUTATION`: that one only.
    static var mutation: Mutation? { variable("SIMULATION_MUTATION").flatMap { Mutation(rawValue: $0) } }
    /// `SIMULATION_SEEDS=from..<to`
    static var seeds: Range<UInt64>? {
        guard let bounds = variable("SIMULATION_SEEDS")?.split(separator: "..<").compactMap({ UInt64($0) }),
            bounds.count == 2, bounds[0] < bounds[1]
        else { return nil }
        return bounds[0]..<bounds[1]
    }
    /// `SIMULATION_MINUTES`: how long the schedules of a seed range may take, all kinds together.
    static var minutes: Int? { variable("SIMULATION_MINUTES").flatMap { Int($0) } }
}

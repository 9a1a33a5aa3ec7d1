// swift-tools-version: 6.2
import PackageDescription

/// The settings of every target.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
    .enableUpcomingFeature("ExistentialAny"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
    .enableUpcomingFeature("InternalImportsByDefault"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
    .enableUpcomingFeature("MemberImportVisibility"),
    // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
    // A request made from an actor resumes on that actor, with no hop through the global executor.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "swift-zookeeper-locks",
    products: [
        .library(name: "ZooKeeper", targets: ["ZooKeeper"]),
        .library(name: "ZooKeeperLocks", targets: ["ZooKeeperLocks"]),
        .library(name: "ZooKeeperTestKit", targets: ["ZooKeeperTestKit"]),
        .library(name: "ZooKeeperFaultKit", targets: ["ZooKeeperFaultKit"]),
        .executable(name: "zklock", targets: ["zklock"]),
        .executable(name: "fair-queue", targets: ["fair-queue"]),
        .executable(name: "leader-election", targets: ["leader-election"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // Child processes: the TestKit's servers and the demonstration's workers.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
        // The FaultKit's proxy, and nothing else; fair-queue builds it too, for its partition.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        // Debian ships no pkg-config file for the C client; the module map links it.
        .systemLibrary(name: "CZooKeeper", providers: [.apt(["libzookeeper-mt-dev"])]),
        // Locks within a process; a module of its own, so that all others have it inlined.
        .target(name: "Locking", swiftSettings: settings),
        .target(
            name: "ZooKeeper",
            dependencies: ["CZooKeeper", "Locking", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings
        ),
        .target(
            name: "ZooKeeperLocks",
            dependencies: ["Locking", "ZooKeeper", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings
        ),
        .target(
            name: "ZooKeeperTestKit",
            dependencies: ["Locking", "ZooKeeper", .product(name: "Subprocess", package: "swift-subprocess")],
            swiftSettings: settings
        ),
        // The only target that uses NIO.
        .target(
            name: "ZooKeeperFaultKit",
            dependencies: [
                "Locking", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        // What the command-line tools read and write in the same way: durations, JSON lines, terminals.
        .target(
            name: "ToolArguments",
            dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "zklock",
            dependencies: [
                "Locking", "ToolArguments", "ZooKeeper", "ZooKeeperLocks",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fair-queue",
            dependencies: [
                "Locking", "ToolArguments", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit", "ZooKeeperFaultKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            path: "examples/FairQueue",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "leader-election",
            dependencies: [
                "ToolArguments", "ZooKeeper", "ZooKeeperLocks",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "examples/LeaderElection",
            swiftSettings: settings
        ),
        // What the tests have in common.
        .target(
            name: "TestSupport",
            dependencies: [
                "Locking", "ZooKeeper", "ZooKeeperLocks", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/TestSupport",
            // As the tests that use it.
            swiftSettings: [.swiftLanguageMode(.v6)]),
        // A process for the tests to kill.
        .executableTarget(
            name: "permit-worker",
            dependencies: ["ZooKeeper", "ZooKeeperLocks", .product(name: "Logging", package: "swift-log")],
            path: "Tests/PermitWorker",
            swiftSettings: settings),
        // A process that takes turns.
        .executableTarget(
            name: "turn-worker",
            dependencies: ["ZooKeeper", "ZooKeeperLocks", .product(name: "Logging", package: "swift-log")],
            path: "Tests/TurnWorker",
            swiftSettings: settings),
        // Another one, for batches of claims and for results that are computed once.
        .executableTarget(
            name: "recipe-worker",
            dependencies: ["ZooKeeper", "ZooKeeperLocks", .product(name: "Logging", package: "swift-log")],
            path: "Tests/RecipeWorker",
            swiftSettings: settings),
        // Our part in the tests with other libraries.
        .executableTarget(
            name: "interop-worker",
            dependencies: ["ZooKeeper", "ZooKeeperLocks", .product(name: "Logging", package: "swift-log")],
            path: "Tests/Interop/swift",
            swiftSettings: settings),
        .testTarget(
            name: "ZooKeeperTests",
            dependencies: ["Locking", "ZooKeeper", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .testTarget(name: "ZooKeeperLocksTests", dependencies: ["ZooKeeperLocks"], swiftSettings: settings),
        .testTarget(name: "ZooKeeperTestKitTests", dependencies: ["ZooKeeperTestKit"], swiftSettings: settings),
        .testTarget(
            name: "MemoryEnsembleTests",
            dependencies: ["Locking", "TestSupport", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit"],
            swiftSettings: settings),
        .testTarget(
            name: "SimulationTests", dependencies: ["Locking", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit"],
            swiftSettings: settings),
        .testTarget(name: "ToolArgumentsTests", dependencies: ["ToolArguments"], swiftSettings: settings),
        .testTarget(
            name: "ZooKeeperFaultKitTests",
            dependencies: [
                "TestSupport", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit", "ZooKeeperFaultKit",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FairQueueTests",
            dependencies: [
                "fair-queue", "ToolArguments", "ZooKeeperTestKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ZklockTests",
            dependencies: [
                "zklock", "ToolArguments", "ZooKeeper", "ZooKeeperLocks",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        // Real servers, real processes.
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Locking", "TestSupport", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit",
                "fair-queue", "leader-election", "permit-worker", "recipe-worker", "turn-worker", "zklock",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            // Without the other features: as the code of most users is built.
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
        // Real servers under faults.
        .testTarget(
            name: "FaultTests",
            dependencies: ["TestSupport", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit", "ZooKeeperFaultKit"],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
        // Real programs that use other libraries.
        .testTarget(
            name: "InteropTests",
            dependencies: [
                "TestSupport", "ZooKeeper", "ZooKeeperLocks", "ZooKeeperTestKit", "interop-worker",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        ),
    ]
)

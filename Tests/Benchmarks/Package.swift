// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "swift-zookeeper-locks", path: "../..")],
    targets: [
        // The package under test as its users have it: a release build, and nothing but what is public.
        .executableTarget(
            name: "contender",
            dependencies: [
                .product(name: "ZooKeeper", package: "swift-zookeeper-locks"),
                .product(name: "ZooKeeperLocks", package: "swift-zookeeper-locks"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)

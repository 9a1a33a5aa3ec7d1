import Testing

@testable import zklock

@Suite struct DoctorTests {
    @Test func serversAreFoundInAConnectString() {
        #expect(
            ServerProbe.servers(in: "zk1:2181, zk2:2182,[::1]:2183/app").map(\.name) == [
                "zk1:2181", "zk2:2182", "[::1]:2183",
            ])
    }

    @Test func answersAreRead() {
        let answer = ServerAnswer(
            "Zookeeper version: 3.9.3-c26634f34490bb0ea7a09cc51e05ede3b4e320ee, built on 2024\nMode: follower\nmaxClientCnxns=60\n"
        )
        #expect(answer["Mode"] == "follower")
        #expect(answer["maxClientCnxns"] == "60")
        #expect(answer["Nothing"] == nil)
        #expect(answer.version == [3, 9, 3])
    }

    @Test(
        arguments: [
            ([3, 8, 0], true), ([3, 8, 4], true), ([3, 8, 5], false), ([3, 9, 1], true), ([3, 9, 2], false),
            ([3, 10, 0], false), ([3, 6, 3], true),
        ] as [([Int], Bool)])
    func olderServersAreNamed(version: [Int], isOld: Bool) {
        #expect(ServerAnswer.mayLoseTransactions(version) == isOld)
    }

    @Test func theTimeoutFitsTheRoundTrips() {
        #expect(DoctorCommand.recommended(worstWrite: .milliseconds(2)) == .seconds(10))
        #expect(DoctorCommand.recommended(worstWrite: .milliseconds(500)) == .seconds(25))
        #expect(DoctorCommand.recommended(worstWrite: .seconds(100)) == .seconds(600))
    }
}

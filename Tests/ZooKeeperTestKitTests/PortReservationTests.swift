import Testing

@testable import ZooKeeperTestKit

@Suite struct PortReservationTests {
    @Test func `The ports lie outside the kernel's range for outgoing connections`() {
        #expect(PortReservation.candidates(outside: 32_768...60_999) == 10_000...32_767)
        #expect(PortReservation.candidates(outside: 10_500...40_000) == 40_001...65_535)
        #expect(PortReservation.candidates(outside: 1024...65_535) == 10_000...65_535)
        #expect(PortReservation.candidates(outside: 0...65_535) == 10_000...65_535)
    }

    @Test func `A port is reserved once, and free again afterwards`() throws {
        var first: PortReservation? = try PortReservation.any()
        let port = try #require(first).port
        #expect(PortReservation(port: port) == nil)
        first = nil
        #expect(PortReservation(port: port) != nil)
    }

    @Test func `Many reservations differ`() throws {
        let reservations = try (0..<100).map { _ in try PortReservation.any() }
        #expect(Set(reservations.map(\.port)).count == 100)
    }

    @Test(arguments: [-1, 0, 65_536, 1_000_000]) func `What is no port is not reserved`(number: Int) {
        #expect(PortReservation(port: number) == nil)
    }

    @Test func `A reserved port refuses connections at once`() async throws {
        let reservation = try PortReservation.any()
        let error = await #expect(throws: TestKitError.self) {
            try await FourLetterWord("ruok").send(toPort: reservation.port, timeout: .seconds(30))
        }
        #expect(error?.code == .noAnswer)
        #expect(error?.message.contains("refused") == true)
    }

    @Test(arguments: ["", "ruo", "ruok\n", "ru k", "r\u{fc}k", "ruokk"])
    func `Only four letters are a four-letter word`(word: String) {
        #expect(throws: TestKitError.self) { try FourLetterWord(word) }
    }
}

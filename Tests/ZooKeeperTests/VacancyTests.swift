import Testing

@testable import ZooKeeper

/// What a session knows of a queue that it has had to itself.
@Suite struct VacancyTests {
    /// As `number` behind nobody, and gone again.
    private func pass(_ number: Int32, _ vacancy: inout Vacancy) -> Bool {
        let isFirst = vacancy.made(number, last: number)
        vacancy.leaving(number)
        vacancy.left(number)
        return isFirst
    }

    /// Has passed by `numbers` on its own, with a watch on the parent from the first moment that it is wanted.
    private func vacancy(after numbers: ClosedRange<Int32>) -> Vacancy {
        var vacancy = Vacancy()
        for number in numbers {
            _ = pass(number, &vacancy)
            if let attempt = vacancy.wantsWatch() { vacancy.watchIsSet(attempt) }
        }
        return vacancy
    }

    /// Runs what changes it, outside of the macro.
    private func expect(
        _ expected: Bool, _ vacancy: inout Vacancy, at location: SourceLocation = #_sourceLocation,
        _ body: (inout Vacancy) -> Bool
    ) {
        let result = body(&vacancy)
        #expect(result == expected, sourceLocation: location)
    }

    @Test func whoWasAloneLongEnoughCountsOnIt() {
        var vacancy = Vacancy()
        var counted: [Int32] = []
        for number in Int32(0)..<20 {
            if vacancy.countOnIt() { counted.append(number) }
            let isFirst = pass(number, &vacancy)
            if vacancy.isWatched { #expect(isFirst == (number > 8)) } else { #expect(!isFirst) }
            if let attempt = vacancy.wantsWatch() {
                #expect(number == 7)
                vacancy.watchIsSet(attempt)
            }
        }
        // Nine of whom eight followed on the one before; and the parent has to be watched while one of them is there.
        #expect(counted == Array(9..<20))
    }

    @Test func somebodyWhoCameBetweenShows() {
        var vacancy = vacancy(after: 0...20)
        expect(true, &vacancy) { $0.countOnIt() }
        expect(false, &vacancy) { $0.made(22, last: 22) }
    }

    /// And twice as long the next time.
    @Test func whoWasWrongIsMoreCareful() {
        var vacancy = vacancy(after: 0...20)
        expect(true, &vacancy) { $0.countOnIt() }
        _ = pass(22, &vacancy)
        for number in Int32(23)...37 {
            expect(false, &vacancy) { $0.countOnIt() }
            // It is known all the same, where nobody has come between.
            expect(true, &vacancy) { pass(number, &$0) }
        }
        _ = pass(38, &vacancy)
        expect(true, &vacancy) { $0.countOnIt() }
    }

    @Test func whoIsRightForLongIsLessCarefulAgain() {
        var vacancy = vacancy(after: 0...20)
        expect(true, &vacancy) { $0.countOnIt() }
        for number in Int32(22)...90 { _ = pass(number, &vacancy) }
        // Somebody comes, but it was not counted on.
        _ = pass(100, &vacancy)
        for number in Int32(101)...107 { _ = pass(number, &vacancy) }
        expect(false, &vacancy) { $0.countOnIt() }
        _ = pass(108, &vacancy)
        expect(true, &vacancy) { $0.countOnIt() }
    }

    @Test func theOneBeforeHasToBeGone() {
        var vacancy = vacancy(after: 0...20)
        _ = vacancy.made(21, last: 21)
        expect(false, &vacancy) { $0.countOnIt() }
        expect(false, &vacancy) { $0.made(22, last: 22) }
        // The first of the two, which is not the last any more.
        vacancy.leaving(21)
        vacancy.left(21)
        expect(false, &vacancy) { $0.countOnIt() }
        expect(false, &vacancy) { $0.made(23, last: 23) }
    }

    /// Its deletion is decided ahead of the next creation; whether that was so is known when both answers are there.
    @Test func whoIsLeavingCountsAsGone() {
        var vacancy = vacancy(after: 0...20)
        _ = vacancy.made(21, last: 21)
        vacancy.leaving(21)
        expect(true, &vacancy) { $0.countOnIt() }
        var failed = vacancy
        vacancy.left(21)
        expect(true, &vacancy) { $0.made(22, last: 22) }
        expect(false, &failed) { $0.made(22, last: 22) }
    }

    @Test func severalNumbersAtATime() {
        var vacancy = Vacancy()
        for number in stride(from: Int32(0), to: 40, by: 2) {
            let isFirst = vacancy.made(number, last: number + 1)
            vacancy.left(number + 1)
            if let attempt = vacancy.wantsWatch() { vacancy.watchIsSet(attempt) }
            #expect(isFirst == (number > 16), "\(number)")
        }
    }

    @Test func nothingIsKnownOfAnotherParent() {
        var vacancy = vacancy(after: 0...20)
        let attempt = vacancy.wantsWatch()
        #expect(attempt == nil)
        vacancy.watchIsOver(1)
        #expect(!vacancy.isWatched)
        expect(false, &vacancy) { $0.countOnIt() }
        // The very number that would follow.
        expect(false, &vacancy) { $0.made(21, last: 21) }
    }

    @Test func aParentThatGoesWhileTheNextOneIsOnItsWay() {
        var vacancy = vacancy(after: 0...20)
        expect(true, &vacancy) { $0.countOnIt() }
        vacancy.watchIsOver(1)
        expect(false, &vacancy) { $0.made(21, last: 21) }
    }

    @Test func aLostConnectionIsForgotten() {
        var vacancy = vacancy(after: 0...20)
        vacancy.disconnected()
        #expect(!vacancy.isWatched)
        expect(false, &vacancy) { $0.countOnIt() }
        // An event of the old connection's watch says nothing of the new one's.
        for number in Int32(21)...35 {
            _ = pass(number, &vacancy)
            if let attempt = vacancy.wantsWatch() {
                vacancy.watchIsOver(attempt - 1)
                vacancy.watchIsSet(attempt - 1)
                expect(false, &vacancy) { $0.countOnIt() }
                vacancy.watchIsSet(attempt)
            }
        }
        vacancy.watchIsOver(1)
        #expect(vacancy.isWatched)
        expect(true, &vacancy) { $0.countOnIt() }
    }

    /// One that was set when the last child was gone already may be on a parent that was made since.
    @Test func theWatchHasToBeThereWhileTheLastOneIs() {
        var vacancy = Vacancy()
        for number in Int32(0)...8 { _ = pass(number, &vacancy) }
        let attempt = vacancy.wantsWatch()
        #expect(attempt == 1)
        vacancy.watchIsSet(1)
        expect(false, &vacancy) { $0.countOnIt() }
        expect(false, &vacancy) { $0.made(9, last: 9) }
        vacancy.left(9)
        expect(true, &vacancy) { $0.countOnIt() }
        expect(true, &vacancy) { $0.made(10, last: 10) }
    }

    @Test func numbersEndSomewhere() {
        var vacancy = vacancy(after: (Int32.max - 20)...Int32.max)
        expect(false, &vacancy) { $0.made(.max, last: .max) }
        expect(false, &vacancy) { $0.made(.min, last: .min) }
    }
}

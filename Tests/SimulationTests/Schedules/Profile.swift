/// What a schedule is about; the seed decides the rest.
enum Profile: String, CaseIterable, Sendable {
    /// Nothing fails but patience.
    case crowd
    /// Connections break and fall silent.
    case network
    /// A member is cut off, or steps down, or crashes; a deposed leader does not know it.
    case ensemble
    /// Everything at once, and pings and relays are a little late.
    case storm
    /// Several contenders of one session.
    case shared
    /// Others delete znodes, write into them, remove the lock's path.
    case hands
    /// Sequence numbers below zero, and through it.
    case wrap
    /// Clients take their sessions for expired though they are not.
    case abandoned
    /// Readers and writers, some of whom become readers.
    case readers
    /// A semaphore, of which some want several permits.
    case permits
    /// Clients that come again and again, and mostly find nobody there; the path is removed in between, and made again.
    case alone

    func setting(seed: UInt64) -> Setting {
        var random = SplitMix(seed: seed ^ 0x5EED)
        var setting = Setting()
        // Mostly a few, at times many.
        setting.contenders = 3 + random.below(random.chance(10) ? 48 : 8)
        setting.clients = max(2, setting.contenders - random.below(3))
        setting.timeout = setting.tick * Int64(4 + random.below(4))
        setting.arrival = random.chance(50) ? 500 : 4000
        setting.hold = random.chance(50) ? 100 : 1000
        if random.chance(30) { setting.memberDelay = 1...100 }
        if random.chance(30) { setting.clientDelay = 1...100 }
        let often = random.chance(50)
        switch self {
        case .crowd:
            setting.contenders = 20 + random.below(31)
            setting.clients = setting.contenders
            setting.hold = 100
            setting.impatient = 40
        case .network:
            setting.breaks = often ? 400 : 2000
            setting.freezes = 3000
            setting.throttled = 2
        case .ensemble:
            setting.partitions = 9000
            setting.elections = 15_000
            setting.crashes = 15_000
            setting.depositions = 15_000
            if often { setting.breaks = 2000 }
        case .storm:
            setting.breaks = 1500
            setting.freezes = 4000
            setting.partitions = 10_000
            setting.elections = 20_000
            setting.crashes = 20_000
            setting.pingLateness = 0...setting.timeout / 20
            setting.relayLateness = 0...setting.timeout / 20
        case .shared:
            setting.clients = 1 + random.below(3)
            setting.breaks = 3000
            setting.freezes = 8000
        case .hands:
            setting.deletions = 600
            setting.scribbles = 600
            setting.reapings = 500
            if often { setting.breaks = 1500 }
        case .wrap:
            setting.firstSequence = -4
            setting.breaks = 1500
        case .abandoned:
            setting.abandonments = 2000
            setting.breaks = 1000
        case .readers, .permits:
            setting.recipe =
                self == .readers
                ? .readWrite(writers: 20 + random.below(40), downgrades: 40)
                : .semaphore(permits: 1 + random.below(5), most: 1)
            if case .semaphore(let permits, _) = setting.recipe, random.chance(50) {
                setting.recipe = .semaphore(permits: permits, most: permits)
            }
            setting.addFaults(&random)
        case .alone:
            setting.clients = 2 + random.below(2)
            setting.contenders = setting.clients * (6 + random.below(10))
            setting.hold = random.chance(50) ? 5 : 100
            setting.rest = random.chance(50) ? 300 : 2000
            setting.vacancyPatience = random.below(3)
            if random.chance(40) { setting.recipe = .readWrite(writers: 50, downgrades: 40) }
            if random.chance(60) { setting.reapings = random.chance(50) ? 20 : 300 }
            if random.chance(30) { setting.deletions = 600 }
            if random.chance(20) { setting.scribbles = 600 }
            if often { setting.breaks = 1000 }
            if random.chance(20) { setting.freezes = 3000 }
            if random.chance(20) { setting.abandonments = 3000 }
            if random.chance(20) { setting.throttled = 2 }
            if random.chance(20) { setting.firstSequence = -4 }
            if random.chance(20) { (setting.crashes, setting.elections) = (10_000, 10_000) }
        }
        return setting
    }
}

extension Setting {
    /// In one of three nothing fails, and what is free is given away soon; else all kinds of things go wrong.
    fileprivate mutating func addFaults(_ random: inout SplitMix) {
        if random.chance(33) {
            latestGrant = 2000
            return
        }
        breaks = 1500
        freezes = 6000
        if random.chance(50) { deletions = 3000 }
        if random.chance(50) { reapings = 2000 }
        if random.chance(50) {
            partitions = 12_000
            elections = 20_000
            crashes = 20_000
        }
        if random.chance(20) { firstSequence = -4 }
        if random.chance(20) { throttled = 2 }
        if random.chance(30) { clients = max(1, contenders / 3) }
    }
}

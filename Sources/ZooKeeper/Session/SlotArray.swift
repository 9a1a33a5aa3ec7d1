/// Values in slots that are reused, under keys that are not: a key of an earlier value finds nothing.
///
/// Keys fit 48 bits: 24 for the slot and 24 for the number of times it was used before. They are what the C client
/// carries as context, so a late or repeated callback is harmless.
struct SlotArray<Value> {
    private struct Slot {
        // Ahead of the number, which often fits into what the value leaves of its last word.
        var value: Value?
        var generation: UInt32 = 0
    }

    static var keyBits: Int { 48 }
    private static var indexBits: UInt64 { 24 }
    private static var mask: UInt32 { 0xFF_FFFF }

    private var slots: [Slot] = []
    private var free: [UInt32] = []

    init() {}

    var count: Int { slots.count - free.count }

    mutating func insert(_ value: Value) -> UInt64 {
        let index: UInt32
        if let reused = free.popLast() {
            index = reused
        } else {
            index = UInt32(slots.count)
            slots.append(Slot())
        }
        slots[Int(index)].value = value
        return UInt64(slots[Int(index)].generation) << Self.indexBits | UInt64(index)
    }

    /// Takes the value out, if the key is still good.
    mutating func remove(_ key: UInt64) -> Value? {
        guard let index = index(of: key) else { return nil }
        defer { release(index) }
        return slots[index].value.take()
    }

    subscript(key: UInt64) -> Value? {
        get { index(of: key).flatMap { slots[$0].value } }
        set {
            guard let index = index(of: key), let newValue else { return }
            slots[index].value = newValue
        }
    }

    /// Changes the value where it is, if the key is still good.
    mutating func change(_ key: UInt64, _ body: (inout Value) -> Void) {
        // Taken out meanwhile: a copy would have to be made of what is shared.
        guard let index = index(of: key), var value = slots[index].value.take() else { return }
        body(&value)
        slots[index].value = value
    }

    /// Takes out all values that `condition` holds for.
    mutating func removeAll(where condition: (Value) -> Bool = { _ in true }) -> [Value] {
        var removed: [Value] = []
        for index in slots.indices {
            guard let value = slots[index].value, condition(value) else { continue }
            removed.append(value)
            release(index)
        }
        return removed
    }

    mutating func update(_ body: (inout Value) -> Void) {
        for index in slots.indices {
            guard var value = slots[index].value else { continue }
            body(&value)
            slots[index].value = value
        }
    }

    func forEach(_ body: (_ key: UInt64, Value) -> Void) {
        for (index, slot) in slots.enumerated() {
            if let value = slot.value { body(UInt64(slot.generation) << Self.indexBits | UInt64(index), value) }
        }
    }

    private func index(of key: UInt64) -> Int? {
        let index = Int(key & UInt64(Self.mask))
        guard index < slots.count, slots[index].value != nil, UInt64(slots[index].generation) == key >> Self.indexBits
        else {
            return nil
        }
        return index
    }

    private mutating func release(_ index: Int) {
        slots[index].value = nil
        slots[index].generation = (slots[index].generation &+ 1) & Self.mask
        free.append(UInt32(index))
    }
}

import Core
import MemoryStore
import TestSupport
import Testing

@Suite(.blocking) struct ULIDTests {
  @Test func text_roundTrips() throws {
    let id = ULID(high: 0x0190_1234_5678_7FFF, low: 0xFEDC_BA98_7654_3210)
    #expect(id.description.count == 26)
    #expect(ULID(id.description) == id)
    #expect(ULID(id.description.lowercased()) == id)
  }

  @Test(arguments: ["", "0", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARZ3NDEKTSV4RRFFQ69G5FA!"])
  func text_whenNotAULID_isRefused(text: String) {
    #expect(ULID(text) == nil)
  }

  @Test func generator_whenTheClockIsSetBack_stillGrows() {
    var generator = ULIDGenerator()
    let first = generator.next(at: 2_000_000_000_000)
    let second = generator.next(at: 1_000_000_000_000)
    let third = generator.next(at: 1_000_000_000_000)
    #expect(first < second && second < third)
    #expect(first.description < second.description && second.description < third.description)
    #expect(first.milliseconds == 2_000_000_000_000)
  }

  @Test func generator_continuesFromAnother() {
    var one = ULIDGenerator()
    let last = one.next(at: 1_800_000_000_000)
    var two = ULIDGenerator(after: last)
    #expect(two.next(at: 1_700_000_000_000) > last)
  }
}

@Suite(.blocking) struct TimestampTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00.000Z", Int64(0)), ("2026-01-14T15:18:07.297Z", 1_768_403_887_297),
    ("2000-02-29T23:59:59.999Z", 951_868_799_999), ("1969-12-31T23:59:59.999Z", -1),
  ])
  func text_roundTrips(text: String, milliseconds: Int64) {
    #expect(Timestamp.milliseconds(text) == milliseconds)
    #expect(Timestamp.string(milliseconds) == text)
  }

  @Test func text_withOffsetOrWithoutTime_isRead() {
    #expect(Timestamp.milliseconds("2026-01-14T17:18:07+02:00") == 1_768_403_887_000)
    #expect(Timestamp.milliseconds("2026-01-14") == 1_768_348_800_000)
  }

  @Test(arguments: ["", "yesterday", "2026-13-01", "2026-01-14T", "2026-01-14T15:18:07.Z", "2026"])
  func text_whenNoTime_isRefused(text: String) {
    #expect(Timestamp.milliseconds(text) == nil)
  }

  @Test func extremes_doNotTrap() {
    #expect(Timestamp.string(.max).hasPrefix("9999"))
    #expect(Timestamp.string(.min).hasPrefix("0000"))
  }
}

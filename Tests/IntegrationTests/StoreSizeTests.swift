import TestSupport
import Testing

@testable import CommandLineInterface
@testable import Continuity

@Suite(.blocking) struct StoreSizeTests {
  @Test func warning_comesWithTwoGigabytesAndSaysWhatHelps() {
    #expect(StoreSize(bytes: 1_999_999_999, unused: 0).warning == nil)
    let full = StoreSize(bytes: 2_000_000_000, unused: 100).warning
    #expect(full?.message.contains("2000.0 MB") == true || full?.message.contains("2.0 GB") == true)
    #expect(full?.hint.contains("memoryd backup") == true)
    #expect(
      StoreSize(bytes: 3_000_000_000, unused: 2_000_000_000).warning?.hint.contains("doctor --fix")
        == true)
  }
}

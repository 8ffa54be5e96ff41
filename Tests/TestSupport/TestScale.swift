import Foundation

/// How much is tried: one of each kind, or with `make test-all` everything.
public enum TestScale {
  public static let isWhole = ProcessInfo.processInfo.environment["MEMORYD_TEST_ALL"] == "1"

  /// Seeds of random inputs; without `make test-all` the first ones.
  public static func seeds(_ count: Int) -> Range<Int> { 0..<(isWhole ? count : min(count, 3)) }
}

import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct AlongsideTests {
  @Test func value_isThereForWhoeverAsks() {
    let works = (0..<50).map { number in Alongside { number * number } }
    for (number, work) in works.enumerated() {
      #expect(work.value() == number * number)
      #expect(work.value() == number * number)
    }
  }

  @Test func workNobodyAsksFor_isDone() async {
    let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
    _ = Alongside { continuation.yield(7) }
    for await value in stream {
      #expect(value == 7)
      break
    }
  }
}

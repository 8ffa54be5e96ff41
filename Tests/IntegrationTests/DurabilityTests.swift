import Foundation
import TestSupport
import Testing

/// `kill -9` and many processes at once.
@Suite(.blocking) struct DurabilityTests {
  let place: Workplace

  init() throws { place = try Workplace(isOwnProcess: true) }

  @Test func killedAtRandomMoments_nothingAcknowledgedIsLostOrHalfThere() throws {
    try place.append(
      (0..<60).map { Line.request("request \($0)") + Line.reply("reply \($0) with aName\($0)") }
        .joined())
    try place.run("status")
    // How long one run takes that finds a hook waiting, so that the kills fall everywhere in it; asked
    // again and again, as it depends on what else the machine does.
    let clock = ContinuousClock()
    func usualTime() throws -> Double {
      try place.run("checkpoint", input: place.hook("PreCompact"))
      let usual = try clock.measure {
        try place.run("checkpoint", "--objective", "measure", environment: [:])
      }
      return Double(usual.components.attoseconds) / 1e18 + Double(usual.components.seconds)
    }
    var span = 0.0
    var acknowledged: Set<String> = []
    let rounds = TestScale.isWhole ? 200 : 80
    for number in 0..<rounds {
      let isHook = number % 2 == 0
      if number % 10 == 0 { span = try usualTime() }
      if isHook { try place.append(Line.request("request during kill \(number)")) }
      let process = try place.start(
        isHook ? ["checkpoint"] : ["checkpoint", "--objective", "kill \(number)", "--json"],
        input: isHook ? Data(place.hook("PreCompact").utf8) : nil)
      // Microseconds up to one and a half runs: some die early, some late, some not at all.
      usleep(UInt32.random(in: 0...UInt32(span * 1_500_000)))
      kill(process.process.processIdentifier, SIGKILL)
      let result = process.finish()
      if !isHook, result.status == 0, let id = try? result.json()["id"] as? String {
        acknowledged.insert(id)
      }
    }
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
    #expect(
      try place.sqlite("INSERT INTO entries_fts(entries_fts) VALUES ('integrity-check')").isEmpty)
    let stored = try place.run("checkpoint", "list", "--json").items()
    let ids = Set(stored.compactMap { $0["id"] as? String })
    #expect(acknowledged.isSubset(of: ids))
    #expect(!acknowledged.isEmpty && acknowledged.count < rounds / 2)
    // Nothing is half there: each checkpoint has its outbox row, its entry and its request.
    #expect(
      try place.sqlite(
        """
        SELECT count(*) FROM checkpoints c WHERE
          NOT EXISTS (SELECT 1 FROM outbox o WHERE o.item_id = c.id)
          OR NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = c.id)
          OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.item_id = c.id)
        """) == "0")
    // The transcript is all there, once.
    try place.run("checkpoint", input: place.hook("PreCompact"))
    #expect(try place.run("doctor").output.contains("ok   journal"))
    let requests = "SELECT count(*) FROM entries WHERE kind = 'request'"
    #expect(try place.sqlite(requests) == "\(60 + rounds / 2)")
  }

  @Test func eightProcessesAtOnce_loseNothing() async throws {
    let place = place
    let results = try await withThrowingTaskGroup(of: [MemorydProcess.Result].self) { group in
      for worker in 0..<8 {
        // Each worker starts its processes one after the other; eight run at any time.
        let environment = place.environment
        let repository = place.repository
        group.addTask {
          try (0..<12).map { number in
            try MemorydProcess(
              ["task", "add", "task \(worker)-\(number)", "--json"], input: nil,
              environment: environment, cwd: repository
            ).finish()
          }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(results.count == 96)
    for result in results {
      #expect(result.status == 0)
      #expect(!result.errorOutput.contains("locked"))
      #expect(try result.json()["durability"] as? String == "stored")
    }
    let titles = try place.run("task", "list", "--json").items().compactMap {
      $0["title"] as? String
    }
    #expect(Set(titles).count == 96 && titles.count == 96)
    #expect(try place.sqlite("PRAGMA integrity_check") == "ok")
  }

  @Test func repeatedRequest_isOneWrite() throws {
    let first = try place.run(
      "task", "add", "once", "--json", environment: ["MEMORYD_REQUEST_ID": "r-1"])
    let second = try place.run(
      "task", "add", "once", "--json", environment: ["MEMORYD_REQUEST_ID": "r-1"])
    #expect(try first.json()["id"] as? String == second.json()["id"] as? String)
    #expect(try place.run("task", "list", "--json").items().count == 1)
  }
}

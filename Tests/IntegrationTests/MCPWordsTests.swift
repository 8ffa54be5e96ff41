import Checkpoints
import Core
import Foundation
import MemoryStore
import TestSupport
import Testing

/// How clients write what they send: halves of characters, numbers as texts, broken messages.
@Suite(.blocking) struct MCPWordsTests {
  enum Way: CaseIterable, Sendable { case alone, daemon }

  private let place: Workplace

  init() throws { place = try Workplace() }

  private func answers(_ lines: [String]) throws -> [[String: Any]] {
    try place.run("mcp", input: lines.joined(separator: "\n") + "\n").output.split(separator: "\n")
      .map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
  }

  private func call(_ id: String, _ tool: String, _ arguments: String) -> String {
    #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(tool)","arguments":\#(arguments)}}"#
  }

  private func text(_ answer: [String: Any]) -> (text: String, isError: Bool) {
    let result = answer["result"] as? [String: Any]
    let content = (result?["content"] as? [[String: Any]])?.first
    return (content?["text"] as? String ?? "", result?["isError"] as? Bool ?? false)
  }

  @Test(arguments: Way.allCases) func everyCall_getsItsOwnIDBack(way: Way) throws {
    let daemon = way == .daemon ? try DaemonPeer(place) : nil
    defer { daemon?.kill() }
    let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
    let ids = [
      "1", #""two-\ud83d""#, "3", #""four""#, "5", "6.0", "12345678901234567890", "1E400",
      #""\u00e9""#,
    ]
    let lines = try place.run(
      "mcp",
      input: [
        call(
          ids[0], "task",
          #"{"action":"add","title":"low \udc00","source":"cc","a\ud800":{"b":["\udfff"]}}"#),
        call(ids[1], "task", #"{"action":"list"}"#),
        call(ids[2], "search", deep),
        #"{"jsonrpc":"2.0","id":"four","method":"tools/call","params":{"x":}}"#,
        #"{"jsonrpc":"2.0","method":"tools/call","params":{"id":99,"name":"no end},"id":5}"#,
        call(ids[5], "task", #"{"action":"list"}"#),
        call(ids[6], "task", #"{"action":"list"}"#),
        "[" + call(ids[7], "task", #"{"action":"list"}"#) + "]",
        #"{"jsonrpc":"2.0","method":"ping","id":\#(ids[8])}"#,
      ].joined(separator: "\n") + "\n"
    ).output.split(separator: "\n").map(String.init)
    #expect(lines.count == ids.count)
    for (line, id) in zip(lines, ids) {
      #expect(line.hasPrefix("{\"id\":\(id),") || line.hasPrefix("[{\"id\":\(id),"), "\(line)")
    }
    let answers = try lines.enumerated().map { index, line in
      // Foundation takes no half of a pair, and no number that a double does not hold.
      let line = line.replacing("\"id\":\(ids[index]),", with: "\"id\":\(index),")
      return try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
    }
    #expect(text(answers[0]).text.contains("low \u{FFFD}") && !text(answers[0]).isError)
    #expect(answers[3]["error"] != nil && answers[4]["error"] != nil)
    #expect(text(answers[5]).text.contains("low \u{FFFD}"))
  }

  @Test func numbersAndLists_areTakenAsTheyCome() throws {
    for number in 1...3 { try place.run("decide", "otter \(number)", "--rationale", "because") }
    func count(_ limit: String) throws -> (Int, String) {
      let answer = text(
        try answers([call("1", "decision", #"{"action":"list","limit":\#(limit)}"#)])[0])
      let list = try? JSONSerialization.jsonObject(with: Data(answer.text.utf8)) as? [Any]
      return (answer.isError ? -1 : list?.count ?? -2, answer.text)
    }
    for limit in ["2", "\"2\"", "\" 2\"", "\"2.0\"", "2.0", "\"+2\"", "\"02\""] {
      #expect(try count(limit).0 == 2, "\(limit)")
    }
    #expect(try count("\"\"").0 == 3 && count("null").0 == 3)
    for limit in [
      "-1", "\"-1\"", "0", "1.5", "\"many\"", "true", "[]", "1e30", "\"99999999999999999999\"",
    ] {
      let (result, said) = try count(limit)
      #expect(result == -1 && said.contains("limit must be a whole number"), "\(limit): \(said)")
    }
    let saved = try answers([
      call(
        "1", "checkpoint",
        #"{"action":"save","objective":"404","blockers":"[\"a\",\"none\"]","recent_actions":"only one"}"#
      )
    ])
    #expect(!text(saved[0]).isError)
    let loaded = text(try answers([call("1", "checkpoint", #"{"action":"load"}"#)])[0]).text
    #expect(loaded.contains("only one") && loaded.contains("404") && !loaded.contains("none"))
  }

  @Test func batch_takesWhatMCPTakes() throws {
    try place.run("decide", "otter one", "--rationale", "because")
    try place.run("decide", "otter two", "--rationale", "because")
    let result = try place.run(
      "search", "--batch",
      input: [
        #"{"id":1,"query":"otter \ud83d","limit":"1"}"#,
        #"{"id":12,"query":"otter","limit":"2.0"}"#,
        #"{"id":3,"query":"otter","limit":"-1"}"#, #"{"id":4,"query":"otter",}"#,
      ].joined(separator: "\n"))
    let answers = try result.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(answers.map { $0["id"] as? Int } == [1, 12, 3, 4])
    #expect(answers.map { ($0["results"] as? [Any])?.count } == [1, 2, 0, 0])
  }

  @Test(arguments: Way.allCases) func days_areTheCallers(way: Way) throws {
    let daemon = way == .daemon ? try DaemonPeer(place) : nil
    defer { daemon?.kill() }
    let file = place.path + "/in.jsonl"
    // 2026-03-01 in Tokyo begins at 15:00 UTC of the day before.
    try #"{"id":"before","text":"heron before","created_at":"2026-02-28T14:59:59.999Z"}"#.appending(
      "\n"
    )
    .appending(#"{"id":"first","text":"heron first","created_at":"2026-02-28T15:00:00Z"}"#)
    .appending(
      "\n"
    )
    .appending(#"{"id":"last","text":"heron last","created_at":"2026-03-01T14:59:59Z"}"#).appending(
      "\n"
    )
    .appending(#"{"id":"after","text":"heron after","created_at":"2026-03-01T15:00:00Z"}"#)
    .write(toFile: file, atomically: true, encoding: .utf8)
    try place.run("import", file)
    func found(_ zone: [String: String], _ query: String) throws -> [String] {
      let result = try place.run(["search", query, "--json"], environment: zone)
      let items = try result.json()["items"] as? [[String: Any]] ?? []
      return items.compactMap { $0["source_id"] as? String }.sorted()
    }
    let query = "heron since:2026-03-01 until:2026-03-01"
    #expect(try found(["TZ": "Asia/Tokyo"], query) == ["first", "last"])
    #expect(try found(["TZ": "UTC"], query) == ["after", "last"])
    #expect(try found(["TZ": "UTC", "MEMORYD_TIMEZONE": "JST-9"], query) == ["first", "last"])
    let wrong = try place.start(
      ["search", query], environment: ["MEMORYD_TIMEZONE": "Nowhere/Land"]
    ).finish()
    #expect(wrong.status == 78 && wrong.errorOutput.contains("timezone"))
  }

  @Test func handoffRead_saysWhatItCouldNotRead() throws {
    let file = place.path + "/h.md"
    try "---\nproject: a\ntopic: b: c\n---\n# Handoff: x\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let result = try place.run("handoff", "read", file, "--json")
    #expect(result.errorOutput.contains("no valid YAML"))
    #expect(try result.json()["project"] as? String == "a")
    for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian] {
      let mark: [UInt8] = encoding == .utf16LittleEndian ? [0xFF, 0xFE] : [0xFE, 0xFF]
      try
        (Data(mark) + #require(
          "# Handoff: y\r\n\r\n## Done\r\n\r\n- Größe\r\n".data(using: encoding)))
        .write(to: URL(fileURLWithPath: file))
      #expect(
        try place.run("handoff", "read", file, "--json").json()["done"] as? [String] == ["Größe"])
    }
  }

  @Test func import_takesNumbersThatComeAsTexts() throws {
    let lines = [
      #"{"id":"a","text":"medlar","position":"5","created_at":"1795860000"}"#,
      #"{"id":"b","text":"medlar too","position":" 6 "}"#,
    ]
    let counts = try place.run(
      "import", "-", "--json", input: lines.joined(separator: "\n") + "\n"
    ).json()
    #expect(counts["added"] as? Int == 2)
    let bad = try place.run(
      "import", "-", input: #"{"id":"c","text":"x","position":"five"}"# + "\n")
    #expect(bad.status != 0)
  }

  @Test func import_takesADateAsThePersonsDay() throws {
    let lines = [
      #"{"id":"day","text":"quince on the day","created_at":"2026-07-05"}"#,
      #"{"id":"wall","text":"quince by the clock","created_at":"2026-07-05T23:30"}"#,
      #"{"id":"zone","text":"quince","created_at":"2026-07-05T23:30:00Z"}"#,
    ]
    try place.run(
      "import", "-", input: lines.joined(separator: "\n") + "\n",
      environment: ["TZ": "America/Lima"])
    let items =
      try place.run("search", "quince", "--json").json()["items"] as? [[String: Any]]
    let times = Dictionary(
      uniqueKeysWithValues: (items ?? []).map {
        ($0["source_id"] as? String ?? "", $0["created_at"] as? String)
      })
    #expect(
      times == [
        "day": "2026-07-05T05:00:00.000Z", "wall": "2026-07-06T04:30:00.000Z",
        "zone": "2026-07-05T23:30:00.000Z",
      ])
    let bad = try place.run(
      "import", "-",
      input: #"{"id":"none","text":"x","created_at":"2026-06-31"}"# + "\n")
    #expect(bad.status != 0)
  }

  @Test func settingsWithAMarkInFront_areRead() throws {
    let folder = place.path + "/marked"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    chmod(folder, 0o700)
    try "\u{FEFF}timezone: UTC\nresume.budget_chars: 6000\n"
      .write(toFile: folder + "/config.yaml", atomically: false, encoding: .utf8)
    let listed = try place.run("task", "list", environment: ["MEMORYD_HOME": folder])
    #expect(listed.status == 0, "\(listed.errorOutput)")
  }

  @Test func nothingInTheWay_isNoBlockerInOtherWordsEither() throws {
    let text =
      "# Handoff: O\n\n## Blockers\n\n- keine\n- Nichts.\n- なし\n- [x] CI was red\n- [ ] no quota left\n"
    let read = try place.run("handoff", "read", "--json", "-", input: text).json()
    #expect(read["blockers"] as? [String] == ["no quota left"])
  }
}

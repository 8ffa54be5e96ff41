import Core
import Foundation
import TestSupport
import Testing

/// `search` as people and tools call it.
@Suite(.blocking) struct SearchVerbTests {
  private let place: Workplace

  init() throws { place = try Workplace() }

  private func importEntries(_ entries: [[String: Any]]) throws {
    let file = place.path + "/corpus.jsonl"
    try entries.map { Line.json($0) + "\n" }.joined()
      .write(toFile: file, atomically: true, encoding: .utf8)
    try place.run("import", file)
  }

  private func answers(_ output: String) throws -> [[String: Any]] {
    try output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  private func ids(_ answer: [String: Any]) -> [String] {
    (answer["results"] as? [[String: Any]] ?? []).compactMap { $0["source_id"] as? String }
  }

  // MARK: Batch

  @Test func batch_answersEachLineInOrder() throws {
    try importEntries([
      ["id": "a", "kind": "turn", "text": "the walrus sings", "project": "p", "session": "s-1"],
      ["id": "b", "kind": "note", "text": "a walrus sleeps", "project": "q", "session": "s-2"],
    ])
    let result = try place.run(
      "search", "--batch",
      input: """
        {"id": 1, "query": "walrus sings"}
        not JSON

        {"id": "two", "query": "walrus", "kind": "note"}
        {"id": 3, "query": "walrus", "project": "p", "limit": 5}
        {"query": "walrus since:nonsense", "session": "s-2"}
        {"id": 5, "query": "walrus", "kind": ["turn", "note"], "limit": 1}
        {"id": 6}
        {"query": "walrus", "limit": -1}
        {"query": "walrus", "since": "nonsense"}
        """)
    #expect(result.status == 65 && result.errorOutput.contains("4 lines could not be searched for"))
    let answers = try answers(result.output)
    #expect(answers.map(ids) == [["a", "b"], [], ["b"], ["a"], ["b"], ["b"], [], [], []])
    #expect(answers[0]["id"] as? Int == 1 && answers[2]["id"] as? String == "two")
    #expect(answers[1]["error"] as? String == "this line is no JSON object")
    #expect((answers[4]["complaints"] as? [String])?.count == 1 && answers[4]["id"] is NSNull)
    #expect(answers[6]["error"] as? String == "this line has no query")
    #expect(answers[8]["error"] as? String == "since is no time")
  }

  @Test func batch_takesOptionsForWhatALineDoesNotSay() throws {
    try importEntries([
      ["id": "a", "kind": "turn", "text": "walrus one", "project": "p", "created_at": 1_000_000],
      ["id": "b", "kind": "note", "text": "walrus two", "project": "q", "session": "s-2"],
    ])
    let lines = #"{"query": "walrus"}"# + "\n" + #"{"query": "walrus", "kind": "note"}"# + "\n"
    func found(_ option: String, _ value: String) throws -> [[String]] {
      let result = try place.run("search", "--batch", option, value, input: lines)
      #expect(result.status == 0)
      return try answers(result.output).map { ids($0).sorted() }
    }
    #expect(try found("--kind", "turn") == [["a"], ["b"]])
    #expect(try found("--project", "q") == [["b"], ["b"]])
    #expect(try found("--session", "s-") == [["b"], ["b"]])
    #expect(try found("--until", "1999") == [["a"], []])
    #expect(try found("--limit", "0") == [[], []])
    let explained = try place.run("search", "--batch", "--explain", input: lines)
    let hit = (try answers(explained.output)[0]["results"] as? [[String: Any]])?.first
    #expect((hit?["explanation"] as? [String])?.isEmpty == false)
  }

  // MARK: Hits

  @Test func hits_showTheWordsAndHowToReadOn() throws {
    try importEntries([
      [
        "id": "a", "kind": "turn", "title": "Walrus\u{1B}[31m",
        "text": "it sings\u{0}\u{7} at night",
        "session": "s-1", "position": 4, "actor": "Ann",
      ]
    ])
    let output = try place.run("search", "walrus").output
    #expect(output.contains("Walrus") && !output.contains("\u{1B}") && !output.contains("\u{7}"))
    let line = try #require(
      output.split(separator: "\n").first { $0.contains("memoryd session show s-1 --around ") })
    let id = String(line.split(separator: " ").last ?? "")
    let shown = try place.run("session", "show", "s-1", "--around", id, "--json").json()
    #expect(shown["agent"] as? String == "import" && output.contains("Ann"))
    #expect((shown["entries"] as? [[String: Any]])?.first?["actor"] as? String == "Ann")
    #expect(try place.run("search", "giraffe").output == "Nothing found.\n")
    #expect(try place.run("search").status == 64 && place.run("search", " ").status == 64)
    let nowhere = try place.run("search", "project:nowhere walrus")
    #expect(nowhere.errorOutput.contains("there is no project nowhere"))
    #expect(try place.run("search", "walrus", "--kind", "note,turn").output.contains("Walrus"))
  }

  // MARK: Quality

  /// The development set's figures are .810 and .666; plain FTS5 finds .639 and .482.
  @Test func dialogues_areFound() throws {
    let folder = VaultPeer.root + "/../shared/data/retrieval/dialogue-dev/"
    guard FileManager.default.fileExists(atPath: folder) else { return }
    func lines(_ name: String) throws -> [Substring] {
      try String(contentsOfFile: folder + name, encoding: .utf8).split(separator: "\n")
    }
    var wanted: [String: Set<String>] = [:]
    for line in try lines("qrels.tsv") {
      let fields = line.split(whereSeparator: \.isWhitespace).map(String.init)
      let entry = try #require(fields.count == 4 ? fields[2] : fields.dropFirst().first)
      wanted[fields[0], default: []].insert(entry)
    }
    var queries: [String] = []
    for query in try answers(lines("queries.jsonl").joined(separator: "\n")) {
      guard query["category"] as? String != "adversarial", let id = query["id"] as? String,
        wanted[id] != nil
      else { continue }
      queries.append(
        Line.json(["id": id, "query": query["text"] ?? "", "project": query["project"] ?? ""]))
    }
    #expect(queries.count > 300)
    try place.run("import", folder + "corpus.jsonl")
    let output = try place.run("search", "--batch", input: queries.joined(separator: "\n")).output
    var (recall, reciprocal) = (0.0, 0.0)
    for answer in try answers(output) {
      let relevant = try #require(wanted[answer["id"] as? String ?? ""])
      let hits = ids(answer).map(relevant.contains)
      recall += Double(hits.count { $0 }) / Double(relevant.count)
      if let first = hits.firstIndex(of: true) { reciprocal += 1 / Double(first + 1) }
    }
    let count = Double(queries.count)
    #expect(recall / count >= 0.8 && reciprocal / count >= 0.65, "\(recall / count)")
  }
}

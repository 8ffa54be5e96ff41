import Core
import Foundation

/// One of the commands that the plugin brings, for agents that have other forms of them.
struct Skill {
  var name: String
  var description: String
  /// Lines of Markdown. What stands in `` !`…` `` Claude Code runs before the model reads it.
  private var body: [Substring]

  static let all = SkillTexts.all.compactMap(Skill.init)

  /// - Parameter text: As in `skills/NAME/SKILL.md`.
  init?(_ text: String) {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    guard lines.popFirst() == "---", let end = lines.firstIndex(of: "---") else { return nil }
    func value(_ key: String) -> String? {
      lines[..<end].first { $0.hasPrefix(key + ": ") }.map { String($0.dropFirst(key.count + 2)) }
    }
    guard let name = value("name"),
      let description = value("description").flatMap({ JSON(parsing: $0.utf8)?.string })
    else { return nil }
    self.name = name
    self.description = description
    body = Array(lines[(end + 1)...])
  }

  /// The command of a line that is run, without what is said where it fails, and without a session's id,
  /// which only Claude Code fills in.
  private static func command(_ line: Substring) -> String? {
    guard line.hasPrefix("!`"), line.hasSuffix("`") else { return nil }
    let whole = line.dropFirst(2).dropLast()
    let command = whole.range(of: " || echo ").map { whole[..<$0.lowerBound] } ?? whole
    return String(command)
      .replacingOccurrences(of: " --session \"${CLAUDE_SESSION_ID}\"", with: "")
  }

  // MARK: Codex

  /// A skill in the form that agents share: the model runs the commands itself.
  var shared: String {
    let lines = body.map { line -> String in
      if let command = Self.command(line) { return "```sh\n\(command)\n```" }
      return line.replacingOccurrences(of: "$ARGUMENTS", with: "(what they said with it)")
        .replacingOccurrences(
          of: "memoryd has taken one just now. Its answer:", with: "Run this first:"
        )
        .replacingOccurrences(
          of: "memoryd has written one just now. Its answer:", with: "Run this first:")
    }
    return "---\nname: memoryd-\(name)\ndescription: \(JSON.string(description).text)\n---\n"
      + "\nRun each command that stands alone in a block before you read on, and take its output for what is "
      + "recorded.\n" + lines.joined(separator: "\n") + "\n"
  }

  // MARK: Gemini CLI

  /// A command in TOML: `!{…}` is run first, `{{args}}` is what the person typed behind it.
  var toml: String {
    let lines = body.map { line -> String in
      if let command = Self.command(line) { return "!{\(command)}" }
      return line.replacingOccurrences(of: "$ARGUMENTS", with: "what stands in the tag above")
    }
    // The chat has all of this in the person's name; what they typed is told by the tag.
    return "description = \(JSON.string(description).text)\nprompt = '''\n"
      + "<memoryd-command>{{args}}</memoryd-command>\n"
      + lines.joined(separator: "\n").trimmingCharacters(in: .newlines) + "\n'''\n"
  }
}

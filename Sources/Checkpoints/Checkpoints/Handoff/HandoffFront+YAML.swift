import Core
import Syntax
import Yams

extension HandoffFront {
  /// With its lines of dashes; ends with a line feed.
  package func markdown() -> String {
    var pairs = [(Self.scalar("memoryd"), Self.scalar(Handoff.format))]
    for field in Self.fields {
      guard let value = self[keyPath: field.path] else { continue }
      pairs.append((Self.scalar(field.name), Self.scalar(value)))
    }
    let mapping = Node(pairs, Tag(.map, .basic))
    let yaml = (try? Yams.serialize(node: mapping, width: -1, allowUnicode: true)) ?? ""
    return "---\n" + yaml + "---\n"
  }

  /// Quoted unless any YAML reader takes it for the same text.
  private static func scalar(_ text: String) -> Node {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    let isPlain =
      text.utf8.first.map(Self.isLetter) ?? false
      && text.utf8.allSatisfy { isLetter($0) || "0123456789_-./".utf8.contains($0) }
      && !words.contains(text.lowercased())
    // Not the default resolver: its regular expressions take longer to make than all the rest.
    return .scalar(Node.Scalar(text, Tag(.str, .basic), isPlain ? .plain : .doubleQuoted))
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// - Parameter source: Front matter with its lines of dashes. Of what is no YAML each key that is known
  ///   counts by itself.
  package init(_ source: String) {
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
    let yaml = lines.prefix { !HandoffSource.isFence($0.utf8, ends: true) }
    guard yaml.contains(where: { !$0.trimmed.isEmpty }) else { return }
    do {
      take(try Self.compose(yaml.joined(separator: "\n"))?.mapping)
    } catch {
      var place = ""
      if case .scanner(_, _, let mark, _)? = error as? YamlError {
        place = " in line \(mark.line + 1)"
      } else if case .parser(_, _, let mark, _)? = error as? YamlError {
        place = " in line \(mark.line + 1)"
      }
      complaint = "the front matter is no valid YAML\(place): each line was read by itself"
      for key in Self.keys(of: Array(yaml)) { take(key) }
    }
  }

  /// Anchors and aliases, by which few bytes become more than a machine can hold, are no YAML here.
  private static func compose(_ yaml: String) throws -> Node? {
    func has(_ mark: UInt8) -> Bool { yaml.utf8.contains(mark) }
    if has(UInt8(ascii: "&")), has(UInt8(ascii: "*")),
      !yaml.utf8.split(separator: UInt8(ascii: "\n")).allSatisfy(isSimple)
    {
      throw YamlError.no
    }
    return try Yams.compose(yaml: yaml, .basic)
  }

  /// What YAML takes for the end of a line, or for no text.
  private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || [0x85, 0x2028, 0x2029].contains(scalar.value)
  }

  /// True for a line `key: value` whose value is plain or quoted to its end, as memoryd writes it: where all
  /// are, none can be an anchor.
  private static func isSimple(_ line: Substring.UTF8View) -> Bool {
    let value = line.drop { isLetter($0) || $0 == UInt8(ascii: "_") }
    guard value.startIndex > line.startIndex, value.starts(with: ": ".utf8),
      let first = value.dropFirst(2).first,
      !Substring(value).unicodeScalars.contains(where: isBreak)
    else { return false }
    guard first == UInt8(ascii: "\"") else { return isLetter(first) }
    var isEscaped = false
    var rest = value.dropFirst(3)
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\""), !isEscaped { return rest.isEmpty }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
    }
    return false
  }

  private static func field(
    named name: some StringProtocol
  ) -> (name: String, path: any WritableKeyPath<HandoffFront, String?> & Sendable)? {
    let name = name.lowercased()
    return fields.first { $0.name == name }
  }

  private mutating func take(_ mapping: Node.Mapping?) {
    for (name, value) in mapping ?? [:] {
      guard let name = name.scalar?.string, let field = Self.field(named: name) else { continue }
      take(Self.text(value), for: field.path)
    }
  }

  /// The first value that says something counts.
  private mutating func take(
    _ value: String?, for path: any WritableKeyPath<HandoffFront, String?> & Sendable
  ) {
    guard self[keyPath: path] == nil, let text = value?.trimmed, !text.isEmpty else { return }
    self[keyPath: path] = String(text)
  }

  /// Nil for what YAML means nothing by.
  private static func text(_ value: Node?) -> String? {
    guard let scalar = value?.scalar else { return nil }
    let isNothing = ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    return isNothing && scalar.style == .plain ? nil : scalar.string
  }

  // MARK: Line by line

  /// A key with all that stands indented below it.
  private struct Key {
    var name: String
    /// What stands behind the colon.
    var value: Substring
    var below: [Substring] = []
  }

  private static func keys(of lines: [Substring]) -> [Key] {
    func indentation(_ line: Substring) -> Int {
      line.prefix { $0 == " " || $0 == "\t" }.utf8.count
    }
    let least = lines.first { !$0.trimmed.isEmpty }.map(indentation) ?? 0
    var keys: [Key] = []
    for line in lines {
      if !line.trimmed.isEmpty, indentation(line) <= least, let key = key(line) {
        keys.append(key)
      } else if !keys.isEmpty {
        keys[keys.count - 1].below.append(line)
      }
    }
    return keys
  }

  /// One value that YAML refuses, such as a title with a colon in it, costs no other one.
  private mutating func take(_ key: Key) {
    guard let field = Self.field(named: key.name) else { return }
    // By itself it may be YAML still: quotes, escapes, remarks, lines that go on.
    let opening = "\(field.name): \(key.value)"
    for yaml in [([opening] + key.below.map { " " + $0 }).joined(separator: "\n"), opening] {
      guard let mapping = try? Self.compose(yaml)?.mapping else { continue }
      if Self.isBlock(key.value), mapping.first?.value.scalar?.string.isEmpty ?? true { continue }
      return take(Self.text(mapping.first?.value), for: field.path)
    }
    if Self.isBlock(key.value) {
      let lines = key.below.map { String($0.trimmed) }
      return take(lines.joined(separator: key.value.first == "|" ? "\n" : " "), for: field.path)
    }
    // Without a remark behind it.
    let end = key.value.firstRange(of: " # ")?.lowerBound ?? key.value.endIndex
    take(String(key.value[..<end]), for: field.path)
  }

  /// `|`, `>-`, `|2+`: the value stands in the lines below.
  private static func isBlock(_ value: Substring) -> Bool {
    let head = value.prefix { $0 != "#" }.trimmed
    return (head.first == "|" || head.first == ">")
      && head.dropFirst().allSatisfy { $0 == "+" || $0 == "-" || $0.isWholeNumber }
  }

  /// - Returns: Nil for a line that is no `name: value`.
  private static func key(_ line: Substring) -> Key? {
    guard let colon = line.firstIndex(of: ":") else { return nil }
    let value = line[colon...].dropFirst()
    guard value.first.map({ $0 == " " || $0 == "\t" }) ?? true else { return nil }
    var name = line[..<colon].trimmed
    for quote in ["\"", "'"] where name.count > 1 && name.hasPrefix(quote) && name.hasSuffix(quote)
    {
      name = name.dropFirst().dropLast()
    }
    return Key(name: String(name), value: value.trimmed)
  }

  /// True if a key stands in this line, known or not.
  package static func isKey(_ line: some StringProtocol) -> Bool {
    guard let name = key(Substring(line))?.name, !name.isEmpty else { return false }
    return name.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) }
  }
}

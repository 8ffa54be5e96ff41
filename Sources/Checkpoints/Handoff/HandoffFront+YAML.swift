import Yams

extension HandoffFront {
  /// With its lines of dashes; ends with a line feed.
  func markdown() -> String {
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

  /// - Parameter source: Front matter with its lines of dashes. Of what is no YAML each line that begins
  ///   with a known key counts by itself.
  init(_ source: String) {
    let yaml = source.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
      .prefix { $0 != "---" }.joined(separator: "\n")
    guard yaml.contains(where: { !$0.isWhitespace }) else { return }
    let node: Node?
    do {
      node = try Self.compose(yaml)
    } catch {
      takeLines(of: yaml, error)
      return
    }
    guard let mapping = node?.mapping else { return }
    for (name, value) in mapping {
      guard let field = Self.fields.first(where: { $0.name == name.scalar?.string }) else {
        continue
      }
      self[keyPath: field.path] = value.scalar?.string
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

  /// One value that YAML refuses, such as a title with a colon in it, costs no other one.
  private mutating func takeLines(of yaml: String, _ error: any Error) {
    var place = ""
    if case .scanner(_, _, let mark, _)? = error as? YamlError {
      place = " in line \(mark.line + 1)"
    } else if case .parser(_, _, let mark, _)? = error as? YamlError {
      place = " in line \(mark.line + 1)"
    }
    complaint = "the front matter is no valid YAML\(place): each line was read by itself"
    var isKnown: Set<String> = []
    for line in yaml.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = line[..<colon]
      let rest = line[colon...].dropFirst()
      guard rest.first.map({ $0 == " " || $0 == "\t" }) ?? true,
        let field = Self.fields.first(where: { $0.name == name }),
        isKnown.insert(field.name).inserted
      else { continue }
      let text = String(rest.trimmed)
      // By itself the line may be YAML still: quotes, escapes, remarks.
      if let mapping = try? Self.compose("\(name): \(text)")?.mapping {
        self[keyPath: field.path] = mapping.first?.value.scalar?.string
      } else if !text.isEmpty {
        self[keyPath: field.path] = text
      }
    }
  }
}

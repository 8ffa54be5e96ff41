import Core
import Syntax

/// What a line of Claude Code's says of itself: who wrote it, and on which line it hangs.
struct ClaudeLine {
  /// The line's id, shortened; ids are only compared.
  var mark: String
  /// Nil where the line does not say, or hangs on nothing.
  var parent: String?
  /// True if it says that it hangs on nothing: the first of a conversation, be it the host's word
  /// on a command.
  var isRoot: Bool
  /// The message of an assistant's line.
  var message: String?
  /// What the person or the agent said: the conversation moves on with it. Results of tools and the
  /// host's bookkeeping only hang on it.
  var isMove: Bool
  var isBoundary: Bool

  init(_ object: JSONValue, _ type: JSONValue) {
    mark = Self.mark(object["uuid"])
    isBoundary = type.equals("system") && object["subtype"]?.equals("compact_boundary") == true
    let isAgent = type.equals("assistant")
    let isUser = type.equals("user")
    message = isAgent ? object["message"]?["id"]?.string : nil
    var above = object["parentUuid"]
    let saysRoot = above?.isNull == true
    let isUserWord = isUser && !Self.isResult(object["message"]?["content"])
    // Where the host alone spoke, the conversation goes on with the first that hangs on it.
    isMove = isAgent || isUserWord && !(saysRoot && object["isMeta"]?.bool == true)
    if isBoundary { above = object["logicalParentUuid"] }
    let id = Self.mark(above)
    parent = id.isEmpty ? nil : id
    let isCommand = type.equals("system") && object["subtype"]?.equals("local_command") == true
    isRoot =
      saysRoot && (isUserWord || isCommand) && object["isCompactSummary"]?.bool != true
  }

  static func isResult(_ content: JSONValue?) -> Bool {
    guard let content, content.isArray else { return false }
    return content.elements.contains { $0["type"]?.equals("tool_result") == true }
  }

  /// A hash (FNV-1a, 64 bits) in base 36; empty for no id.
  private static func mark(_ value: JSONValue?) -> String {
    guard let value, value.isString, !value.rawUTF8.isEmpty else { return "" }
    let hash = FNV1a.hash(value.rawUTF8)
    return String(hash, radix: 36)
  }

  // MARK: Who wrote it

  /// Who wrote a user line or a queued command, by what the host says of it.
  static func author(of object: JSONValue) -> HostText.Author {
    for flag in [
      object["isMeta"], object["isVisibleInTranscriptOnly"], object["isCompactSummary"],
      object["turnCompanion"],
    ] where flag?.bool == true { return .other }
    let source = object["promptSource"]
    if let kind = object["origin"]?["kind"], kind.isString {
      guard isPerson(kind) else { return .other }
      return source?.equals("sdk") == true || source?.equals("system") == true ? .person : .typed
    }
    if let type = object["userType"], type.isString, isOther(type) { return .other }
    guard let source, source.isString else { return .unsaid }
    if source.equals("system") { return .other }
    return source.equals("sdk") ? .unsaid : .typed
  }

  /// Who wrote a queued command, by what it and the line around it say.
  static func author(of command: JSONValue, within line: JSONValue) -> HostText.Author {
    let own = author(of: command)
    let around = author(of: line)
    if own == .other || around == .other { return .other }
    return own == .unsaid ? around : own
  }

  private static func isPerson(_ kind: JSONValue) -> Bool {
    kind.equals("human") || kind.equals("user") || kind.equals("cli")
  }

  private static func isOther(_ userType: JSONValue) -> Bool {
    userType.equals("agent") || userType.equals("system") || userType.equals("teammate")
      || userType.equals("tool") || userType.equals("assistant")
  }
}

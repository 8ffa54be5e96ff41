public import Core
import MemoryStore
public import Redaction
import Syntax

// Which format a file has, and who reads it. Apart from the format itself, which every reader names.
extension TranscriptFormat {
  /// - Parameter digest: Of what was read of the file before; where nothing was, the file's first
  ///   line of a conversation tells.
  /// - Returns: Nil if there is none: nothing but bookkeeping and damage.
  /// - Throws: ``StoreError`` `invalid` for a file of something else.
  public static func of(
    _ reader: TranscriptReader, digest: SessionDigest
  ) throws(StoreError) -> TranscriptFormat? {
    guard reader.readsAnew else { return Self(digest) }
    var found: TranscriptFormat?
    var isForeign = false
    _ = try TranscriptReader(path: reader.path, known: nil).read(until: { found != nil }) {
      object, _ in
      guard found == nil else { return }
      if isClaude(object) {
        found = .claude
      } else if isCodex(object) {
        found = .codex
      } else if isGemini(object) {
        found = .gemini
      } else if isCursor(object) {
        found = .cursor
      } else if object["type"]?.isString != true
        || ["message", "content", "messages"].contains(where: { object[$0] != nil })
      {
        isForeign = true
      }
    }
    if found == nil, isForeign { throw foreign }
    return found
  }

  private static func isClaude(_ object: JSONValue) -> Bool {
    guard let type = object["type"] else { return false }
    let isConversation =
      type.equals("user") || type.equals("assistant") || type.equals("system")
      || type.equals("attachment") || type.equals("progress")
      || type.equals("queue-operation") && object["content"] != nil
    return isConversation
      && (object["sessionId"] != nil || object["uuid"] != nil
        || object["message"]?.isObject == true)
  }

  /// In an envelope; before it came about the items stood for themselves, behind a line with an id.
  private static func isCodex(_ object: JSONValue) -> Bool {
    guard let type = object["type"] else {
      return object["record_type"] != nil
        || object["id"]?.isString == true && object["timestamp"] != nil
          && (object["instructions"] != nil || object["git"] != nil)
    }
    if object["payload"]?.isObject == true { return true }
    return type.equals("message") && object["role"] != nil && object["content"] != nil
      || type.equals("function_call") || type.equals("function_call_output")
      || type.equals("local_shell_call") || type.equals("reasoning")
  }

  /// The head of a chat, with all messages behind it in the older form, or a message.
  private static func isGemini(_ object: JSONValue) -> Bool {
    guard let type = object["type"] else {
      return object["sessionId"]?.isString == true
        && (object["projectHash"]?.isString == true || object["messages"]?.isArray == true)
    }
    return (type.equals("user") || type.equals("gemini")) && object["id"]?.isString == true
      && object["content"] != nil
  }

  private static func isCursor(_ object: JSONValue) -> Bool {
    object["type"] == nil && object["message"]?["content"] != nil
      && (object["role"]?.equals("user") == true || object["role"]?.equals("assistant") == true)
  }

  /// - Parameters:
  ///   - digest: Of the lines before, for the same file.
  ///   - reader: Of the file; what it knows of it besides the lines is told to the transcript.
  public func transcript(
    digest: SessionDigest, redactor: Redactor, of reader: TranscriptReader? = nil
  ) -> any AgentTranscript {
    var transcript: any AgentTranscript =
      switch self {
      case .claude: ClaudeTranscript(digest: digest, redactor: redactor)
      case .codex: CodexTranscript(digest: digest, redactor: redactor)
      case .gemini: GeminiTranscript(digest: digest, redactor: redactor)
      case .cursor: CursorTranscript(digest: digest, redactor: redactor)
      }
    if let reader {
      transcript.fileTime = reader.modified
      transcript.fileID = id(inNameOf: reader.path)
    }
    return transcript
  }

  /// A UUID at the end of a file's name: all of it with Claude Code, behind the time with Codex. With
  /// Cursor, whose lines never name the session, the name as it is.
  private func id(inNameOf path: String) -> SessionID? {
    let name = path.split(separator: "/").last ?? ""
    guard name.hasSuffix(".jsonl") else { return nil }
    if self == .cursor { return SessionID(String(name.dropLast(".jsonl".count))) }
    let id = name.dropLast(".jsonl".count).suffix(36)
    guard id.utf8.count == 36,
      id.utf8.enumerated().allSatisfy({ index, byte in
        [8, 13, 18, 23].contains(index)
          ? byte == UInt8(ascii: "-")
          : (48...57).contains(byte) || (97...102).contains(byte | 0x20)
      })
    else { return nil }
    return SessionID(rawValue: String(id))
  }
}

import CCmark
import Core
import Syntax

/// A CommonMark tree of cmark's, which ends with the last reference to it.
package final class MarkdownTree {
  typealias Node = OpaquePointer

  let root: Node

  /// An empty document, to be filled and rendered.
  init() { root = cmark_node_new(CMARK_NODE_DOCUMENT) }

  /// - Parameter text: Read as CommonMark; any text is a document.
  init(parsing text: String) {
    var text = MarkdownBounds.bounded(text)
    root = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        cmark_parse_document(characters.baseAddress, characters.count, CMARK_OPT_DEFAULT)
      }
    }
  }

  deinit { cmark_node_free(root) }

  // MARK: Reading

  static func children(of node: Node) -> some Sequence<Node> {
    sequence(first: cmark_node_first_child(node), next: { cmark_node_next($0) })
      .lazy.map { $0 }.prefix { $0 != nil }.map { $0! }
  }

  static func type(of node: Node) -> cmark_node_type { cmark_node_get_type(node) }

  static func literal(of node: Node) -> String {
    cmark_node_get_literal(node).map { String(cString: $0) } ?? ""
  }

  /// The lines of a block, from 0.
  ///
  /// - Parameter lines: Of the whole source.
  static func lines(of node: Node, in lines: [Substring]) -> Range<Int> {
    let first = min(lines.count, max(0, Int(cmark_node_get_start_line(node)) - 1))
    var end = min(lines.count, max(first + 1, Int(cmark_node_get_end_line(node))))
    if type(of: node) == CMARK_NODE_HEADING, end > first + 1 {
      // cmark counts the line behind an underlined heading as a part of it.
      let underline = lines[(first + 1)..<end].firstIndex { line in
        let text = line.trimmed
        return !text.isEmpty && (text.allSatisfy { $0 == "=" } || text.allSatisfy { $0 == "-" })
      }
      end = underline.map { $0 + 1 } ?? end
    }
    return first..<max(first, end)
  }

  /// What a reader sees, without marks; line breaks stay.
  static func plainText(of node: Node) -> String {
    var text = ""
    guard let iterator = cmark_iter_new(node) else { return text }
    defer { cmark_iter_free(iterator) }
    while true {
      let event = cmark_iter_next(iterator)
      if event == CMARK_EVENT_DONE { return text }
      guard event == CMARK_EVENT_ENTER, let current = cmark_iter_get_node(iterator) else {
        continue
      }
      switch cmark_node_get_type(current) {
      case CMARK_NODE_TEXT, CMARK_NODE_CODE, CMARK_NODE_HTML_INLINE, CMARK_NODE_HTML_BLOCK,
        CMARK_NODE_CODE_BLOCK:
        text += literal(of: current)
      case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: text += "\n"
      case CMARK_NODE_PARAGRAPH where !text.isEmpty && !text.hasSuffix("\n"): text += "\n"
      default: break
      }
    }
  }

  // MARK: Building

  @discardableResult
  static func append(_ type: cmark_node_type, to parent: Node) -> Node {
    let node: Node = cmark_node_new(type)
    cmark_node_append_child(parent, node)
    return node
  }

  func appendHeading(_ level: Int32) -> Node {
    let heading = Self.append(CMARK_NODE_HEADING, to: root)
    cmark_node_set_heading_level(heading, level)
    return heading
  }

  func appendList() -> Node {
    let list = Self.append(CMARK_NODE_LIST, to: root)
    cmark_node_set_list_type(list, CMARK_BULLET_LIST)
    cmark_node_set_list_tight(list, 1)
    return list
  }

  /// The paragraph of a new item.
  static func appendItem(to list: Node) -> Node {
    append(CMARK_NODE_PARAGRAPH, to: append(CMARK_NODE_ITEM, to: list))
  }

  static func appendLiteral(_ type: cmark_node_type, _ text: String, to parent: Node) {
    let node = append(type, to: parent)
    cmark_node_set_literal(node, text)
  }

  /// What goes into the document as it stands.
  static func appendMarkup(_ markup: String, to parent: Node) {
    let node = append(CMARK_NODE_CUSTOM_INLINE, to: parent)
    cmark_node_set_on_enter(node, markup)
  }

  /// Text that is read back as it is, whatever it holds but NUL, CR, U+FFFE and U+FFFF: cmark escapes what is
  /// markup; blanks at the ends of lines, empty lines, and what drives terminals or turns the reading
  /// direction around become character references.
  static func appendText(_ text: String, to parent: Node, onOneLine: Bool = false) {
    if isPlain(text) { return appendLiteral(CMARK_NODE_TEXT, text, to: parent) }
    var run = ""
    func flush() {
      guard !run.isEmpty else { return }
      appendLiteral(CMARK_NODE_TEXT, run, to: parent)
      run = ""
    }
    func reference(_ scalar: Unicode.Scalar) {
      flush()
      appendMarkup("&#\(scalar.value);", to: parent)
    }
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      // Of any script: next to one, two stars do not begin or end strong text.
      let first = line.firstIndex { !$0.properties.isWhitespace } ?? line.endIndex
      let last = line.lastIndex { !$0.properties.isWhitespace } ?? line.startIndex
      // cmark's writer leaves a fence of tildes as it is.
      let isFence = line[first...].starts(with: "~~~".unicodeScalars)
      for index in line.indices {
        let scalar = line[index]
        if index < first || index > last || Markdown.isControl(scalar)
          || (isFence && index == first)
        {
          reference(scalar)
        } else {
          run.unicodeScalars.append(scalar)
        }
      }
      guard number + 1 < lines.count else { break }
      if onOneLine || lines[number + 1].isEmpty {
        reference("\n")
      } else {
        flush()
        append(CMARK_NODE_SOFTBREAK, to: parent)
      }
    }
    flush()
  }

  /// True for a line of ASCII that cmark's writer escapes as it should: most of all text.
  private static func isPlain(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      guard let first = bytes.first, let last = bytes.last else { return false }
      return first != 0x20 && first != UInt8(ascii: "~") && last != 0x20
        && bytes.allSatisfy { (0x20..<0x7F).contains($0) }
    }
  }

  // MARK: Writing

  /// CommonMark, lines as they are.
  func commonMark() -> String { Self.take(cmark_render_commonmark(root, CMARK_OPT_DEFAULT, 0)) }

  /// HTML without raw HTML and without dangerous links.
  func html() -> String { Self.take(cmark_render_html(root, CMARK_OPT_DEFAULT)) }

  private static func take(_ text: UnsafeMutablePointer<CChar>?) -> String {
    guard let text else { return "" }
    defer { cmark_get_default_mem_allocator().pointee.free(text) }
    return String(cString: text)
  }
}

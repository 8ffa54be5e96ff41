import CCmark
import Core

/// Markdown of somebody's that becomes a part of a document.
enum HandoffNote {
  /// The text, so that it stays within its section: headings are of the third level at the highest,
  /// and no block is left open.
  static func contained(_ text: String) -> String {
    let clean = HandoffSource.withoutBlankEdges(HandoffSource.lineFeeds(text))
    guard !clean.isEmpty else { return "" }
    let lowered = withLowHeadings(clean)
    for end in ["", "\n```", "\n~~~", "\n-->", "\n?>", "\n]]>", "\n</pre>", "\n</script>"] {
      let candidate = lowered + end
      if isClosed(candidate) { return candidate }
    }
    // Whatever it is, as text it does no harm.
    let tree = MarkdownTree()
    MarkdownTree.appendText(clean, to: MarkdownTree.append(CMARK_NODE_PARAGRAPH, to: tree.root))
    return HandoffSource.withoutBlankEdges(tree.commonMark())
  }

  /// True if what follows the text is read as it stands.
  private static func isClosed(_ text: String) -> Bool {
    let tree = MarkdownTree(parsing: text + "\n\n### end\n\nof it\n")
    var isHeading = false
    for node in MarkdownTree.children(of: tree.root) {
      switch MarkdownTree.type(of: node) {
      case CMARK_NODE_HEADING:
        if cmark_node_get_heading_level(node) < 3 { return false }
        isHeading = MarkdownTree.plainText(of: node) == "end"
      case CMARK_NODE_PARAGRAPH where isHeading && MarkdownTree.plainText(of: node) == "of it":
        return cmark_node_next(node) == nil
      default: isHeading = false
      }
    }
    return false
  }

  private static func withLowHeadings(_ text: String) -> String {
    let source = text.split(separator: "\n", omittingEmptySubsequences: false)
    var lines = source.map { Optional($0) }
    let tree = MarkdownTree(parsing: text)
    for node in MarkdownTree.children(of: tree.root)
    where MarkdownTree.type(of: node) == CMARK_NODE_HEADING
      && cmark_node_get_heading_level(node) < 3
    {
      let own = MarkdownTree.lines(of: node, in: source)
      guard let first = own.first else { continue }
      lines[first] = Substring("### " + HeadingSource.text(of: source[own]))
      for line in own.dropFirst() { lines[line] = nil }
    }
    return lines.compactMap(\.self).joined(separator: "\n")
  }
}

import CCmark
import MemoryStore
import Syntax

/// Reads what people wrote for what it holds: headings say what a list, a table or a paragraph below
/// them is about.
enum HandoffReader {
  /// - Parameter source: A part of a document, as it stands.
  static func read(_ source: String, into contents: inout Handoff.Contents) {
    let tree = MarkdownTree(parsing: source)
    let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
    let blocks = Array(MarkdownTree.children(of: tree.root))
    let headings = blocks.indices.filter {
      MarkdownTree.type(of: blocks[$0]) == CMARK_NODE_HEADING
    }
    let begins = (headings.first == 0 ? [] : [-1]) + headings
    var notes: [Substring] = []
    for (number, begin) in begins.enumerated() {
      let end = number + 1 < begins.count ? begins[number + 1] : blocks.count
      let heading = begin < 0 ? nil : blocks[begin]
      guard let topic = heading.flatMap({ HandoffTopic(heading: MarkdownTree.plainText(of: $0)) })
      else {
        // Whole, as cmark's tree lacks what it takes for definitions of links.
        var first = heading.map { MarkdownTree.lines(of: $0, in: lines).lowerBound } ?? 0
        // The document's own title is the objective.
        if number == 0, let heading, cmark_node_get_heading_level(heading) == 1 {
          first = MarkdownTree.lines(of: heading, in: lines).upperBound
        }
        let last =
          end < blocks.count
          ? MarkdownTree.lines(of: blocks[end], in: lines).lowerBound : lines.count
        notes +=
          lines[min(first, lines.count)..<max(min(first, lines.count), min(last, lines.count))]
        continue
      }
      for block in blocks[(begin + 1)..<end]
      where !take(block, own(block, lines), topic, &contents) {
        notes += own(block, lines) + [""]
      }
    }
    let text = HandoffSource.withoutBlankEdges(notes.joined(separator: "\n"))
    if !text.isEmpty { contents.notes.append(text) }
  }

  /// The lines of a block.
  private static func own(_ block: MarkdownTree.Node, _ lines: [Substring]) -> ArraySlice<Substring>
  {
    lines[MarkdownTree.lines(of: block, in: lines)]
  }

  /// - Returns: False if the block says nothing about the topic.
  private static func take(
    _ block: MarkdownTree.Node, _ lines: ArraySlice<Substring>, _ topic: HandoffTopic,
    _ contents: inout Handoff.Contents
  ) -> Bool {
    guard topic != .notes else { return false }
    switch MarkdownTree.type(of: block) {
    case CMARK_NODE_LIST:
      for item in MarkdownTree.children(of: block) { take(item: item, topic, &contents) }
    case CMARK_NODE_PARAGRAPH:
      if let table = MarkdownTable(lines) {
        for row in table.rows {
          let text = row.filter { !$0.isEmpty }.joined(separator: ": ")
          if !text.isEmpty { add(text, topic, &contents) }
        }
      } else {
        add(HandoffItem(block), topic, &contents)
      }
    default: return false
    }
    return true
  }

  /// An item, and those below it as items of their own.
  private static func take(
    item: MarkdownTree.Node, _ topic: HandoffTopic, _ contents: inout Handoff.Contents
  ) {
    // Deep lists are flattened without recursion, which hostile text could drive too far.
    var waiting = [item]
    while let node = waiting.popLast() {
      switch MarkdownTree.type(of: node) {
      case CMARK_NODE_PARAGRAPH: add(HandoffItem(node), topic, &contents)
      case CMARK_NODE_CODE_BLOCK: add(MarkdownTree.literal(of: node), topic, &contents)
      // With what stands below it.
      case CMARK_NODE_ITEM where isDropped(node): break
      case CMARK_NODE_LIST, CMARK_NODE_ITEM, CMARK_NODE_BLOCK_QUOTE:
        waiting += Array(MarkdownTree.children(of: node)).reversed()
      default: break
      }
    }
  }

  private static func isDropped(_ item: MarkdownTree.Node) -> Bool {
    guard let first = cmark_node_first_child(item),
      MarkdownTree.type(of: first) == CMARK_NODE_PARAGRAPH
    else { return false }
    return HandoffItem(first).isDropped
  }

  private static func add(
    _ item: HandoffItem, _ topic: HandoffTopic, _ contents: inout Handoff.Contents
  ) {
    let step = item.step
    guard !step.text.isEmpty, !item.isDropped else { return }
    switch topic {
    // What is ticked off in a list of things to do was done.
    case .next where step.isDone, .done: contents.done.append(step.text)
    case .next: contents.next.append(step)
    case .openTasks: contents.openTasks.append(item.task)
    case .decisions: contents.decisions.append(item.decision)
    // One that is ticked is in nobody's way any more.
    case .blockers where step.isDone: break
    case .blockers: contents.blockers += Blockers.named([step.text])
    case .files: contents.files.append(item.file)
    case .commits: contents.commits.append(item.commit)
    case .notes: break
    }
  }

  private static func add(
    _ text: String, _ topic: HandoffTopic, _ contents: inout Handoff.Contents
  ) {
    let text = String(text.trimmed)
    guard !text.isEmpty else { return }
    switch topic {
    case .done: contents.done.append(text)
    case .next: contents.next.append(Handoff.Step(text))
    case .openTasks: contents.openTasks.append(Handoff.Task(text))
    case .decisions: contents.decisions.append(Handoff.Decision(text))
    case .blockers: contents.blockers += Blockers.named([text])
    case .files: contents.files.append(Handoff.File(text))
    case .commits: contents.commits.append(Handoff.Commit(text, subject: ""))
    case .notes: break
    }
  }
}

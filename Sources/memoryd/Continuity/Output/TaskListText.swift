import Checkpoints
package import MemoryStore
import Syntax

/// Tasks as Markdown, for people and for agents alike.
package enum TaskListText {
  /// - Returns: vault-mcp's form: a list under a heading for each project.
  package static func markdown(_ tasks: [TaskRecord]) -> String {
    var projects: [String] = []
    for task in tasks where !projects.contains(task.project) { projects.append(task.project) }
    return projects.map { project in
      "## \(Markdown.text(project))\n"
        + tasks.filter { $0.project == project }.map { task in
          let context = task.context.map { " — \(Markdown.text($0.oneLine))" } ?? ""
          return
            "- [\(task.status == .done ? "x" : " ")] \(Markdown.text(task.title.oneLine))"
            + "\(context) `\(task.id)`\n"
        }.joined()
    }.joined(separator: "\n")
  }
}

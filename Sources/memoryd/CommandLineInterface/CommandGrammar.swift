import ArgumentParser

/// The command tree, for what has to judge whether memoryd would understand a command line without
/// being above the tree: the installers, which are themselves commands of it.
enum CommandGrammar {
  /// Bound by ``Engine/run(_:)``; nil outside of it.
  @TaskLocal static var root: (any ParsableCommand.Type)?
}

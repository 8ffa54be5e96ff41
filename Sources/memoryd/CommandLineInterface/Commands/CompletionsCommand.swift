import ArgumentParser
import Continuity

struct CompletionsCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Prints a completion script for bash, zsh or fish.",
    discussion: """
      bash: memoryd completions bash > ~/.local/share/bash-completion/completions/memoryd
      zsh:  memoryd completions zsh > "${fpath[1]}/_memoryd"
      fish: memoryd completions fish > ~/.config/fish/completions/memoryd.fish
      """)

  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish
  }

  @Argument(help: "bash, zsh or fish.") var shell: Shell

  func run(_ invocation: Invocation) throws -> Outcome {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    return Outcome(output: Memoryd.completionScript(for: kind) + "\n")
  }
}

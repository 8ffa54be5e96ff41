import Syntax

/// What a command line does, without the wrapping: `cd`, pipes into viewers and redirections are
/// dropped, and so are utilities that only look (reference: recovery-findings,
/// finding 7).
struct ShellCommand: Equatable {
  /// Program and subcommand: what makes two runs the same command.
  var key: String
  /// The whole simple command with the variables that it was given and its arguments.
  var text: String

  var program: String { key.split(separator: " ").first.map(String.init) ?? "" }

  /// The commands of a line that are worth running again, in order.
  static func commands(in line: String) -> [ShellCommand] {
    split(line).compactMap { words in
      var words = words[...]
      var variables: [String] = []
      while let first = words.first, isAssignment(first) || prefixes.contains(first) {
        words.removeFirst()
        if isAssignment(first) { variables.append(assigned(first)) }
        if first == "timeout" || first == "nice" {
          while let next = words.first, next.hasPrefix("-") || next.first?.isNumber == true {
            words.removeFirst()
          }
        }
      }
      guard let program = words.first, !utilities.contains(program),
        program.first?.isLetter == true || program.hasPrefix(".") || program.hasPrefix("/")
          || program.hasPrefix("~")
      else { return nil }
      var arguments = Array(words.dropFirst())
      // Where git runs says nothing about what it does.
      while program == "git", arguments.count > 2, ["-C", "-c"].contains(arguments[0]) {
        arguments.removeFirst(2)
      }
      let plain = arguments.filter { !$0.hasPrefix("-") && !$0.utf8.contains(UInt8(ascii: " ")) }
      if program == "git", let verb = plain.first, gitVerbs.contains(verb) { return nil }
      var key = [program.split(separator: "/").last.map(String.init) ?? program]
      if let module = arguments.first, module == "-m", arguments.count > 1 {
        key += [module, arguments[1]]
      } else if let verb = plain.first, verb.utf8.count <= 40 {
        key.append(verb)
        // `npm run test` and `npm run lint` are two commands.
        if runners.contains(verb), plain.count > 1, plain[1].utf8.count <= 40 {
          key.append(plain[1])
        }
      }
      return ShellCommand(
        key: key.joined(separator: " "),
        // Without its variables it may well do something else.
        text: (variables + words.map(quoted)).joined(separator: " "))
    }
  }

  private static func assigned(_ word: String) -> String {
    guard let equals = word.firstIndex(of: "=") else { return word }
    return word[...equals] + quoted(String(word[word.index(after: equals)...]))
  }

  private static func quoted(_ word: String) -> String {
    word.isEmpty || word.utf8.contains(where: ASCII.isSpace) ? "\"\(word)\"" : word
  }

  /// Every word of a command line that could name a file.
  static func words(in line: String) -> [String] { split(line).flatMap { $0 } }

  /// Splits into simple commands of words. Quotes keep a word together; redirections,
  /// here-documents and comments are left out.
  private static func split(_ line: String) -> [[String]] {
    var result: [[String]] = []
    var words: [String] = []
    var word: [UInt8] = []
    var quote: UInt8?
    var isRedirection = false
    var isQuoted = false
    let bytes = Array(line.utf8.prefix(4096))
    var index = 0
    func endWord() {
      if !word.isEmpty || isQuoted {
        let text = String(decoding: word, as: UTF8.self)
        if isRedirection { isRedirection = false } else { words.append(text) }
      }
      word = []
      isQuoted = false
    }
    func endCommand() {
      endWord()
      isRedirection = false
      if !words.isEmpty { result.append(words) }
      words = []
    }
    scan: while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if let open = quote {
        if byte == open {
          quote = nil
        } else {
          word.append(byte)
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        quote = byte
        isQuoted = true
      case UInt8(ascii: "\\"):
        if index < bytes.count, bytes[index] != 0x0A { word.append(bytes[index]) }
        index += 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"):
        endWord()
      case UInt8(ascii: "#") where word.isEmpty && !isQuoted:
        while index < bytes.count, bytes[index] != 0x0A { index += 1 }
      case 0x0A, UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "("),
        UInt8(ascii: ")"):
        if byte == UInt8(ascii: "&"), isRedirection { continue }
        if byte == UInt8(ascii: "("), word.last == UInt8(ascii: "$") {
          // A substitution inside a word: what follows is too clever to take apart.
          endCommand()
          break scan
        }
        endCommand()
      case UInt8(ascii: "<") where index < bytes.count && bytes[index] == UInt8(ascii: "<"):
        // The rest is a here-document.
        endCommand()
        break scan
      case UInt8(ascii: ">"), UInt8(ascii: "<"):
        if word.allSatisfy({ (48...57).contains($0) }) { word = [] }
        endWord()
        while index < bytes.count, bytes[index] == UInt8(ascii: ">") { index += 1 }
        isRedirection = true
      default:
        word.append(byte)
      }
    }
    endCommand()
    return result
  }

  private static func isAssignment(_ word: String) -> Bool {
    guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return false }
    return word[..<equals].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  private static let prefixes: Set<String> = [
    "sudo", "time", "env", "command", "exec", "nohup", "timeout", "nice", "do", "then", "else",
    "if", "while", "!", "{",
  ]

  private static let utilities: Set<String> = [
    "cd", "ls", "cat", "grep", "egrep", "rg", "sed", "awk", "head", "tail", "find", "echo",
    "printf", "pwd", "wc", "sort", "uniq", "cut", "tr", "tee", "xargs", "sleep", "true", "false",
    "export", "set", "unset", "source", ".", "mkdir", "rm", "cp", "mv", "touch", "chmod", "which",
    "type", "test", "[", "[[", "for", "done", "fi", "case", "esac", "read", "exit", "return",
    "diff", "less", "more", "file", "stat", "du", "df", "date", "kill", "pkill", "ps", "tree",
    "basename", "dirname", "realpath", "jq", "yes", "seq", "wait", "}", "function", "local",
    "trap", "open", "column", "od", "xxd", "base64", "id", "whoami", "hostname", "uname",
  ]

  private static let runners: Set<String> = [
    "run", "exec", "pr", "issue", "repo", "workflow", "release", "compose", "tool", "x", "task",
  ]

  private static let gitVerbs: Set<String> = [
    "status", "diff", "log", "show", "add", "commit", "branch", "checkout", "push", "pull",
    "fetch", "stash", "reset", "rev-parse", "remote", "restore", "switch", "merge", "rebase",
    "check-ignore", "ls-tree", "describe", "reflog", "grep", "worktree", "for-each-ref", "init",
    "blame", "ls-files", "config", "rev-list", "cat-file", "rm", "mv", "tag", "cherry-pick",
  ]
}

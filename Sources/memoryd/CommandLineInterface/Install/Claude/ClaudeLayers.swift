import Continuity
import Foundation
import Git

/// The settings of Claude Code that hold in a folder: the person's, then the folder's, then those of
/// whoever manages the machine. What stands in a later one wins.
struct ClaudeLayers {
  struct Layer {
    var path: String
    var text: JSONText
    /// A repository's: what it names is not run, whoever wrote it.
    var isRepositorys = false
    var isManaged = false
  }

  private(set) var all: [Layer] = []
  /// The folder's files that are no JSON.
  private(set) var broken: [String] = []
  /// The folder and the top of its repository.
  let folders: [String]

  #if os(macOS)
    private static let managed = "/Library/Application Support/ClaudeCode/managed-settings.json"
  #else
    private static let managed = "/etc/claude-code/managed-settings.json"
  #endif

  init(_ files: ClaudeFiles, _ settings: JSONText?, _ service: MemoryService) {
    let root = service.repositories.here?.root
    folders =
      root == nil || root == service.context.cwd
      ? [service.context.cwd] : [root ?? "", service.context.cwd]
    if let settings { all.append(Layer(path: files.settings, text: settings)) }
    // In the home folder the folder's settings are the person's.
    var seen: Set = [Self.real(files.settings)]
    for name in ["settings.json", "settings.local.json"] {
      for path in folders.map({ $0 + "/.claude/" + name })
      where seen.insert(Self.real(path)).inserted {
        do {
          if let text = try SettingsFile.read(path).text {
            all.append(Layer(path: path, text: text, isRepositorys: true))
          }
        } catch {
          broken.append(path)
        }
      }
    }
    if let text = (try? SettingsFile.read(Self.managed).text) ?? nil {
      all.append(Layer(path: Self.managed, text: text, isManaged: true))
    }
  }

  private static func real(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }

  /// The value that holds, and the file that says it.
  func value(_ keys: String...) -> (value: JSONText.Node, layer: Layer)? {
    for layer in all.reversed() {
      var node: JSONText.Node? = layer.text.root
      for key in keys { node = node?[key] }
      if let node { return (node, layer) }
    }
    return nil
  }

  func isOn(_ keys: String...) -> Bool {
    for layer in all.reversed() {
      var node: JSONText.Node? = layer.text.root
      for key in keys { node = node?[key] }
      if let node { return layer.text.isTrue(node) }
    }
    return false
  }

  /// True if one file has this name in a list that every file may add to.
  func lists(_ name: String, in key: String) -> Bool {
    all.contains { layer in
      layer.text.root[key]?.elements?.contains { $0.string == name } ?? false
    }
  }
}
